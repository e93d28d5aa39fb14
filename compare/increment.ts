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
}

/** What is looked at. */
export interface IncrementWork {
  /** Keys of the primary. */
  readonly changed: readonly Key[];
  /** Where the rolling share goes on, and about how many rows it has. */
  readonly after: Key | null;
  readonly rows: number;
}

/** Compares what has changed in a table, and a share of the others. Resolves to where that share has ended. */
export async function compareIncrement(
  options: IncrementOptions,
  { changed, after, rows }: IncrementWork,
): Promise<Key | null> {
  const { suspects, ranges } = options;
  const [end] = await both(
    ranges === null || rows === 0 ? after : rollingRows(options, { ranges, after, rows }),
    changedRows(options, changed),
  );
  await suspects.end();
  return end;
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
  { ranges, after, rows }: Omit<IncrementWork, 'changed'> & { readonly ranges: RangeComparison },
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

/** Waits for both, also when one fails: nothing may go on behind the caller's back. */
async function both<A, B>(a: A | Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}
