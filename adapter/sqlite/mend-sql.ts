import { Unholdable } from '../codec/unholdable.ts';
import type { MendRequest } from '../mend-request.ts';
import { mendStatement } from '../mend-statement.ts';
import type { SqlValue, TableSpec } from '../spec.ts';
import { literal } from './sql.ts';

/** The statement for SQLite as secondary; see {@link mendStatement}. */
export function mendSql(table: TableSpec, request: MendRequest): string | undefined {
  return mendStatement(table, request, {
    literal: (_, value) => valueText(value),
    placeholder: (place) => `?${place}`,
  });
}

/** What must come before such a statement, in its transaction, so that the fence lets it pass and nothing captures it. */
export const MEND_PREAMBLE = 'BEGIN IMMEDIATE; UPDATE _crossfade_state SET mirroring = 1';

/** And what must come after it. */
export const MEND_END = 'UPDATE _crossfade_state SET mirroring = 0; COMMIT';

function valueText(value: SqlValue): string | undefined {
  if (value === null) return 'NULL';
  if (value instanceof Unholdable) return undefined;
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return realText(value);
  // A statement's text ends at the first NUL.
  return value.includes('\0') ? `CAST(x'${Buffer.from(value).toString('hex')}' AS TEXT)` : literal(value);
}

/** A real that reads back as one; a whole number without a point would be an integer. */
function realText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '9e999' : '-9e999';
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
