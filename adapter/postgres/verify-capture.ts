import type pg from 'pg';
import { CrossfadeError } from '../errors.ts';
import type { TableSpec } from '../spec.ts';
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
       (SELECT json_agg(a.attname) FROM pg_attribute a
        WHERE a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')::text AS columns
     FROM (VALUES ${oids}) v(name, oid)`;
}

/** PROTOCOL.md R16: capture is as it was installed, and each table has the columns it had. @throws CrossfadeError `CAPTURE_BROKEN`. */
export function verifyCapture(rows: readonly CaptureRow[], tables: readonly TableSpec[]): void {
  for (const table of tables) {
    const found = rows.find((row) => row.name === table.name);
    const columns = JSON.parse(found?.columns ?? '[]') as string[];
    const isSame = columns.length === table.columns.length && table.columns.every(({ name }) => columns.includes(name));
    if (Number(found?.triggers) === 4 && isSame) continue;
    throw new CrossfadeError(
      'CAPTURE_BROKEN',
      `the Mirror stopped at table "${table.name}" of PostgreSQL: ${isSame ? 'a capture trigger is gone or switched off' : 'its columns are not those that are mirrored'}`,
      { hint: 'make the same schema change in SQLite, then: crossfade backfill --reconcile' },
    );
  }
}
