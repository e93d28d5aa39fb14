import { messageOf } from '../../adapter/errors.ts';

/** What the demo's load has seen so far: counts, the slowest answers, and what failed. */
export class Tally {
  writes = 0;
  reads = 0;
  writesFailed = 0;
  readsFailed = 0;
  /** Reads of a writer's own last write that answered something older. */
  staleReads = 0;
  longestWriteMs = 0;
  longestReadMs = 0;
  readonly #failures = new Map<string, number>();

  wrote(ms: number): void {
    this.writes += 1;
    this.longestWriteMs = Math.max(this.longestWriteMs, ms);
  }

  read(ms: number): void {
    this.reads += 1;
    this.longestReadMs = Math.max(this.longestReadMs, ms);
  }

  failed(kind: 'read' | 'write', error: unknown): void {
    if (kind === 'write') this.writesFailed += 1;
    else this.readsFailed += 1;
    const text = `${kind}: ${reasonOf(error)}`;
    this.#failures.set(text, (this.#failures.get(text) ?? 0) + 1);
  }

  /** The reasons of the failures with how often each was seen, most frequent first. */
  failures(): readonly { readonly reason: string; readonly times: number }[] {
    return [...this.#failures].map(([reason, times]) => ({ reason, times })).sort((a, b) => b.times - a.times);
  }
}

/** The message without the SQL text, and with it the values, that Knex puts before it. */
function reasonOf(error: unknown): string {
  return messageOf(error).split(' - ').at(-1) ?? '';
}
