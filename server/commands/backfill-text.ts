import type { BackfillStatus } from '../../adapter/status.ts';
import { bytesText, durationText } from './quantity.ts';

const PHASES = {
  copying: 'copying rows',
  indexes: 'making indexes',
  sequences: 'setting sequences',
  analyzing: 'analyzing tables',
  validating: 'validating foreign keys',
  done: 'done',
} as const satisfies Record<BackfillStatus['phase'], string>;

/** What a backfill is at: `copying rows`, `making indexes`. */
export function phaseText({ phase, busyWith }: BackfillStatus): string {
  return busyWith === null ? PHASES[phase] : `${PHASES[phase]} (${busyWith})`;
}

/** How fast it is, how long it takes, and what holds it back; empty when there is nothing to say. */
export function paceText(status: BackfillStatus): string {
  if (status.isPaused && status.phase === 'copying') return 'paused; go on with: crossfade backfill --resume';
  const { rowsPerSecond, bytesPerSecond, secondsLeft, reason } = status;
  const parts = [
    ...(rowsPerSecond === null ? [] : [`${Math.round(rowsPerSecond)} rows/s`]),
    ...(bytesPerSecond ? [`${bytesText(bytesPerSecond)}/s`] : []),
    ...(secondsLeft === null ? [] : [`about ${durationText(secondsLeft)} left`]),
    ...(reason === null ? [] : [reason]),
  ];
  return status.phase === 'copying' ? parts.join(', ') : '';
}

/** What a person should do something about when it is done, a line each. */
export function backfillRemarks({ brokenForeignKeys, notes }: BackfillStatus): readonly string[] {
  return [
    ...brokenForeignKeys.map(({ table, name, orphans, parent, reason, statement }) =>
      [
        `foreign key ${name} of ${table} ${orphans === 0 ? 'is not validated' : `does not hold: ${orphans} rows have no row in ${parent}`}`,
        ...(reason === null ? [] : [`  ${reason}`]),
        ...(orphans === 0 ? [] : [`  found by: ${statement}`]),
      ].join('\n'),
    ),
    ...notes,
  ];
}
