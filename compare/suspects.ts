import type { Key, TableSpec } from '../adapter/spec.ts';
import type { Pair, Sighting } from './pair.ts';
import { identity } from './rows.ts';
import { compareRows } from './verdict.ts';

/** Suspects gathered before they are looked at again: each look waits for the Mirror, so they share it. */
const TOGETHER = 500;

/** Rows of one table that look different, or that were on their way, until enough are together to be looked at again. */
export class Suspects {
  readonly #pair: Pair;
  readonly #table: TableSpec;
  readonly #settle: (sightings: readonly Sighting[]) => Promise<void>;
  #waiting: Sighting[] = [];
  #onTheirWay = new Map<string, Key>();

  constructor(pair: Pair, table: TableSpec, settleAll: (sightings: readonly Sighting[]) => Promise<void>) {
    this.#pair = pair;
    this.#table = table;
    this.#settle = settleAll;
  }

  async add(sightings: readonly Sighting[]): Promise<void> {
    this.#waiting.push(...sightings);
    if (this.#waiting.length >= TOGETHER) await this.#settleWaiting();
  }

  /** Rows that nothing is known of because they have changed: most will have arrived when they are looked at. */
  async onTheirWay(keys: readonly Key[]): Promise<void> {
    for (const key of keys) this.#onTheirWay.set(identity(this.#table, key, this.#pair.primary.name), key);
    if (this.#onTheirWay.size >= TOGETHER * 4) await this.#lookAtThose();
  }

  async end(): Promise<void> {
    await this.#lookAtThose();
    await this.#settleWaiting();
  }

  async #lookAtThose(): Promise<void> {
    const keys = [...this.#onTheirWay.values()];
    this.#onTheirWay = new Map();
    for (let start = 0; start < keys.length; start += TOGETHER) {
      await this.look(keys.slice(start, start + TOGETHER));
    }
  }

  /** Looks at the rows with these keys of the primary; those that differ become suspects. */
  async look(keys: readonly Key[]): Promise<void> {
    const sightings = keys.map((key) => this.#pair.sightKey(this.#pair.primary, this.#table, key));
    const [ours, theirs] = await Promise.all([
      this.#pair.lookUp(this.#pair.primary, this.#table, sightings),
      this.#pair.lookUp(this.#pair.secondary, this.#table, sightings),
    ]);
    await this.add(
      sightings.filter((_, index) => compareRows(this.#pair, this.#table, ours[index], theirs[index]).is !== 'same'),
    );
  }

  async #settleWaiting(): Promise<void> {
    const sightings = this.#waiting;
    this.#waiting = [];
    if (sightings.length > 0) await this.#settle(sightings);
  }
}
