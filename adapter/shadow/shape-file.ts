import { SharedLines } from './shared-lines.ts';
import { KEPT_SHAPES } from './shape-sink.ts';
import type { ShapeSink } from './shape-sink.ts';
import { mergeTallies } from './shape-tally.ts';
import type { ShapeTally } from './shape-tally.ts';

/** The tallies of query shapes, in a file: one JSON object a line. */
export class ShapeFile implements ShapeSink {
  readonly #lines: SharedLines<ShapeTally>;

  constructor(path: string) {
    this.#lines = new SharedLines(path, (value) => (isTally(value) ? value : undefined));
  }

  async add(tallies: readonly ShapeTally[]): Promise<void> {
    await this.#lines.change((known) => {
      const merged = new Map(known.map((tally) => [tally.id, tally]));
      for (const tally of tallies) {
        const before = merged.get(tally.id);
        merged.set(tally.id, before === undefined ? tally : mergeTallies(before, tally));
      }
      return [...merged.values()].toSorted((a, b) => (a.lastSeen > b.lastSeen ? -1 : 1)).slice(0, KEPT_SHAPES);
    });
  }

  async all(): Promise<readonly ShapeTally[]> {
    return await this.#lines.entries();
  }

  /** @throws CrossfadeError `CONFIG_INVALID` when there is no such file. */
  async existing(): Promise<readonly ShapeTally[]> {
    return await this.#lines.existing();
  }

  async forget(): Promise<void> {
    await this.#lines.change(() => []);
  }
}

function isTally(value: unknown): value is ShapeTally {
  return typeof value === 'object' && value !== null && 'results' in value && 'latency' in value && 'id' in value;
}
