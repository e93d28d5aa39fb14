import { messageOf } from '../../adapter/errors.ts';

/** What the demo's load has seen so far: counts, the slowest answers, and what failed. */
export class Tally {
  writes = 0;
  reads = 0;
  writesFailed = 0;
  readsFailed = 0;
  /** Reads of a writer's own last write that answered something older. */
  staleReads = 0;
  longestWrite = { ms: 0, during: '' };
  longestReadMs = 0;
  readonly #during: () => string;
  readonly #failures = new Map<string, number>();

  /** `during` says what the demo is doing at the moment. */
  constructor(during: () => string) {
    this.#during = during;
  }

  wrote(ms: number): void {
    this.writes += 1;
    if (ms > this.longestWrite.ms) this.longestWrite = { ms, during: this.#during() };
  }

  read(ms: number): void {
    this.reads += 1;
    this.longestReadMs = Math.max(this.longestReadMs, ms);
  }

  failed(kind: 'read' | 'write', error: unknown): void {
    if (kind === 'write') this.writesFailed += 1;
    else this.readsFailed += 1;
    this.#note(`a ${kind} failed: ${reasonOf(error)}`);
  }

  stale(): void {
    this.staleReads += 1;
    this.#note("a read of a writer's own last write answered something older");
  }

  /** What went wrong, when, and how often; most frequent first. */
  failures(): readonly string[] {
    const counted = [...this.#failures].sort(([, a], [, b]) => b - a);
    return counted.map(([what, times]) => (times === 1 ? what : `${what}; ${times} times`));
  }

  #note(what: string): void {
    const text = `${what} (${this.#during()})`;
    this.#failures.set(text, (this.#failures.get(text) ?? 0) + 1);
  }
}

/** The message without the SQL text, and with it the values, that Knex puts before it. */
function reasonOf(error: unknown): string {
  return messageOf(error).split(' - ').at(-1) ?? '';
}
