import type { ComparisonReport } from './report.ts';
import type { Store } from '../adapter/store.ts';
import type { ComparisonProgress } from './walk.ts';

/** What a comparison looks at, how hard it works, and what it tells. */
export interface CompareOptions {
  /** Names of the tables to compare. @default every mirrored table */
  readonly tables?: readonly string[];
  /**
   * Ranges of keys: only rows within them are compared, and only these tables. `orders:id>=100 and id<200`: the table, a
   * colon, then conditions on columns of its key (`=`, `<`, `<=`, `>`, `>=`) with a number, a `'text'` (`''` for one `'`)
   * or a blob `x'00ff'`, joined by `and`.
   *
   * @default whole tables
   */
  readonly where?: readonly string[];
  /** The share of each table's ranges to compare, above 0 and up to 1, chosen at random. @default 1 */
  readonly sample?: number;
  /**
   * Whether only the rows are compared that have changed since the last clean comparison, and a rolling share of the
   * others ({@link rollingShare}). Where there is nothing to go on from, everything is compared, and the report says why.
   *
   * @default false
   */
  readonly incremental?: boolean;
  /** The share of each table's rows, from 0 to 1, that an incremental comparison looks at besides. @default 1 / 1440: with a run every minute every row in a day */
  readonly rollingShare?: number;
  /**
   * Whether how far the comparison has come is kept in PostgreSQL, and one of the same tables that was broken off within
   * the last day is gone on with. Several processes that do so at once share the work. An incremental comparison is short,
   * and is always begun anew.
   *
   * @default false
   */
  readonly resume?: boolean;
  /** The most rows that are read from each database in a second. @default as many as it can */
  readonly rowsPerSecond?: number;
  /** How many ranges are compared at once, each with a connection to PostgreSQL; up to two threads read SQLite. @default 2 */
  readonly concurrency?: number;
  /**
   * A hot standby of PostgreSQL, from `crossfade.openStandby()`: it is read in place of the database that it follows. Only
   * while SQLite takes the writes. The caller closes it.
   */
  readonly standby?: Store;
  /** How many differences are reported with their keys; all are counted. @default 100 */
  readonly maxDifferences?: number;
  /** Whether the report holds the values that differ. @default false */
  readonly showValues?: boolean;
  /** How often to look at a row that keeps changing before it counts as inconclusive. @default 8 */
  readonly attempts?: number;
  /** How long to wait for the Mirror, in ms, before the comparison is inconclusive. @default 10000 */
  readonly catchUpMs?: number;
  readonly onProgress?: (progress: ComparisonProgress) => void;
  /** Ends the comparison: it rejects with the signal's reason, and nothing is recorded. */
  readonly signal?: AbortSignal;
  /** Whether the outcome is stored, for the gates and the status. @default true */
  readonly record?: boolean;
  /** Stores the outcome in place of the comparer: for a caller who adds to it first. Not called with `record: false`. */
  readonly store?: (report: ComparisonReport) => Promise<void>;
}
