import { setTimeout as pause } from 'node:timers/promises';
import type { Crossfade } from '../../adapter/crossfade.ts';
import { Random } from '../../migrations/ledger/random.ts';
import { HttpWriter } from './http-writer.ts';
import type { Journal } from './journal.ts';
import { KnexWriter } from './knex-writer.ts';
import { Reader } from './reader.ts';
import type { Tally } from './tally.ts';

export interface LoadOptions {
  readonly crossfade: Crossfade;
  /** Where the example API listens: `http://localhost:3000`. */
  readonly url: string;
  readonly journal: Journal;
  readonly tally: Tally;
  /** How many accounts and offerings the seed made; their ids run from 1. */
  readonly accounts: number;
  readonly offerings: number;
}

/** What a writer may know and use. It alone writes the seeded rows whose id leaves `remainder` when divided by `of`. */
export interface WriterContext extends LoadOptions {
  readonly random: Random;
  readonly share: { readonly remainder: number; readonly of: number };
}

/** One who acts: makes one write or read, and rejects when it failed. */
export interface Actor {
  readonly kind: 'read' | 'write';
  act(): Promise<void>;
}

const KNEX_WRITERS = 4;
const HTTP_WRITERS = 2;
const READERS = 3;

/** The longest pause of an actor between two acts, in ms: the load of a busy API, not as much as the machine can do. */
const THINK_MS = 20;

/** Readers and writers that use the API all through the move, some through Knex and some over HTTP. */
export class Load {
  readonly #options: LoadOptions;
  readonly #loops: Promise<void>[] = [];
  readonly #stop = new AbortController();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    const of = KNEX_WRITERS + HTTP_WRITERS;
    for (let number = 0; number < of + READERS; number++) {
      const context: WriterContext = {
        ...this.#options,
        random: new Random(1_000 + number),
        share: { remainder: number % of, of },
      };
      this.#loops.push(this.#loop(actorNumber(number, context), context.random));
    }
  }

  /** Lets every act under way end, and begins no more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #loop(actor: Actor, random: Random): Promise<void> {
    const { tally } = this.#options;
    while (!this.#stop.signal.aborted) {
      const began = performance.now();
      try {
        await actor.act();
        const ms = performance.now() - began;
        if (actor.kind === 'write') tally.wrote(ms);
        else tally.read(ms);
      } catch (error) {
        tally.failed(actor.kind, error);
      }
      await pause(random.between(1, THINK_MS));
    }
  }
}

function actorNumber(number: number, context: WriterContext): Actor {
  if (number < KNEX_WRITERS) return new KnexWriter(context);
  if (number < KNEX_WRITERS + HTTP_WRITERS) return new HttpWriter(context);
  return new Reader(context);
}
