import { setTimeout as sleep } from 'node:timers/promises';
import { isCrossfadeError } from '../errors.ts';
import type { PreparedQuery } from '../router/prepared-query.ts';
import type { Answered, QueryObserver } from '../router/query-observer.ts';
import type { SideReadLimits, SideReads } from '../router/side-reads.ts';
import type { StoreName } from '../spec.ts';
import { answerRows } from './answer-rows.ts';
import { KnownShapes } from './known-shapes.ts';
import type { Observation } from './observation.ts';
import { checkedSample } from './options.ts';
import type { ShadowConfig } from './options.ts';
import type { ShapeRecord } from './shape-record.ts';
import type { ShapeTally } from './shape-tally.ts';
import { tryRead } from './try-read.ts';
import type { Drop, SampledRead } from './try-read.ts';

/** What shadow reads tell metrics. */
export interface ShadowMetrics {
  shadowRead(seen: Observation): void;
  shadowDropped(reason: Drop): void;
}

/** What shadow reads need of what is around them. */
export interface ShadowContext {
  readonly config: ShadowConfig;
  readonly observer: QueryObserver;
  readonly openSideReads: (limits: SideReadLimits) => SideReads;
  readonly record: ShapeRecord;
  readonly metrics: ShadowMetrics;
  /** Whether reads are tried in the stage that holds now. */
  readonly isWanted: () => boolean;
  /** Whether the other store answers and holds all rows. */
  readonly isReady: () => boolean;
  /** The store that takes the writes; `null` between two. */
  readonly primary: () => StoreName | null;
  /** Tables of which rows are in quarantine. */
  readonly quarantined: () => readonly string[];
  readonly caughtUp: (limit: { timeoutMs: number }) => Promise<void>;
}

/** How long SQLite may hold the event loop for a shadow read, in seconds. */
const SQLITE_LIMIT_SECONDS = 0.05;

/**
 * Tries a share of the reads on the store that did not answer them, after the caller has its answer, and keeps what it
 * sees of each query shape. It never fails, delays or blocks a query of the application: it works on connections of its
 * own, few at a time, and drops what is too much.
 */
export class ShadowReads {
  readonly #context: ShadowContext;
  readonly #known = new KnownShapes();
  readonly #queue: SampledRead[] = [];
  readonly #abort = new AbortController();
  /** Shapes of which a read is being looked at again. */
  readonly #suspected = new Set<string>();
  #sample: number;
  #side: SideReads | undefined;
  #running = 0;
  #onIdle: (() => void)[] = [];

  constructor(context: ShadowContext) {
    this.#context = context;
    this.#sample = context.config.sample;
    this.refresh();
  }

  /** The share of reads that are tried, from 0 to 1. */
  get sample(): number {
    return this.#sample;
  }

  /** @throws CrossfadeError `CONFIG_INVALID` when it is no share. */
  set sample(share: number) {
    this.#sample = checkedSample(share);
    this.refresh();
  }

  /** Reads that wait for their turn or are being tried. */
  get inFlight(): number {
    return this.#queue.length + this.#running;
  }

  /** What is known of each query shape, of all processes and since the record began. */
  async shapes(): Promise<readonly ShapeTally[]> {
    return await this.#context.record.all();
  }

  /** Forgets what is known of the shapes. */
  async forget(): Promise<void> {
    await this.#context.record.forget();
  }

  /** Resolves when no read waits or is being tried. */
  async idle(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Looks whether reads are to be tried now: after a change of stage. While they are not, queries pay nothing. */
  refresh(): void {
    const isOn = this.#sample > 0 && !this.#abort.signal.aborted && this.#context.isWanted();
    this.#context.observer.onAnswer = isOn ? (answered) => this.#offer(answered) : undefined;
  }

  /** Gives up what waits, ends what runs, and keeps what has been seen. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.refresh();
    this.#queue.length = 0;
    await atMost(this.idle());
    await atMost(this.#side?.close());
    await atMost(this.#context.record.flush());
  }

  // ── On the path of the query ──────────────────────────────────────────────────────────────────────────────────

  #offer(answered: Answered): void {
    if (this.#sample < 1 && Math.random() >= this.#sample) return;
    const { config } = this.#context;
    if (!this.#context.isReady()) return this.#drop('unready');
    if (this.#queue.length >= config.queue) return this.#drop('queue');
    const rows = answerRows(answered.answer, config.maxRows);
    if (rows === undefined) return this.#drop('rows');
    const query = this.#prepared(answered);
    if (query === undefined) return this.#drop('unready');
    const { store, seconds } = answered;
    this.#queue.push({ control: { store, seconds, rows }, query, queuedAt: performance.now() });
    // The caller goes first.
    setImmediate(() => this.#pump());
  }

  #prepared(answered: Answered): PreparedQuery | undefined {
    try {
      return answered.prepare();
    } catch (error) {
      if (!isCrossfadeError(error, 'POSTGRES_UNREACHABLE')) throw error;
      void this.#openedSide().warm();
      return undefined;
    }
  }

  #drop(reason: Drop): void {
    this.#context.metrics.shadowDropped(reason);
  }

  // ── Beside it ─────────────────────────────────────────────────────────────────────────────────────────────────

  #pump(): void {
    while (this.#running < this.#context.config.concurrency) {
      const job = this.#queue.shift();
      if (job === undefined) break;
      this.#running += 1;
      void this.#work(job).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
    if (this.inFlight > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Never rejects. */
  async #work(job: SampledRead): Promise<void> {
    const { metrics, record } = this.#context;
    const seen = await this.#try(job).catch((error: unknown): Drop | undefined => {
      if (this.#abort.signal.aborted) return undefined;
      return isCrossfadeError(error, 'POSTGRES_UNREACHABLE') ? 'unready' : 'failed';
    });
    if (seen === undefined) return;
    if (typeof seen === 'string') return this.#drop(seen);
    record.note(seen);
    metrics.shadowRead(seen);
  }

  async #try(job: SampledRead): Promise<Observation | Drop | undefined> {
    const { config, primary, quarantined, caughtUp } = this.#context;
    if (performance.now() - job.queuedAt > config.timeoutMs) return 'queue';
    const { sql } = job.query.sqlite;
    return await tryRead(job, {
      config,
      known: this.#known.of(sql),
      side: this.#openedSide(),
      primary: primary(),
      quarantined: quarantined(),
      caughtUp: () => caughtUp({ timeoutMs: config.catchUpMs }),
      suspected: this.#suspected,
      signal: this.#abort.signal,
      sqliteLimitSeconds: SQLITE_LIMIT_SECONDS,
    });
  }

  #openedSide(): SideReads {
    const { config, openSideReads } = this.#context;
    this.#side ??= openSideReads({ connections: config.concurrency, timeoutMs: config.timeoutMs });
    return this.#side;
  }
}

/** How long each part of closing may take, in ms: a database that does not answer must hold nobody up. */
const CLOSE_LIMIT_MS = 2_000;

async function atMost(work: Promise<unknown> | undefined): Promise<void> {
  const timer = new AbortController();
  await Promise.race([
    work?.catch(() => {}),
    sleep(CLOSE_LIMIT_MS, undefined, { signal: timer.signal }).catch(() => {}),
  ]);
  timer.abort();
}
