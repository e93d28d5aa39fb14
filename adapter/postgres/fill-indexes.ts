import type pg from 'pg';
import type { TableSpec } from '../spec.ts';
import type { IndexOutcome } from '../fill-records.ts';
import { only } from './bookkeeping.ts';
import { isRowRefusal, sqlState } from './connection.ts';
import { literal, quote } from './sql.ts';

interface IndexRow {
  readonly name: string;
  readonly qualified: string;
  readonly definition: string;
  readonly owned: string;
}

/**
 * Whether an index, `i` and `c` in the catalog, is one that is faster to make when its table is filled.
 *
 * Unique ones stay, since the Mirror lives by them; so do those that stand for a constraint, an identity of replicas or
 * a CLUSTER, and those of which the definition does not say all.
 */
const IS_FASTER_AFTER = `c.relkind = 'i' AND c.reltablespace = 0
      AND i.indisvalid AND i.indisready AND NOT (i.indisunique OR i.indisprimary OR i.indisexclusion OR i.indisreplident OR i.indisclustered)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i', 'x'))
      AND NOT EXISTS (SELECT FROM pg_description d WHERE d.classoid = 'pg_class'::regclass AND d.objoid = c.oid)
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0)`;

/** The statement that finds those of some tables, by their names, that {@link dropIndexes} would drop indexes of. */
export const TABLES_TO_DROP_INDEXES_SQL = `
    SELECT name FROM unnest($1::text[]) AS name WHERE EXISTS (
      SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = to_regclass(quote_ident(name)) AND ${IS_FASTER_AFTER})`;

/**
 * Drops the indexes of a table that are faster to make when it is filled, and remembers them. In the caller's
 * transaction, which has locked the table. Resolves to their names.
 */
export async function dropIndexes(client: pg.ClientBase, table: TableSpec): Promise<readonly string[]> {
  const { rows: tables } = await client.query<{ oid: string }>(
    `SELECT ${literal(quote(table.name))}::regclass::oid AS oid`,
  );
  // Without a search path the definition names everything with its schema, and means the same in any session.
  await client.query('SET LOCAL search_path = pg_catalog');
  const { rows } = await client.query<IndexRow>(`
    SELECT c.relname AS name, i.indexrelid::regclass::text AS qualified, pg_get_indexdef(i.indexrelid) AS definition,
      pg_has_role(t.relowner, 'USAGE') AS owned
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE i.indrelid = ${only(tables).oid} AND ${IS_FASTER_AFTER}
    ORDER BY 1`);
  if (rows.some(({ owned }) => owned !== 't')) {
    await note(
      client,
      `the indexes of table "${table.name}" stay during the backfill: the PostgreSQL role does not own it`,
    );
    return [];
  }
  for (const index of rows) {
    await client.query('INSERT INTO crossfade.indexes_aside (tbl, name, definition) VALUES ($1, $2, $3)', [
      table.name,
      index.name,
      index.definition,
    ]);
    await client.query(`DROP INDEX ${index.qualified}`);
  }
  return rows.map((index) => index.name);
}

/**
 * Makes one of the remembered indexes again and forgets it, in one transaction. The table takes no writes meanwhile.
 *
 * An index that is there, or whose table or columns are gone, is forgotten.
 */
export async function makeIndex(client: pg.Client, ofTable: string | undefined): Promise<IndexOutcome> {
  await client.query('BEGIN');
  try {
    const { rows } = await client.query<{ tbl: string; name: string; definition: string; exists: string }>(
      `SELECT tbl, name, definition, EXISTS (
         SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE c.relname = a.name AND i.indrelid = to_regclass(quote_ident(a.tbl))) AS exists
       FROM crossfade.indexes_aside a WHERE tbl = coalesce($1, tbl) ORDER BY tbl COLLATE "C", name COLLATE "C" LIMIT 1 FOR UPDATE`,
      [ofTable ?? null],
    );
    const [index] = rows;
    if (index === undefined) {
      await client.query('COMMIT');
      return { outcome: 'none' };
    }
    const { tbl, name } = index;
    await client.query('SAVEPOINT made');
    try {
      if (index.exists !== 't') await client.query(index.definition);
    } catch (error) {
      if (isRowRefusal(error)) {
        await client.query('ROLLBACK');
        return { outcome: 'refused', table: tbl, name, reason: `SQLSTATE ${sqlState(error)}` };
      }
      if (!isGone(error)) throw error;
      await client.query('ROLLBACK TO SAVEPOINT made');
      await note(
        client,
        `index "${name}" was not made again, since its table or a column of it is gone: ${index.definition}`,
      );
    }
    await client.query('DELETE FROM crossfade.indexes_aside WHERE tbl = $1 AND name = $2', [tbl, name]);
    await client.query('COMMIT');
    return { outcome: 'made', table: tbl, name };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Adds to what a person should know of the backfill. */
export async function note(client: pg.ClientBase, text: string): Promise<void> {
  await client.query(
    `UPDATE crossfade.fill SET notes = notes || to_jsonb($1::text) WHERE NOT notes @> to_jsonb($1::text)`,
    [text],
  );
}

function isGone(error: unknown): boolean {
  return ['42P01', '42703', '3F000'].includes(sqlState(error) ?? '');
}
