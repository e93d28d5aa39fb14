import { canonical, sameValue, ValueRefused } from '../adapter/codec.ts';
import { keyInPostgres as carriedKey } from '../adapter/codec/key-in-postgres.ts';
import { encodeKey } from '../adapter/spec.ts';
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
  const sqlite = rows.sqlite[position] ?? null;
  const postgres = rows.postgres[position] ?? null;
  // What PostgreSQL was read to hold survives the way there and back; only a value that is not alike needs it tried.
  if (sameValue(sqlite, postgres)) return true;
  const carried = carry(column, sqlite);
  return carried !== undefined && sameValue(carried, postgres);
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

/** A key of one store as PostgreSQL holds it; `undefined` when it cannot, and need not be asked for it. */
export function keyInPostgres(table: TableSpec, key: Key, store: StoreName): Key | undefined {
  return store === 'postgres' ? key : carriedKey(table, key);
}

/** Equal for the same row's key in either store, and for no two rows of a table. */
export function identity(table: TableSpec, key: Key, store: StoreName): string {
  const shared = keyInPostgres(table, key, store);
  return shared === undefined ? `only in sqlite ${encodeKey(key)}` : encodeKey(shared);
}
