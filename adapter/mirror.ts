import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import { CrossfadeError, isCrossfadeError, messageOf } from './errors.ts';
import type { Fill } from './fill.ts';
import type { FillRecord } from './fill-records.ts';
import { Loop } from './loop.ts';
import type { NextTurn } from './loop.ts';
import type { Metrics } from './metrics.ts';
import { ChangelogGuard } from './changelog-guard.ts';
import { isComplete, plotCourse } from './mirror-course.ts';
import type { Course } from './mirror-course.ts';
import { MirrorLease } from './mirror-lease.ts';
import { MirrorWaiters } from './mirror-waiters.ts';
import type { Waiter } from './mirror-waiters.ts';
import { otherStore } from './spec.ts';
import type { Key, StoreName, TableSpec } from './spec.ts';
import { backfillStatus } from './backfill-status.ts';
import type { BackfillStatus, MirrorStatus } from './status.ts';
import { stepOutdated } from './store.ts';
import type { Cursor, Position, Quarantined, Records, StepApplied, StepReading, Store } from './store.ts';

/** What the Mirror needs of its surroundings. */
export interface MirrorOptions {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly records: Records;
  readonly config: Pick<
    Config,
    'mirror' | 'processName' | 'leaseMs' | 'pollMs' | 'refreshMs' | 'backfillRows' | 'maxChangelogBytes' | 'logger'
  >;
  readonly metrics: Metrics;
  /** What goes with a backfill beside copying rows. */
  readonly fill: Fill;
  /** Whether the primary's changes are captured: without that there is nothing to mirror. */
  readonly isCaptured: () => boolean;
  /** Whether the stage asks for a mirror now. */
  readonly isWanted: () => boolean;
}

/** A step that has been read and is on its way to the secondary. */
interface Flight {
  /** Served when it has been applied. */
  readonly waiters: Waiter[];
  /** Resolves when it has ended, well or not. */
  landed: Promise<void>;
  /** When the oldest change in it was seen. */
  readonly behindSince: number;
  /** Whether it carries a piece of a backfill. */
  readonly isCopying: boolean;
}

/** Errors that no retry can mend: the Mirror stops and says so. */
const FATAL = ['HISTORY_LOST', 'CAPTURE_BROKEN', 'KEY_HOLDS_NULL', 'VERSION_UNKNOWN', 'TYPE_UNSUPPORTED'] as const;

/** While one step is on its way to the secondary, the next one is read. */
const MAX_FLIGHTS = 2;
/** How long a repair may take to arrive. */
const REPAIR_LIMIT_MS = 60_000;
const PRUNE_EVERY_MS = 1_000;
/** The share of the largest changelog that may be kept for incremental comparisons. */
const HELD_SHARE = 1 / 4;
const LOOK_AFTER_EVERY_MS = 2_000;
const STANDBY_POLL_MS = 5;
/**
 * How long changes that nobody waits for may gather after a step: many writes, one step. A step costs as much as some
 * twenty rows in it, so under load a shorter time is paid by the writes. Whoever waits ends it at once.
 */
