import type { TableSpec } from '../adapter/spec.ts';
import type { Store } from '../adapter/store.ts';

/**
 * The column whose sequence would give out an id that a row already has; `undefined` when all is well. The rows are asked
 * first: a sequence only moves on.
 */
export async function sequenceBehind(primary: Store, table: TableSpec): Promise<string | undefined> {
  // On a secondary the sequences stand still; the write switch sets them.
  if (primary.name !== 'postgres') return undefined;
  const column = table.columns.find(({ sequence }) => sequence !== null);
  const highest = await primary.digests.highestId(table);
  if (column === undefined || highest === null || highest < 1n) return undefined;
  const given = (await primary.sequences()).get(table.name);
  return given !== undefined && given < highest ? column.name : undefined;
}
