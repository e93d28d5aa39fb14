/** How long a piece of a backfill is to take. Changes that are written meanwhile wait for it. */
const GOAL_MS = 500;
/** About as much is on its way in one transaction at most. */
const MOST_BYTES = 16 * 2 ** 20;
/** What a table begins with, of whose rows nothing is known. */
const FIRST_ROWS = 40_000;
const FEWEST_ROWS = 200;
/** One piece may have met with a lock or a busy disk: the next one is at most so many times as large or as small. */
const MOST_CHANGE = 4;

/** How many rows the next piece of a backfill has: as many as take about half a second, by how long the last one took. */
export class PieceSize {
  readonly #mostRows: number;
  readonly #rows = new Map<string, number>();

  /** `mostRows`: no piece has more. */
  constructor(mostRows: number) {
    this.#mostRows = mostRows;
  }

  /** The size of a table's next piece. */
  of(table: string): { readonly rows: number; readonly bytes: number } {
    return { rows: Math.min(this.#mostRows, this.#rows.get(table) ?? FIRST_ROWS), bytes: MOST_BYTES };
  }

  /** Notes a piece that has arrived: `ms` from the beginning of its reading to its commit. */
  note({ table, rows, ms }: { readonly table: string; readonly rows: number; readonly ms: number }): void {
    const last = this.#rows.get(table) ?? FIRST_ROWS;
    // The last piece of a table is an odd one, and small ones tell of nothing but what comes with any step.
    if (rows < Math.min(last, this.#mostRows) / 2) return;
    const rowsInTime = Math.round((rows / Math.max(1, ms)) * GOAL_MS);
    const next = Math.min(last * MOST_CHANGE, Math.max(last / MOST_CHANGE, rowsInTime));
    this.#rows.set(table, Math.max(FEWEST_ROWS, Math.round(next)));
  }
}
