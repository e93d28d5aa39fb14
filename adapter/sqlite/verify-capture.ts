import type Database from 'better-sqlite3';
import { CrossfadeError } from '../errors.ts';
import { keyColumns } from '../spec.ts';
import type { TableSpec } from '../spec.ts';
import { replacingIndexes } from './describe.ts';
import { captureTriggers, literal } from './sql.ts';

/**
 * Verifies that the capture triggers are the installed ones and that the mirrored tables have the columns they had.
 *
 * A table rebuild (create, copy, drop, rename: what Knex does for most ALTERs on SQLite) leaves no trigger behind, so
 * that writes would go unrecorded.
 *
 * @throws CrossfadeError `CAPTURE_BROKEN` naming the first table that is not as it was.
 */
export function verifyCapture(db: Database.Database, tables: readonly TableSpec[]): void {
  const lost = lostCapture(db);
  if (lost !== undefined) {
    throw broken(lost, 'its capture triggers are gone, as after a table rebuild: changes since then were not recorded');
  }
  for (const table of tables) {
    const columns = db
      .prepare(`SELECT name FROM pragma_table_xinfo(${literal(table.name)}) WHERE hidden = 0`)
      .pluck()
      .all() as string[];
    const expected = table.columns.map((column) => column.name);
    const added = columns.filter((name) => !expected.includes(name));
    const removed = expected.filter((name) => !columns.includes(name));
    if (added.length > 0) throw broken(table.name, `it has gained the column "${added.join('", "')}"`);
    if (removed.length > 0) throw broken(table.name, `it has lost the column "${removed.join('", "')}"`);
    if (!knowsUniqueIndexes(db, table)) {
      throw broken(
        table.name,
        'its unique indexes are others now: rows that REPLACE removes by them were not recorded',
      );
    }
  }
}

/** Whether the triggers that are installed are those that its unique indexes of now ask for. */
function knowsUniqueIndexes(db: Database.Database, table: TableSpec): boolean {
  const key = keyColumns(table).map((column) => column.name);
  const wanted = captureTriggers(table, replacingIndexes(db, table.name, key)).map(({ sql }) => sql);
  const installed = db.prepare('SELECT sql FROM _crossfade_triggers WHERE tbl = ?').pluck().all(table.name);
  return installed.length === wanted.length && wanted.every((sql) => installed.includes(sql));
}

function broken(table: string, found: string): CrossfadeError {
  return new CrossfadeError('CAPTURE_BROKEN', `the Mirror stopped at table "${table}" of SQLite: ${found}`, {
    hint: 'make the same schema change in PostgreSQL, then: crossfade backfill --reconcile',
  });
}

/** The first table of which a capture trigger is not the installed one. */
export function lostCapture(db: Database.Database): string | undefined {
  return db
    .prepare(
      `SELECT t.tbl FROM _crossfade_triggers t
       LEFT JOIN sqlite_master m ON m.type = 'trigger' AND m.name = t.name AND m.sql = t.sql
       WHERE m.name IS NULL LIMIT 1`,
    )
    .pluck()
    .get() as string | undefined;
}
