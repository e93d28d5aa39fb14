import { repairResult } from './repair.ts';
import type { RepairOutcome } from './repair.ts';
import { count, textTable } from './text-table.ts';
import { visible } from './visible.ts';

const SAYS = {
  nothing: 'nothing to repair',
  'dry run': 'nothing was done: give --yes to have the Mirror do this',
  repaired:
    'repaired: every one of these rows is the same in both databases now; a full crossfade compare opens the gates',
  remains: 'NOT ALL REPAIRED: see what remains',
  inconclusive: 'handed to the Mirror, but not every row could be looked at again',
} as const;

/** A repair as a person reads it: what there was to do, by table, what remains, and what to do about that. */
export function repairText(outcome: RepairOutcome): string {
  const { isDryRun, tables, notRepaired, leftOff, reasons } = outcome;
  const number = (value: number): string => (value === 0 ? '–' : count(value));
  const header = isDryRun
    ? ['table', 'to copy', 'to remove']
    : ['table', 'copied', 'removed', 'remain', 'in quarantine', 'inconclusive'];
  const body = tables.map(({ table, before, after }) => [
    table,
    number(before.missing + before.differing),
    number(before.extra),
    ...(after === null
      ? []
      : [number(after.missing + after.extra + after.differing), number(after.quarantined), number(after.inconclusive)]),
  ]);
  const rest = [
    ...reasons.map((reason) => `could not tell: ${reason}`),
    ...(notRepaired === 0
      ? []
      : [`${count(notRepaired)} differences are not for the Mirror to mend: the report says what to do`]),
    ...(leftOff === 0
      ? []
      : [`${count(leftOff)} more rows differ than one repair takes: run it again, or crossfade backfill --reconcile`]),
  ];
  const blocks = [tables.length === 0 ? [] : textTable(header, body), rest, [SAYS[repairResult(outcome)]]];
  const text = blocks.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return visible(text.join('\n\n'));
}
