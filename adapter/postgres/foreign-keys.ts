import type pg from 'pg';
import type { TableSpec } from '../spec.ts';
import { literal, quote } from './sql.ts';

interface ForeignKeyRow {
  readonly name: string;
  readonly validated: string;
  readonly child: string;
  readonly parent: string;
  readonly pairs: string;
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
): Promise<readonly string[]> {
  if (tables.length === 0) return [];
  const { rows } = await client.query<ForeignKeyRow>(`
    SELECT f.conname AS name, f.convalidated AS validated, f.conrelid::regclass::text AS child, f.confrelid::regclass::text AS parent,
           (SELECT json_agg(json_build_array(c.attname, p.attname) ORDER BY k.place)
            FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS k(child, parent, place)
            JOIN pg_attribute c ON c.attrelid = f.conrelid AND c.attnum = k.child
            JOIN pg_attribute p ON p.attrelid = f.confrelid AND p.attnum = k.parent)::text AS pairs
    FROM pg_constraint f
    WHERE f.contype = 'f' AND f.conparentid = 0
      AND f.conrelid IN (${tables.map((table) => `${literal(quote(table.name))}::regclass`).join(', ')})
    ORDER BY 3, 1`);
  const broken: string[] = [];
  for (const key of rows) {
    if (key.validated !== 't' || (await hasOrphans(client, key))) broken.push(`${key.child}.${key.name}`);
  }
  return broken;
}

async function hasOrphans(client: pg.ClientBase, key: ForeignKeyRow): Promise<boolean> {
  const pairs = JSON.parse(key.pairs) as [string, string][];
  const isSet = pairs.map(([child]) => `c.${quote(child)} IS NOT NULL`).join(' AND ');
  const same = pairs.map(([child, parent]) => `p.${quote(parent)} = c.${quote(child)}`).join(' AND ');
  const { rows } = await client.query(
    `SELECT 1 FROM ${key.child} c WHERE ${isSet} AND NOT EXISTS (SELECT FROM ${key.parent} p WHERE ${same}) LIMIT 1`,
  );
  return rows.length > 0;
}
