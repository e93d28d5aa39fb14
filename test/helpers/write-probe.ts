import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Pair } from './pair.ts';
import { until } from './pair.ts';

/** How often no database, one, or both took the write. */
export type Answers = Record<'none' | 'sqlite' | 'postgres' | 'both', number>;

/**
 * Asks both databases, again and again, whether they take the write of somebody who knows nothing of Crossfade. In a
 * process of its own: it holds SQLite's lock while PostgreSQL answers, for which a writer of this process would wait
 * without letting the answer in.
 */
export class WriteProbe {
  #answers: Answers = { none: 0, sqlite: 0, postgres: 0, both: 0 };
  #errors = '';
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answers: Answers) => (this.#answers = answers));
    child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString('utf8')));
  }

  static async start({ path, url }: Pick<Pair, 'path' | 'url'>): Promise<WriteProbe> {
    const script = fileURLToPath(new URL('./write-probe-process.js', import.meta.url));
    const child = fork(script, [path, url], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const probe = new WriteProbe(child);
    await until('the first answer', () => probe.#isOver || Object.values(probe.seen).some((count) => count > 0));
    return probe;
  }

  /** The answers so far. */
  get seen(): Answers {
    return this.#answers;
  }

  /** Rejects with what went wrong, if something did. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.send('stop');
    await until('the probe has ended', () => this.#isOver);
    if (this.#child.exitCode !== 0) throw new Error(`the probe failed: ${this.#errors}`);
  }

  get #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
