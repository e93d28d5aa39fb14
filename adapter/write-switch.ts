import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import { CrossfadeError, isCrossfadeError, messageOf } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { Mirror } from './mirror.ts';
import { otherStore } from './spec.ts';
import type { StoreName } from './spec.ts';
import type { Stage } from './stage.ts';
import type { StageTraffic } from './stage-traffic.ts';
import type { StageView } from './stage-view.ts';
import type { Fenced, Store } from './store.ts';

export interface WriteSwitchOptions {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly view: StageView;
  readonly mirror: Mirror;
  readonly traffic: StageTraffic;
  readonly metrics: Metrics;
  readonly config: Pick<Config, 'switchTimeoutMs' | 'logger'>;
}

export interface Switched {
  readonly to: StoreName;
  readonly pauseMs: number;
  readonly at: Date;
}

const POLL_MS = 2;
const FINISH_RETRY_MS = 50;
/** A fence expires after twice its coordinator's limit; one that has not after four times tells of a wrong clock. */
const STALE_AFTER_TIMEOUTS = 4;
const ABANDONED_AFTER_MS = 1_000;

/**
 * Moves the writes from one store to the other (PROTOCOL.md section 5).
 *
 * The old primary is the arbiter, and each step is one durable compare-and-set in one store:
 *
 * 1. **fence** (old): refuses writes; from here the switch may be cancelled, by anybody once its time is over
 * 2. **drain**: the Mirror passes the last write; the quarantine is empty
 * 3. **release** (old): there is no way back; anybody may do the rest
 * 4. **unfence** (new): takes writes, at the next epoch
 * 5. **record** (old): is the secondary of the new one
 *
 * A crash between any two leaves no primary for a moment, never two. {@link recover} goes on from wherever it stopped.
 */
export class WriteSwitch {
  readonly #options: WriteSwitchOptions;
  #last: Switched | null = null;
  #isClosed = false;
  #seen: { readonly attempt: string; readonly at: number } | null = null;
  #ownAttempt: { readonly store: StoreName; readonly attempt: number } | null = null;

  constructor(options: WriteSwitchOptions) {
    this.#options = options;
  }

  /** Gives up what cannot be finished now; the next process that runs finishes it. */
  close(): void {
    this.#isClosed = true;
  }

  /** The last switch that this process made, or `null`. */
  get last(): Switched | null {
    return this.#last;
  }

