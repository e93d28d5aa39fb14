import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import { CrossfadeError, isCrossfadeError, messageOf } from './errors.ts';
import { lookAtGates, stageAfter, WAITING_GATES } from './gates.ts';
import type { GateContext } from './gates.ts';
import { install } from './install.ts';
import { Loop } from './loop.ts';
import type { NextTurn } from './loop.ts';
import type { Metrics } from './metrics.ts';
import type { Mirror } from './mirror.ts';
import type { ShadowReads } from './shadow/shadow-reads.ts';
import type { StoreName, TableSpec } from './spec.ts';
import { beginReconcile } from './reconcile.ts';
import { isWriteSwitch, nextStage, stageRow } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageTraffic } from './stage-traffic.ts';
import type { StageView } from './stage-view.ts';
import type { Gate } from './status.ts';
import type { Position, Records, Store } from './store.ts';
import { WriteSwitch } from './write-switch.ts';
import type { Switched } from './write-switch.ts';

export interface CutoverOptions {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly records: Records;
  readonly view: StageView;
  readonly mirror: Mirror;
  readonly traffic: StageTraffic;
  readonly metrics: Metrics;
  readonly config: Config;
  /** What shadow reads have seen. */
  readonly shadow: Pick<ShadowReads, 'shapes'>;
}

/** How a step is made. */
export interface StepOptions {
  /** A person's explicit word, for the step that cannot be undone. @default false */
  readonly confirm?: boolean;
  /** Passes every gate by; recorded in the history of both databases. Never opens a way back from `postgres`. @default false */
  readonly force?: boolean;
}

/** How a walk over several stages is made. */
export interface MoveOptions extends StepOptions {
  /** Called with each stage that is reached. */
  readonly onStage?: (stage: Stage) => void;
  /** Called with a gate that is waited for, each time what was found has changed. */
  readonly onGate?: (gate: Gate) => void;
  /** How long to wait for gates that open by themselves, in ms. @default no limit */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Refusals are expected: they are returned, with the gates that did not pass. */
export type StepOutcome =
  | { readonly outcome: 'moved'; readonly stage: Stage }
  | { readonly outcome: 'refused'; readonly stage: Stage; readonly gates: readonly Gate[] };

/** How long PostgreSQL has to answer before it counts as gone. */
const ANSWER_LIMIT_MS = 5_000;
const GATE_POLL_MS = 200;
/** How often Cutover tries to come nearer to the wanted stage. */
const WANTED_EVERY_MS = 1_000;

/**
 * The only thing that changes the stage. One loop keeps up with what other processes do, finishes or cancels write
 * switches that were left half done, and walks towards the wanted stage as far as the gates allow.
 */
export class Cutover {
  readonly #options: CutoverOptions;
  readonly #switch: WriteSwitch;
  readonly #loop: Loop;
  #wanted: Stage | undefined;
  #wantedTriedAt = -Infinity;
  #lastRefusal = '';
  #isStepping = false;

  constructor(options: CutoverOptions) {
    this.#options = options;
    this.#switch = new WriteSwitch(options);
    this.#wanted = options.config.stage;
    this.#loop = new Loop({ turn: () => this.#follow(), onError: () => 'retry' });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#switch.close();
    await this.#loop.stop();
  }

  /** The recorded stage, as this process last saw it. */
  get stage(): Stage {
    return this.#options.view.current.stage;
  }

  get wanted(): Stage | undefined {
    return this.#wanted;
  }

  get lastSwitch(): Switched | null {
    return this.#switch.last;
  }

  /** Sets the wanted stage: Cutover walks there by itself, step by step, as the gates open. `undefined`: stays. */
  want(stage: Stage | undefined): void {
    this.#wanted = stage;
    this.#wantedTriedAt = -Infinity;
    this.#loop.wake();
  }

