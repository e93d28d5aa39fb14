import { splitAt } from '../adapter/digest.ts';
import type { KeyRange } from '../adapter/digest.ts';
import type { Key, TableSpec } from '../adapter/spec.ts';
import { Unholdable } from '../adapter/codec/unholdable.ts';
import type { Pair } from './pair.ts';

/** Rows of a range at first, at least and at most. */
const FIRST_ROWS = 2_000;
const FEWEST_ROWS = 500;
const MOST_ROWS = 100_000;
/** How long a range should take: no snapshot may keep the databases from cleaning up behind it. */
const RANGE_MS = 150;

/** A table cut into ranges that take about the same time each, one after the other. */
export class Ranges {
  readonly #pair: Pair;
  readonly #table: TableSpec;
  #rest: KeyRange | null;
  #rows: number;
  /** One cut after the other. */
  #cutting: Promise<unknown> = Promise.resolve();

  /** `rows`: how many a range has at first. */
  constructor(pair: Pair, table: TableSpec, range: KeyRange, { rows = FIRST_ROWS }: { readonly rows?: number } = {}) {
    this.#rows = Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, rows));
    this.#pair = pair;
    this.#table = table;
    this.#rest = range;
  }

  /** The next range, or `null` after the last one. */
  async next(): Promise<KeyRange | null> {
    const cut = this.#cutting.then(() => this.#cut());
    this.#cutting = cut.catch(() => {});
    return cut;
  }

  /** Says how long a range took that `next` gave. */
  took({ rows, ms }: { readonly rows: number; readonly ms: number }): void {
    if (rows < this.#rows / 2) return;
    const fitting = (this.#rows * RANGE_MS) / Math.max(ms, 1);
    this.#rows = Math.round(Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, Math.min(fitting, this.#rows * 4))));
  }

  async #cut(): Promise<KeyRange | null> {
    const range = this.#rest;
    if (range === null) return null;
    const end = await endOf(this.#pair, this.#table, { range, rows: this.#rows });
    if (end === null) {
      this.#rest = null;
      return range;
    }
    const [first, rest] = splitAt(range, end);
    this.#rest = rest;
    return first;
  }
}

/** The last key of about so many rows; `null` when neither database has more. */
async function endOf(
  pair: Pair,
  table: TableSpec,
  { range, rows }: { readonly range: KeyRange; readonly rows: number },
): Promise<Key | null> {
  const end = placeIn(await pair.secondary.digests.boundary(table, range, rows));
  // One of them may hold much that the other does not.
  const within = end === null ? { range, rows } : { range: splitAt(range, end)[0], rows: rows * 2 };
  return placeIn(await pair.primary.digests.boundary(table, within.range, within.rows)) ?? end;
}

/** What the other database cannot hold is no place in it. */
function placeIn(key: Key | null): Key | null {
  return key === null || key.some((value) => value instanceof Unholdable) ? null : key;
}
