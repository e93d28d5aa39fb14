import { createHash } from 'node:crypto';
import type { QueryResultRow } from 'pg';
import type {
  ComparisonDetail,
  ComparisonHistory,
  ComparisonKept,
  ComparisonRecord,
  DifferencesSeen,
} from '../store.ts';
import { sqlState } from './connection.ts';
import type { Query } from './records.ts';

/** What the history keeps beyond `crossfade.comparisons` as the install makes it. */
export const COMPARISON_HISTORY_SQL = `
  ALTER TABLE crossfade.comparisons ADD COLUMN IF NOT EXISTS detail text;
  ALTER TABLE crossfade.comparisons ADD COLUMN IF NOT EXISTS report text;
  CREATE TABLE IF NOT EXISTS crossfade.differences_seen (
    id text PRIMARY KEY, tbl text NOT NULL, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
  );`;

/** Runs that are kept, with their sums by table. */
const KEPT_RUNS = 1_000;
/** Runs whose whole report is kept. */
const KEPT_REPORTS = 10;
/** Differences whose first sight is remembered; those that were seen last stay. */
const KEPT_DIFFERENCES = 100_000;

interface RunRow {
  readonly started: string;
  readonly finished: string;
  readonly outcome: ComparisonRecord['outcome'];
  readonly is_full: string;
  readonly rows_compared: string;
  readonly missing: string;
  readonly extra: string;
  readonly differing: string;
  readonly inconclusive: string;
  readonly detail: string | null;
}

const iso = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ${column}`;

/** Past runs, in `crossfade.comparisons`. */
export class StoredComparisons implements ComparisonHistory {
  readonly #query: Query;

  constructor(query: Query) {
    this.#query = query;
  }

  async add(record: ComparisonRecord, { report }: ComparisonKept): Promise<void> {
    await this.#made(() =>
      this.#query(
        `INSERT INTO crossfade.comparisons
           (started, finished, outcome, is_full, rows_compared, missing, extra, differing, inconclusive, detail, report)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          record.startedAt.toISOString(),
          record.finishedAt.toISOString(),
          record.outcome,
          record.isFull,
          record.rowsCompared,
          record.missing,
          record.extra,
          record.differing,
          record.inconclusive,
          JSON.stringify(detailOf(record)),
          report,
        ],
      ),
    );
    // The last full one stays whatever comes after it: the gates ask for it.
    await this.#query(
      `DELETE FROM crossfade.comparisons
       WHERE id <= (SELECT max(id) FROM crossfade.comparisons) - $1::bigint
         AND id IS DISTINCT FROM (SELECT max(id) FROM crossfade.comparisons WHERE is_full)`,
      [KEPT_RUNS],
    );
    await this.#query(
      `UPDATE crossfade.comparisons SET report = NULL
       WHERE report IS NOT NULL AND id <= (SELECT max(id) FROM crossfade.comparisons) - $1::bigint`,
      [KEPT_REPORTS],
    );
  }

  async list({
    limit,
    onlyFull = false,
  }: {
    readonly limit: number;
    readonly onlyFull?: boolean;
  }): Promise<readonly ComparisonRecord[]> {
    const rows = await this.#found<RunRow>(
      `SELECT ${iso('started')}, ${iso('finished')}, outcome, is_full, rows_compared, missing, extra, differing, inconclusive, detail
       FROM crossfade.comparisons WHERE is_full OR NOT $2::boolean ORDER BY id DESC LIMIT $1`,
      [limit, onlyFull],
    );
    return rows.map(toRecord);
  }

  async lastReport(): Promise<string | undefined> {
    const rows = await this.#found<{ report: string }>(
      'SELECT report FROM crossfade.comparisons WHERE report IS NOT NULL ORDER BY id DESC LIMIT 1',
      [],
    );
    return rows[0]?.report;
  }

  async firstSeen({ found, wholeTables, at }: DifferencesSeen): Promise<readonly Date[]> {
    const ids = found.map(idOf);
    const tables = found.map(({ table }) => table);
    const { rows } = await this.#made(() =>
      this.#query<{ id: string; first_seen: string }>(
        `WITH found AS (SELECT DISTINCT ON (id) id, tbl FROM unnest($1::text[], $2::text[]) AS f(id, tbl)),
              gone AS (DELETE FROM crossfade.differences_seen d WHERE d.tbl = ANY($3::text[])
                         AND NOT EXISTS (SELECT FROM found WHERE found.id = d.id)),
              kept AS (INSERT INTO crossfade.differences_seen AS d (id, tbl, first_seen, last_seen)
                       SELECT id, tbl, $4::timestamptz, $4::timestamptz FROM found
                       ON CONFLICT (id) DO UPDATE SET last_seen = greatest(d.last_seen, EXCLUDED.last_seen)
                       RETURNING id, first_seen)
         SELECT id, ${iso('first_seen')} FROM kept`,
        [ids, tables, [...wholeTables], at.toISOString()],
      ),
    );
    await this.#query(
      `DELETE FROM crossfade.differences_seen WHERE last_seen <
         (SELECT last_seen FROM crossfade.differences_seen ORDER BY last_seen DESC OFFSET $1 LIMIT 1)`,
      [KEPT_DIFFERENCES],
    );
    const firstSeen = new Map(rows.map((row) => [row.id, new Date(row.first_seen)]));
    return ids.map((id) => firstSeen.get(id) ?? at);
  }

  async forget(mended: DifferencesSeen['found']): Promise<void> {
    await this.#made(() =>
      this.#query('DELETE FROM crossfade.differences_seen WHERE id = ANY($1::text[])', [mended.map(idOf)]),
    );
  }

  /** An install of an earlier release has no place for it yet. */
  async #made<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!isUnmade(error)) throw error;
      await this.#query(COMPARISON_HISTORY_SQL);
      return await write();
    }
  }

  async #found<R extends QueryResultRow>(sql: string, values: readonly unknown[]): Promise<readonly R[]> {
    try {
      return (await this.#query<R>(sql, values)).rows;
    } catch (error) {
      if (sqlState(error) === '42P01') return [];
      if (sqlState(error) !== '42703') throw error;
      await this.#query(COMPARISON_HISTORY_SQL);
      return (await this.#query<R>(sql, values)).rows;
    }
  }
}

function idOf({ table, name }: DifferencesSeen['found'][number]): string {
  return createHash('sha256')
    .update(JSON.stringify([table, name]))
    .digest('base64');
}

/** A table or a column that is not there. */
function isUnmade(error: unknown): boolean {
  return sqlState(error) === '42P01' || sqlState(error) === '42703';
}

function detailOf({ quarantined, sequencesBehind, schemaDrift, mode, tables }: ComparisonRecord): ComparisonDetail {
  return {
    ...(quarantined === undefined ? {} : { quarantined }),
    ...(sequencesBehind === undefined ? {} : { sequencesBehind }),
    ...(schemaDrift === undefined ? {} : { schemaDrift }),
    ...(mode === undefined ? {} : { mode }),
    ...(tables === undefined ? {} : { tables }),
  };
}

function toRecord(row: RunRow): ComparisonRecord {
  return {
    startedAt: new Date(row.started),
    finishedAt: new Date(row.finished),
    outcome: row.outcome,
    isFull: row.is_full === 't',
    rowsCompared: Number(row.rows_compared),
    missing: Number(row.missing),
    extra: Number(row.extra),
    differing: Number(row.differing),
    inconclusive: Number(row.inconclusive),
    ...(row.detail === null ? {} : (JSON.parse(row.detail) as ComparisonDetail)),
  };
}