  /**
   * The gates of the step to an adjacent stage, each with what was found now. With `from`, those of a step further on,
   * for who wants to know before setting out.
   */
  async gates(to: Stage, options: StepOptions & { readonly from?: Stage } = {}): Promise<readonly Gate[]> {
    return lookAtGates(options.from ?? this.stage, to, this.#gateContext(options));
  }

  /** The gates of the next step, towards the wanted stage or else onward, at a glance: nothing is waited for. */
  async nextGates(): Promise<{ readonly stage: Stage | null; readonly gates: readonly Gate[] }> {
    const stage =
      (this.#wanted === undefined ? undefined : nextStage(this.stage, this.#wanted)) ?? stageAfter(this.stage);
    return {
      stage,
      gates: stage === null ? [] : await lookAtGates(this.stage, stage, { ...this.#gateContext({}), waits: false }),
    };
  }

  /** See {@link install}. */
  async install({ restart = false }: { restart?: boolean } = {}): Promise<readonly TableSpec[]> {
    const { stores, config, view, mirror } = this.#options;
    const { stage } = await view.refresh({ both: true });
    if (restart && stageRow(stage).reads !== 'sqlite') {
      throw new CrossfadeError(
        'GATE_REFUSED',
        `the backfill cannot begin anew in stage "${stage}": PostgreSQL answers reads`,
        {
          hint: 'move the reads back first: crossfade stage shadow',
        },
      );
    }
    const tables = await install({ stores, config, restart });
    await view.refresh({ both: true });
    mirror.forget();
    return tables;
  }

  /** See {@link beginReconcile}. */
  async reconcile(): Promise<readonly TableSpec[]> {
    const { stores, config, view, mirror } = this.#options;
    const tables = await beginReconcile({ stores, config });
    await view.refresh({ both: true });
    mirror.forget();
    return tables;
  }

  /**
   * When PostgreSQL is gone for good in stage `write`: makes SQLite the primary again, with what the Mirror had brought
   * it. What PostgreSQL committed after that is not there. Stage `read` then, with SQLite answering the reads until
   * PostgreSQL, or another one in its place, has been filled again: `crossfade backfill --reconcile`.
   *
   * @throws CrossfadeError `GATE_REFUSED` in another stage, while PostgreSQL answers, and without `confirm`.
   */
  async failOver({ confirm = false }: { confirm?: boolean } = {}): Promise<{ readonly watermark: Position | null }> {
    const { stores, view, mirror, config } = this.#options;
    const state = await stores.sqlite.state();
    const refuse = (found: string, hint: string): CrossfadeError =>
      new CrossfadeError('GATE_REFUSED', `a forced failover to SQLite was refused: ${found}`, { hint });
    if (state?.role !== 'secondary' || state.stage !== 'write') {
      throw refuse(`this is stage "${state?.stage ?? 'sqlite'}", not "write"`, 'see crossfade status');
    }
    if (await answers(stores.postgres)) {
      throw refuse('PostgreSQL answers', 'move the writes back without losing any: crossfade stage read');
    }
    if (!confirm) {
      throw refuse(
        `what PostgreSQL committed after ${state.watermark ?? 'the switch'} would be given up`,
        'say so with --confirm (in the library: { confirm: true })',
      );
    }
    if (!(await stores.sqlite.seize({ epoch: state.epoch, stage: 'read' }))) {
      throw refuse('another process changed the stage meanwhile', 'see crossfade status');
    }
    config.logger.error('crossfade: forced failover: SQLite takes the writes, PostgreSQL was given up');
    await view.refresh();
    mirror.forget();
    return { watermark: state.watermark };
  }

  /**
   * One step, to an adjacent stage.
   *
   * @throws CrossfadeError `STAGE_SKIPPED` for a stage that is not adjacent; what install throws, for the step to
   * `dual`; `SWITCH_TIMED_OUT` or `SWITCH_LOST` when a write switch cancelled itself.
   */
  async step(to: Stage, options: StepOptions = {}): Promise<StepOutcome> {
    const { view, stores } = this.#options;
    const { stage: from, epoch, isCaptured } = await view.refresh({ both: true });
    if (from === to) return { outcome: 'moved', stage: to };
    if (nextStage(from, to) !== to) {
      throw new CrossfadeError('STAGE_SKIPPED', `stage "${to}" is not next to "${from}"`, {
        hint: `the next step on that way is "${nextStage(from, to) ?? from}"`,
      });
    }
    const refused = (await this.gates(to, options)).filter((gate) => !gate.passes);
    const mayForce = options.force === true && from !== 'postgres';
    if (refused.length > 0 && !mayForce) return { outcome: 'refused', stage: from, gates: refused };

    this.#isStepping = true;
    try {
      if (from === 'sqlite' && !isCaptured) await this.install();
      if (isWriteSwitch(from, to)) await this.#switch.run(stageRow(to).writes, to);
      else
        await this.#recordStage({
          from,
          to,
          epoch: from === 'sqlite' ? view.current.epoch : epoch,
          note: noteOf(refused),
        });
      if (to === 'sqlite') await this.#endCapture(stores.sqlite);
      if (to === 'sqlite') await this.#makeIndexes();
      if (to === 'postgres') await this.#endCapture(stores.postgres);
    } finally {
      this.#isStepping = false;
    }
    await view.refresh({ both: true });
    return { outcome: 'moved', stage: to };
  }

  /**
   * Walks to a stage, one step after the other, and waits at gates that open by themselves (backfill, lag).
   *
   * A gate that only a person can open ends the walk where it is; for the point of no return that is looked at before
   * the first step.
   */
  async moveTo(to: Stage, options: MoveOptions = {}): Promise<StepOutcome> {
    const deadline = performance.now() + (options.timeoutMs ?? Infinity);
    const { stage: start } = await this.#options.view.refresh({ both: true });
    const early = await this.#refusalAhead(start, to, options);
    if (early !== undefined) return early;
    const giveBack = this.#options.mirror.demand();
    try {
      while (true) {
        const { stage } = await this.#options.view.refresh({ both: true });
        const next = nextStage(stage, to);
        if (next === undefined) return { outcome: 'moved', stage };
        const outcome = await this.#stepWhenOpen(next, options, deadline);
        if (outcome.outcome === 'refused') return outcome;
        options.onStage?.(next);
      }
    } finally {
      giveBack();
    }
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #refusalAhead(from: Stage, to: Stage, options: MoveOptions): Promise<StepOutcome | undefined> {
    const asks = (to === 'postgres' && from !== 'postgres') || (from === 'postgres' && to !== 'postgres');
    if (!asks) return undefined;
    const [a, b]: [Stage, Stage] = to === 'postgres' ? ['write', 'postgres'] : ['postgres', 'write'];
    const gates = (await lookAtGates(a, b, this.#gateContext(options))).filter((gate) => !gate.passes);
    return gates.length === 0 ? undefined : { outcome: 'refused', stage: from, gates };
  }

  async #stepWhenOpen(next: Stage, options: MoveOptions, deadline: number): Promise<StepOutcome> {
    let told = '';
    while (true) {
      options.signal?.throwIfAborted();
      const outcome = await this.step(next, options);
      if (outcome.outcome === 'moved') return outcome;
      const waitsFor = outcome.gates.find((gate) => WAITING_GATES.includes(gate.name));
      const mayOpen = outcome.gates.every((gate) => WAITING_GATES.includes(gate.name));
      if (waitsFor === undefined || !mayOpen || performance.now() > deadline || !this.#canProgress()) return outcome;
      if (waitsFor.found !== told) options.onGate?.(waitsFor);
      told = waitsFor.found;
      await sleep(GATE_POLL_MS);
    }
  }

  /** Whether waiting can help: somebody runs the Mirror, and it has not stopped for good. */
  #canProgress(): boolean {
    return this.#options.mirror.status().runs !== 'stopped';
  }

  /** The primary's row first: it decides. The other one is brought up by any process, should this one die between. */
  async #recordStage(change: { from: Stage; to: Stage; epoch: number; note: string }): Promise<void> {
    const { stores, config, view } = this.#options;
    const primary = stores[stageRow(change.from).writes];
    const secondary = stores[primary.name === 'sqlite' ? 'postgres' : 'sqlite'];
    if (!(await primary.recordStage(change))) {
      throw new CrossfadeError(
        'SWITCH_LOST',
        `the step from "${change.from}" to "${change.to}" was given up: another process changed the stage meanwhile`,
        {
          hint: 'see crossfade status, and try again',
        },
      );
    }
    await secondary.recordStage(change);
    await view.refresh({ both: true });
    // Reads leave the secondary here; other processes must have noticed before it stops being mirrored.
    if (stageRow(change.from).reads !== stageRow(change.to).reads) await sleep(config.refreshMs * 2);
  }

  async #endCapture(store: Store): Promise<void> {
    await sleep(this.#options.config.refreshMs * 2);
    await store.dropCapture();
  }

  /** A backfill that is given up leaves no index set aside. */
  async #makeIndexes(): Promise<void> {
    const { records, config } = this.#options;
    try {
      await records.fill.makeAllIndexes();
    } catch (error) {
      config.logger.warn(
        `crossfade: indexes in PostgreSQL that were set aside were not made again: ${messageOf(error)}`,
      );
    }
  }

  #gateContext(options: StepOptions): GateContext {
    return { ...this.#options, isConfirmed: options.confirm === true, waits: true };
  }

  async #follow(): Promise<NextTurn> {
    const { view, config, stores, mirror } = this.#options;
    const { isInstalled, switching, sqlite, postgres } = await view.refresh();
    if (isInstalled && !this.#isStepping) {
      const recovered = await this.#switch.recover();
      const isBetween = switching !== null || recovered !== 'nothing';
      if (!isBetween && sqlite && postgres && sqlite.epoch === postgres.epoch && sqlite.stage !== postgres.stage) {
        await this.#agreeOnStage(stores);
      }
      if (!isBetween) await this.#walkTowardsWanted();
      await mirror.observe();
    } else if (!isInstalled) {
      await this.#walkTowardsWanted();
    }
    return { afterMs: switching === null ? config.refreshMs : Math.min(config.refreshMs, 50) };
  }

