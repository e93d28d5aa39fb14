import type Database from 'better-sqlite3';
import { ValueRefused } from '../codec.ts';
import { messageOf } from '../errors.ts';
import { openCursors } from '../open-cursors.ts';
import { encodeKey, keyColumns, keyOf } from '../spec.ts';
import type { Row, TableSpec } from '../spec.ts';
import type { Batch, StepApplied, StepReading, StepToApply } from '../store.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { isInSqlite } from './bindings.ts';
import { isRowRefusal } from './connection.ts';
import { RowInsert } from './row-insert.ts';
import { quote } from './sql.ts';

/**
 * Applies a step in the write transaction that is open: everything with its watermark, or `null` and nothing when the
 * state row is no longer the one expected. What SQLite cannot hold goes to quarantine, the rest goes on.
 */
export function applyStep(
  db: Database.Database,
  books: Bookkeeping,
  { step, batches }: { step: StepClaim; batches: () => Iterable<Batch> },
): StepApplied | null {
  const [there, expected] = [openCursors(books.cursors()), openCursors(step.reading.from)];
  if (there.size !== expected.size || [...expected].some(([table, after]) => there.get(table) !== after)) return null;
  // A step that was read while the one before it was on its way does not know of a row that went to quarantine there.
  const wantsNone = step.quarantine.length > 0 ? '' : 'AND NOT EXISTS (SELECT 1 FROM _crossfade_quarantine)';
  const claimed = db
    .prepare(
      `UPDATE _crossfade_state SET step = step + 1, mirroring = 1, watermark = ?
       WHERE role = 'secondary' AND epoch = ? AND watermark_capture_id = ? AND step = ? AND watermark = ? ${wantsNone}`,
    )
    .run(step.reading.position, step.epoch, step.captureId, step.step, step.reading.after);
  if (claimed.changes !== 1) return null;
  let upserted = 0;
  let deleted = 0;
  const release = db.prepare('DELETE FROM _crossfade_quarantine WHERE tbl = ?');
  // PROTOCOL.md R26 in its simplest sound form: every changed row goes before the first one comes.
  for (const { table, empties, present, absent } of batches()) {
    // A step that touches a table has all its quarantined keys (R29); the rows that are refused again come back below.
    if (step.quarantine.length > 0) release.run(table.name);
    if (empties) db.exec(`DELETE FROM ${quote(table.name)}`);
    const remove = db.prepare(deleteByKey(table));
    for (const key of [...absent, ...present.map((row) => keyOf(table, row))]) {
      if (isInSqlite(key)) remove.run(...key);
    }
    deleted += absent.length;
  }
  for (const { table, present } of batches()) {
    if (present.length === 0) continue;
    const insert = new RowInsert(db, table);
    for (const row of present) {
      if (insertOrQuarantine(db, insert, { table, row })) upserted += 1;
    }
  }
  if (step.reading.cursor !== null) books.saveCursor(step.reading.cursor);
  db.exec('UPDATE _crossfade_state SET mirroring = 0');
  return { upserted, deleted, quarantine: books.quarantine() };
}

/** A step without its rows. */
export interface StepClaim extends Pick<StepToApply, 'epoch' | 'step' | 'captureId' | 'quarantine'> {
  readonly reading: Pick<StepReading, 'position' | 'after' | 'cursor' | 'from'>;
}

/** Resolves to whether the row went in. */
function insertOrQuarantine(
  db: Database.Database,
  insert: RowInsert,
  { table, row }: { table: TableSpec; row: Row },
): boolean {
  try {
    insert.run(row);
    return true;
  } catch (error) {
    if (!isRowRefusal(error) && !(error instanceof ValueRefused)) throw error;
    db.prepare('INSERT INTO _crossfade_quarantine (tbl, key, reason, since_ms) VALUES (?, ?, ?, ?)').run(
      table.name,
      encodeKey(keyOf(table, row)),
      messageOf(error),
      Date.now(),
    );
    return false;
  }
}

function deleteByKey(table: TableSpec): string {
  const conditions = keyColumns(table).map((column) => `${quote(column.name)} = ?`);
  return `DELETE FROM ${quote(table.name)} WHERE ${conditions.join(' AND ')}`;
}
