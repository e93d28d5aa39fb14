/** Random numbers that come again in the same order for the same seed (mulberry32). */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** The seed of the environment variable CROSSFADE_SEED, or another one each time. */
  static seedOfRun(): number {
    const given = process.env['CROSSFADE_SEED'];
    return given === undefined || given === '' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  }

  /**
   * The seed of tests that ask both databases many small questions: the same in every run, so that a run fails for what
   * was changed and for nothing else. CROSSFADE_SEED asks others.
   */
  static seedOfSuite(): number {
    const given = process.env['CROSSFADE_SEED'];
    return given === undefined || given === '' ? 20_261_122 : Number(given);
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.next() * list.length)];
    if (found === undefined) throw new RangeError('nothing to pick from');
    return found;
  }
}