  /**
   * @throws CrossfadeError `SWITCH_TIMED_OUT` when it cancelled itself: the old primary takes the writes as before.
   * `SWITCH_LOST` when another process makes a switch.
   */
  async run(to: StoreName, stage: Stage): Promise<Switched> {
    const { stores, view, mirror, traffic, metrics, config } = this.#options;
    const next = stores[to];
    const old = stores[otherStore(to)];
    const { epoch } = view.current;
    // Everything slow comes before the pause: connections, triggers, and all but the last few changes.
    await next.ping();
    await next.prepareUnfence(await old.sequences());
    await mirror.caughtUp({ timeoutMs: config.switchTimeoutMs });

    const startedAt = performance.now();
    const deadline = startedAt + config.switchTimeoutMs;
    const left = (): number => Math.max(1, deadline - performance.now());
    let fenced: Fenced | null = null;
    try {
      await traffic.hold(left());
      fenced = await old.fence({ epoch, expiresMs: config.switchTimeoutMs * 2, waitMs: left() });
      if (fenced === null) throw this.#lost(old.name);
      this.#ownAttempt = { store: old.name, attempt: fenced.attempt };
      mirror.wake();
      await this.#drain(old, next, { fenced, deadline });
      const sequences = await old.sequences();
      if (!(await old.release({ epoch, attempt: fenced.attempt }))) throw this.#lost(old.name);
      await this.#finishUnfence({ old, next, epoch, finalPosition: fenced.finalPosition, stage, sequences });
      await view.refresh({ both: true });
      traffic.resume();
      const pauseMs = performance.now() - startedAt;
      this.#last = { to, pauseMs, at: new Date() };
      metrics.switched({ to, outcome: 'done', pauseSeconds: pauseMs / 1000 });
      await this.#record(old, next, stage);
      mirror.forget();
      return this.#last;
    } catch (error) {
      const isCancelled = fenced !== null && (await this.#cancel(old, epoch, fenced.attempt));
      metrics.switched({ to, outcome: isCancelled ? 'cancelled' : 'failed', pauseSeconds: 0 });
      throw error;
    } finally {
      this.#ownAttempt = null;
      await view.refresh({ both: true }).catch(() => {});
      traffic.resume();
    }
  }

  /**
   * Finishes or cancels a switch that a process left behind: cancels one that is fenced once its time is over, and
   * finishes one that is released. Does nothing when there is none. Safe to call at any time, by anybody.
   */
  async recover(): Promise<'nothing' | 'waiting' | 'cancelled' | 'finished'> {
    const { stores, view, config } = this.#options;
    const { switching, sqlite, postgres } = view.current;
    if (switching === null) return this.#recordLeftovers();
    const old = stores[switching.from];
    const next = stores[otherStore(switching.from)];
    const state = switching.from === 'sqlite' ? sqlite : postgres;
    if (state === undefined) return 'nothing';
    if (switching.intent === 'fenced') {
      const isOwn = this.#ownAttempt?.store === old.name && this.#ownAttempt.attempt === switching.attempt;
      if (isOwn || switching.isForGood) return 'waiting';
      // Clocks may be wrong, or jump: an attempt that expires too early was made by a process that is behind, one that
      // does not expire by one that is ahead. So it must have stood still before this process' eyes, too.
      const timeouts = switching.isExpired ? 1 : STALE_AFTER_TIMEOUTS;
      const attempt = `fenced ${old.name} ${state.epoch} ${state.attempt}`;
      if (!this.#isUnmoved(attempt, config.switchTimeoutMs * timeouts)) return 'waiting';
      const isCancelled = await old.cancel({ epoch: state.epoch, attempt: state.attempt });
      if (isCancelled)
        config.logger.warn(
          `crossfade: cancelled a write switch that no process went on with; ${old.name} takes the writes again`,
        );
      await view.refresh({ both: true });
      return isCancelled ? 'cancelled' : 'waiting';
    }
    // A living coordinator goes from release to unfence in milliseconds; one that has not after a second is gone.
    const released = `released ${old.name} ${state.epoch} ${state.attempt}`;
    if (!this.#isUnmoved(released, ABANDONED_AFTER_MS)) return 'waiting';
    const stage = stageAfterSwitch(next.name);
    const sequences = await old.sequences();
    await next.prepareUnfence(sequences);
    await this.#finishUnfence({
      old,
      next,
      epoch: state.epoch,
      finalPosition: state.finalPosition ?? '',
      stage,
      sequences,
    });
    await this.#record(old, next, stage);
    config.logger.warn(`crossfade: finished a write switch that was left half done; ${next.name} takes the writes`);
    await view.refresh({ both: true });
    this.#options.mirror.forget();
    return 'finished';
  }

  /** Whether this process has seen an attempt at the same point for so long, by a clock that does not jump. */
  #isUnmoved(attempt: string, limitMs: number): boolean {
    if (this.#seen?.attempt !== attempt) this.#seen = { attempt, at: performance.now() };
    return performance.now() - this.#seen.at > limitMs;
  }

  /** The new primary already takes writes, but the old one was not told: it is still `released`. */
  async #recordLeftovers(): Promise<'nothing' | 'finished'> {
    const { stores, view } = this.#options;
    const { sqlite, postgres } = view.current;
    if (sqlite?.intent !== 'released' && postgres?.intent !== 'released') {
      await this.#fenceImpostor();
      return 'nothing';
    }
    const [old, next] =
      sqlite?.intent === 'released' ? [stores.sqlite, stores.postgres] : [stores.postgres, stores.sqlite];
    await this.#record(old, next, stageAfterSwitch(next.name));
    await view.refresh({ both: true });
    this.#options.mirror.forget();
    return 'finished';
  }

