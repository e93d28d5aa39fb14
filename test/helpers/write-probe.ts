import { Worker } from 'node:worker_threads';
import type { Pair } from './pair.ts';
import { until } from './pair.ts';

/** How often no database, one, or both took the write. */
export type Answers = Record<'none' | 'sqlite' | 'postgres' | 'both', number>;

/**
 * Asks both databases, again and again, whether they take the write of somebody who knows nothing of Crossfade. On a
 * thread of its own: it holds SQLite's lock while PostgreSQL answers, for which a writer of this thread would wait.
 */
export class WriteProbe {
  #answers: Answers = { none: 0, sqlite: 0, postgres: 0, both: 0 };
  #error: Error | null = null;
  #isOver = false;
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answers: Answers) => (this.#answers = answers));
    worker.on('error', (error: Error) => (this.#error = error));
    worker.on('exit', () => (this.#isOver = true));
  }

  static async start({ path, url }: Pick<Pair, 'path' | 'url'>): Promise<WriteProbe> {
    const script = new URL('./write-probe-worker.js', import.meta.url);
    const probe = new WriteProbe(new Worker(script, { workerData: { path, url } }));
    await until('the first answer', () => probe.#isOver || Object.values(probe.seen).some((count) => count > 0));
    return probe;
  }

  /** The answers so far. */
  get seen(): Answers {
    return this.#answers;
  }

  /** Rejects with what went wrong, if something did. */
  async stop(): Promise<void> {
    if (!this.#isOver) this.#worker.postMessage('stop');
    await until('the probe has ended', () => this.#isOver);
    if (this.#error !== null) throw this.#error;
  }
}
