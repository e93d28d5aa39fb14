import { toPostgres, ValueRefused } from '../codec.ts';
import type { ColumnCoding } from '../codec.ts';
import { formsOf, isFormOf } from '../codec/form.ts';

/**
 * A value as better-sqlite3's dialect of Knex binds it: a Date is its epoch in milliseconds, a boolean 1 or 0.
 * PostgreSQL reads 1 and 0 as boolean too, since pg sends values without a type.
 */
function bound(value: unknown): unknown {
  if (value instanceof Date) return value.valueOf();
  return typeof value === 'boolean' ? Number(value) : value;
}

/** Bindings of queries on ported tables, which go to PostgreSQL as they are. */
const native = new WeakSet<object>();

/** Has the bindings of a compiled query sent as they are. */
export function keepNative(compiled: unknown): void {
  if (typeof compiled !== 'object' || compiled === null || !('bindings' in compiled)) return;
  const { bindings } = compiled;
  if (typeof bindings === 'object' && bindings !== null) native.add(bindings);
}

/** The values of a statement as SQLite would have bound them. */
export function sqliteBindings(values: readonly unknown[] | undefined): readonly unknown[] | undefined {
  if (values !== undefined && native.has(values)) return values;
  return values?.some((value) => value instanceof Date || typeof value === 'boolean') ? values.map(bound) : values;
}

/**
 * A value for a column of a type that SQLite does not have, as PostgreSQL takes it: a number is the moment that the
 * column's form makes of it, bytes are those of a UUID. A Date is a moment in any form; other columns take its epoch in
 * milliseconds, as SQLite's do. Text, and what says nothing of the column's kind, is for PostgreSQL to judge.
 */
export function boundTo(column: ColumnCoding, value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  const held =
    typeof value === 'number' || typeof value === 'bigint' || value instanceof Uint8Array ? value : undefined;
  if (held === undefined) return value;
  const [byDefault] = formsOf(column.postgresType);
  const mixed = `${column.form ?? byDefault ?? ''} mixed`;
  try {
    return toPostgres(isFormOf(column.postgresType, mixed) ? { ...column, form: mixed } : column, held);
  } catch (error) {
    if (error instanceof ValueRefused) return value;
    throw error;
  }
}

/** What a number counts in a column of moments; `undefined` where SQLite has no numbers. */
export function unitOf({ form }: ColumnCoding): 'second' | 'millisecond' | 'microsecond' | undefined {
  if (form?.startsWith('epoch-s') === true) return 'second';
  if (form?.startsWith('epoch-ms') === true) return 'millisecond';
  return form?.startsWith('epoch-us') === true ? 'microsecond' : undefined;
}
