import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IntervalHistogram } from 'node:perf_hooks';
import type { FillLimits, FillReport } from './fill-records.ts';

/** What a piece of a backfill was. */
export interface PieceCopied {
  readonly rows: number;
  /** About; 0 when it is not known. */
  readonly bytes: number;
  /** How many entries of the changelog came with it. */
  readonly changes?: number;
  /** From the beginning of its reading to its commit. */
  readonly ms: number;
}

/** What PostgreSQL says about itself, about once a second. */
export interface PostgresLoad {
  readonly lockWaits: number;
  readonly replicaLagBytes: number;
  readonly commitMs: number;
}

/** What holds a backfill back, and in words. */
interface Brake {
  readonly slowedBy: FillReport['slowedBy'];
  readonly reason: string;
}

/** The event loop is held for longer than this where an API would notice. */
const EVENT_LOOP_MS = 20;
/** How finely it is looked at; what is measured includes it. */
const RESOLUTION_MS = 10;
/** Without a query for so long the process serves nobody, and its event loop is the backfill's own; without a write nobody writes. */
const SERVING_MS = 5_000;
/** Writes that take longer than this, and than so many times their best, suffer. */
const WRITE_MS = 20;
const WRITE_TIMES = 4;
/** A backfill's own log, on its way to a slow disk, may well take as long as half of this. */
const COMMIT_MS = 500;
const COMMIT_TIMES = 10;
const LOCK_WAITS = 5;
const REPLICA_LAG_BYTES = 256 * 2 ** 20;
/** A best that was seen once is forgotten so slowly, so that a database that has become slower for good is no brake for ever. */
const FORGET = 1.02;
const SLOW_DOWN = 0.5;
const SPEED_UP = 1.4;
const SLOWEST = 1 / 64;
/** Pieces are made so small that a limit is kept within this time, and another pause can come between. */
const SMOOTH_MS = 250;
const FEWEST_ROWS = 20;
/** The longest pause for the sake of others. */
const LONGEST_PAUSE_MS = 2_000;
/** A backfill that was held up does not make up for more than that. */
const CREDIT_MS = 250;
const RATE_WINDOW_MS = 10_000;

/**
 * How fast a backfill goes: how many rows its next piece has, and how long a pause comes before it.
 *
 * Four things hold it back, and the strictest decides. Limits in rows and bytes a second. A share of the time, from 1 to
 * 1/64, that is halved about once a second while the API's event loop, its writes, or PostgreSQL suffer, and grows again when they
 * do not. A share that is never exceeded while there is traffic: on a machine whose cores a backfill can use up, each request
 * would wait a little for one, long before anything is seen to suffer. And a person's pause.
 */
export class Pace {
  #limits: FillLimits = { rowsPerSecond: null, bytesPerSecond: null };
  #isPaused = false;
  #share = 1;
  #brake: Brake | null = null;
  /** When the next piece may begin. */
  #notBefore = 0;
  #limitedBy: Brake | null = null;
  #bytesPerRow = 0;
  readonly #window: { readonly at: number; readonly rows: number; readonly bytes: number }[] = [];
  #loop: IntervalHistogram | null = null;
  #writes: number[] = [];
  readonly #trafficShare: number;
  #queriedAt = -Infinity;
  #changedAt = -Infinity;
  #bestWriteMs = Infinity;
  #bestCommitMs = Infinity;

  /** `trafficShare`: the share of the time while somebody writes, or asks this process; 1 for no rest. */
  constructor({ trafficShare = 1 }: { trafficShare?: number } = {}) {
    this.#trafficShare = trafficShare;
  }

