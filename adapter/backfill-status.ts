import type { FillRecord } from './fill-records.ts';
import type { BackfillStatus } from './status.ts';
import type { Cursor } from './store.ts';

/**
 * How far a backfill has come, as its cursors tell, and `fill`: what PostgreSQL remembers beside them, `null` when that
 * is not known, or when the backfill goes to SQLite.
 */
export function backfillStatus(cursors: readonly Cursor[], fill: FillRecord | null = null): BackfillStatus {
  const isCopied = cursors.every((cursor) => cursor.isDone);
  const phase = isCopied ? (fill?.phase ?? 'done') : 'copying';
  const tables = cursors.map(({ table, rowsCopied, isDone }) => ({
    table,
    rowsCopied,
    rowsExpected: isDone ? rowsCopied : expected(fill?.sizes[table]?.rows, rowsCopied),
    isDone,
  }));
  const rowsCopied = tables.reduce((sum, table) => sum + table.rowsCopied, 0);
  const isKnown = tables.every((table) => table.rowsExpected !== null);
  const rowsExpected = isKnown ? tables.reduce((sum, table) => sum + (table.rowsExpected ?? 0), 0) : null;
  const report = fill?.report ?? null;
  const rate = phase === 'copying' ? (report?.rowsPerSecond ?? null) : null;
  return {
    isDone: phase === 'done' || (isCopied && phase === 'copying' && fill === null),
    phase,
    busyWith: report?.busyWith ?? null,
    isPaused: fill?.isPaused ?? false,
    rowsCopied,
    rowsExpected,
    rowsPerSecond: rate,
    bytesPerSecond: phase === 'copying' ? (report?.bytesPerSecond ?? null) : null,
    secondsLeft: rowsExpected === null || !rate ? null : Math.max(0, rowsExpected - rowsCopied) / rate,
    slowedBy: report?.slowedBy ?? 'none',
    reason: report?.reason ?? null,
    limits: { rowsPerSecond: fill?.rowsPerSecond ?? null, bytesPerSecond: fill?.bytesPerSecond ?? null },
    indexesAside: fill?.indexesAside ?? [],
    brokenForeignKeys: fill?.brokenForeignKeys ?? [],
    notes: fill?.notes ?? [],
    tables,
  };
}

/** There may be more rows by now than when they were counted. */
function expected(counted: number | undefined, copied: number): number | null {
  return counted === undefined ? null : Math.max(counted, copied);
}
