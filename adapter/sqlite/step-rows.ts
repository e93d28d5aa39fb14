import type Database from 'better-sqlite3';
import { CrossfadeError } from '../errors.ts';
import { encodeKey, keyColumns, keyOf } from '../spec.ts';
import type { ColumnSpec, Key, Row, SqlValue, TableSpec } from '../spec.ts';
import type { Batch } from '../store.ts';
import { placeholders } from './bindings.ts';
import { collate, quote } from './sql.ts';

/** What was found for these keys, as a step carries it. @throws CrossfadeError `KEY_HOLDS_NULL`. */
export function batchOf(
  db: Database.Database,
  table: TableSpec,
  found: readonly { key: Key; row: Row | undefined }[],
): Batch {
  // Two spellings of a key (5 and 5.0 in a column without a type) are one row.
  const present = new Map<string, Row>();
  const absent: Key[] = [];
  for (const { key, row } of found) {
    if (key.includes(null)) assertNoNullKeys(db, table);
    else if (row === undefined) absent.push(key);
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

/**
 * To be called when a NULL was met in a key. A row that was given a key since, or deleted, has left its NULL in the
 * changelog only: PostgreSQL never had it.
 *
 * @throws CrossfadeError `KEY_HOLDS_NULL` (PROTOCOL.md R4).
 */
export function assertNoNullKeys(db: Database.Database, table: TableSpec): void {
  const isNull = keyColumns(table).map((column) => `${quote(column.name)} IS NULL`);
  const found = `FROM ${quote(table.name)} WHERE ${isNull.join(' OR ')}`;
  if (db.prepare(`SELECT 1 ${found} LIMIT 1`).get() === undefined) return;
  throw new CrossfadeError('KEY_HOLDS_NULL', `table "${table.name}" holds a row with a NULL in its key`, {
    hint: `give the row a key, or delete it: SELECT * ${found}`,
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

/** From where rows come in key order, after a key. To be bound: the key, and how many rows. */
export function afterSql(table: TableSpec, after: Key | null): string {
  const key = keyColumns(table).map((column) => collated(column, ''));
  const marks = placeholders(after ?? []).join(', ');
  const where =
    after === null ? '' : `WHERE ${key.length === 1 ? `${key[0]} > ${marks}` : `(${key.join(', ')}) > (${marks})`}`;
  return `FROM ${quote(table.name)} ${where} ORDER BY ${key.join(', ')} LIMIT ?`;
}

/** What a number, or NULL, counts for the size of a row. */
export const NUMBER_BYTES = 8;

/** About how many bytes a value has: the same of the same value, wherever it was read. */
export function bytesOf(value: SqlValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.byteLength : NUMBER_BYTES;
}
