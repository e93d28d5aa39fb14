import type pg from 'pg';
import type { ClaimedRange, ComparisonRun, ComparisonRuns } from '../comparison-runs.ts';
import { splitAt } from '../digest.ts';
import type { KeyRange } from '../digest.ts';
import { decodeKey, encodeKey } from '../spec.ts';
import type { Key } from '../spec.ts';
import { only } from './bookkeeping.ts';
import { sqlState } from './connection.ts';

type Query = <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<pg.QueryResult<R>>;

/** Made when they are first needed. What an earlier run has left is removed with it after a while. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS crossfade.comparison_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, scope text NOT NULL, started timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz
  );
  CREATE UNIQUE INDEX IF NOT EXISTS comparison_runs_open ON crossfade.comparison_runs (scope) WHERE finished IS NULL;
  CREATE TABLE IF NOT EXISTS crossfade.comparison_fronts (
    run bigint NOT NULL REFERENCES crossfade.comparison_runs ON DELETE CASCADE, tbl text NOT NULL, rest text, version integer NOT NULL DEFAULT 0,
    PRIMARY KEY (run, tbl)
  );
  CREATE TABLE IF NOT EXISTS crossfade.comparison_ranges (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run bigint NOT NULL REFERENCES crossfade.comparison_runs ON DELETE CASCADE,
    tbl text NOT NULL, range text NOT NULL, holder text NOT NULL, expires timestamptz NOT NULL
  );
  CREATE TABLE IF NOT EXISTS crossfade.comparison_findings (
    run bigint NOT NULL REFERENCES crossfade.comparison_runs ON DELETE CASCADE, tbl text NOT NULL, holder text NOT NULL,
    findings text NOT NULL, PRIMARY KEY (run, tbl, holder)
  );`;

const FROM_NOW = `clock_timestamp() + make_interval(secs => $1::double precision / 1000)`;

/** The tables of {@link ComparisonRuns}. */
export class PostgresComparisonRuns implements ComparisonRuns {
  readonly #query: Query;

  constructor(query: Query) {
    this.#query = query;
  }

