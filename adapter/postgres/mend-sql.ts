import { toPostgres, ValueRefused } from '../codec.ts';
import type { MendRequest } from '../mend-request.ts';
import { mendStatement } from '../mend-statement.ts';
import { columnAt } from '../spec.ts';
import type { ColumnSpec, SqlValue, TableSpec } from '../spec.ts';
import { literal, quote } from './sql.ts';

/** The statement for PostgreSQL as secondary; see {@link mendStatement}. */
export function mendSql(table: TableSpec, request: MendRequest): string | undefined {
  return mendStatement(table, request, {
    literal: (position, value) => valueText(columnAt(table, position), value),
    placeholder: (place) => `$${place}`,
  });
}

/** Moves the sequence of a column past the ids that the rows have. */
export function sequenceSql(table: TableSpec, column: string): string {
  const sequence = table.columns.find(({ name }) => name === column)?.sequence;
  const from = sequence
    ? literal(sequence)
    : `pg_get_serial_sequence(${literal(quote(table.name))}, ${literal(column)})`;
  return `SELECT setval(${from}, (SELECT max(${quote(column)}) FROM ${quote(table.name)}))`;
}

/** What must come before such a statement, in its transaction, so that the fence lets it pass and nothing captures it. */
export const MEND_PREAMBLE = `BEGIN; SET LOCAL crossfade.mirroring = 'on'`;

function valueText(column: ColumnSpec, value: SqlValue): string | undefined {
  try {
    const text = toPostgres(column, value);
    if (text === null) return 'NULL';
    return NUMBERS.has(column.type) && /^-?\d+(\.\d+)?$/.test(text) ? text : literal(text);
  } catch (error) {
    if (error instanceof ValueRefused) return undefined;
    throw error;
  }
}

const NUMBERS: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint', 'double', 'real', 'numeric']);
