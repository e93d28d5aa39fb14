import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Crossfade } from '../../adapter/index.ts';
import { isCrossfadeError, messageOf } from '../../adapter/errors.ts';
import { isInfrastructureError } from '../../adapter/infrastructure-error.ts';
import { until } from './pair.ts';

interface Settings {
  readonly name: string;
  readonly value: string;
}

/** How long a lane rests between two queries, in ms: while somebody waits for them, and else. */
const PAUSE_MS = { watched: 1, unwatched: 5 } as const;

/**
 * Writers and readers that go on through an outage, in this process. A read looks for a row that was acknowledged to
 * somebody before. They go slower while nobody waits for them in {@link goesOn}: servers that stop and start, and the
 * other tests of a file, want the processor too.
 */
export class Load {
  readonly #crossfade: Crossfade;
  readonly #written: string[] = [];
  readonly #running: Promise<void>[] = [];
  /** Codes of failures that may be tried again. */
  readonly retryable: string[] = [];
  /** Queries whose connection broke under them, so that nobody knows whether they were done. */
  readonly broken: string[] = [];
  /** Failures of any other kind, in words. */
  readonly failures: string[] = [];
  /** Reads that did not find what had been acknowledged. */
  readonly notFound: string[] = [];
  #reads = 0;
  #isOver = false;
  #waiting = 0;
  #slowest = { write: 0, read: 0 };
  #slowestSince = 0;

  private constructor(crossfade: Crossfade) {
    this.#crossfade = crossfade;
  }

  /** Stopped with the test at the latest. */
  static start(
    t: Pick<ExecutionContext, 'teardown'>,
    crossfade: Crossfade,
    { writers, readers }: { writers: number; readers: number },
  ): Load {
    const load = new Load(crossfade);
    t.teardown(() => load.stop());
    for (let lane = 0; lane < writers; lane += 1) load.#running.push(load.#write(lane));
    for (let lane = 0; lane < readers; lane += 1) load.#running.push(load.#read());
    return load;
  }

  /** The names of the acknowledged rows of `settings`. */
  get written(): readonly string[] {
    return this.#written;
  }

  /** How long the slowest write and read took of those that began after the last call, in ms. */
  takeSlowest(): { readonly write: number; readonly read: number } {
    const slowest = this.#slowest;
    this.#slowest = { write: 0, read: 0 };
    this.#slowestSince = performance.now();
    return slowest;
  }

  /** Waits for so many more acknowledged writes and answered reads. */
  async goesOn({ writes, reads }: { writes: number; reads: number }): Promise<void> {
    const [written, read] = [this.#written.length + writes, this.#reads + reads];
    this.#waiting += 1;
    try {
      await until(
        `${writes} more writes and ${reads} more reads`,
        () => this.#written.length >= written && this.#reads >= read,
      );
    } finally {
      this.#waiting -= 1;
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #write(lane: number): Promise<void> {
    const { knex } = this.#crossfade;
    for (let number = 0; !this.#isOver; number += 1) {
      const name = `${lane}-${number}`;
      await this.#time('write', async () => {
        if (number % 3 < 2) await knex<Settings>('settings').insert({ name, value: 'alone' });
        else {
          await knex.transaction(async (trx) => {
            await trx<Settings>('settings').insert({ name: `${name}/a`, value: 'together' });
            await trx<Settings>('settings').insert({ name, value: 'together' });
          });
        }
        this.#written.push(name);
      });
    }
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const name = this.#written.at(-1);
      await this.#time('read', async () => {
        const row = await this.#crossfade
          .knex<Settings>('settings')
          .where({ name: name ?? '' })
          .first();
        if (name !== undefined && row === undefined) this.notFound.push(name);
        this.#reads += 1;
      });
    }
  }

  async #time(kind: 'write' | 'read', work: () => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    try {
      await work();
    } catch (error) {
      if (isCrossfadeError(error) && error.retryable) this.retryable.push(error.code);
      else if (isInfrastructureError(error)) this.broken.push(`${kind}: ${messageOf(error)}`);
      else this.failures.push(`${kind}: ${messageOf(error)}`);
    }
    if (startedAt >= this.#slowestSince)
      this.#slowest[kind] = Math.max(this.#slowest[kind], performance.now() - startedAt);
    // Work on SQLite ends without a turn of the event loop, on which everything else waits.
    await sleep(PAUSE_MS[this.#waiting > 0 ? 'watched' : 'unwatched']);
  }
}