  async joinRun({ scope, tables, maxAgeMs }: Parameters<ComparisonRuns['joinRun']>[0]): Promise<ComparisonRun> {
    await this.#makeTables();
    await this.#query(
      `WITH forgotten AS (DELETE FROM crossfade.comparison_runs WHERE started < clock_timestamp() - interval '7 days')
       UPDATE crossfade.comparison_runs SET finished = clock_timestamp() WHERE scope = $2 AND finished IS NULL
         AND started < clock_timestamp() - make_interval(secs => $1::double precision / 1000)`,
      [maxAgeMs, scope],
    );
    // The index makes those that begin at the same time begin one run.
    await this.#query(
      `WITH fresh AS (INSERT INTO crossfade.comparison_runs (scope) VALUES ($1)
         ON CONFLICT (scope) WHERE finished IS NULL DO NOTHING RETURNING id)
       INSERT INTO crossfade.comparison_fronts (run, tbl, rest)
         SELECT id, tbl, rest FROM fresh, unnest($2::text[], $3::text[]) AS front(tbl, rest)`,
      [scope, tables.map(({ name }) => name), tables.map(({ range }) => writeRange(range))],
    );
    const { rows } = await this.#query<{ id: string; ms: string }>(
      `SELECT id, extract(epoch FROM started) * 1000 AS ms FROM crossfade.comparison_runs WHERE scope = $1 ORDER BY id DESC LIMIT 1`,
      [scope],
    );
    const { id, ms } = only(rows);
    return { id, startedAt: new Date(Number(ms)) };
  }

  /** Two processes may make them at the same time: then one of them is told that they are there. */
  async #makeTables(): Promise<void> {
    try {
      await this.#query(TABLES);
    } catch (error) {
      if (sqlState(error) !== '23505' && sqlState(error) !== '42P07') throw error;
      await this.#query(TABLES);
    }
  }

  async claimRange(
    of: { run: string; table: string; holder: string; expiresMs: number },
    cut: (rest: KeyRange) => Promise<Key | null>,
  ): Promise<ClaimedRange | null> {
    const { run, table, holder, expiresMs } = of;
    const expired = await this.#query<{ id: string; range: string }>(
      `UPDATE crossfade.comparison_ranges SET holder = $4, expires = ${FROM_NOW} WHERE id = (
         SELECT id FROM crossfade.comparison_ranges WHERE run = $2 AND tbl = $3 AND expires < clock_timestamp()
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, range`,
      [expiresMs, run, table, holder],
    );
    const [taken] = expired.rows;
    if (taken !== undefined) return { id: taken.id, range: readRange(taken.range) };
    for (;;) {
      const front = await this.#query<{ rest: string | null; version: string }>(
        'SELECT rest, version FROM crossfade.comparison_fronts WHERE run = $1 AND tbl = $2',
        [run, table],
      );
      const { rest, version } = only(front.rows);
      if (rest === null) return null;
      const range = readRange(rest);
      const end = await cut(range);
      const [mine, others] = end === null ? [range, null] : splitAt(range, end);
      const { rows } = await this.#query<{ id: string }>(
        `WITH moved AS (UPDATE crossfade.comparison_fronts SET rest = $5, version = version + 1
           WHERE run = $2 AND tbl = $3 AND version = $6 RETURNING 1)
         INSERT INTO crossfade.comparison_ranges (run, tbl, range, holder, expires)
         SELECT $2, $3, $7, $4, ${FROM_NOW} FROM moved RETURNING id`,
        [expiresMs, run, table, holder, others === null ? null : writeRange(others), version, writeRange(mine)],
      );
      const [claimed] = rows;
      // Another process was faster: then the rest is a shorter one.
      if (claimed !== undefined) return { id: claimed.id, range: mine };
    }
  }

  async saveFindings(of: Parameters<ComparisonRuns['saveFindings']>[0]): Promise<void> {
    await this.#query(
      `WITH done AS (DELETE FROM crossfade.comparison_ranges WHERE id = ANY ($6::bigint[])),
       renewed AS (UPDATE crossfade.comparison_ranges SET expires = ${FROM_NOW}
         WHERE run = $2 AND holder = $4 AND id <> ALL ($6::bigint[]))
       INSERT INTO crossfade.comparison_findings (run, tbl, holder, findings) VALUES ($2, $3, $4, $5)
       ON CONFLICT (run, tbl, holder) DO UPDATE SET findings = EXCLUDED.findings`,
      [of.expiresMs, of.run, of.table, of.holder, of.findings, of.done],
    );
  }

  async renewClaims({ run, holder, expiresMs }: { run: string; holder: string; expiresMs: number }): Promise<void> {
    await this.#query(`UPDATE crossfade.comparison_ranges SET expires = ${FROM_NOW} WHERE run = $2 AND holder = $3`, [
      expiresMs,
      run,
      holder,
    ]);
  }

  async unfinishedRanges(run: string): Promise<number> {
    const { rows } = await this.#query<{ count: string }>(
      `SELECT (SELECT count(*) FROM crossfade.comparison_ranges WHERE run = $1)
         + (SELECT count(*) FROM crossfade.comparison_fronts WHERE run = $1 AND rest IS NOT NULL) AS count`,
      [run],
    );
    return Number(only(rows).count);
  }

  async savedFindings(run: string): Promise<readonly { table: string; holder: string; findings: string }[]> {
    const { rows } = await this.#query<{ tbl: string; holder: string; findings: string }>(
      'SELECT tbl, holder, findings FROM crossfade.comparison_findings WHERE run = $1 ORDER BY tbl, holder',
      [run],
    );
    return rows.map(({ tbl, holder, findings }) => ({ table: tbl, holder, findings }));
  }

  async finishRun(run: string): Promise<boolean> {
    const { rowCount } = await this.#query(
      'UPDATE crossfade.comparison_runs SET finished = clock_timestamp() WHERE id = $1 AND finished IS NULL',
      [run],
    );
    return rowCount === 1;
  }
}

function writeRange({ after, upTo, ...bounds }: KeyRange): string {
  const written = (key: Key | null): string | null => (key === null ? null : encodeKey(key));
  return JSON.stringify({ after: written(after), upTo: written(upTo), ...bounds });
}

function readRange(text: string): KeyRange {
  const { after, upTo, ...bounds } = JSON.parse(text) as Omit<KeyRange, 'after' | 'upTo'> & {
    readonly after: string | null;
    readonly upTo: string | null;
  };
  const key = (written: string | null): Key | null => (written === null ? null : decodeKey(written));
  return { after: key(after), upTo: key(upTo), ...bounds };
}
