import { countOf, DIVERGENCE_CLASSES } from './divergence.ts';
import type { Divergence, DivergenceClass, DivergenceReport, DivergenceTotals } from './divergence.ts';
import type { Counts } from './report.ts';
import { span } from './span.ts';
import { count, textTable } from './text-table.ts';
import { visible } from './visible.ts';

/**
 * The report as a person reads it in a terminal: a verdict, counts by table, the differences by class with what would mend
 * them, and what could not be told.
 */
export function divergenceText(report: DivergenceReport): string {
  const blocks = [
    [verdict(report), scope(report)],
    countsTable(report),
    ...DIVERGENCE_CLASSES.map((kind) => classLines(report, kind)),
    report.reasons.map((reason) => `could not tell: ${reason}`),
    advice(report),
  ];
  const text = blocks.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return visible(text.join('\n\n'));
}

function verdict({ outcome, totals }: DivergenceReport): string {
  switch (outcome) {
    case 'match':
      return totals.schemaWarnings === 0 ? 'match: no difference' : 'match: no difference in rows; the schemas differ';
    case 'mismatch':
      return `MISMATCH: ${summary(totals)}`;
    case 'inconclusive':
      return 'inconclusive: no difference for certain, but not everything could be told';
  }
}

/** `3 missing, 1 differing`. */
export function summary(totals: DivergenceTotals): string {
  const parts = DIVERGENCE_CLASSES.map((kind) => {
    const found = kind === 'schema drift' ? totals.schemaDrift : countOf(totals, kind);
    return found === 0 ? '' : `${count(found)} ${found === 1 ? ONE[kind] : SEVERAL[kind]}`;
  });
  return parts.filter((part) => part !== '').join(', ');
}

const ONE: Readonly<Record<DivergenceClass, string>> = {
  missing: 'missing',
  extra: 'extra',
  differing: 'differing',
  quarantined: 'in quarantine',
  'sequence behind': 'sequence behind',
  'schema drift': 'in the schema',
};

const SEVERAL: typeof ONE = { ...ONE, 'sequence behind': 'sequences behind' };

const MODES: Readonly<Record<DivergenceReport['mode'], string>> = {
  full: 'whole tables',
  sample: 'a sample',
  where: 'some ranges',
  incremental: 'what has changed, and a rolling share of the rest',
};

/** What was compared: `1,000 rows of 3 tables in 1.2 s (833 rows/s): whole tables; sqlite is the primary`. */
export function scope({
  totals,
  tables,
  durationSeconds,
  rowsPerSecond,
  mode,
  fullBecause,
  primary,
}: DivergenceReport): string {
  const rows = `${count(totals.rowsCompared)} ${totals.rowsCompared === 1 ? 'row' : 'rows'} in ${tables.length} ${tables.length === 1 ? 'table' : 'tables'} in ${span(durationSeconds)} (${count(rowsPerSecond)} rows/s)`;
  const because = fullBecause === null ? '' : `, since ${fullBecause}`;
  return `${rows}: ${MODES[mode]}${because}; ${primary ?? 'no store'} is the primary`;
}

const COLUMNS = [
  ['rows', 'rowsCompared'],
  ['missing', 'missing'],
  ['extra', 'extra'],
  ['differing', 'differing'],
  ['quarantined', 'quarantined'],
  ['inconclusive', 'inconclusive'],
] as const satisfies readonly (readonly [string, keyof Counts])[];

function countsTable({ tables, totals }: DivergenceReport): readonly string[] {
  if (tables.length === 0) return [];
  const cells = (counts: Counts): string[] =>
    COLUMNS.map(([, field]) => (counts[field] === 0 ? '–' : count(counts[field])));
  const body = tables.map((table) => [
    table.isComplete ? table.table : `${table.table} (not finished)`,
    ...cells(table),
  ]);
  const sum = tables.length > 1 ? [['all tables', ...cells(totals)]] : [];
  return textTable(['table', ...COLUMNS.map(([title]) => title)], [...body, ...sum]);
}

function classLines({ differences, totals, startedAt }: DivergenceReport, kind: DivergenceClass): readonly string[] {
  const own = differences.filter((one) => one.class === kind);
  const all = countOf(totals, kind);
  if (own.length === 0 && all === 0) return [];
  const more = all > own.length ? [`  … and ${count(all - own.length)} more`] : [];
  return [`${kind} (${count(all)})`, ...own.flatMap((one) => differenceLines(one, startedAt)), ...more];
}

function differenceLines(one: Divergence, startedAt: string): readonly string[] {
  const columns = one.columns.length === 0 ? '' : ` (${one.columns.join(', ')})`;
  const where = `${one.table}${one.key === null ? '' : ` ${one.key}`}${columns}`;
  const age = one.firstSeenAt >= startedAt ? '' : `, for ${span(one.ageSeconds)}`;
  const warning = one.severity === 'warning' ? 'warning: ' : '';
  const reason = one.reason === null ? '' : `: ${one.reason}`;
  const values = one.values ?? [];
  return [
    `  ${warning}${where}${reason}${age}`,
    ...values.map(({ column, sqlite, postgres }) => `      ${column}: sqlite ${sqlite}, postgres ${postgres}`),
    ...[one.mend.statement, one.mend.advice].filter((line) => line !== null).map((line) => `      → ${line}`),
  ];
}

function advice({ differences, differencesLeftOff, byHand }: DivergenceReport): readonly string[] {
  const tables = new Set(differences.filter(({ mend }) => mend.command !== null).map(({ table }) => table));
  if (tables.size === 0) return [];
  const [only] =
    tables.size === 1 && differencesLeftOff === 0 ? differences.flatMap(({ mend }) => mend.command ?? []) : [];
  const command = only ?? 'crossfade compare --repair --yes';
  return [
    `to have the Mirror mend the rows: ${command} (without --yes it only says what it would do)`,
    ...(byHand === null
      ? []
      : [`by hand, ${byHand.database} takes the statements above between: ${byHand.before} … ${byHand.after}`]),
  ];
}