  /** A process died between recording a stage at the primary and at the secondary. */
  async #agreeOnStage(stores: Readonly<Record<StoreName, Store>>): Promise<void> {
    const { sqlite, postgres } = await this.#options.view.refresh({ both: true });
    if (!sqlite || !postgres || sqlite.stage === postgres.stage || sqlite.epoch !== postgres.epoch) return;
    const [leads, follows, store] =
      sqlite.role === 'primary' ? [sqlite, postgres, stores.postgres] : [postgres, sqlite, stores.sqlite];
    await store.recordStage({
      from: follows.stage,
      to: leads.stage,
      epoch: leads.epoch,
      note: 'brought up to the primary',
    });
  }

  async #walkTowardsWanted(): Promise<void> {
    const { config } = this.#options;
    const next = this.#wanted === undefined ? undefined : nextStage(this.stage, this.#wanted);
    if (next === undefined || performance.now() - this.#wantedTriedAt < WANTED_EVERY_MS) return;
    this.#wantedTriedAt = performance.now();
    try {
      const outcome = await this.step(next);
      if (outcome.outcome === 'moved') {
        config.logger.info(`crossfade: stage ${outcome.stage}`);
        this.#lastRefusal = '';
        this.#wantedTriedAt = -Infinity;
        return;
      }
      this.#refused(
        `crossfade: stays in stage ${outcome.stage}: ${outcome.gates.map((gate) => `${gate.name}: ${gate.found}`).join('; ')}`,
      );
    } catch (error) {
      this.#refused(
        `crossfade: the step to stage ${next} failed: ${messageOf(error)}${isCrossfadeError(error) ? `; ${error.hint}` : ''}`,
      );
    }
  }

  #refused(message: string): void {
    if (message !== this.#lastRefusal) this.#options.config.logger.warn(message);
    this.#lastRefusal = message;
  }
}

async function answers(store: Store): Promise<boolean> {
  return await Promise.race([
    store.ping().then(
      () => true,
      () => false,
    ),
    sleep(ANSWER_LIMIT_MS, false, { ref: false }),
  ]);
}

function noteOf(passedBy: readonly Gate[]): string {
  return passedBy.length === 0
    ? ''
    : `forced past: ${passedBy.map((gate) => `${gate.name} (${gate.found})`).join('; ')}`;
}
