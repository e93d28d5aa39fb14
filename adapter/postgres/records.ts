import type pg from 'pg';
import type { ComparisonRuns } from '../comparison-runs.ts';
import type { ComparisonRecord, Lease, Records } from '../store.ts';
import type { FillRecords } from '../fill-records.ts';
import { PostgresComparisonBases } from './comparison-bases.ts';
import { StoredComparisons } from './comparison-history.ts';

/** Runs one statement. */
export type Query = <R extends pg.QueryResultRow>(
  text: string,
  values?: readonly unknown[],
) => Promise<pg.QueryResult<R>>;

interface LeaseRow {
  readonly holder: string;
  readonly description: string;
  readonly seconds: string;
}

const SECONDS_LEFT = 'extract(epoch FROM expires - clock_timestamp()) AS seconds';

/** What all processes share: who runs the Mirror, and what comparisons have found. */
export class SharedRecords extends PostgresComparisonBases implements Records {
  readonly comparisons: StoredComparisons;
  readonly runs: ComparisonRuns;
  readonly fill: FillRecords;
  readonly #query: Query;
  readonly #exclusively: Records['exclusively'];

  constructor(options: {
    readonly query: Query;
    readonly fill: FillRecords;
    readonly runs: ComparisonRuns;
    readonly exclusively: Records['exclusively'];
  }) {
    super(options.query);
    this.#query = options.query;
    this.fill = options.fill;
    this.#exclusively = options.exclusively;
    this.comparisons = new StoredComparisons(options.query);
    this.runs = options.runs;
  }

  async exclusively<T>(name: string, work: () => Promise<T>): Promise<{ readonly result: T } | undefined> {
    return this.#exclusively(name, work);
  }

  /** Expiry is judged by this database's clock alone (PROTOCOL.md R9). */
  async lease(claim: { holder: string; description: string; ttlMs: number }): Promise<Lease> {
    const { rows } = await this.#query<LeaseRow>(
      `INSERT INTO crossfade.lease (name, holder, description, expires)
       VALUES ('mirror', $1, $2, clock_timestamp() + make_interval(secs => $3::double precision / 1000))
       ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, description = EXCLUDED.description, expires = EXCLUDED.expires
         WHERE lease.holder = EXCLUDED.holder OR lease.expires < clock_timestamp()
       RETURNING holder, description, ${SECONDS_LEFT}`,
      [claim.holder, claim.description, claim.ttlMs],
    );
    const [taken] = rows;
    if (taken !== undefined) return toLease(taken);
    return (await this.currentLease()) ?? this.lease(claim);
  }

  async currentLease(): Promise<Lease | undefined> {
    const { rows } = await this.#query<LeaseRow>(
      `SELECT holder, description, ${SECONDS_LEFT} FROM crossfade.lease WHERE name = 'mirror' AND expires >= clock_timestamp()`,
    );
    return rows[0] === undefined ? undefined : toLease(rows[0]);
  }

  async releaseLease(holder: string): Promise<void> {
    await this.#query(`DELETE FROM crossfade.lease WHERE name = 'mirror' AND holder = $1`, [holder]);
  }

  async recordComparison(record: ComparisonRecord): Promise<void> {
    await this.comparisons.add(record, { report: null });
  }

  async lastComparison({ onlyFull }: { onlyFull: boolean }): Promise<ComparisonRecord | undefined> {
    return (await this.comparisons.list({ limit: 1, onlyFull }))[0];
  }
}

function toLease(row: LeaseRow): Lease {
  return { holder: row.holder, description: row.description, secondsLeft: Number(row.seconds) };
}
