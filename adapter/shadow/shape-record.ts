import type { Observation } from './observation.ts';
import type { ShapeSink } from './shape-sink.ts';
import { mergeTallies, tallyOf } from './shape-tally.ts';
import type { ShapeTally } from './shape-tally.ts';

/** How many shapes are held between two flushes. Past it the one seen longest ago is lost. */
const HELD_SHAPES = 1_000;
const FLUSH_EVERY_MS = 10_000;

/** What was seen of each query shape since the last flush, in bounded memory; the rest is in the sink. */
export class ShapeRecord {
  readonly #sink: ShapeSink;
  readonly #onFailure: (error: unknown) => void;
  readonly #heldShapes: number;
  #held = new Map<string, ShapeTally>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  /** `onFailure` hears of a flush that failed; it is tried again. */
  constructor(options: { sink: ShapeSink; onFailure?: (error: unknown) => void; heldShapes?: number }) {
    this.#sink = options.sink;
    this.#onFailure = options.onFailure ?? (() => {});
    this.#heldShapes = options.heldShapes ?? HELD_SHAPES;
  }

  note(observation: Observation): void {
    this.#hold(tallyOf(observation));
    this.#timer ??= setTimeout(() => void this.flush().catch(this.#onFailure), FLUSH_EVERY_MS).unref();
  }

  /** Writes what is held to the sink. What could not be written is held on. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#flush());
    await this.#flushing;
  }

  /** Everything that is known, of all processes. */
  async all(): Promise<readonly ShapeTally[]> {
    await this.flush();
    return await this.#sink.all();
  }

  async forget(): Promise<void> {
    this.#held = new Map();
    await this.#sink.forget();
  }

  async #flush(): Promise<void> {
    const held = this.#held;
    if (held.size === 0) return;
    this.#held = new Map();
    try {
      await this.#sink.add([...held.values()]);
    } catch (error) {
      const since = this.#held;
      this.#held = held;
      for (const tally of since.values()) this.#hold(tally);
      throw error;
    }
  }

  #hold(tally: ShapeTally): void {
    const before = this.#held.get(tally.id);
    this.#held.delete(tally.id);
    this.#held.set(tally.id, before === undefined ? tally : mergeTallies(before, tally));
    const [oldest] = this.#held.keys();
    if (this.#held.size > this.#heldShapes && oldest !== undefined) this.#held.delete(oldest);
  }
}
