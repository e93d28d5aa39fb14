import type pg from 'pg';
import type { BrokenForeignKey } from '../fill-records.ts';
import type { TableSpec } from '../spec.ts';
import { isLockTimeout, sqlState } from './connection.ts';
import { countOrphans, describe, foreignKeys } from './foreign-keys.ts';
import type { ForeignKey } from './foreign-keys.ts';
import { literal, quote } from './sql.ts';

/** Writers queue behind a validation that waits for its lock. */
const VALIDATE_LOCK = '5s';

/**
 * Checks every foreign key of these tables once they are filled, and marks those as validated that hold. Neither stops
 * reads or writes.
 *
 * One that the catalog says is validated is looked at all the same: rows were copied in the replica role, which checks none.
 *
 * @returns those that do not hold, or could not be marked.
 */
export async function validateForeignKeys(
  client: pg.ClientBase,
  tables: readonly TableSpec[],
): Promise<readonly BrokenForeignKey[]> {
  const broken: BrokenForeignKey[] = [];
  for (const key of await foreignKeys(client, tables)) {
    const found = await check(client, key);
    if (found !== null) broken.push(found);
  }
  return broken;
}

async function check(client: pg.ClientBase, key: ForeignKey): Promise<BrokenForeignKey | null> {
  let reason: string | null = null;
  if (!key.isValidated && key.isOwned) {
    try {
      await client.query(`SET lock_timeout = '${VALIDATE_LOCK}'`);
      await client.query(`ALTER TABLE ${key.child} VALIDATE CONSTRAINT ${quote(key.name)}`);
      return null;
    } catch (error) {
      if (isLockTimeout(error)) reason = 'it could not be validated: another session kept its locks';
      else if (sqlState(error) !== '23503') throw error;
    } finally {
      await client.query('RESET lock_timeout').catch(() => {});
    }
  }
  if (!key.isValidated && !key.isOwned)
    reason = 'it could not be validated: the PostgreSQL role does not own the table';
  const orphans = await countOrphans(client, key);
  return orphans === 0 && key.isValidated ? null : describe(key, orphans, reason);
}

/** Parents before their children; tables that refer to each other in a cycle, by name. */
export async function inOrderOfForeignKeys(
  query: <R extends pg.QueryResultRow>(text: string) => Promise<pg.QueryResult<R>>,
  tables: readonly TableSpec[],
): Promise<readonly TableSpec[]> {
  if (tables.length < 2) return tables;
  const { rows } = await query<{ child: string; parent: string }>(`
    SELECT c.name AS child, p.name AS parent
    FROM (VALUES ${tables.map(valueOf).join(', ')}) c(name, oid)
    JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = c.oid
    JOIN (VALUES ${tables.map(valueOf).join(', ')}) p(name, oid) ON f.confrelid = p.oid AND p.oid <> c.oid`);
  const parents = new Map<string, Set<string>>(tables.map(({ name }) => [name, new Set()]));
  for (const { child, parent } of rows) parents.get(child)?.add(parent);
  const ordered: TableSpec[] = [];
  let left = tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  while (left.length > 0) {
    const free = left.filter(({ name }) => isFree(parents.get(name), left));
    // A cycle, or what hangs on one: its first table by name, which frees others.
    const next = free.length > 0 ? free : left.slice(0, 1);
    ordered.push(...next);
    left = left.filter((table) => !next.includes(table));
  }
  return ordered;
}

function isFree(parents: ReadonlySet<string> | undefined, left: readonly TableSpec[]): boolean {
  return !left.some(({ name }) => parents?.has(name) === true);
}

function valueOf({ name }: TableSpec): string {
  return `(${literal(name)}, ${literal(quote(name))}::regclass::oid)`;
}
