import type { Sighting } from './pair.ts';

/** Candidates gathered before they are looked at again: each look waits for the Mirror, so they share it. */
const CANDIDATES = 500;

/** Gathers rows that look different until there are enough of them to be looked at again together. */
export class Candidates {
  readonly #settle: (sightings: readonly Sighting[]) => Promise<void>;
  #waiting: Sighting[] = [];

  constructor(settleAll: (sightings: readonly Sighting[]) => Promise<void>) {
    this.#settle = settleAll;
  }

  async add(sightings: readonly Sighting[]): Promise<void> {
    this.#waiting.push(...sightings);
    if (this.#waiting.length >= CANDIDATES) await this.end();
  }

  async end(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const sightings = this.#waiting;
    this.#waiting = [];
    await this.#settle(sightings);
  }
}
