import type { Key, TableSpec } from '../adapter/spec.ts';
import type { Budget } from './budget.ts';
import type { TableFindings } from './findings.ts';
import type { Pair } from './pair.ts';
import type { RangeComparison } from './range-comparison.ts';
import { Ranges } from './ranges.ts';
import { identity } from './rows.ts';
import type { Suspects } from './suspects.ts';

/** Keys looked at together: by their digest… */
const KEYS_TOGETHER = 2_000;
/** …or, where the databases have no order of keys in common, row by row. */
const ROWS_TOGETHER = 500;

export interface IncrementOptions {
  readonly pair: Pair;
  readonly table: TableSpec;
  readonly findings: TableFindings;
  readonly suspects: Suspects;
  readonly budget: Budget;
  /** `null` for a table that has no digests. */
  readonly ranges: RangeComparison | null;
  /** Of the table's rows, to be looked at besides. @default 1 / 1440 */
  readonly rollingShare?: number | undefined;
  /** About how many rows the table has. */
  readonly about: () => Promise<number>;
}

/** Of the rows that have not changed: all of them in a day, with a run every minute. */
const ROLLING_SHARE = 1 / 1_440;

/** What is looked at. */
export interface IncrementWork {
  /** Keys of the primary. */
  readonly changed: readonly Key[];
  /** Where the rolling share goes on. */
  readonly after: Key | null;
}

/** Compares what has changed in a table, and a share of the others. Resolves to where that share has ended. */
export async function compareIncrement(
  options: IncrementOptions,
  { changed, after }: IncrementWork,
): Promise<Key | null> {
  const { suspects, ranges, rollingShare = ROLLING_SHARE, about } = options;
  const rolling = async (): Promise<Key | null> => {
    if (ranges === null || rollingShare <= 0) return after;
    const rows = Math.ceil((await about()) * rollingShare);
    return rows === 0 ? after : rollingRows(options, { ranges, after, rows });
  };
  // While one database is at the one, the other one is at the other.
  const [end] = await both(rolling(), changedRows(options, changed));
  await suspects.end();
  return end;
}

/** Waits for both, also when one fails: nothing may go on behind the caller's back. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

/** Rows with these keys of the primary. */
async function changedRows(
  { pair, table, findings, suspects, budget, ranges }: IncrementOptions,
  changed: readonly Key[],
): Promise<void> {
  // One that was open before may have changed since: it must be counted once on each side.
  const keys = [...new Map(changed.map((key) => [identity(table, key, pair.primary.name), key])).values()];
  const together = ranges === null ? ROWS_TOGETHER : KEYS_TOGETHER;
  for (let start = 0; start < keys.length; start += together) {
    const some = keys.slice(start, start + together);
    if (ranges !== null) await ranges.compareKeys(some);
    else {
      await suspects.look(some);
      findings.counts.rowsCompared += some.length;
    }
    await budget.spend(some.length);
  }
}

/** At least so many rows after a key. Resolves to the last key of them; to `null` when the table ends before. */
async function rollingRows(
  { pair, table, budget }: IncrementOptions,
  { ranges, after, rows }: { readonly ranges: RangeComparison; readonly after: Key | null; readonly rows: number },
): Promise<Key | null> {
  const source = new Ranges(pair, table, { after, upTo: null }, { rows });
  for (let left = rows; ;) {
    const claimed = await source.next();
    if (claimed === null) return null;
    const { range } = claimed;
    const found = await ranges.compare(range, { rows: source.rows });
    await budget.spend(found);
    left -= found;
    if (range.upTo === null || left <= 0) return range.upTo;
  }
}
