import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { ClaimedRange, ComparisonRun, ComparisonRuns } from '../comparison-runs.ts';
import { splitAt } from '../digest.ts';
import type { KeyRange } from '../digest.ts';
import { CrossfadeError } from '../errors.ts';
import { decodeKey, encodeKey } from '../spec.ts';
import type { Key } from '../spec.ts';
import { Attendance, holderLock, runLock } from './attendance.ts';
import { describeConnectionError, sqlState } from './connection.ts';

type Query = <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<pg.QueryResult<R>>;

/** Made when they are first needed. */
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
  readonly #url: string;
  readonly #query: Query;

  constructor(url: string, query: Query) {
    this.#url = url;
    this.#query = query;
  }

  async joinRun({ scope, tables, maxAgeMs }: Parameters<ComparisonRuns['joinRun']>[0]): Promise<ComparisonRun> {
    await this.#makeTables();
    // No index takes a text of any length.
    const digest = createHash('sha256').update(scope).digest('base64');
    const holder = randomUUID();
    for (;;) {
      await this.#forgetLeftRuns(maxAgeMs);
      // The index makes those that begin at the same time begin one run.
      await this.#query(
        `WITH fresh AS (INSERT INTO crossfade.comparison_runs (scope) VALUES ($1)
           ON CONFLICT (scope) WHERE finished IS NULL DO NOTHING RETURNING id)
         INSERT INTO crossfade.comparison_fronts (run, tbl, rest)
           SELECT id, tbl, rest FROM fresh, unnest($2::text[], $3::text[]) AS front(tbl, rest)`,
        [digest, tables.map(({ name }) => name), tables.map(({ range }) => writeRange(range))],
      );
      const { rows } = await this.#query<{ id: string; ms: string }>(
        `SELECT id, extract(epoch FROM started) * 1000 AS ms FROM crossfade.comparison_runs WHERE scope = $1 AND finished IS NULL`,
        [digest],
      );
      const [run] = rows;
      const attendance = run && (await this.#attend(run.id, holder));
      if (run === undefined || attendance === undefined) continue;
      const leave = async (): Promise<void> => {
        await attendance.end();
        // Without a connection the next run does it.
        await this.#forgetLeftRuns(maxAgeMs).catch(() => {});
      };
      return { id: run.id, holder, startedAt: new Date(Number(run.ms)), leave };
    }
  }

  /** `undefined` when the run was ended meanwhile. */
  async #attend(run: string, holder: string): Promise<Attendance | undefined> {
    let attendance: Attendance;
    try {
      attendance = await Attendance.begin(this.#url, { run, holder });
    } catch (error) {
      throw describeConnectionError(this.#url, error);
    }
    try {
      const { rows } = await this.#query('SELECT FROM crossfade.comparison_runs WHERE id = $1 AND finished IS NULL', [
        run,
      ]);
      if (rows.length > 0) return attendance;
    } catch (error) {
      await attendance.end();
      throw error;
    }
    await attendance.end();
    return undefined;
  }

  /** Removes the runs that nobody works on, of those that are finished or too old to be gone on with. */
  async #forgetLeftRuns(maxAgeMs: number): Promise<void> {
    await this.#query(
      `WITH ended AS MATERIALIZED (SELECT id FROM crossfade.comparison_runs WHERE finished IS NOT NULL
         OR started < clock_timestamp() - make_interval(secs => $1::double precision / 1000))
       DELETE FROM crossfade.comparison_runs run USING ended
       WHERE run.id = ended.id AND pg_try_advisory_xact_lock(${runLock('ended.id')})`,
      [maxAgeMs],
    );
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
         SELECT id FROM crossfade.comparison_ranges WHERE run = $2 AND tbl = $3 AND holder <> $4
           AND (expires < clock_timestamp() OR pg_try_advisory_xact_lock_shared(${holderLock('holder')}))
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
      const { rest, version } = present(front.rows);
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

  async saveFindings(of: Parameters<ComparisonRuns['saveFindings']>[0]): Promise<boolean> {
    const { rowCount } = await this.#query(
      `WITH done AS MATERIALIZED (SELECT id FROM crossfade.comparison_ranges WHERE id = ANY ($6::bigint[]) AND holder = $4 FOR UPDATE),
       mine AS MATERIALIZED (SELECT FROM done HAVING count(*) = cardinality($6::bigint[])),
       removed AS (DELETE FROM crossfade.comparison_ranges WHERE id IN (SELECT id FROM done) AND EXISTS (SELECT FROM mine)),
       renewed AS (UPDATE crossfade.comparison_ranges SET expires = ${FROM_NOW}
         WHERE run = $2 AND holder = $4 AND id <> ALL ($6::bigint[]))
       INSERT INTO crossfade.comparison_findings (run, tbl, holder, findings) SELECT $2, $3, $4, $5 FROM mine
       ON CONFLICT (run, tbl, holder) DO UPDATE SET findings = EXCLUDED.findings`,
      [of.expiresMs, of.run, of.table, of.holder, of.findings, of.done],
    );
    return rowCount === 1;
  }

  async renewClaims({ run, holder, expiresMs }: { run: string; holder: string; expiresMs: number }): Promise<void> {
    await this.#query(`UPDATE crossfade.comparison_ranges SET expires = ${FROM_NOW} WHERE run = $2 AND holder = $3`, [
      expiresMs,
      run,
      holder,
    ]);
  }

  async releaseClaims({ run, table, holder }: { run: string; table: string; holder: string }): Promise<void> {
    await this.#query(
      `UPDATE crossfade.comparison_ranges SET holder = '', expires = '-infinity' WHERE run = $1 AND tbl = $2 AND holder = $3`,
      [run, table, holder],
    );
  }

  async unfinishedRanges(run: string): Promise<number> {
    const { rows } = await this.#query<{ count: string }>(
      `SELECT (SELECT count(*) FROM crossfade.comparison_ranges WHERE run = $1)
         + (SELECT count(*) FROM crossfade.comparison_fronts WHERE run = $1 AND rest IS NOT NULL) AS count
       FROM crossfade.comparison_runs WHERE id = $1`,
      [run],
    );
    return Number(present(rows).count);
  }

  async savedFindings(run: string): Promise<readonly { table: string; holder: string; findings: string }[]> {
    const { rows } = await this.#query<{ tbl: string | null; holder: string; findings: string }>(
      `SELECT tbl, holder, findings FROM crossfade.comparison_runs LEFT JOIN crossfade.comparison_findings ON run = id
       WHERE id = $1 ORDER BY tbl, holder`,
      [run],
    );
    present(rows);
    return rows.flatMap(({ tbl, holder, findings }) => (tbl === null ? [] : [{ table: tbl, holder, findings }]));
  }

  async finishRun(run: string): Promise<boolean> {
    const { rowCount } = await this.#query(
      'UPDATE crossfade.comparison_runs SET finished = clock_timestamp() WHERE id = $1 AND finished IS NULL',
      [run],
    );
    return rowCount === 1;
  }
}

/** @throws CrossfadeError where nothing is there: others have finished the run, and could not see that this process is at it. */
function present<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row !== undefined) return row;
  throw new CrossfadeError(
    'POSTGRES_UNREACHABLE',
    'the connection to PostgreSQL broke, and the processes that share this comparison have ended it meanwhile',
    { hint: 'their report says what was found; or compare again' },
  );
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
