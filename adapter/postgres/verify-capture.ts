import type pg from 'pg';
import { columnTypeFor } from '../codec.ts';
import { CrossfadeError } from '../errors.ts';
import type { ColumnSpec, TableSpec } from '../spec.ts';
import { literal, quote } from './sql.ts';

/** What {@link captureQuery} answers, a row for each table. */
export interface CaptureRow extends pg.QueryResultRow {
  readonly name: string;
  readonly triggers: string;
  readonly columns: string;
}

/** Asks for the capture triggers and the columns of these tables. */
export function captureQuery(tables: readonly TableSpec[]): string {
  const oids = tables.map((table) => `(${literal(table.name)}, ${literal(quote(table.name))}::regclass)`).join(', ');
  return `SELECT v.name,
       (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = v.oid AND g.tgname LIKE 'crossfade\\_capture\\_%' AND g.tgenabled IN ('O', 'A')) AS triggers,
       (SELECT json_object_agg(a.attname, format_type(a.atttypid, NULL)) FROM pg_attribute a
        WHERE a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')::text AS columns
     FROM (VALUES ${oids}) v(name, oid)`;
}

/** PROTOCOL.md R16: capture is as it was installed, and each table has the columns it had. @throws CrossfadeError `CAPTURE_BROKEN`. */
export function verifyCapture(rows: readonly CaptureRow[], tables: readonly TableSpec[]): void {
  for (const table of tables) {
    const found = rows.find((row) => row.name === table.name);
    const types = new Map(Object.entries(JSON.parse(found?.columns ?? '{}') as Record<string, string>));
    const isSame =
      types.size === table.columns.length &&
      table.columns.every((column, position) =>
        isReadAlike(column, types.get(column.name), table.key.includes(position)),
      );
    if (Number(found?.triggers) === 4 && isSame) continue;
    throw new CrossfadeError(
      'CAPTURE_BROKEN',
      `the Mirror stopped at table "${table.name}" of PostgreSQL: ${isSame ? 'a capture trigger is gone or switched off' : 'its columns are not those that are mirrored, or have other types'}`,
      { hint: 'make the same schema change in SQLite, then: crossfade backfill --reconcile' },
    );
  }
}

const INTEGERS = ['smallint', 'integer', 'bigint'];

/** Whether a column's values are still read as they were. One that has been made wider or narrower is, but for a key, which is asked for by its type. */
function isReadAlike(column: ColumnSpec, type: string | undefined, isKey: boolean): boolean {
  if (type === undefined) return false;
  const isInteger = !isKey && INTEGERS.includes(column.type) && INTEGERS.includes(type);
  return isInteger || columnTypeFor(type) === column.type;
}
