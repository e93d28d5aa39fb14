import { Gathering } from './gathering.ts';
import type { Observation } from './observation.ts';
import type { ShapeSink } from './shape-sink.ts';
import { mergeTallies, tallyOf } from './shape-tally.ts';
import type { ShapeTally } from './shape-tally.ts';

const HELD_SHAPES = 1_000;

/** What is seen of each query shape: gathered here, kept in the sink. */
export class ShapeRecord {
  readonly #sink: ShapeSink;
  readonly #seen: Gathering<ShapeTally>;

  /** `onFailure` hears of a flush that failed; it is tried again. */
  constructor({ sink, onFailure }: { sink: ShapeSink; onFailure: (error: unknown) => void }) {
    this.#sink = sink;
    this.#seen = new Gathering({
      keyOf: ({ id }) => id,
      merge: mergeTallies,
      write: (tallies) => sink.add(tallies),
      holds: HELD_SHAPES,
      onFailure,
    });
  }

  note(observation: Observation): void {
    this.#seen.add(tallyOf(observation));
  }

  /** Writes what is held to the sink. What could not be written is held on. */
  async flush(): Promise<void> {
    await this.#seen.flush();
  }

  /** Everything that is known, of all processes. */
  async all(): Promise<readonly ShapeTally[]> {
    await this.flush();
    return await this.#sink.all();
  }

  async forget(): Promise<void> {
    this.#seen.clear();
    await this.#sink.forget();
  }
}
