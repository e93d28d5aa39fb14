import { Worker } from 'node:worker_threads';
import { CrossfadeError, messageOf } from '../errors.ts';
import { errorOfRecord } from './thread-values.ts';
import type { ErrorRecord } from './thread-values.ts';
import type { ThreadCalls } from './thread-work.ts';

/** How long a thread is kept that nobody uses. */
const IDLE_MS = 30_000;

/** Asks the thread for something. */
export type Call = <C extends keyof ThreadCalls>(
  call: C,
  argument: ThreadCalls[C]['with'],
) => Promise<ThreadCalls[C]['gives']>;

/** A call on its way to the thread. */
export interface ThreadQuestion {
  readonly id: number;
  readonly call: keyof ThreadCalls;
  readonly argument: ThreadCalls[keyof ThreadCalls]['with'];
}

/** What the thread says to it. */
export type ThreadAnswer =
  { readonly id: number; readonly gives: unknown } | { readonly id: number; readonly failed: ErrorRecord };

/**
 * A thread that works on the SQLite file, so that the event loop is not held meanwhile. Started when it is first needed,
 * and ended when nobody has used it for half a minute. It never keeps the process alive by itself.
 */
export class SqliteThread {
  readonly #path: string;
  readonly #idleMs: number;
  #running: RunningThread | null = null;
  /** Those that have been told to end, and may not have ended yet. */
  readonly #ending = new Set<Promise<void>>();
  #idle: NodeJS.Timeout | null = null;
  #users = 0;
  #isClosed = false;

  constructor(path: string, { idleMs = IDLE_MS }: { idleMs?: number } = {}) {
    this.#path = path;
    this.#idleMs = idleMs;
  }

  /** Whether there is one now. */
  get isRunning(): boolean {
    return this.#running !== null;
  }

  /**
   * Gives `work` what it needs to ask one and the same thread. When `signal` is aborted the thread is ended, its
   * transactions are rolled back, and the calls fail with the signal's reason.
   *
   * @throws CrossfadeError `THREAD_LOST` when the thread has ended by itself; `CLOSED`.
   */
  async use<T>(work: (call: Call) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw closed();
    const thread = this.#start();
    const abandon = (): void => void this.#end(thread, signal?.reason);
    signal?.addEventListener('abort', abandon);
    this.#users += 1;
    if (this.#idle !== null) clearTimeout(this.#idle);
    thread.worker.ref();
    try {
      return await work((call, argument) => thread.ask(call, argument));
    } finally {
      signal?.removeEventListener('abort', abandon);
      this.#users -= 1;
      // One that was abandoned has ended when this rejects: it holds no lock any more.
      if (thread.isEnding) await thread.ended;
      if (this.#users === 0) this.#rest();
    }
  }

  /** Ends the thread for good. What it was doing fails, and has changed nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#idle !== null) clearTimeout(this.#idle);
    if (this.#running !== null) void this.#end(this.#running, closed());
    await Promise.all(this.#ending);
  }

  #start(): RunningThread {
    if (this.#running !== null) return this.#running;
    const thread = new RunningThread(this.#path);
    this.#running = thread;
    void thread.ended.then(() => {
      if (this.#running === thread) this.#running = null;
    });
    return thread;
  }

  #rest(): void {
    const thread = this.#running;
    if (thread === null || this.#isClosed) return;
    thread.worker.unref();
    this.#idle = setTimeout(() => void this.#end(thread, lost('nobody used it')), this.#idleMs);
    this.#idle.unref();
  }

  async #end(thread: RunningThread, reason: unknown): Promise<void> {
    if (this.#running === thread) this.#running = null;
    const ended = thread.end(reason);
    this.#ending.add(ended);
    await ended;
    this.#ending.delete(ended);
  }
}

/** One thread from its start to its end. */
class RunningThread {
  readonly worker: Worker;
  /** Resolves when it has ended, whoever wanted that. */
  readonly ended: Promise<void>;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (reason: unknown) => void }>();
  #asked = 0;
  #reason: unknown;
  #hasEnded = false;
  isEnding = false;

  constructor(path: string) {
    this.worker = new Worker(new URL('./thread-entry.js', import.meta.url), {
      workerData: path,
      name: 'crossfade sqlite',
      // The process's own flags (--input-type, hooks that compile TypeScript) are none of its business.
      execArgv: [],
    });
    this.worker.on('message', (answer: ThreadAnswer) => this.#take(answer));
    this.worker.on('error', (error) => (this.#reason ??= lost(messageOf(error), error)));
    this.worker.on('messageerror', (error) => void this.end(lost(messageOf(error), error)));
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        this.#hasEnded = true;
        for (const { reject } of this.#waiting.values()) reject(this.#why());
        this.#waiting.clear();
        resolve();
      });
    });
  }

  ask<C extends keyof ThreadCalls>(call: C, argument: ThreadCalls[C]['with']): Promise<ThreadCalls[C]['gives']> {
    return new Promise((resolve, reject) => {
      if (this.#hasEnded || this.isEnding) return reject(this.#why());
      const id = (this.#asked += 1);
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      // Nothing is transferred: the caller keeps its rows, and a copy costs less than a microsecond a row.
      this.worker.postMessage({ id, call, argument } satisfies ThreadQuestion, []);
    });
  }

  async end(reason: unknown): Promise<void> {
    this.isEnding = true;
    this.#reason ??= reason;
    await this.worker.terminate();
    await this.ended;
  }

  #take(answer: ThreadAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('failed' in answer) waiting?.reject(errorOfRecord(answer.failed));
    else waiting?.resolve(answer.gives);
  }

  #why(): unknown {
    return this.#reason ?? lost('it ended without a word');
  }
}

function closed(): CrossfadeError {
  return new CrossfadeError('CLOSED', 'the SQLite file was closed', { hint: 'open Crossfade again' });
}

function lost(found: string, cause?: unknown): CrossfadeError {
  return new CrossfadeError('THREAD_LOST', `the thread that works on the SQLite file has ended: ${found}`, {
    hint: 'nothing, where it happens once: the step is tried again; if its file was not found, keep knex-crossfade out of the bundle',
    ...(cause === undefined ? {} : { cause }),
  });
}
