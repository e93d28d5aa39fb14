import type { ComparisonRecord } from '../adapter/store.ts';
import { differencesOf, secondsOf } from './history-chart.ts';
import { span } from './span.ts';
import { count, textTable } from './text-table.ts';

/** Past runs as a person reads them in a terminal, the newest first. */
export function historyText(runs: readonly ComparisonRecord[]): string {
  if (runs.length === 0) return 'no comparison has been recorded yet; run: crossfade compare';
  const body = runs.map((run) => [
    run.startedAt.toISOString().slice(0, 19).replace('T', ' '),
    run.outcome,
    run.mode ?? (run.isFull ? 'full' : 'part'),
    count(run.rowsCompared),
    count(differencesOf(run)),
    count(run.inconclusive),
    span(secondsOf(run)),
  ]);
  return textTable(['began (UTC)', 'outcome', 'mode', 'rows', 'differences', 'inconclusive', 'took'], body).join('\n');
}
