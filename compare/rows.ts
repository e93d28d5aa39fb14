import { createHash } from 'node:crypto';
import { canonical, sameValue, ValueRefused } from '../adapter/codec.ts';
import { columnAt, encodeKey } from '../adapter/spec.ts';
import type { ColumnSpec, Key, Row, SqlValue, StoreName, TableSpec } from '../adapter/spec.ts';

/**
 * Names of the columns in which the two stores' rows differ: none when they hold the same.
 *
 * SQLite's values are taken to PostgreSQL's form and back first, so that what the declared types make of a value (an
 * integer in a double column) is no difference. A value that PostgreSQL cannot hold differs from everything there.
 */
export function differingColumns(
  table: TableSpec,
  rows: { readonly sqlite: Row; readonly postgres: Row },
): readonly string[] {
  return table.columns.filter((column, position) => !agree(column, rows, position)).map((column) => column.name);
}

function agree(column: ColumnSpec, rows: { sqlite: Row; postgres: Row }, position: number): boolean {
  const carried = carry(column, rows.sqlite[position] ?? null);
  return carried !== undefined && sameValue(carried, rows.postgres[position] ?? null);
}

/** What becomes of SQLite's value in PostgreSQL; `undefined` when PostgreSQL cannot hold it. */
function carry(column: ColumnSpec, value: SqlValue): SqlValue | undefined {
  try {
    return canonical(column, value);
  } catch (error) {
    if (error instanceof ValueRefused) return undefined;
    throw error;
  }
}

/** A row's name on both sides. */
export interface Identity {
  /** Equal for the same row in either store, and for no two rows of a table. */
  readonly id: string;
  /** Whether PostgreSQL could hold such a key; if not, it need not be asked for it. */
  readonly fitsPostgres: boolean;
}

/** The identity of a key as one store holds it. */
export function identify(table: TableSpec, key: Key, store: StoreName): Identity {
  if (store === 'postgres') return { id: encodeKey(key), fitsPostgres: true };
  const values = key.map((value, index) => carry(columnAt(table, table.key[index] ?? -1), value));
  if (values.every((value) => value !== undefined)) return { id: encodeKey(values), fitsPostgres: true };
  return { id: `only in sqlite ${encodeKey(key)}`, fitsPostgres: false };
}

/** A short text that tells whether a row of one store is still exactly what it was. */
export function fingerprint(row: Row | undefined): string {
  return row === undefined ? 'absent' : createHash('sha256').update(encodeKey(row)).digest('base64');
}
