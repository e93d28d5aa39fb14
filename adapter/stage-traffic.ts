import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import { CrossfadeError, isCrossfadeError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { Mirror } from './mirror.ts';
import type { ReadShare } from './read-share.ts';
import type { RoutingScopes, RoutingWish } from './routing-scope.ts';
import type { StoreName } from './spec.ts';
import { STAGE_NAMES, stageRow } from './stage.ts';
import type { StageView, View } from './stage-view.ts';
import type { ReadRequest, Traffic, WritePermit } from './traffic.ts';

export interface StageTrafficOptions {
  readonly view: StageView;
  readonly mirror: Pick<
    Mirror,
    'notice' | 'caughtUp' | 'onTrouble' | 'quarantine' | 'holdsAllRows' | 'status' | 'lagSeconds'
  >;
  readonly config: Pick<Config, 'readPrimary' | 'waitLimitMs' | 'switchTimeoutMs' | 'wait'>;
  readonly metrics: Metrics;
  readonly scopes: RoutingScopes;
  readonly share: ReadShare;
}

const FENCE_POLL_MS = 10;
/** How long reads stay with the primary after a wait reached its limit, before the Mirror is asked again. */
const LAGGING_LOOK_MS = 250;

/**
 * Whether the secondary may be read: `none` when it holds all that was acknowledged. `away` after a wait reached its
 * limit: reads stay with the primary, so that writes need not wait for a Mirror that gets nowhere. `catching up` once it
 * has got somewhere: writes wait again, and when it has passed those that did not, reads go back.
 */
type Lag = 'none' | 'away' | 'catching up';

/**
 * Directs queries by the stage. Holds back writes while this process makes a write switch: they wait, they do not fail.
 */
export class StageTraffic implements Traffic {
  readonly #options: StageTrafficOptions;
  #hold: { readonly ended: Promise<void>; readonly end: () => void } | null = null;
  #inFlight = 0;
  #onDrained: (() => void) | null = null;
  #lag: Lag = 'none';

  constructor(options: StageTrafficOptions) {
    this.#options = options;
    options.mirror.onTrouble(() => {
      if (this.#readsSecondary(options.view.current)) this.#distrustSecondary();
    });
    let readsSecondary = this.#readsSecondary(options.view.current);
    // What was written before this process began may not have reached the secondary.
    if (readsSecondary) this.#readFromPrimary('catching up');
    options.view.onChange((view) => {
      const before = readsSecondary;
      readsSecondary = this.#readsSecondary(view);
      // Writes that were acknowledged before did not wait for the Mirror; their callers must find them.
      if (readsSecondary && !before) this.#readFromPrimary('catching up');
    });
  }

  // ── What the router asks ──────────────────────────────────────────────────────────────────────────────────────

  readStore({ tables, wish }: ReadRequest): StoreName {
    const { scopes, share } = this.#options;
    const view = this.#options.view.current;
    const scope = scopes.current;
    const chosen = wish?.readFrom ?? scope?.readFrom;
    const wanted = chosen === undefined ? this.#readsOf(view) : this.#chosen(view, chosen);
    if (wanted === stageRow(view.stage).writes) return wanted;
    if (chosen === undefined && wanted === 'postgres' && !share.draws(tables, wish?.key ?? scope?.key)) return 'sqlite';
    // From here on the reader is the secondary: it must hold everything that the caller may have seen.
    return this.#lag !== 'none' || this.#isBehind() || this.#mayMissRows(tables) ? stageRow(view.stage).writes : wanted;
  }

  enter(): WritePermit | Promise<WritePermit> {
    const { primary } = this.#options.view.current;
    if (this.#hold === null && primary !== null) return this.#permit(primary);
    return this.#enterLater();
  }

  committed(store: StoreName, wish?: RoutingWish): Promise<void> | undefined {
    const { view, mirror, config, scopes } = this.#options;
    const { stage } = view.current;
    if (stageRow(stage).mirrorsTo === null) return undefined;
    const asked = wish?.wait ?? scopes.current?.wait ?? config.wait[stage];
    const mustWait = asked === undefined ? this.#readsOf(view.current) !== store : asked === 'mirrored';
    if (mustWait && this.#lag !== 'away') return this.#waitForMirror();
    mirror.notice();
    return undefined;
  }

  async fenced(store: StoreName): Promise<void> {
    const { config, metrics } = this.#options;
    metrics.fenced(store);
    const deadline = performance.now() + config.switchTimeoutMs;
    while (performance.now() < deadline) {
      if ((await this.#findPrimary()) !== null) return;
      await sleep(FENCE_POLL_MS);
    }
    throw this.#switching();
  }

  fallback(store: StoreName): StoreName | undefined {
    if (store !== 'postgres' || this.#options.view.current.primary !== 'sqlite') return undefined;
    this.#options.metrics.fallback();
    this.#distrustSecondary();
    return 'sqlite';
  }

  admitSchemaChange(): void {
    const { stage, isCaptured } = this.#options.view.current;
    if (!isCaptured && stageRow(stage).mirrorsTo === null) return;
    throw new CrossfadeError(
      'SCHEMA_CHANGE_REFUSED',
      `a schema change was refused: in stage "${stage}" it would reach one database only`,
      {
        hint: 'put it into a Knex migration and run it on both databases: crossfade migrate',
      },
    );
  }

  // ── What the write switch asks ────────────────────────────────────────────────────────────────────────────────

  /** Holds back new writes. Resolves when those in flight have ended, or after `limitMs`; either way they are held. */
  async hold(limitMs: number): Promise<void> {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.#hold ??= { ended, end };
    if (this.#inFlight === 0) return;
    const drained = new Promise<void>((resolve) => (this.#onDrained = resolve));
    const timer = new AbortController();
    await Promise.race([drained, sleep(limitMs, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
    this.#onDrained = null;
  }

  /** Lets the held writes go on. */
  resume(): void {
    const hold = this.#hold;
    this.#hold = null;
    hold?.end();
  }

  /** The store that answers reads now, or a share of them, for status. */
  get reads(): StoreName {
    return this.readStore({ tables: [], wish: { readFrom: this.#readsOf(this.#options.view.current) } });
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  #readsOf(view: View): StoreName {
    const { readPrimary } = this.#options.config;
    const { writes, reads } = stageRow(view.stage);
    return readPrimary === undefined || writes !== 'sqlite' ? reads : this.#chosen(view, readPrimary);
  }

  /** A store that somebody has chosen for reads, where it holds all rows; otherwise the one of the stage. */
  #chosen(view: View, store: StoreName): StoreName {
    const { reads, mirrorsTo, writes } = stageRow(view.stage);
    const isFilled = STAGE_NAMES.indexOf(view.stage) >= STAGE_NAMES.indexOf('shadow');
    return store === writes || (mirrorsTo === store && isFilled) ? store : reads;
  }

  #readsSecondary(view: View): boolean {
    return this.#readsOf(view) !== stageRow(view.stage).writes;
  }

  /** PROTOCOL.md R28: a table of which rows are in quarantine is read at the primary. Of raw SQL the tables are unknown. */
  #mayMissRows(tables: readonly string[]): boolean {
    const { mirror } = this.#options;
    const { quarantine } = mirror;
    if (mirror.status().runs === 'stopped' || mirror.holdsAllRows === false) return true;
    if (quarantine === null || quarantine.length === 0) return false;
    return tables.length === 0 || quarantine.some(({ table }) => tables.includes(table));
  }

  /** Known in every process, whichever runs the Mirror and whichever waited for it in vain. */
  #isBehind(): boolean {
    const { mirror, config } = this.#options;
    return mirror.lagSeconds * 1000 > Math.min(config.waitLimitMs, 1_000);
  }

  #permit(store: StoreName): WritePermit {
    this.#inFlight += 1;
    let hasLeft = false;
    return {
      store,
      leave: () => {
        if (hasLeft) return;
        hasLeft = true;
        this.#inFlight -= 1;
        if (this.#inFlight === 0) this.#onDrained?.();
      },
    };
  }

  async #enterLater(): Promise<WritePermit> {
    const { view, config } = this.#options;
    // A switch cancels itself after this time; the rest is for the cancelling.
    const deadline = performance.now() + config.switchTimeoutMs * 2;
    while (performance.now() < deadline) {
      if (this.#hold !== null) {
        const timer = new AbortController();
        const limit = sleep(Math.max(1, deadline - performance.now()), undefined, { signal: timer.signal });
        await Promise.race([this.#hold.ended, limit.catch(() => {})]);
        timer.abort();
      } else {
        const primary = view.current.primary ?? (await this.#findPrimary());
        if (this.#hold === null && primary !== null) return this.#permit(primary);
        await sleep(FENCE_POLL_MS);
      }
    }
    throw this.#switching();
  }

  /**
   * The store that takes the writes, as both databases say, or, while PostgreSQL is away, as SQLite alone does. `null`
   * in the middle of a write switch, and while it cannot be known.
   */
  async #findPrimary(): Promise<StoreName | null> {
    const { view } = this.#options;
    const found = await view.refresh({ both: true }).catch(() => view.refresh().catch(() => null));
    return found?.primary ?? null;
  }

  async #waitForMirror(): Promise<void> {
    const { mirror, config, metrics } = this.#options;
    const startedAt = performance.now();
    try {
      await mirror.caughtUp({ timeoutMs: config.waitLimitMs });
      metrics.wait({ outcome: 'mirrored', seconds: (performance.now() - startedAt) / 1000 });
    } catch (error) {
      if (isCrossfadeError(error, 'CLOSED')) return;
      // The write is safe; only the secondary does not show it yet. Reads go to the primary until it does.
      metrics.wait({ outcome: 'limit', seconds: (performance.now() - startedAt) / 1000 });
      this.#readFromPrimary('away');
    }
  }

  /** When it is back it may have lost the last steps, if they had not been flushed yet. */
  #distrustSecondary(): void {
    if (this.#lag === 'none') this.#readFromPrimary('catching up');
  }

  /** Until the Mirror has caught up with every write that did not wait for it. */
  #readFromPrimary(lag: Exclude<Lag, 'none'>): void {
    const isLooking = this.#lag !== 'none';
    this.#lag = lag;
    if (!isLooking) void this.#lookForMirror();
  }

  async #lookForMirror(): Promise<void> {
    while (this.#lag !== 'none') {
      const before = this.#lag;
      try {
        await this.#options.mirror.caughtUp({ timeoutMs: LAGGING_LOOK_MS });
        // Writes that are acknowledged without waiting while it is away may come after what it has just passed.
        this.#lag = before === 'catching up' && this.#lag === before ? 'none' : 'catching up';
      } catch (error) {
        if (isCrossfadeError(error, 'CLOSED')) return;
        this.#lag = 'away';
        await sleep(LAGGING_LOOK_MS, undefined, { ref: false });
      }
    }
  }

  #switching(): CrossfadeError {
    return new CrossfadeError('SWITCHING', 'the write was not tried: a write switch has not ended in time', {
      hint: 'try again; if it lasts, see crossfade status: the next start of any process finishes or cancels the switch',
    });
  }
}