  /** Begins to watch the event loop. */
  start(): void {
    if (this.#loop !== null) return;
    this.#loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#loop.enable();
  }

  /** Ends watching; nothing of it keeps a process alive. */
  stop(): void {
    this.#loop?.disable();
    this.#loop = null;
    this.#share = 1;
    this.#brake = null;
    this.#window.length = 0;
  }

  set limits(limits: FillLimits) {
    const { rowsPerSecond, bytesPerSecond } = this.#limits;
    if (limits.rowsPerSecond === rowsPerSecond && limits.bytesPerSecond === bytesPerSecond) return;
    this.#limits = limits;
    // What was owed under other limits is not owed any more.
    this.#notBefore = 0;
    this.#limitedBy = null;
  }

  get isLimitedInBytes(): boolean {
    return this.#limits.bytesPerSecond !== null;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
  }

  /** Notes a query of the application's in this process. */
  query({ kind, seconds }: { kind: 'read' | 'write'; seconds: number }): void {
    this.#queriedAt = performance.now();
    if (kind === 'write' && this.#loop !== null) this.#writes.push(seconds * 1000);
  }

  /** Whether nothing holds the backfill back. */
  get isUnhindered(): boolean {
    const { rowsPerSecond, bytesPerSecond } = this.#limits;
    return !this.#isPaused && this.#shareNow === 1 && rowsPerSecond === null && bytesPerSecond === null;
  }

  /** How long until the next piece may begin, in ms; `Infinity` while it is paused. */
  get pauseMs(): number {
    return this.#isPaused ? Infinity : Math.max(0, this.#notBefore - performance.now());
  }

  /** How many rows the next piece may have. */
  rows(most: number): number {
    const { rowsPerSecond, bytesPerSecond } = this.#limits;
    const byRows = rowsPerSecond === null ? Infinity : (rowsPerSecond * SMOOTH_MS) / 1000;
    const byBytes =
      bytesPerSecond === null || this.#bytesPerRow === 0
        ? Infinity
        : (bytesPerSecond * SMOOTH_MS) / 1000 / this.#bytesPerRow;
    const byShare = most * Math.max(this.#shareNow, 1 / 8);
    return Math.max(
      1,
      Math.min(most, Math.floor(Math.max(FEWEST_ROWS, byShare)), Math.ceil(Math.min(byRows, byBytes))),
    );
  }

  /** Notes a piece that has arrived, and sets the pause after it. */
  copied({ rows, bytes, changes = 0, ms }: PieceCopied): void {
    const now = performance.now();
    if (changes > 0) this.#changedAt = now;
    this.#window.push({ at: now, rows, bytes });
    if (rows > 0 && bytes > 0) this.#bytesPerRow = bytes / rows;
    const { rowsPerSecond, bytesPerSecond } = this.#limits;
    const owed: [number, Brake][] = [
      [rowsPerSecond === null ? 0 : (rows / rowsPerSecond) * 1000, ROWS_LIMIT],
      [bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1000, BYTES_LIMIT],
    ];
    const [owedMs, brake] = owed.reduce((a, b) => (b[0] > a[0] ? b : a));
    const begunAt = Math.max(this.#notBefore, now - ms - CREDIT_MS);
    const dueAt = begunAt + owedMs;
    this.#limitedBy = owedMs > 0 && dueAt > now ? brake : null;
    const restMs = Math.min(LONGEST_PAUSE_MS, ms * (1 / this.#shareNow - 1));
    this.#notBefore = Math.max(dueAt, now + restMs);
  }

  /** Looks at everything that may suffer, about once a second, and changes the speed. */
  adjust(load: PostgresLoad): void {
    const held = this.#held();
    const brakes = [this.#eventLoop(held), this.#writeLatency(), this.#commits(load, held), others(load)];
    this.#brake = brakes.find((brake) => brake !== null) ?? null;
    const share = this.#share * (this.#brake === null ? SPEED_UP : SLOW_DOWN);
    this.#share = Math.min(1, Math.max(SLOWEST, share));
  }

  /** How fast it goes now, and why not faster. */
  report(busyWith: string | null = null): FillReport {
    const now = performance.now();
    while ((this.#window[0]?.at ?? now) < now - RATE_WINDOW_MS) this.#window.shift();
    const first = this.#window[0];
    const seconds = first === undefined ? 1 : Math.max(0.5, (now - first.at) / 1000);
    const sum = (of: 'rows' | 'bytes'): number => this.#window.reduce((total, piece) => total + piece[of], 0);
    const slowed = this.#share < 1 ? (this.#brake ?? { slowedBy: 'none', reason: 'speeding up again' }) : null;
    const brake = slowed ?? this.#limitedBy ?? (this.#shareNow < 1 ? this.#traffic() : null);
    return {
      rowsPerSecond: sum('rows') / seconds,
      bytesPerSecond: sum('bytes') / seconds,
      slowedBy: brake?.slowedBy ?? 'none',
      reason: brake?.reason ?? null,
      busyWith,
    };
  }

  get #shareNow(): number {
    const quietMs = performance.now() - Math.max(this.#queriedAt, this.#changedAt);
    return quietMs < SERVING_MS ? Math.min(this.#share, this.#trafficShare) : this.#share;
  }

  #traffic(): Brake {
    return {
      slowedBy: 'traffic',
      reason: `copies ${Math.round(this.#trafficShare * 100)} % of the time: the API is busy`,
    };
  }

  /** For how long the event loop was held since the last look. */
  #held(): Held {
    const loop = this.#loop;
    if (loop === null) return { mostlyMs: 0, longestMs: 0 };
    const mostlyMs = Math.max(0, loop.percentile(95) / 1e6 - RESOLUTION_MS);
    const longestMs = Math.max(0, loop.max / 1e6 - RESOLUTION_MS);
    loop.reset();
    return { mostlyMs, longestMs };
  }

  #eventLoop({ mostlyMs }: Held): Brake | null {
    const isServing = performance.now() - this.#queriedAt < SERVING_MS;
    if (!isServing || mostlyMs <= EVENT_LOOP_MS) return null;
    return { slowedBy: 'event-loop', reason: `slowed: event loop ${Math.round(mostlyMs)} ms` };
  }

  #writeLatency(): Brake | null {
    const writes = this.#writes.toSorted((a, b) => a - b);
    this.#writes = [];
    const median = writes[Math.floor(writes.length / 2)];
    if (median === undefined) return null;
    this.#bestWriteMs = Math.min(this.#bestWriteMs * FORGET, median);
    if (median <= Math.max(WRITE_MS, this.#bestWriteMs * WRITE_TIMES)) return null;
    return { slowedBy: 'write-latency', reason: `slowed: writes take ${Math.round(median)} ms` };
  }

  /** What this process's own event loop may have added is not PostgreSQL's fault. */
  #commits({ commitMs }: PostgresLoad, { longestMs }: Held): Brake | null {
    const ms = Math.max(0, commitMs - longestMs);
    this.#bestCommitMs = Math.min(this.#bestCommitMs * FORGET, commitMs);
    if (ms <= Math.max(COMMIT_MS, this.#bestCommitMs * COMMIT_TIMES)) return null;
    return { slowedBy: 'commit-latency', reason: `slowed: a commit in PostgreSQL takes ${Math.round(ms)} ms` };
  }
}

interface Held {
  /** In all but the worst twentieth of the turns. */
  readonly mostlyMs: number;
  readonly longestMs: number;
}

const ROWS_LIMIT: Brake = { slowedBy: 'rows-limit', reason: 'at the limit of rows a second' };
const BYTES_LIMIT: Brake = { slowedBy: 'bytes-limit', reason: 'at the limit of bytes a second' };

function others({ lockWaits, replicaLagBytes }: PostgresLoad): Brake | null {
  if (lockWaits >= LOCK_WAITS)
    return { slowedBy: 'lock-waits', reason: `slowed: ${lockWaits} sessions of PostgreSQL wait for locks` };
  if (replicaLagBytes > REPLICA_LAG_BYTES)
    return {
      slowedBy: 'replication',
      reason: `slowed: a replica is ${Math.round(replicaLagBytes / 2 ** 20)} MB behind`,
    };
  return null;
}
