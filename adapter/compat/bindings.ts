/**
 * A value as better-sqlite3's dialect of Knex binds it: a Date is its epoch in milliseconds, a boolean 1 or 0.
 * PostgreSQL reads 1 and 0 as boolean too, since pg sends values without a type.
 */
function bound(value: unknown): unknown {
  if (value instanceof Date) return value.valueOf();
  return typeof value === 'boolean' ? Number(value) : value;
}

/** The values of a statement as SQLite would have bound them. */
export function sqliteBindings(values: readonly unknown[] | undefined): readonly unknown[] | undefined {
  return values?.some((value) => value instanceof Date || typeof value === 'boolean') ? values.map(bound) : values;
}
