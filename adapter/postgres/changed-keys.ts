import type pg from 'pg';
import type { Key, TableSpec } from '../spec.ts';
import { keyColumns } from '../spec.ts';
import type { Position } from '../store.ts';
import { changedSince, parsePosition } from './position.ts';
import { decodeValue } from './rows.ts';

/** The keys of a table that have changed after a position, in the snapshot that `client` sees; `all` after a TRUNCATE. */
export async function changedKeysOf(
  client: Pick<pg.ClientBase | pg.Pool, 'query'>,
  table: TableSpec,
  { after, limit = null }: { after: Position; limit?: number | null },
): Promise<readonly Key[] | 'all'> {
  const columns = keyColumns(table);
  const parts = columns.map((_, index) => `key[${index + 1}]`).join(', ');
  const { rows } = await client.query<(string | null)[]>({
    text: `SELECT DISTINCT key IS NULL, ${parts} FROM crossfade.changes WHERE tbl = $1 AND ${changedSince(parsePosition(after))}
      ORDER BY 1 DESC LIMIT ${limit ?? 'ALL'}`,
    values: [table.name],
    rowMode: 'array',
  });
  if (rows.some(([isEverything]) => isEverything === 't')) return 'all';
  return rows.map(([, ...key]) => columns.map((column, index) => decodeValue(column, key[index] ?? null)));
}
