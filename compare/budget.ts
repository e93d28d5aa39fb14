import { setTimeout as sleep } from 'node:timers/promises';

/** Keeps to so many rows in a second, over all that is done at once. */
export class Budget {
  readonly #rowsPerSecond: number;
  readonly #signal: AbortSignal | undefined;
  #freeAtMs = performance.now();

  constructor({
    rowsPerSecond = Infinity,
    signal,
  }: {
    readonly rowsPerSecond?: number;
    readonly signal?: AbortSignal;
  }) {
    this.#rowsPerSecond = rowsPerSecond;
    this.#signal = signal;
  }

  /** Resolves when rows that were read have been paid for. @throws the signal's reason */
  async spend(rows: number): Promise<void> {
    const now = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, now) + (rows * 1_000) / this.#rowsPerSecond;
    const waitMs = this.#freeAtMs - now;
    if (waitMs >= 1) await sleep(waitMs, undefined, this.#signal === undefined ? {} : { signal: this.#signal });
    this.#signal?.throwIfAborted();
  }
}
