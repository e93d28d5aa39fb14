const FLUSH_EVERY_MS = 10_000;

export interface GatheringOptions<Entry> {
  readonly keyOf: (entry: Entry) => string;
  readonly merge: (before: Entry, added: Entry) => Entry;
  /** Puts entries where they are kept: all of them, or none. */
  readonly write: (entries: readonly Entry[]) => Promise<void>;
  /** How many entries are held between two flushes. Past it the one added longest ago is lost. */
  readonly holds: number;
  /** Hears of a flush by time that failed; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** Entries that are put together by their key in bounded memory, and written away every ten seconds. */
export class Gathering<Entry> {
  readonly #options: GatheringOptions<Entry>;
  #held = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(options: GatheringOptions<Entry>) {
    this.#options = options;
  }

  add(entry: Entry): void {
    this.#hold(entry);
    this.#timer ??= setTimeout(() => void this.flush().catch(this.#options.onFailure), FLUSH_EVERY_MS).unref();
  }

  /** Writes away what is held. What could not be written is held on. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#flush());
    await this.#flushing;
  }

  /** Gives up what is held. */
  clear(): void {
    this.#held = new Map();
  }

  async #flush(): Promise<void> {
    const held = this.#held;
    if (held.size === 0) return;
    this.#held = new Map();
    try {
      await this.#options.write([...held.values()]);
    } catch (error) {
      const since = this.#held;
      this.#held = held;
      for (const entry of since.values()) this.#hold(entry);
      throw error;
    }
  }

  #hold(entry: Entry): void {
    const { keyOf, merge, holds } = this.#options;
    const key = keyOf(entry);
    const before = this.#held.get(key);
    this.#held.delete(key);
    this.#held.set(key, before === undefined ? entry : merge(before, entry));
    const [oldest] = this.#held.keys();
    if (this.#held.size > holds && oldest !== undefined) this.#held.delete(oldest);
  }
}
