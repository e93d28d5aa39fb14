import type { SqlValue } from '../../../adapter/spec.ts';
import { BlobLength } from '../../types/table-scan.ts';
import type { ScannedValue } from '../../types/table-scan.ts';
import { Unholdable } from '../../../adapter/codec/unholdable.ts';
import type { SqliteTable } from '../../sqlite/schema.ts';

/**
 * What an entry of a B-tree may have, in bytes: a third of a page of 8 KiB
 * (https://www.postgresql.org/docs/current/btree.html). PostgreSQL compresses long values before it measures.
 */
export const MAX_INDEX_ROW = 2_704;

/** An index, key or unique constraint by what it is made of: positions of columns. Expressions are not measured. */
export interface IndexedColumns {
  /** As people read it: `index "orders_note"`, `the primary key`. */
  readonly name: string;
  readonly index: string | undefined;
  readonly positions: readonly number[];
}

/** What of a table PostgreSQL will index. */
export function indexedColumns(table: SqliteTable): readonly IndexedColumns[] {
  const position = (name: string | null): number[] => {
    const found = table.columns.findIndex((column) => column.name === name);
    return found < 0 ? [] : [found];
  };
  const of = (parts: readonly { readonly column: string | null }[]): readonly number[] =>
    parts.flatMap(({ column }) => position(column));
  return [
    { name: 'the primary key', index: undefined, positions: of(table.primaryKey) },
    ...table.uniques.map(({ name, parts }) => ({
      name: name === null ? 'a UNIQUE constraint' : `the UNIQUE constraint "${name}"`,
      index: undefined,
      positions: of(parts),
    })),
    ...table.indexes.map(({ name, parts }) => ({ name: `the index "${name}"`, index: name, positions: of(parts) })),
  ].filter(({ positions }) => positions.length > 0);
}

/** Whether a row's entry may be too long. */
export function isTooLong({ positions }: IndexedColumns, values: readonly ScannedValue[]): boolean {
  let bytes = 8;
  for (const position of positions) bytes += indexedSize(values[position] ?? null);
  return bytes > MAX_INDEX_ROW;
}

function indexedSize(value: ScannedValue): number {
  if (typeof value === 'string') return value.length > 600 ? Buffer.byteLength(value) + 4 : value.length * 3 + 4;
  return value instanceof BlobLength ? value.bytes + 4 : sizeOf(value);
}

/** About how many bytes a value takes. */
export function sizeOf(value: SqlValue): number {
  if (value === null) return 0;
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  return value instanceof Unholdable ? value.original.length : 8;
}
