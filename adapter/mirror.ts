import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import { CrossfadeError, isCrossfadeError, messageOf } from './errors.ts';
import { Loop } from './loop.ts';
import type { NextTurn } from './loop.ts';
import type { Metrics } from './metrics.ts';
import { MirrorLease } from './mirror-lease.ts';
import { encodeKey, otherStore } from './spec.ts';
import type { Key, StoreName, TableSpec } from './spec.ts';
import type { BackfillStatus, MirrorStatus } from './status.ts';
import { stepOutdated } from './store.ts';
import type { Cursor, Position, Progress, Quarantined, Records, StepReading, Store, StoreState } from './store.ts';

/** What the Mirror needs of its surroundings. */
export interface MirrorOptions {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly records: Records;
  readonly config: Pick<
    Config,
    'mirror' | 'processName' | 'leaseMs' | 'pollMs' | 'refreshMs' | 'backfillRows' | 'logger'
  >;
  readonly metrics: Metrics;
  /** Whether the primary's changes are captured: without that there is nothing to mirror. */
  readonly isCaptured: () => boolean;
  /** Whether the stage asks for a mirror now. */
  readonly isWanted: () => boolean;
}

/** From which store to which, and where it stands; known once both state rows agree. */
interface Course {
  readonly primary: Store;
  readonly secondary: Store;
  readonly captureId: string;
  readonly tables: readonly TableSpec[];
  readonly epoch: number;
  step: number;
  watermark: Position;
  cursors: readonly Cursor[];
  quarantine: readonly Quarantined[];
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Errors that no retry can mend: the Mirror stops and says so. */
const FATAL = ['HISTORY_LOST', 'CAPTURE_BROKEN', 'KEY_HOLDS_NULL', 'VERSION_UNKNOWN', 'TYPE_UNSUPPORTED'] as const;

const PRUNE_EVERY_MS = 1_000;
const STANDBY_POLL_MS = 5;
/** How long changes that nobody waits for may gather after a step: many writes, one step. */
const GATHER_MS = 10;
/** The roles are about to change, or another process is a step ahead: both are over in milliseconds. */
const OUTDATED_PAUSE_MS = 5;

/**
 * Makes the secondary follow the primary: the only caller of `Store.apply()`.
 *
 * A turn takes one snapshot of the primary, reads everything that has changed since the watermark, and applies it in
 * one transaction together with the new watermark. While a backfill is under way, a step carries one piece of it too.
 * Everything the Mirror knows between turns is in `#course`; any error, and any step that the secondary's state row
 * refuses, throws it away, and the next turn reads it again (PROTOCOL.md R3).
 *
 * In each moment one process runs it, the holder of the lease. The lease is for economy: two holders could not harm
 * each other, since each step begins with a compare-and-set on the secondary's state row (R9).
 */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #lease: MirrorLease;
  readonly #loop: Loop;
  #course: Course | null = null;
  /** Counts the calls of {@link forget}. */
  #forgotten = 0;
  readonly #onTrouble = new Set<(error: unknown) => void>();
  #demands = 0;
  #waiters: Waiter[] = [];
  #repairs = new Map<string, Map<string, Key>>();
  #behindSince: number | null = null;
  #outsidePosition: Position | null = null;
  #outsideQuarantine: readonly Quarantined[] | null = null;
  #prunedAt = 0;
  #prunedTo: Position | null = null;
  #error: string | null = null;
  #fatal: CrossfadeError | null = null;
  #isClosed = false;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#lease = new MirrorLease(options.records, options.config);
    this.#loop = new Loop({ turn: () => this.#validTurn(), onError: (error) => this.#onError(error) });
  }

  /** Does nothing where this process may not run the Mirror. */
  start(): void {
    if (this.#options.config.mirror !== 'off') this.#loop.start();
  }

  /** Resolves when the step in flight has ended and the lease is given back. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    await this.#loop.stop();
    this.#rejectWaiters(this.#closed());
    await this.#lease.giveBack();
  }

  /** Says that the primary has a new change that nobody waits for: it goes with the next step that comes anyway. */
  notice(): void {
    if (this.isRunningHere) this.#behindSince ??= performance.now();
  }

  /** As {@link notice}, but the next step comes at once. */
  wake(): void {
    if (!this.isRunningHere) return;
    this.notice();
    this.#loop.wake();
  }

  /**
   * Looks from outside, where another process runs the Mirror, at the quarantine and at the lag: how long ago the
   * primary stood where the secondary has not come yet.
   */
  async observe(): Promise<void> {
    if (this.isRunningHere || !this.#options.isWanted()) return;
    try {
      if (await this.#isPassedFromOutside()) this.#behindSince = null;
      else this.#behindSince ??= performance.now();
    } catch {
      // A database that does not answer shows in the status by itself; here it means that nothing moves.
      this.#behindSince ??= performance.now();
    }
  }

  async #isPassedFromOutside(): Promise<boolean> {
    const { primary, secondary } = await this.#roles();
    const { state, quarantine } = await secondary.progress();
    this.#outsideQuarantine = quarantine;
    const { watermark } = state;
    const seen = this.#outsidePosition;
    if (watermark === null) return false;
    if (seen !== null && !primary.reaches(watermark, seen) && (await primary.hasChangesAfter(watermark))) return false;
    this.#outsidePosition = await primary.position();
    return true;
  }

  /** Calls `listener` with what each failed turn met: a store may be away, or have gone back to an older watermark. */
  onTrouble(listener: (error: unknown) => void): void {
    this.#onTrouble.add(listener);
  }

  /** Whether this process runs the Mirror now. */
  get isRunningHere(): boolean {
    return this.#lease.isMine && this.#fatal === null;
  }

  /**
   * Claims the Mirror for this process, or fails.
   *
   * @throws CrossfadeError `MIRROR_TAKEN`, naming the process that runs it.
   */
  async takeLease(): Promise<void> {
    await this.#lease.take();
  }

  /** Keeps the Mirror running in a stage that does not ask for it, until the returned function is called. */
  demand(): () => void {
    this.#demands += 1;
    this.#loop.wake();
    let isReturned = false;
    return () => {
      if (!isReturned) this.#demands -= 1;
      isReturned = true;
    };
  }

  /**
   * Resolves when everything that had committed on the primary before the call is on the secondary too. Works in every
   * process, whichever runs the Mirror.
   *
   * @throws CrossfadeError `WAIT_TIMED_OUT` after `timeoutMs`; `MIRROR_STOPPED` when it cannot go on by itself; `CLOSED`.
   */
  async caughtUp({ timeoutMs }: { timeoutMs: number }): Promise<void> {
    if (this.#isClosed) throw this.#closed();
    if (this.#fatal !== null) throw this.#stopped(this.#fatal);
    const deadline = performance.now() + timeoutMs;
    if (this.isRunningHere) await this.#nextStep(timeoutMs);
    else await this.#seenFromOutside(deadline, timeoutMs);
  }

  /**
   * Has the Mirror copy these rows again, as they are then, in its next step. Resolves when that step has been applied.
   * Only in the process that runs the Mirror.
   *
   * @throws CrossfadeError `MIRROR_TAKEN` when another process runs it; otherwise as {@link caughtUp}.
   */
  async repair(table: TableSpec, keys: readonly Key[]): Promise<void> {
    if (!this.isRunningHere) throw this.#lease.taken();
    let repairs = this.#repairs.get(table.name);
    if (repairs === undefined) this.#repairs.set(table.name, (repairs = new Map()));
    for (const key of keys) repairs.set(encodeKey(key), key);
    await this.caughtUp({ timeoutMs: 60_000 });
  }

  /** Forgets what it knows of both stores; the next turn reads it again. For those who changed it. */
  forget(): void {
    this.#forgotten += 1;
    this.#course = null;
    this.#fatal = null;
    this.#error = null;
    if (this.#options.config.mirror !== 'off') this.#loop.start();
    this.#loop.wake();
  }

  status(): MirrorStatus {
    return {
      runs: this.#fatal
        ? 'stopped'
        : this.isRunningHere
          ? 'running'
          : this.#lease.holder === null
            ? 'idle'
            : 'elsewhere',
      holder: this.#lease.holder,
      error: this.#fatal?.message ?? this.#error,
      lagSeconds: this.lagSeconds,
    };
  }

  /** Seconds since the oldest change was seen that the secondary does not hold yet; 0 when there is none. */
  get lagSeconds(): number {
    return this.#behindSince === null ? 0 : (performance.now() - this.#behindSince) / 1000;
  }

  /** What the secondary could not hold, as far as this process knows; `null` before the first step. */
  get quarantine(): readonly Quarantined[] | null {
    return this.#course?.quarantine ?? this.#outsideQuarantine;
  }

  // ── A turn ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What a turn found out before {@link forget} was called is void, its errors too. */
  async #validTurn(): Promise<NextTurn> {
    const forgotten = this.#forgotten;
    try {
      return await this.#turn();
    } catch (error) {
      if (forgotten === this.#forgotten) throw error;
      this.#course = null;
      return 'again';
    }
  }

  async #turn(): Promise<NextTurn> {
    const { config, isCaptured, isWanted } = this.#options;
    if (!isCaptured() || (!isWanted() && this.#demands === 0)) {
      await this.#lease.giveBack();
      this.#course = null;
      this.#behindSince = null;
      this.#resolve(this.#takeWaiters());
      return { afterMs: config.refreshMs };
    }
    if (!(await this.#lease.hold())) {
      this.#course = null;
      return { afterMs: Math.min(config.leaseMs / 2, 500) };
    }
    const forgotten = this.#forgotten;
    const course = this.#course ?? (await this.#plotCourse());
    if (forgotten !== this.#forgotten) return 'again';
    this.#course = course;
    if (course === null) return { afterMs: config.pollMs };
    const did = await this.#step(course).catch((error: unknown) => {
      if (!isCrossfadeError(error, 'STEP_OUTDATED')) throw error;
      this.#course = null;
      return 'outdated' as const;
    });
    if (did === 'outdated') return { afterMs: OUTDATED_PAUSE_MS };
    this.#error = null;
    this.#fatal = null;
    await this.#prune(course);
    if (did === 'nothing') return { afterMs: config.pollMs };
    return this.#nextPiece(course) === null ? { afterMs: Math.min(GATHER_MS, config.pollMs) } : 'again';
  }

  /** Reads both state rows. `null` while they do not agree on who is primary: in the middle of a write switch. */
  async #plotCourse(): Promise<Course | null> {
    const { sqlite, postgres } = this.#options.stores;
    const [a, b] = [await sqlite.state(), await postgres.state()];
    if (a === undefined || b === undefined) return null;
    // Two looks at two moments of a write switch may see the same; a second pair of looks does not.
    if (bothClaim(a, b) && bothClaim(await sqlite.state(), await postgres.state())) {
      const impostor = a.epoch < b.epoch ? 'SQLite' : 'PostgreSQL';
      throw new CrossfadeError(
        'HISTORY_LOST',
        `${impostor} claims to be the primary, but does not know the last write switch: an older copy was put back`,
        { hint: 'find out which rows are right; put the right copy back, or go on with the other database alone' },
      );
    }
    if (a.role === b.role || a.epoch !== b.epoch) return null;
    const [primary, secondary] = a.role === 'primary' ? [sqlite, postgres] : [postgres, sqlite];
    const captureId = (a.role === 'primary' ? a : b).captureId;
    if (captureId === null) return null;
    const progress = await secondary.progress();
    return this.#courseOf({ primary, secondary, captureId, progress, tables: await sqlite.installedTables() });
  }

  #courseOf(found: {
    primary: Store;
    secondary: Store;
    captureId: string;
    progress: Progress;
    tables: readonly TableSpec[];
  }): Course {
    const { progress, captureId, primary, secondary, tables } = found;
    const { state } = progress;
    if (state.watermark === null || state.watermarkCaptureId !== captureId) {
      throw new CrossfadeError(
        'HISTORY_LOST',
        `${secondary.name} has never followed the capture that is installed in ${primary.name} now: changes in between are unknown`,
        { hint: 'copy the rows again: crossfade backfill --restart' },
      );
    }
    return {
      primary,
      secondary,
      captureId,
      tables,
      epoch: state.epoch,
      step: state.step,
      watermark: state.watermark,
      cursors: progress.cursors,
      quarantine: progress.quarantine,
    };
  }

  async #step(course: Course): Promise<'something' | 'nothing'> {
    const waiters = this.#takeWaiters();
    const repairs = this.#repairs;
    this.#repairs = new Map();
    const behindSince = this.#behindSince;
    const piece = this.#nextPiece(course);
    try {
      const isQuiet = waiters.length === 0 && repairs.size === 0 && piece === null;
      if (isQuiet && !(await course.primary.hasChangesAfter(course.watermark))) {
        if (this.#behindSince === behindSince) this.#behindSince = null;
        return 'nothing';
      }
      this.#behindSince = null;
      const startedAt = performance.now();
      const request = {
        epoch: course.epoch,
        after: course.watermark,
        captureId: course.captureId,
        tables: course.tables,
        cursors: course.cursors,
        keys: new Map([...repairs].map(([table, keys]) => [table, [...keys.values()]])),
        retry: byTable(course.quarantine),
        piece,
      };
      const did = await course.primary.read(request, async (reading) => {
        if (reading.isEmpty) return 'nothing';
        await this.#apply(course, reading);
        this.#options.metrics.step({
          to: course.secondary.name,
          changes: reading.changes,
          seconds: (performance.now() - startedAt) / 1000,
        });
        return 'something';
      });
      this.#resolve(waiters);
      return did;
    } catch (error) {
      this.#behindSince = behindSince ?? this.#behindSince ?? performance.now();
      this.#waiters = [...waiters, ...this.#waiters];
      for (const [table, keys] of repairs)
        this.#repairs.set(table, new Map([...keys, ...(this.#repairs.get(table) ?? [])]));
      throw error;
    }
  }

  async #apply(course: Course, reading: StepReading): Promise<void> {
    const applied = await course.secondary.apply({
      epoch: course.epoch,
      step: course.step,
      captureId: course.captureId,
      reading,
      quarantine: course.quarantine,
    });
    if (applied === null) {
      throw stepOutdated(
        course.secondary.name,
        'has moved on: another process applied a step, or the roles have changed',
      );
    }
    course.step += 1;
    course.watermark = reading.position;
    course.quarantine = applied.quarantine;
    this.#outsideQuarantine = applied.quarantine;
    const { cursor } = reading;
    if (cursor !== null)
      course.cursors = course.cursors.map((other) => (other.table === cursor.table ? cursor : other));
    this.#options.metrics.applied({ to: course.secondary.name, ...applied });
  }

  /** The next piece of the first table whose backfill is not done. */
  #nextPiece(course: Course): { table: TableSpec; rows: number } | null {
    const open = new Set(course.cursors.filter((cursor) => !cursor.isDone).map((cursor) => cursor.table));
    const table = course.tables.find(({ name }) => open.has(name));
    return table === undefined ? null : { table, rows: this.#options.config.backfillRows };
  }

  async #prune(course: Course): Promise<void> {
    if (performance.now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = performance.now();
    const { watermark } = course;
    if (watermark === this.#prunedTo) return;
    // A crash of the secondary may take it back to an older watermark, from which it must be able to go on.
    await course.secondary.flush();
    const forgotten = await course.primary.prune(watermark);
    if (forgotten === 0) this.#prunedTo = watermark;
  }

  /** Even after a fatal error it looks again now and then, since somebody may have mended the cause. */
  #onError(error: unknown): 'retry' | 'stop' {
    this.#course = null;
    for (const listener of this.#onTrouble) listener(error);
    const { metrics } = this.#options;
    const { logger } = this.#options.config;
    if (isCrossfadeError(error) && (FATAL as readonly string[]).includes(error.code)) {
      if (error.message !== this.#fatal?.message)
        logger.error(`crossfade: the Mirror has stopped: ${error.message}; ${error.hint}`);
      this.#fatal = error;
      this.#rejectWaiters(this.#stopped(error));
      metrics.mirrorError('fatal');
      return 'retry';
    }
    if (isCrossfadeError(error, 'MIRROR_TAKEN')) return 'retry';
    const message = messageOf(error);
    if (message !== this.#error) logger.warn(`crossfade: the Mirror tries again: ${message}`);
    this.#error = message;
    metrics.mirrorError('retried');
    return 'retry';
  }

  // ── Waiting ───────────────────────────────────────────────────────────────────────────────────────────────────

  #nextStep(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(this.#timedOut(timeoutMs));
      }, timeoutMs);
      const waiter: Waiter = {
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error instanceof Error ? error : new Error(messageOf(error)));
        },
      };
      this.#waiters.push(waiter);
      this.wake();
    });
  }

  /** Another process runs the Mirror: its progress is seen in the secondary's watermark. */
  async #seenFromOutside(deadline: number, timeoutMs: number): Promise<void> {
    const { primary, secondary } = await this.#roles();
    const position = await primary.position();
    while (performance.now() < deadline) {
      if (this.isRunningHere) return this.#nextStep(Math.max(1, deadline - performance.now()));
      const watermark = (await secondary.state())?.watermark;
      if (watermark !== undefined && watermark !== null) {
        if (primary.reaches(watermark, position) || !(await primary.hasChangesAfter(watermark))) return;
      }
      await sleep(STANDBY_POLL_MS);
    }
    throw this.#timedOut(timeoutMs);
  }

  async #roles(): Promise<{ primary: Store; secondary: Store }> {
    const { stores } = this.#options;
    const primary = stores[(await stores.sqlite.state())?.role === 'secondary' ? 'postgres' : 'sqlite'];
    return { primary, secondary: stores[otherStore(primary.name)] };
  }

  #takeWaiters(): Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }

  #resolve(waiters: readonly Waiter[]): void {
    for (const waiter of waiters) waiter.resolve();
  }

  #rejectWaiters(error: CrossfadeError): void {
    for (const waiter of this.#takeWaiters()) waiter.reject(error);
  }

  #closed(): CrossfadeError {
    return new CrossfadeError('CLOSED', 'the Mirror was closed', { hint: 'open Crossfade again' });
  }

  #timedOut(timeoutMs: number): CrossfadeError {
    return new CrossfadeError(
      'WAIT_TIMED_OUT',
      `the Mirror did not catch up within ${timeoutMs} ms${this.#error ? `: ${this.#error}` : ''}`,
      {
        hint: 'see crossfade status: whether a process runs the Mirror, and whether both databases answer',
      },
    );
  }

  #stopped(cause: CrossfadeError): CrossfadeError {
    return new CrossfadeError('MIRROR_STOPPED', `the Mirror has stopped: ${cause.message}`, {
      hint: cause.hint,
      cause,
    });
  }
}

/** Whether each of two stores takes itself for the primary, for good. */
function bothClaim(a: StoreState | undefined, b: StoreState | undefined): boolean {
  return [a, b].every((state) => state?.role === 'primary' && state.intent !== 'released');
}

/** The backfill's progress as cursors tell it. */
export function backfillStatus(cursors: readonly Cursor[]): BackfillStatus {
  return {
    isDone: cursors.every((cursor) => cursor.isDone),
    rowsCopied: cursors.reduce((sum, cursor) => sum + cursor.rowsCopied, 0),
    tables: cursors.map(({ table, rowsCopied, isDone }) => ({ table, rowsCopied, isDone })),
  };
}

function byTable(quarantine: readonly Quarantined[]): ReadonlyMap<string, readonly Key[]> {
  const keys = new Map<string, Key[]>();
  for (const { table, key } of quarantine) {
    const list = keys.get(table);
    if (list === undefined) keys.set(table, [key]);
    else list.push(key);
  }
  return keys;
}