  /**
   * PROTOCOL.md R24: of two stores that both claim to be primary the one with the lower epoch missed a switch: an older
   * file was put back. It is fenced for good, and nothing more is decided: somebody must find out which rows are right.
   */
  async #fenceImpostor(): Promise<void> {
    const { stores, view, config } = this.#options;
    const { sqlite, postgres } = view.current;
    if (sqlite?.role !== 'primary' || postgres?.role !== 'primary' || sqlite.epoch === postgres.epoch) return;
    const [store, state] = sqlite.epoch < postgres.epoch ? [stores.sqlite, sqlite] : [stores.postgres, postgres];
    if (state.intent !== null) return;
    const fenced = await store.fence({ epoch: state.epoch, expiresMs: 'never', waitMs: config.switchTimeoutMs });
    if (fenced === null) return;
    config.logger.error(
      `crossfade: ${store.name} claimed to be the primary, but does not know the last write switch (an older copy was put back?); it refuses writes now`,
    );
    await view.refresh({ both: true });
  }

  /** PROTOCOL.md R19: looked at after the fence and before the release, while the switch can still be cancelled. */
  async #drain(old: Store, next: Store, { fenced, deadline }: { fenced: Fenced; deadline: number }): Promise<void> {
    while (performance.now() < deadline) {
      const { state, quarantine, cursors } = await next.progress();
      if (quarantine.length > 0) {
        throw new CrossfadeError(
          'GATE_REFUSED',
          `the write switch was cancelled: ${next.name} cannot hold ${quarantine.length} of the rows written last (${quarantine[0]?.reason ?? ''})`,
          {
            hint: 'mend these rows and switch again',
          },
        );
      }
      const isDone = cursors.every((cursor) => cursor.isDone);
      if (isDone && state.watermark !== null && old.reaches(state.watermark, fenced.finalPosition)) {
        // After the release a crash must not take the next primary back to before the last write. One since the look
        // above may have done so already.
        const durable = await next.flush();
        if (durable !== null && old.reaches(durable, fenced.finalPosition)) return;
      }
      await sleep(POLL_MS);
    }
    throw new CrossfadeError(
      'SWITCH_TIMED_OUT',
      `the write switch was cancelled: ${next.name} had not come up to the last write in time`,
      {
        hint: `see crossfade status for the lag; ${old.name} takes the writes as before`,
      },
    );
  }

  /** After the release nothing can be undone, so this goes on until the new primary takes the writes. */
  async #finishUnfence(step: {
    old: Store;
    next: Store;
    epoch: number;
    finalPosition: string;
    stage: Stage;
    sequences: ReadonlyMap<string, bigint>;
  }): Promise<void> {
    const { old, next, epoch, finalPosition, stage, sequences } = step;
    for (let failures = 0; ; failures += 1) {
      if (this.#isClosed)
        throw new CrossfadeError('CLOSED', 'Crossfade was closed in the middle of a write switch', {
          hint: 'the next process that starts finishes it',
        });
      try {
        const reached = (watermark: string): boolean => old.reaches(watermark, finalPosition);
        if (await next.unfence({ epoch, finalPosition, stage, reached, sequences })) return;
        const state = await next.state();
        if (state?.role === 'primary' && state.epoch > epoch) return;
        throw this.#lost(next.name);
      } catch (error) {
        if (isCrossfadeError(error) && (!error.retryable || error.code === 'SWITCH_LOST')) throw error;
        if (failures === 0)
          this.#options.config.logger.error(
            `crossfade: ${next.name} cannot take the writes yet, trying on: ${messageOf(error)}`,
          );
        await sleep(FINISH_RETRY_MS);
      }
    }
  }

  async #record(old: Store, next: Store, stage: Stage): Promise<void> {
    const state = await next.state();
    if (state?.role !== 'primary' || state.captureId === null || state.handover === null) return;
    await old.record({ epoch: state.epoch - 1, stage, captureId: state.captureId, handover: state.handover });
  }

  async #cancel(old: Store, epoch: number, attempt: number): Promise<boolean> {
    try {
      return await old.cancel({ epoch, attempt });
    } catch (error) {
      this.#options.config.logger.error(
        `crossfade: the write switch could not be cancelled yet; any process cancels it when its time is over: ${messageOf(error)}`,
      );
      return false;
    }
  }

  #lost(store: StoreName): CrossfadeError {
    return new CrossfadeError(
      'SWITCH_LOST',
      `the write switch was given up: the state of ${store} was changed by another process meanwhile`,
      {
        hint: 'see crossfade status; another switch may be under way',
      },
    );
  }
}

function stageAfterSwitch(to: StoreName): Stage {
  return to === 'postgres' ? 'write' : 'read';
}
