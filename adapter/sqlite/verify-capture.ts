import type Database from 'better-sqlite3';
import { CrossfadeError } from '../errors.ts';
import { keyColumns } from '../spec.ts';
import type { TableSpec } from '../spec.ts';
import { replacingIndexes } from './describe.ts';
import { literal, rivalsSql } from './sql.ts';

/**
 * Verifies that the capture triggers are the installed ones and that the mirrored tables have the columns they had.
 *
 * A table rebuild (create, copy, drop, rename: what Knex does for most ALTERs on SQLite) leaves no trigger behind, so
 * that writes would go unrecorded. A new unique index gives REPLACE a way to remove rows that capture does not watch.
 *
 * @throws CrossfadeError `CAPTURE_BROKEN` naming the first table that is not as it was.
 */
export function verifyCapture(db: Database.Database, tables: readonly TableSpec[]): void {
  const lost = lostCapture(
    db,
    tables.map(({ name }) => name),
  );
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
    if (hasUnseenRivals(db, table)) {
      throw broken(
        table.name,
        'it has gained a unique index: rows that REPLACE pushed out through it were not recorded',
      );
    }
  }
}

/** Whether REPLACE may push rows out through a unique index that capture does not know. */
function hasUnseenRivals(db: Database.Database, table: TableSpec): boolean {
  const key = keyColumns(table).map((column) => column.name);
  const captured = db
    .prepare('SELECT group_concat(sql) FROM _crossfade_triggers WHERE tbl = ?')
    .pluck()
    .get(table.name) as string | null;
  return rivalsSql(table, replacingIndexes(db, table.name, key)).some((sql) => captured?.includes(sql) !== true);
}

function broken(table: string, found: string): CrossfadeError {
  return new CrossfadeError('CAPTURE_BROKEN', `the Mirror stopped at table "${table}" of SQLite: ${found}`, {
    hint: 'make the same schema change in PostgreSQL, then: crossfade backfill --reconcile',
  });
}

/** The first table, of these or of all, of which a capture trigger is not the installed one. */
export function lostCapture(db: Database.Database, names?: readonly string[]): string | undefined {
  return db
    .prepare(
      `SELECT t.tbl FROM _crossfade_triggers t
       LEFT JOIN sqlite_master m ON m.type = 'trigger' AND m.name = t.name AND m.sql = t.sql
       WHERE m.name IS NULL AND (@names IS NULL OR t.tbl IN (SELECT value FROM json_each(@names))) LIMIT 1`,
    )
    .pluck()
    .get({ names: names === undefined ? null : JSON.stringify(names) }) as string | undefined;
}
