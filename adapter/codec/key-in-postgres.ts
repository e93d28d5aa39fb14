import { canonical, ValueRefused } from '../codec.ts';
import { columnAt } from '../spec.ts';
import type { Key, SqlValue, TableSpec } from '../spec.ts';

/** A key as PostgreSQL holds it; `undefined` when it cannot, and need not be asked for it. */
export function keyInPostgres(table: TableSpec, key: Key): Key | undefined {
  const values: SqlValue[] = [];
  for (const [index, value] of key.entries()) {
    try {
      values.push(canonical(columnAt(table, table.key[index] ?? -1), value));
    } catch (error) {
      if (error instanceof ValueRefused) return undefined;
      throw error;
    }
  }
  return values;
}
