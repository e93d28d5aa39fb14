import type pg from 'pg';
import type { BrokenForeignKey } from '../fill-records.ts';
import type { TableSpec } from '../spec.ts';
import { only } from './bookkeeping.ts';
import { literal, quote } from './sql.ts';

/** A foreign key as the catalog has it. */
export interface ForeignKey {
  readonly name: string;
  readonly isValidated: boolean;
  /** As they are to be written in a statement. */
  readonly child: string;
  readonly parent: string;
  readonly pairs: readonly (readonly [child: string, parent: string])[];
  /** Whether this role may alter the table that has it. */
  readonly isOwned: boolean;
}

interface ForeignKeyRow {
  readonly name: string;
  readonly validated: string;
  readonly child: string;
  readonly parent: string;
  readonly pairs: string;
  readonly owned: string;
}

/**
 * Foreign keys of these tables with rows that have no parent, or that were never validated.
 *
 * The Mirror applies rows in the replica role, which checks none; and SQLite may hold orphans, since it checks foreign
 * keys only on connections that ask for it. As primary, PostgreSQL would refuse to touch such rows.
 */
export async function brokenForeignKeys(
  client: pg.ClientBase,
  tables: readonly TableSpec[],
): Promise<readonly BrokenForeignKey[]> {
  const broken: BrokenForeignKey[] = [];
  for (const key of await foreignKeys(client, tables)) {
    const isBroken = await hasOrphans(client, key);
    if (!isBroken && key.isValidated) continue;
    const orphans = isBroken ? await countOrphans(client, key) : 0;
    broken.push(describe(key, orphans, isBroken ? null : 'it was never validated'));
  }
  return broken;
}

/** The foreign keys of these tables, in the order of the tables' names and their own. */
export async function foreignKeys(client: pg.ClientBase, tables: readonly TableSpec[]): Promise<readonly ForeignKey[]> {
  if (tables.length === 0) return [];
  const { rows } = await client.query<ForeignKeyRow>(`
    SELECT f.conname AS name, f.convalidated AS validated, f.conrelid::regclass::text AS child, f.confrelid::regclass::text AS parent,
           (SELECT json_agg(json_build_array(c.attname, p.attname) ORDER BY k.place)
            FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS k(child, parent, place)
            JOIN pg_attribute c ON c.attrelid = f.conrelid AND c.attnum = k.child
            JOIN pg_attribute p ON p.attrelid = f.confrelid AND p.attnum = k.parent)::text AS pairs,
           pg_has_role(t.relowner, 'USAGE') AS owned
    FROM pg_constraint f JOIN pg_class t ON t.oid = f.conrelid
    WHERE f.contype = 'f' AND f.conparentid = 0
      AND f.conrelid IN (${tables.map((table) => `${literal(quote(table.name))}::regclass`).join(', ')})
    ORDER BY 3, 1`);
  return rows.map((row) => ({
    name: row.name,
    isValidated: row.validated === 't',
    child: row.child,
    parent: row.parent,
    pairs: JSON.parse(row.pairs) as [string, string][],
    isOwned: row.owned === 't',
  }));
}

/** What a person needs to know of a foreign key that does not hold. */
export function describe(key: ForeignKey, orphans: number, reason: string | null): BrokenForeignKey {
  return {
    table: plain(key.child),
    name: key.name,
    parent: plain(key.parent),
    orphans,
    reason,
    statement: `SELECT c.* ${orphansOf(key)}`,
  };
}

/** How many rows have no parent. Reads both tables. */
export async function countOrphans(client: pg.ClientBase, key: ForeignKey): Promise<number> {
  const { rows } = await client.query<{ orphans: string }>(`SELECT count(*) AS orphans ${orphansOf(key)}`);
  return Number(only(rows).orphans);
}

async function hasOrphans(client: pg.ClientBase, key: ForeignKey): Promise<boolean> {
  const { rows } = await client.query(`SELECT 1 ${orphansOf(key)} LIMIT 1`);
  return rows.length > 0;
}

function orphansOf({ child, parent, pairs }: ForeignKey): string {
  const isSet = pairs.map(([column]) => `c.${quote(column)} IS NOT NULL`).join(' AND ');
  const same = pairs.map(([column, referred]) => `p.${quote(referred)} = c.${quote(column)}`).join(' AND ');
  return `FROM ${child} c WHERE ${isSet} AND NOT EXISTS (SELECT FROM ${parent} p WHERE ${same})`;
}

/** A name as people write it, where it needs no quotes within. */
function plain(name: string): string {
  return name.replace(/^"((?:[^"]|"")*)"$/, (_, inner: string) => inner.replaceAll('""', '"'));
}
