import { CrossfadeError } from '../errors.ts';
import { encodeKey, keyColumns, keyOf } from '../spec.ts';
import type { ColumnSpec, Key, Row, TableSpec } from '../spec.ts';
import type { Batch } from '../store.ts';
import { placeholders } from './bindings.ts';
import { collate, quote } from './sql.ts';

/** What was found for these keys, as a step carries it. @throws CrossfadeError `KEY_HOLDS_NULL`. */
export function batchOf(table: TableSpec, found: readonly { key: Key; row: Row | undefined }[]): Batch {
  // Two spellings of a key (5 and 5.0 in a column without a type) are one row.
  const present = new Map<string, Row>();
  const absent: Key[] = [];
  for (const { key, row } of found) {
    assertNoNull(table, key);
    if (row === undefined) absent.push(key);
    else present.set(encodeKey(keyOf(table, row)), row);
  }
  return { table, empties: false, present: [...present.values()], absent };
}

/** Whether a row that was found by a key has this very key: a collation may take two keys for the same. */
export function isSameKey(table: TableSpec, { row, key }: { row: Row; key: Key }): boolean {
  const own = keyOf(table, row);
  if (own.includes(null)) return false;
  return keyColumns(table).every(({ collation }) => collation === 'BINARY') || encodeKey(own) === encodeKey(key);
}

/** @throws CrossfadeError `KEY_HOLDS_NULL` (PROTOCOL.md R4). */
export function assertNoNull(table: TableSpec, key: Key): void {
  if (!key.includes(null)) return;
  throw new CrossfadeError('KEY_HOLDS_NULL', `table "${table.name}" holds a row with a NULL in its key`, {
    hint: `give the row a key, or delete it: SELECT * FROM ${quote(table.name)} WHERE ${keyColumns(table)
      .map((column) => `${quote(column.name)} IS NULL`)
      .join(' OR ')}`,
  });
}

/** `(k1, k2) <= (?, ?)` under the collations of the key's own columns. */
export function upToCursor(table: TableSpec, names: readonly string[], after: Key): string {
  const columns = keyColumns(table).map((column, index) => `${names[index]}${collate(column.collation)}`);
  const marks = placeholders(after).join(', ');
  return columns.length === 1 ? `${columns[0]} <= ${marks}` : `(${columns.join(', ')}) <= (${marks})`;
}

/** A key's column under the collation of the key's index, which may be another than the column's own. */
export function collated(column: ColumnSpec, prefix: string): string {
  const isText = /CHAR|CLOB|TEXT/i.test(column.sqliteType);
  return `${prefix}${quote(column.name)}${isText ? ` COLLATE ${column.collation}` : ''}`;
}

export function quotedColumns(table: TableSpec, prefix = ''): string[] {
  return table.columns.map((column) => `${prefix}${quote(column.name)}`);
}
