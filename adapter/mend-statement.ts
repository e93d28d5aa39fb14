import type { MendDialect, MendRequest } from './mend-request.ts';
import type { SqlValue, TableSpec } from './spec.ts';
import { columnAt } from './spec.ts';

/** A value that is longer when written out is left to a placeholder. */
const LONGEST_VALUE = 1_000;

/**
 * The statement that makes one row of a secondary what the primary's is. The key is written out; other values are where the
 * request holds the row, and placeholders where it does not. `undefined` when the database cannot hold the key.
 */
export function mendStatement(table: TableSpec, request: MendRequest, dialect: MendDialect): string | undefined {
  const keyTexts = table.key.map((position, index) => dialect.literal(position, request.key[index] ?? null));
  if (!keyTexts.every((text) => text !== undefined)) return undefined;
  const name = quoted(table.name);
  const where = table.key
    .map((position, index) => `${quoted(columnAt(table, position).name)} = ${keyTexts[index]}`)
    .join(' AND ');
  if (request.kind === 'delete') return `DELETE FROM ${name} WHERE ${where}`;
  let place = 0;
  const value = (position: number): string => {
    const keyIndex = table.key.indexOf(position);
    if (keyIndex >= 0 && request.kind === 'insert') return keyTexts[keyIndex] ?? '';
    const known: SqlValue | undefined = request.row?.[position];
    const text = known === undefined ? undefined : dialect.literal(position, known);
    if (text !== undefined && text.length <= LONGEST_VALUE) return text;
    place += 1;
    return dialect.placeholder(place);
  };
  const positions = table.columns.map((_, position) => position);
  if (request.kind === 'insert') {
    const names = table.columns.map((column) => quoted(column.name)).join(', ');
    return `INSERT INTO ${name} (${names}) VALUES (${positions.map(value).join(', ')})`;
  }
  const set = positions
    .filter((position) => request.columns.includes(columnAt(table, position).name))
    .map((position) => `${quoted(columnAt(table, position).name)} = ${value(position)}`);
  return set.length === 0 ? undefined : `UPDATE ${name} SET ${set.join(', ')} WHERE ${where}`;
}

/** Both databases quote names in this way. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
