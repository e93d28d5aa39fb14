import type { ClaimedRange } from '../adapter/comparison-runs.ts';
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

/** Where ranges to compare come from. Each that was given is said to be done, or to have failed. */
export interface RangeSource {
  /** The next range, or `null` after the last one. */
  next(): Promise<ClaimedRange | null>;
  done(range: ClaimedRange, took: { readonly rows: number; readonly ms: number }): void;
  failed(): void;
}

/** How many rows a range should have, learned from how long the ones before it took. */
export class RangeSize {
  rows: number;

  constructor(rows = FIRST_ROWS) {
    this.rows = clamped(rows);
  }

  took({ rows, ms }: { readonly rows: number; readonly ms: number }): void {
    if (rows < this.rows / 2) return;
    const fitting = (this.rows * RANGE_MS) / Math.max(ms, 1);
    this.rows = clamped(Math.round(Math.min(fitting, this.rows * 4)));
  }
}

function clamped(rows: number): number {
  return Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, rows));
}

/** A table cut into ranges that take about the same time each, one after the other, by this process alone. */
export class Ranges implements RangeSource {
  readonly #pair: Pair;
  readonly #table: TableSpec;
  readonly #size: RangeSize;
  #rest: KeyRange | null;
  /** One cut after the other. */
  #cutting: Promise<unknown> = Promise.resolve();

  /** `rows`: how many a range has at first. */
  constructor(pair: Pair, table: TableSpec, range: KeyRange, { rows = FIRST_ROWS }: { readonly rows?: number } = {}) {
    this.#size = new RangeSize(rows);
    this.#pair = pair;
    this.#table = table;
    this.#rest = range;
  }

  /** About how many the next range has. */
  get rows(): number {
    return this.#size.rows;
  }

  async next(): Promise<ClaimedRange | null> {
    const cut = this.#cutting.then(() => this.#cut());
    this.#cutting = cut.catch(() => {});
    const range = await cut;
    return range === null ? null : { id: '', range };
  }

  done(_: ClaimedRange, took: { readonly rows: number; readonly ms: number }): void {
    this.#size.took(took);
  }

  failed(): void {
    // Nobody else could take it over.
  }

  async #cut(): Promise<KeyRange | null> {
    const range = this.#rest;
    if (range === null) return null;
    const end = await endOf(this.#pair, this.#table, { range, rows: this.#size.rows });
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
export async function endOf(
  pair: Pair,
  table: TableSpec,
  { range, rows }: { readonly range: KeyRange; readonly rows: number },
): Promise<Key | null> {
  const end = placeIn(await pair.secondary.digests.boundary(table, range, rows));
  // One of them may hold much that the other does not.
  const within = end === null ? { range, rows } : { range: splitAt(range, end)[0], rows: rows * 2 };
  return placeIn(await pair.primary.digests.boundary(table, within.range, within.rows)) ?? end;
}

function placeIn(key: Key | null): Key | null {
  return key === null || !isPlace(key) ? null : key;
}

/** What the other database cannot hold is no place in it. */
export function isPlace(key: Key): boolean {
  return !key.some((value) => value instanceof Unholdable);
}
