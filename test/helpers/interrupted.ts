import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { CrossfadeOptions, Stage, StoreName } from '../../adapter/index.ts';
import { until } from './pair.ts';
import type { Pair } from './pair.ts';

const SCRIPT = fileURLToPath(new URL('./interrupted-process.js', import.meta.url));

/**
 * A place in the work of a process: right before or after one call to one of its two databases. `within` is for the
 * call of a step: when everything but the commit has been sent.
 */
export interface Point {
  readonly store: StoreName;
  readonly method: 'apply' | 'fence' | 'release' | 'unfence' | 'record' | 'cancel';
  readonly side: 'before' | 'within' | 'after';
}

export interface InterruptedSettings {
  readonly options: Omit<CrossfadeOptions, 'logger' | 'registry' | 'knex'>;
  /** By how much this process' clock is wrong, in ms. */
  readonly clockOffMs: number;
}

export type InterruptedOrder =
  /** The next time that it comes to this point the process sends itself the signal. */
  | { readonly type: 'interrupt'; readonly point: Point; readonly signal: 'SIGSTOP' | 'SIGKILL' }
  | { readonly type: 'move'; readonly to: Stage }
  /** From here on its clock is wrong by so much. */
  | { readonly type: 'clock'; readonly offMs: number };

export type InterruptedReport =
  | { readonly type: 'ready' }
  | { readonly type: 'armed' }
  | { readonly type: 'reached' }
  /** The interrupted call has ended; a compare-and-set that was refused changed nothing. */
  | { readonly type: 'ended'; readonly how: 'done' | 'refused' | 'failed'; readonly message: string }
  | { readonly type: 'moved' | 'not moved'; readonly message: string };

/** A process with Crossfade in it that stops, or dies, at a point that a test names. */
export class Interrupted {
  readonly reports: InterruptedReport[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (report: InterruptedReport) => this.reports.push(report));
  }

  /** Killed with the test at the latest. */
  static async start(
    t: Pick<ExecutionContext, 'teardown'>,
    pair: Pick<Pair, 'path' | 'url'>,
    { clockOffMs = 0, ...options }: InterruptedSettings['options'] & { readonly clockOffMs?: number } = {},
  ): Promise<Interrupted> {
    const settings: InterruptedSettings = {
      options: { sqlite: pair.path, postgres: pair.url, refreshMs: 50, ...options },
      clockOffMs,
    };
    const child = fork(SCRIPT, [JSON.stringify(settings)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    t.teardown(() => child.kill('SIGKILL'));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    const started = new Interrupted(child);
    await until('the process is ready', () => {
      if (started.isGone) throw new Error(`the process ended by itself: ${errors}`);
      return started.has('ready');
    });
    return started;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isGone(): boolean {
    return this.#child.signalCode !== null || this.#child.exitCode !== null;
  }

  has(type: InterruptedReport['type']): boolean {
    return this.reports.some((report) => report.type === type);
  }

  async arm(point: Point, signal: 'SIGSTOP' | 'SIGKILL'): Promise<void> {
    this.order({ type: 'interrupt', point, signal });
    await until('it is armed', () => this.has('armed'));
  }

  order(order: InterruptedOrder): void {
    this.#child.send(order);
  }

  /** Waits until it has stopped itself. */
  async hasStopped(): Promise<void> {
    await until('the process has stopped', () => this.has('reached') && stateOf(this.pid) === 'T');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  /** Has it move, and move again where the move came to nothing before the point, until it has killed itself. */
  async movesUntilItDies(to: Stage): Promise<void> {
    let orders = 0;
    await until('the process has died in the midst of a move', () => {
      const ended = this.reports.filter(({ type }) => type === 'moved' || type === 'not moved').length;
      if (ended === orders && !this.isGone) {
        this.order({ type: 'move', to });
        orders += 1;
      }
      return this.isGone;
    });
  }

  /** Waits until it has killed itself. */
  async hasDied(): Promise<void> {
    await until('the process has died', () => this.isGone);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.hasDied();
  }
}

/** The letter of a process' state: T when it is stopped. */
function stateOf(pid: number): string | undefined {
  // The name, in parentheses, may hold anything.
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}
