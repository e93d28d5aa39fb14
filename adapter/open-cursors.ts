import { encodeKey } from './spec.ts';
import type { Cursor } from './store.ts';

/**
 * Where an unfinished backfill stands, as text by table: the last key copied, `null` at the start. Empty when it is done.
 *
 * A step compares it with the secondary's (PROTOCOL.md R9). Step number and watermark do not tell one place from another:
 * where nothing is written a process that copies larger pieces is further after as many steps at the same watermark, and
 * a crash that takes its steps back gives their numbers out again.
 */
export function openCursors(cursors: readonly Cursor[]): ReadonlyMap<string, string | null> {
  const open = cursors.filter(({ isDone }) => !isDone);
  return new Map(open.map(({ table, after }) => [table, after === null ? null : encodeKey(after)]));
}
