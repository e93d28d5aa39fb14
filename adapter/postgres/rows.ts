import type pg from 'pg';
import { canonical, fromPostgres, toPostgres } from '../codec.ts';
import type { ColumnType } from '../codec.ts';
import type { ColumnSpec, Key, Row, SqlValue, TableSpec } from '../spec.ts';
import { encodeKey, keyColumns, keyOf } from '../spec.ts';
import { baseType, quote } from './sql.ts';

/** Anything that runs one statement. */
export interface Queryable {
  query<R extends pg.QueryResultRow>(statement: {
    text: string;
    values?: unknown[];
    rowMode?: 'array';
  }): Promise<pg.QueryResult<R>>;
}

type TextRow = readonly (string | null)[];

/** The canonical values of a row that arrived as text, its columns in the order of the spec, after `skip` others. */
export function decodeRow(table: TableSpec, row: TextRow, skip = 0): Row {
  return table.columns.map((column, index) => decodeValue(column, row[index + skip] ?? null));
}

export function decodeValue(column: ColumnSpec, text: string | null): SqlValue {
  return fromPostgres(column, text);
}

/** A column of values as one array parameter: one parameter a column, however many rows. */
export function encodeArray(values: readonly (string | null)[]): string {
  const parts = values.map((value) => (value === null ? 'NULL' : `"${value.replace(/["\\]/g, '\\$&')}"`));
  return `{${parts.join(',')}}`;
}

/** One array parameter, as text, for each of these columns. @throws ValueRefused */
export function encodeColumns(columns: readonly ColumnSpec[], rows: readonly (readonly SqlValue[])[]): string[] {
  return columns.map((column, index) => encodeArray(textsOf(column, rows, index)));
}

/** As {@link encodeColumns}, to be bound to parameters of the columns' own types only: in the form that costs least. */
export function bindColumns(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly SqlValue[])[],
): (string | Buffer)[] {
  return columns.map((column, index) => {
    const texts = textsOf(column, rows, index);
    if (column.postgresType === 'text') return binaryTexts(texts);
    return NEVER_QUOTED.has(column.type) ? `{${texts.map((text) => text ?? 'NULL').join(',')}}` : encodeArray(texts);
  });
}

/** Types whose text never holds what an array's text would have to quote. */
const NEVER_QUOTED: ReadonlySet<ColumnType> = new Set([
  'smallint',
  'integer',
  'bigint',
  'double',
  'numeric',
  'boolean',
]);

function textsOf(
  column: ColumnSpec,
  rows: readonly (readonly SqlValue[])[],
  index: number,
): readonly (string | null)[] {
  return rows.map((row) => toPostgres(column, row[index] ?? null));
}

const TEXT_OID = 25;

/**
 * A `text[]` in PostgreSQL's binary form (`array_send` in its sources): dimensions, whether there are NULLs, the type,
 * length and lower bound, then each value behind its length. Nothing needs to be quoted in it, or read again there.
 */
function binaryTexts(texts: readonly (string | null)[]): Buffer {
  if (texts.length === 0) return Buffer.alloc(12).fill(TEXT_OID, 11);
  const longest = texts.reduce((sum, text) => sum + 4 + (text === null ? 0 : text.length * 3), 20);
  const buffer = Buffer.allocUnsafe(longest);
  let end = 0;
  for (const word of [1, texts.includes(null) ? 1 : 0, TEXT_OID, texts.length, 1]) end = buffer.writeInt32BE(word, end);
  for (const text of texts) {
    const bytes = text === null ? -1 : buffer.write(text, end + 4);
    buffer.writeInt32BE(bytes, end);
    end += 4 + Math.max(0, bytes);
  }
  return buffer.subarray(0, end);
}

export function columnList(table: TableSpec, prefix = ''): string {
  return table.columns.map((column) => `${prefix}${quote(column.name)}`).join(', ');
}

/** `unnest($1::bigint[], $2::text[]) AS k(k1, k2)`, the parameters numbered from `first`. */
export function unnestKeys(table: TableSpec, first: number): string {
  const columns = keyColumns(table);
  const arrays = columns.map((column, index) => `$${first + index}::${baseType(column)}[]`);
  return `unnest(${arrays.join(', ')}) AS k(${columns.map((_, index) => `k${index + 1}`).join(', ')})`;
}

export function sameKey(table: TableSpec, row: string): string {
  return keyColumns(table)
    .map((column, index) => `${row}.${quote(column.name)} = k.k${index + 1}`)
    .join(' AND ');
}

/** The rows with these keys, in their order; `undefined` where there is none. */
export async function selectByKeys(
  client: Queryable,
  table: TableSpec,
  keys: readonly Key[],
): Promise<readonly (Row | undefined)[]> {
  if (keys.length === 0) return [];
  const { rows } = await client.query<(string | null)[]>({
    text: `SELECT ${columnList(table, 't.')} FROM ${unnestKeys(table, 1)} JOIN ${quote(table.name)} t ON ${sameKey(table, 't')}`,
    values: bindColumns(keyColumns(table), keys),
    rowMode: 'array',
  });
  const found = new Map(rows.map((text) => decodeRow(table, text)).map((row) => [encodeKey(keyOf(table, row)), row]));
  const columns = keyColumns(table);
  const asStored = (key: Key): Key => key.map((value, index) => canonicalIn(columns[index], value));
  return keys.map((key) => found.get(encodeKey(asStored(key))));
}

function canonicalIn(column: ColumnSpec | undefined, value: SqlValue): SqlValue {
  return column === undefined ? value : canonical(column, value);
}

/** Rows after a key, in PostgreSQL's own order of the key. */
export async function selectPage(
  client: Queryable,
  table: TableSpec,
  after: Key | null,
  limit: number,
): Promise<readonly Row[]> {
  const columns = keyColumns(table);
  const names = columns.map((column) => quote(column.name)).join(', ');
  const marks = columns.map((column, index) => `$${index + 1}::${baseType(column)}`).join(', ');
  const { rows } = await client.query<(string | null)[]>({
    text: `SELECT ${columnList(table)} FROM ${quote(table.name)} ${after === null ? '' : `WHERE (${names}) > (${marks})`} ORDER BY ${names} LIMIT ${limit}`,
    values: after === null ? [] : columns.map((column, index) => toPostgres(column, after[index] ?? null)),
    rowMode: 'array',
  });
  return rows.map((row) => decodeRow(table, row));
}
