import { keyOf } from '../adapter/spec.ts';
import type { Row, TableSpec } from '../adapter/spec.ts';
import type { Pair, Sighting } from './pair.ts';

/** How far a comparison has come, told after each page. */
export interface ComparisonProgress {
  readonly table: string;
  /**
   * What is being read: both sides, by the digests of ranges; or, where keys have no common order, first the primary's
   * rows, then the secondary's, for those that are extra.
   */
  readonly walk: 'both' | 'primary' | 'secondary';
  /** Rows of this table passed in this walk. */
  readonly rows: number;
  /** About how many there were when the table was begun. */
  readonly of: number;
}

/** Rows of one side, and what the other side holds under the same keys. */
export interface Page {
  readonly rows: readonly Row[];
  readonly sightings: readonly Sighting[];
  readonly others: readonly (Row | undefined)[];
}

export interface WalkOptions {
  readonly side: Exclude<ComparisonProgress['walk'], 'both'>;
  readonly onProgress?: (progress: ComparisonProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Rows read at a time. The pages in flight and the candidates of one table are all that is held in memory. With many
 * more keys at once PostgreSQL prefers to read the whole table for each page.
 */
const PAGE_ROWS = 500;

/** Pages being looked up on the other side at the same time. */
const PAGES_IN_FLIGHT = 2;

/** One side's rows in its own key order, with the other side's rows of the same keys; both databases work at once. */
export async function* walk(pair: Pair, table: TableSpec, options: WalkOptions): AsyncGenerator<Page> {
  const { side, onProgress, signal } = options;
  const [store, other] = side === 'primary' ? [pair.primary, pair.secondary] : [pair.secondary, pair.primary];
  const of = onProgress ? await store.count(table) : 0;
  let passed = 0;
  const lookUp = async (rows: readonly Row[]): Promise<Page> => {
    const sightings = pair.sight(store, table, rows);
    return { rows, sightings, others: await pair.lookUp(other, table, sightings) };
  };
  const inFlight: Promise<Page>[] = [];
  let next: Promise<readonly Row[]> | undefined = store.page(table, null, PAGE_ROWS);
  try {
    for (;;) {
      while (next !== undefined && inFlight.length < PAGES_IN_FLIGHT) {
        signal?.throwIfAborted();
        const rows: readonly Row[] = await next;
        const last = rows.at(-1);
        next = last && quiet(store.page(table, keyOf(table, last), PAGE_ROWS));
        if (last) inFlight.push(quiet(lookUp(rows)));
      }
      const first = inFlight.shift();
      if (first === undefined) return;
      const page = await first;
      yield page;
      passed += page.rows.length;
      onProgress?.({ table: table.name, walk: side, rows: passed, of });
    }
  } finally {
    await Promise.allSettled([next, ...inFlight]);
  }
}

/** A promise that is awaited later, or never when something else fails first. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