const GATHER_MS = 50;
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
 * A step is read while the one before it is still on its way, from where that one will have brought the secondary. It
 * carries that one's step number, so that it does nothing unless that one was applied. Steps with a piece or
 * a quarantined row depend on what the one before them has done, and are applied alone. The one after a piece is read
 * while the piece is on its way all the same; where a row of the piece goes to quarantine, it is read again.
 *
 * In each moment one process runs it, the holder of the lease. The lease is for economy: two holders could not harm
 * each other, since each step begins with a compare-and-set on the secondary's state row (R9).
 */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #lease: MirrorLease;
  readonly #guard: ChangelogGuard;
  readonly #loop: Loop;
  #course: Course | null = null;
  /** Counts the calls of {@link forget}. */
  #forgotten = 0;
  readonly #onTrouble = new Set<(error: unknown) => void>();
  #demands = 0;
  readonly #waiters = new MirrorWaiters();
  #flights: Flight[] = [];
  /** The steps of which something may not be on the secondary yet: those in flight, and the one in hand. */
  readonly #unlanded = new Set<Flight>();
  /** What the first of the steps in flight met that failed. */
  #failure: { readonly error: unknown } | null = null;
  /** How many waited for the last step. */
  #lastCohort = 0;
  #behindSince: number | null = null;
  #outsidePosition: Position | null = null;
  #outsideQuarantine: readonly Quarantined[] | null = null;
  #outside: { readonly cursors: readonly Cursor[]; readonly fill: FillRecord | null; readonly at: number } | null =
    null;
  #holdsAllRows: boolean | null = null;
  #prunedAt = 0;
  #lookedAfterAt = 0;
  #prunedTo: Position | null = null;
  #error: string | null = null;
  #fatal: CrossfadeError | null = null;
  #isClosed = false;
  /** Ends the steps under way that are large ones. */
  readonly #interrupts = new Set<AbortController>();
  /** When the last step arrived. */
  #appliedAt = -Infinity;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#lease = new MirrorLease(options.records, options.config);
    this.#guard = new ChangelogGuard(options);
    this.#loop = new Loop({ turn: () => this.#validTurn(), onError: (error) => this.#onError(error) });
  }

  /** Does nothing where this process may not run the Mirror. */
  start(): void {
    if (this.#options.config.mirror !== 'off') this.#loop.start();
  }

  /** Resolves when the step in flight has ended and the lease is given back. A large one is broken off. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    for (const interrupt of this.#interrupts) interrupt.abort(this.#closed());
    const filled = this.#options.fill.stop();
    await this.#loop.stop();
    await this.#allLanded();
    await filled;
    this.#waiters.rejectAll(this.#closed());
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
    const { state, quarantine, cursors } = await secondary.progress();
    this.#outsideQuarantine = quarantine;
    this.#holdsAllRows = isComplete({ appliedCursors: cursors, isReconciling: state.isReconciling });
    if (performance.now() - (this.#outside?.at ?? -Infinity) > LOOK_AFTER_EVERY_MS) {
      const fill = secondary.name === 'postgres' ? await this.#options.records.fill.read() : null;
      this.#outside = { cursors, fill, at: performance.now() };
    }
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

  /** Says that a store may have gone back to an older watermark: it is not believed in until it has been looked at. */
  distrust(error: unknown): void {
    this.#course = null;
    for (const listener of this.#onTrouble) listener(error);
    this.#loop.wake();
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
   * Has the Mirror copy these rows again, as they are then. Resolves when that has been done. Works in every process: the
   * keys go into the primary's changelog, as if the rows had changed.
   *
   * @throws CrossfadeError `STEP_OUTDATED` in the middle of a write switch; otherwise as {@link caughtUp}.
   */
  async repair(table: TableSpec, keys: readonly Key[]): Promise<void> {
    const { primary } = await this.#roles();
    await primary.touch(table, keys);
    await this.caughtUp({ timeoutMs: REPAIR_LIMIT_MS });
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
    const since = Math.min(this.#behindSince ?? Infinity, ...[...this.#unlanded].map((flight) => flight.behindSince));
    return since === Infinity ? 0 : (performance.now() - since) / 1000;
  }

  /** What the secondary could not hold, as far as this process knows; `null` before the first step. */
  get quarantine(): readonly Quarantined[] | null {
    return this.#course?.quarantine ?? this.#outsideQuarantine;
  }

  /** Whether the secondary holds all of the primary's rows, as far as this process knows; `null` before it has looked. */
  get holdsAllRows(): boolean | null {
    return this.#holdsAllRows;
  }

  /** How far the backfill has come, as far as this process knows; `null` before it has looked. */
  get backfill(): BackfillStatus | null {
    const course = this.#course;
    if (course !== null) return backfillStatus(course.appliedCursors, this.#options.fill.record);
    return this.#outside === null ? null : backfillStatus(this.#outside.cursors, this.#outside.fill);
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
    const { config, fill, isCaptured, isWanted, stores } = this.#options;
    await this.#guard.look();
    if (!isCaptured() || (!isWanted() && this.#demands === 0)) {
      if (isWanted()) await this.#assertCaptured();
      await this.#allLanded();
      await this.#lease.giveBack();
      this.#course = null;
      this.#failure = null;
      this.#behindSince = null;
      for (const waiter of this.#waiters.takeAll()) waiter.resolve();
      return { afterMs: config.refreshMs };
    }
    if (!(await this.#lease.hold())) {
      this.#course = null;
      return { afterMs: Math.min(config.leaseMs / 2, 500) };
    }
    try {
      if (this.#flights.length >= MAX_FLIGHTS) await this.#flights[0]?.landed;
      await this.#throwFailure();
      const forgotten = this.#forgotten;
      if (this.#course === null) await this.#allLanded();
      const course = this.#course ?? (await plotCourse(stores));
      if (forgotten !== this.#forgotten) return 'again';
      this.#course = course;
      if (course === null) return { afterMs: config.pollMs };
      this.#holdsAllRows = isComplete(course);
      // First: capture that is broken must not look well in between.
      await this.#lookAfter(course);
      if (fill.isOpen(course)) await this.#leased(() => fill.prepare(course));
      const did = await this.#step(course);
      await this.#prune(course);
      if (!fill.isFinished(course)) {
        const finish = (): Promise<NextTurn | 'nothing'> => fill.finish(course, { alone: () => this.#alone() });
        if ((await this.#leased(finish)) === 'again') return 'again';
      }
      if (fill.nextPiece(course) !== null) return 'again';
      return { afterMs: Math.min(did === 'nothing' ? config.pollMs : GATHER_MS, fill.pauseMs(course)) };
    } catch (error) {
      if (!isCrossfadeError(error, 'STEP_OUTDATED')) throw error;
      this.#course = null;
      return { afterMs: OUTDATED_PAUSE_MS };
    }
  }

  /** In a stage that mirrors, writes that nobody captures make the secondary worthless, and nothing but a new start helps. */
  async #assertCaptured(): Promise<void> {
    const { primary } = await this.#roles();
    const state = await primary.state();
    if (state?.role !== 'primary' || state.intent !== null || state.captureId !== null) return;
    this.#holdsAllRows = false;
    throw new CrossfadeError(
      'HISTORY_LOST',
      `nothing captures the writes to ${primary.name} any more: the changelog had grown past its limit, or somebody removed capture`,
      { hint: 'make the other database follow again: crossfade backfill --reconcile' },
    );
  }

  async #step(course: Course): Promise<'something' | 'nothing'> {
    const { fill } = this.#options;
    const piece = fill.nextPiece(course);
    const isBehindPiece = this.#flights.some(({ isCopying }) => isCopying);
    const isAlone = piece !== null || isBehindPiece || course.quarantine.length > 0;
    const isReadAhead = isBehindPiece && this.#flights.length === 1 && course.quarantine.length === 0;
    if (isAlone && !isReadAhead) await this.#alone();
    const behindSince = this.#behindSince;
    const startedAt = performance.now();
    const interrupt = this.#interruptible();
    const unkeep = this.#lease.keep(() => interrupt.abort(this.#lease.taken()));
    const flight: Flight = {
      waiters: this.#waiters.takeAll(),
      landed: Promise.resolve(),
      behindSince: behindSince ?? startedAt,
      isCopying: piece !== null,
    };
    const failed = (error: unknown): unknown => {
      this.#behindSince = behindSince ?? this.#behindSince ?? performance.now();
      this.#waiters.putBack(flight.waiters);
      return error;
    };
    try {
      // What this process has written need not be looked for.
      const isQuiet = flight.waiters.length === 0 && piece === null && behindSince === null;
      if (isQuiet && !(await course.primary.hasChangesAfter(course.watermark))) {
        if (this.#behindSince === behindSince) this.#behindSince = null;
        if (this.#flights.length === 0) this.#allIsWell();
        return 'nothing';
      }
      this.#behindSince = null;
      this.#unlanded.add(flight);
      const { signal } = interrupt;
      const request = {
        epoch: course.epoch,
        after: course.watermark,
        captureId: course.captureId,
        tables: course.tables,
        cursors: course.cursors,
        retry: byTable(course.quarantine),
        piece,
        signal,
      };
      let readOn = (): void => {};
      const isRead = new Promise<'read'>((resolve) => (readOn = () => resolve('read')));
      const applied = course.primary.read(request, async (reading) => {
        if (reading.isEmpty) {
          // A step before it may have failed meanwhile: then there was nothing new since a state that never arrived.
          if (this.#course !== course) throw stepOutdated(course.secondary.name, 'has not applied the step before');
          this.#nothingNew(flight.waiters);
          return 'nothing';
        }
        if (isReadAhead) await this.#afterPiece(course);
        // What is small and yet takes long is stuck, and another process may have better luck.
        if (reading.isWhole) void unkeep();
        const landing = this.#apply(course, { reading, startedAt, signal });
        if (isAlone || !reading.isWhole) {
          this.#whenRead(course, reading, readOn);
          await landing;
          this.#serve(flight.waiters);
        } else this.#launch(flight, landing, failed);
        return 'something';
      });
      const outcome = await Promise.race([applied, isRead]);
      if (outcome !== 'read') return outcome;
      this.#launch(
        flight,
        applied.then(() => this.#loop.wake()),
        failed,
      );
      return 'something';
    } catch (error) {
      throw failed(error);
    } finally {
      const isUnderWay = this.#flights.includes(flight);
      if (!isUnderWay) this.#unlanded.delete(flight);
      const end = async (): Promise<void> => {
        this.#interrupts.delete(interrupt);
        await unkeep();
      };
      if (isUnderWay) void flight.landed.then(end);
      else await end();
    }
  }

  /** Calls `readOn` when the step after this one may be read, unless it may not be before this one has arrived. */
  #whenRead(course: Course, reading: StepReading, readOn: () => void): void {
    if (reading.readToEnd === undefined || !this.#options.fill.isUnhindered) return;
    void reading.readToEnd.then(() => {
      course.cursors = withCursor(course.cursors, reading.cursor);
      readOn();
    });
  }

  /**
   * Waits for the piece before the step that was read meanwhile.
   *
   * @throws CrossfadeError `STEP_OUTDATED` when that one was not applied, or has brought rows into quarantine, which the
   * step would have to try again (PROTOCOL.md R29).
   */
  async #afterPiece(course: Course): Promise<void> {
    await this.#alone();
    if (this.#course === course && course.quarantine.length === 0) return;
    throw stepOutdated(course.secondary.name, 'has not applied the piece before as it was read');
  }

  /** With no step under way. */
  async #alone(): Promise<void> {
    await this.#allLanded();
    await this.#throwFailure();
  }

  /** What takes long must not cost the lease. */
  async #leased<T>(work: () => Promise<T>): Promise<T> {
    const unkeep = this.#lease.keep(() => {});
    try {
      return await work();
    } finally {
      await unkeep();
    }
  }

  #interruptible(): AbortController {
    const interrupt = new AbortController();
    if (this.#isClosed) interrupt.abort(this.#closed());
    this.#interrupts.add(interrupt);
    return interrupt;
  }

  /** The snapshot holds nothing that was not read before; but what was read before may not have arrived yet. */
  #nothingNew(waiters: readonly Waiter[]): void {
    const before = this.#flights.at(-1);
    if (before !== undefined) {
      before.waiters.push(...waiters);
      return;
    }
    this.#serve(waiters);
    this.#allIsWell();
  }

  #serve(waiters: readonly Waiter[]): void {
    this.#lastCohort = waiters.length;
    for (const waiter of waiters) waiter.resolve();
  }

  #allIsWell(): void {
    this.#error = null;
    this.#fatal = null;
  }

  #launch(flight: Flight, applied: Promise<void>, failed: (error: unknown) => unknown): void {
    const forgotten = this.#forgotten;
    this.#flights.push(flight);
    flight.landed = applied.then(
      () => {
        this.#land(flight);
        this.#serve(flight.waiters);
      },
      (error: unknown) => {
        this.#land(flight);
        failed(error);
        this.#course = null;
        // What was found out before forget() was called is void.
        if (forgotten === this.#forgotten) this.#failure ??= { error };
        this.#loop.wake();
      },
    );
  }

  #land(flight: Flight): void {
    this.#flights = this.#flights.filter((other) => other !== flight);
    this.#unlanded.delete(flight);
  }

  async #allLanded(): Promise<void> {
    while (this.#flights.length > 0) await this.#flights[0]?.landed;
  }

  /** Fails the turn for a step of an earlier one. Those that were read after it are lost with it. */
  async #throwFailure(): Promise<void> {
    if (this.#failure === null) return;
    await this.#allLanded();
    const { error } = this.#failure;
    this.#failure = null;
    throw error;
  }

  async #apply(
    course: Course,
    { reading, startedAt, signal }: { reading: StepReading; startedAt: number; signal: AbortSignal },
  ): Promise<void> {
    const { step } = course;
    course.step += 1;
    course.watermark = reading.position;
    const applied = await course.secondary.apply({
      epoch: course.epoch,
      step,
      captureId: course.captureId,
      reading,
      quarantine: course.quarantine,
      signal,
    });
    if (applied === null) {
      throw stepOutdated(
        course.secondary.name,
        'has moved on: another process applied a step, or the roles have changed',
      );
    }
    // One that was read ahead takes no longer than from where the one before it arrived.
    const now = performance.now();
    const ms = now - Math.max(startedAt, this.#appliedAt);
    this.#appliedAt = now;
    this.#noteApplied(course, { reading, applied, ms });
    this.#options.metrics.step({ to: course.secondary.name, changes: reading.changes, seconds: ms / 1000 });
  }

  #noteApplied(
    course: Course,
    { reading, applied, ms }: { reading: StepReading; applied: StepApplied; ms: number },
  ): void {
    course.appliedWatermark = reading.position;
    course.quarantine = applied.quarantine;
    this.#outsideQuarantine = applied.quarantine;
    const { cursor } = reading;
    if (cursor !== null) {
      const before = reading.from.find((other) => other.table === cursor.table)?.rowsCopied ?? 0;
      this.#options.fill.copied({
        table: cursor.table,
        rows: cursor.rowsCopied - before,
        changes: reading.changes,
        ms,
      });
    }
    course.cursors = withCursor(course.cursors, cursor);
    course.appliedCursors = withCursor(course.appliedCursors, cursor);
    this.#holdsAllRows = isComplete(course);
    this.#options.metrics.applied({ to: course.secondary.name, ...applied });
    this.#allIsWell();
  }

  async #prune(course: Course): Promise<void> {
    if (performance.now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = performance.now();
    const watermark = course.appliedWatermark;
    if (watermark === this.#prunedTo) return;
    // A crash of the secondary may take it back to an older watermark, from which it must be able to go on.
    const durable = await course.secondary.flush();
    if (durable === null || !course.primary.reaches(durable, watermark)) {
      const error = stepOutdated(course.secondary.name, 'has crashed, and lost steps that it had applied');
      this.#behindSince ??= performance.now();
      for (const listener of this.#onTrouble) listener(error);
      throw error;
    }
    const kept = await this.#keptFrom(course, watermark);
    const forgotten = await course.primary.prune(kept);
    // What is kept for a comparison may be forgotten later without any change in between.
    if (forgotten === 0 && kept === watermark) this.#prunedTo = watermark;
  }

  /**
   * Up to where the changelog may be forgotten: the watermark, or the position that an incremental comparison goes on
   * from. That one is given up when it makes the changelog large: it must never bring capture to its end.
   */
  async #keptFrom({ primary, captureId }: Course, watermark: Position): Promise<Position> {
    const { records, config } = this.#options;
    const held = await records.heldPosition(captureId);
    if (held === null || !primary.reaches(watermark, held)) return watermark;
    const bytes = await primary.changelogBytes();
    if (bytes <= config.maxChangelogBytes * HELD_SHARE) return held;
    await records.dropComparisonBase(
      `the changelog that was kept for the next comparison had grown to ${bytes} bytes, a quarter of what is allowed`,
    );
    return watermark;
  }

  async #lookAfter({ primary, tables }: Course): Promise<void> {
    if (performance.now() - this.#lookedAfterAt < LOOK_AFTER_EVERY_MS) return;
    await primary.verifyCapture(tables);
    await primary.retireFence();
    this.#lookedAfterAt = performance.now();
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
      this.#waiters.rejectAll(this.#stopped(error));
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
    const waiting = this.#waiters.wait(timeoutMs, () => this.#timedOut(timeoutMs));
    this.notice();
    // Half of those who waited for the last step go first, so that one half writes while the other half's step is applied.
    if (this.#flights.length === 0 && this.#waiters.count * 2 >= this.#lastCohort) this.#loop.wakeAtOnce();
    else this.#loop.wake();
    return waiting;
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

function withCursor(cursors: readonly Cursor[], cursor: Cursor | null): readonly Cursor[] {
  return cursor === null ? cursors : cursors.map((other) => (other.table === cursor.table ? cursor : other));
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
