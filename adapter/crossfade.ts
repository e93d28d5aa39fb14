import type { Knex } from 'knex';
import type { Registry } from 'prom-client';
import { setTimeout as sleep } from 'node:timers/promises';
import { backfillStatus } from './backfill-status.ts';
import { Breaker } from './breaker.ts';
import { ComparisonMetrics } from './comparison-metrics.ts';
import { readConfig } from './config.ts';
import type { Config, CrossfadeOptions } from './config.ts';
import { Cutover } from './cutover.ts';
import { CrossfadeError, isCrossfadeError, messageOf } from './errors.ts';
import { Fill } from './fill.ts';
import { Flags } from './flags.ts';
import type { FillLimits, FillRecord } from './fill-records.ts';
import { Metrics } from './metrics.ts';
import { migrate } from './migrate.ts';
import type { MigrateOutcome } from './migrate.ts';
import { Mirror } from './mirror.ts';
import { Pace } from './pace.ts';
import { openStandby } from './postgres/standby.ts';
import { PostgresStore } from './postgres/store.ts';
import { endReconcile } from './reconcile.ts';
import { ReadShare } from './read-share.ts';
import { Repository } from './repository.ts';
import { Router } from './router.ts';
import { RoutingScopes } from './routing-scope.ts';
import type { RoutingWish } from './routing-scope.ts';
import { Recorder } from './shadow/recorder.ts';
import { replay } from './shadow/replay.ts';
import type { ReplayOutcome } from './shadow/replay.ts';
import { ShapeFile } from './shadow/shape-file.ts';
import { ShapeRecord } from './shadow/shape-record.ts';
import { ShadowReads } from './shadow/shadow-reads.ts';
import type { StoreName, TableSpec } from './spec.ts';
import { keyColumns } from './spec.ts';
import { SqliteStore } from './sqlite/store.ts';
import { tableSizes } from './sqlite/table-sizes.ts';
import { stageRow } from './stage.ts';
import { StageTraffic } from './stage-traffic.ts';
import { StageView } from './stage-view.ts';
import type { BackfillStatus, Status } from './status.ts';
import type { ComparisonRecord, Progress, Quarantined, Records, Store } from './store.ts';
import type { Traffic } from './traffic.ts';

/** How {@link Crossfade.backfill} is run. */
export interface BackfillOptions {
  /** Empties the PostgreSQL tables first and copies everything again. Refused while PostgreSQL answers reads. @default false */
  readonly restart?: boolean;
  /**
   * Copies every row over what the secondary holds, and removes there what the primary does not have: after the history
   * between them was lost. In any stage that mirrors, in either direction; reads stay with the primary meanwhile.
   * @default false
   */
  readonly reconcile?: boolean;
  /**
   * Only goes on with a backfill that was interrupted or paused, and fails where there is none. (One that was interrupted
   * goes on without this too.)
   * @default false
   */
  readonly resume?: boolean;
  /** See {@link Crossfade.limitBackfill}; what is not given stays as it was. */
  readonly limits?: Partial<FillLimits>;
  /** Called a few times a second. */
  readonly onProgress?: (status: BackfillStatus) => void;
  /** Ends the waiting; what has been copied stays, and the next backfill goes on from there. */
  readonly signal?: AbortSignal;
}

/** How {@link Crossfade.replay} is run. */
export interface ReplayOptions {
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/** How long PostgreSQL may work on one recorded read. */
const REPLAY_LIMIT_MS = 60_000;
const PROGRESS_EVERY_MS = 200;
/** How long the Mirror may take for the rows that a reconciliation removes. */
const RECONCILE_LIMIT_MS = 600_000;
/** Past comparisons in the status. */
const SHOWN_COMPARISONS = 20;
/** How long a database may take to answer for the status, before it counts as away. */
const PING_LIMIT_MS = 2_000;

/**
 * Opens both databases and returns what an API needs: its Knex instance, and the controls of the cutover.
 *
 * PostgreSQL may be away: as long as SQLite is the primary, the API starts and works without it.
 *
 * @throws CrossfadeError what {@link readConfig} throws; `SQLITE_UNREADABLE`; `VERSION_UNKNOWN`; `MIRROR_TAKEN` with
 * `mirror: 'required'`.
 * @example
 * const { knex } = await createCrossfade({ sqlite: 'ledger.sqlite', postgres: process.env.DATABASE_URL });
 * await knex('accounts').where({ id: 1 }).first();
 */
export async function createCrossfade(options: CrossfadeOptions = {}): Promise<Crossfade> {
  const config = readConfig(options);
  const crossfade = await Crossfade.open(config);
  if (config.migrateOnStart === undefined) return crossfade;
  try {
    await crossfade.migrate(config.migrateOnStart);
    return crossfade;
  } catch (error) {
    await crossfade.close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly sqlite: SqliteStore;
  readonly postgres: PostgresStore;
  readonly view: StageView;
  readonly metrics: Metrics;
  readonly comparisonMetrics: ComparisonMetrics;
  readonly breaker: Breaker;
  readonly mirror: Mirror;
  readonly router: Router;
  readonly cutover: Cutover;
  readonly traffic: StageTraffic;
  readonly scopes: RoutingScopes;
  readonly share: ReadShare;
  readonly shadow: ShadowReads;
  readonly flags: Flags | undefined;
  readonly recorder: Recorder | undefined;
  readonly tables: readonly TableSpec[];
}

/** A running Crossfade. Made by {@link createCrossfade}, ended by {@link close}. */
export class Crossfade {
  readonly #parts: Parts;
  #tables: readonly TableSpec[];
  #isClosed = false;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#tables = parts.tables;
  }

  /** `runsQueries`: whether queries are to be run through {@link knex}, which is then loaded now, and else when it is first asked for. */
  static async open(config: Config, { runsQueries = true }: { runsQueries?: boolean } = {}): Promise<Crossfade> {
    const sqlite = SqliteStore.open(config.sqlite);
    const postgres = PostgresStore.open(config.postgres, config);
    const stores = { sqlite, postgres };
    try {
      const metrics = new Metrics(config.registry);
      const view = await StageView.open(stores);
      const pace = new Pace({ trafficShare: config.backfillShare });
      const fill = new Fill({
        records: postgres.records.fill,
        pace,
        sizes: (tables, signal) => tableSizes(config.sqlite, tables, signal),
        config,
      });
      const mirror = new Mirror({
        stores,
        records: postgres.records,
        config,
        metrics,
        fill,
        isCaptured: () => view.current.isCaptured,
        isWanted: () => stageRow(view.current.stage).mirrorsTo !== null,
      });
      const scopes = new RoutingScopes();
      const share = new ReadShare(config.reads);
      const traffic = new StageTraffic({ view, mirror, config, metrics, scopes, share });
      const breaker = new Breaker();
      mirror.onTrouble((error) => {
        // As the secondary it is left by all reads at once, which then cannot find out for themselves.
        if (view.current.primary === 'sqlite') breaker.trip(error);
        else breaker.observe(error);
      });
      postgres.onLost(() => {
        mirror.distrust(
          new CrossfadeError('POSTGRES_UNREACHABLE', "PostgreSQL ended the Mirror's session", { hint: 'nothing' }),
        );
      });
      const router = new Router({
        sqlite: config.sqlite,
        postgres: config.postgres,
        knex: config.knex,
        poolMax: config.poolMax,
        columns: config.columns,
        native: config.native,
        facade: config.facade,
        statementSavepoints: config.statementSavepoints,
        exactIntegers: config.exactIntegers,
        ...(config.rewrite === undefined ? {} : { rewrite: config.rewrite }),
        traffic: traffic satisfies Traffic,
        breaker,
        onQuery: (event) => {
          metrics.query(event);
          pace.query(event);
        },
        warn: (text) => config.logger.warn(`crossfade: ${text}`),
      });
      if (runsQueries) router.load();
      const { shadow: shadowConfig } = config;
      const shadow = new ShadowReads({
        config: shadowConfig,
        observer: router.observer,
        openSideReads: (limits) => router.openSideReads(limits),
        record: new ShapeRecord({
          sink: shadowConfig.record === undefined ? postgres.shapes : new ShapeFile(shadowConfig.record),
          onFailure: (error) =>
            config.logger.warn(`crossfade: the record of query shapes was not written: ${messageOf(error)}`),
        }),
        metrics,
        isWanted: () => shadowConfig.against === 'same' || stageRow(view.current.stage).shadowReads,
        isReady: () =>
          shadowConfig.against === 'same' ||
          (breaker.state === 'closed' && mirror.holdsAllRows !== false && mirror.status().runs !== 'stopped'),
        primary: () => view.current.primary,
        quarantined: () => (mirror.quarantine ?? []).map(({ table }) => table),
        caughtUp: (limit) => mirror.caughtUp(limit),
      });
      view.onChange(() => shadow.refresh());
      const recorder =
        config.record === undefined
          ? undefined
          : new Recorder({
              record: config.record,
              observer: router.observer,
              onFailure: (error) => config.logger.warn(`crossfade: queries were not recorded: ${messageOf(error)}`),
            });
      const { records } = postgres;
      const cutover = new Cutover({ stores, records, view, mirror, traffic, metrics, config, shadow });
      metrics.show({
        stage: () => view.current.stage,
        epoch: () => view.current.epoch,
        lagSeconds: () => mirror.lagSeconds,
        isMirrorRunning: () => mirror.isRunningHere,
        quarantined: () => mirror.quarantine?.length ?? null,
        backfill: () => mirror.backfill,
        breaker: () => breaker.state,
        shadowReads: () => shadow.inFlight,
      });
      const comparisonMetrics = new ComparisonMetrics({
        registry: metrics.registry,
        look: async () =>
          view.current.isInstalled ? (await postgres.records.comparisons.list({ limit: 1 }))[0] : undefined,
      });
      const tables = await sqlite.installedTables();
      if (config.mirror === 'required' && view.current.isInstalled) await mirror.takeLease();
      mirror.start();
      cutover.start();
      const flags =
        config.flags === undefined
          ? undefined
          : new Flags({
              options: config.flags,
              want: (stage) => cutover.want(stage),
              reads: share,
              shadow,
              warn: (text) => config.logger.warn(`crossfade: ${text}`),
            });
      return new Crossfade({
        config,
        sqlite,
        postgres,
        view,
        metrics,
        comparisonMetrics,
        breaker,
        mirror,
        router,
        cutover,
        traffic,
        scopes,
        share,
        shadow,
        flags,
        recorder,
        tables,
      });
    } catch (error) {
      await Promise.allSettled([sqlite.close(), postgres.close()]);
      throw error;
    }
  }

  /** The API's Knex instance: of the dialect better-sqlite3, whichever database answers; or of the `facade`'s. */
  get knex(): Knex {
    return this.#parts.router.knex;
  }

  /** The two ordinary instances behind it, past all routing: for migrations, tests and repairs. */
  get direct(): { readonly sqlite: Knex; readonly postgres: Knex } {
    return this.#parts.router.direct;
  }

  /** The mirrored tables; empty before install. */
  get tables(): readonly TableSpec[] {
    return this.#tables;
  }

  get stores(): { readonly sqlite: Store; readonly postgres: Store } {
    return { sqlite: this.#parts.sqlite, postgres: this.#parts.postgres };
  }

  get records(): Records {
    return this.#parts.postgres.records;
  }

  get mirror(): Mirror {
    return this.#parts.mirror;
  }

  get cutover(): Cutover {
    return this.#parts.cutover;
  }

  /** The share of reads that PostgreSQL answers while SQLite takes the writes; may be changed at any time. */
  get reads(): ReadShare {
    return this.#parts.share;
  }

  /**
   * Runs `work` with wishes about the routing of everything that it queries, also after an `await`: a request that reads
   * from one store, a job whose writes wait for the Mirror. Goes before the stage and options, and behind a query's own
   * `queryContext({ crossfade: … })`.
   * @example app.use((request, response, next) => crossfade.scope({ key: request.ip }, next));
   */
  scope<T>(wish: RoutingWish, work: () => T): T {
    return this.#parts.scopes.run(wish, work);
  }

  /** Reads that are tried on the other store once they have been answered, and what that has shown. */
  get shadow(): ShadowReads {
    return this.#parts.shadow;
  }

  /** The Prometheus registry that holds all of Crossfade's metrics. */
  get metrics(): Registry {
    return this.#parts.metrics.registry;
  }

  /**
   * Typed reads and writes of one table, on {@link knex}.
   *
   * @throws CrossfadeError `TABLE_MISSING` when the SQLite database has no such table, `TABLE_WITHOUT_KEY`.
   */
  repository<R extends object>(table: string): Repository<R> {
    return new Repository<R>({ knex: this.knex, table, key: this.#keyOf(table) });
  }

  /** Puts bookkeeping, capture and fence on both databases; the stage stays `sqlite`. See `Cutover.install`. */
  async install(): Promise<readonly TableSpec[]> {
    this.#tables = await this.#parts.cutover.install();
    return this.#tables;
  }

  /**
   * Removes Crossfade from both databases; the rows stay. Only in the stages `sqlite` and `postgres`.
   *
   * @throws CrossfadeError `GATE_REFUSED` in any other stage.
   */
  async uninstall(): Promise<void> {
    const { view, sqlite, postgres, mirror } = this.#parts;
    const { stage } = await view.refresh({ both: true });
    if (stageRow(stage).mirrorsTo !== null) {
      throw new CrossfadeError('GATE_REFUSED', `Crossfade cannot be removed in stage "${stage}"`, {
        hint: 'go to stage sqlite or postgres first',
      });
    }
    await postgres.uninstall();
    // From `postgres` on SQLite stands still: its fence stays, and with it the knowledge that PostgreSQL takes the writes.
    if (stage !== 'postgres') await sqlite.uninstall();
    this.#tables = [];
    await view.refresh({ both: true });
    mirror.forget();
  }

  /**
   * Copies every row to PostgreSQL, beside live traffic, and resolves when that is done, with all that comes after it:
   * indexes that were set aside, sequences, statistics, foreign keys. Installs what is missing. Goes on from where an
   * earlier one stopped. The copying is done by the process that runs the Mirror.
   *
   * @throws CrossfadeError what install throws; `MIRROR_STOPPED`; `NO_BACKFILL` with `resume` when there is none to go on with.
   */
  async backfill(options: BackfillOptions = {}): Promise<BackfillStatus> {
    const { mirror, view, config } = this.#parts;
    if (options.resume === true) await this.resumeBackfill();
    else if (options.reconcile === true) this.#tables = await this.#parts.cutover.reconcile();
    else if (!view.current.isCaptured || options.restart === true) {
      this.#tables = await this.#parts.cutover.install({ restart: options.restart ?? false });
    }
    if (options.limits !== undefined) await this.limitBackfill(options.limits);
    if (config.mirror === 'required') await mirror.takeLease();
    const giveBack = mirror.demand();
    try {
      await this.#backfillUntil(
        ({ phase, tables }) => phase !== 'copying' || tables.every((table) => table.isDone),
        options,
      );
      const rowsRemoved = (await this.#secondary().state())?.isReconciling === true ? await this.#endReconcile() : null;
      const status = await this.#backfillUntil(({ isDone }) => isDone, options);
      return rowsRemoved === null ? status : { ...status, rowsRemoved };
    } finally {
      giveBack();
    }
  }

  /**
   * Has the backfill wait, whichever process copies, from about a second on. Changes are mirrored all the same. It waits,
   * whatever is restarted, until {@link resumeBackfill}.
   *
   * @throws CrossfadeError `NO_BACKFILL` when none is under way.
   */
  async pauseBackfill(): Promise<void> {
    await this.#assertBackfill('paused');
    await this.records.fill.pause(true);
  }

  /**
   * Has a paused backfill go on, whichever process copies.
   *
   * @throws CrossfadeError `NO_BACKFILL` when there is none that has begun and is not done.
   */
  async resumeBackfill(): Promise<void> {
    await this.#assertBackfill('resumed');
    await this.records.fill.pause(false);
  }

  /**
   * Limits how fast the backfill copies, in rows and in bytes of values a second, whichever process copies; `null` takes
   * a limit away. Kept in PostgreSQL. It slows down by itself while the API or PostgreSQL suffer.
   *
   * @throws CrossfadeError `CONFIG_INVALID` for what is no number above 0; `NOT_INSTALLED`.
   */
  async limitBackfill(limits: Partial<FillLimits>): Promise<void> {
    for (const [name, value] of Object.entries(limits)) {
      if (value === null || (Number.isFinite(value) && value > 0)) continue;
      throw new CrossfadeError('CONFIG_INVALID', `the limit ${name} of the backfill is ${value}`, {
        hint: 'it must be a number above 0, or null for none',
      });
    }
    if ((await this.stores.postgres.state()) === undefined) {
      throw new CrossfadeError('NOT_INSTALLED', 'a backfill cannot be limited: Crossfade is not installed', {
        hint: 'run: crossfade install',
      });
    }
    if ((await this.records.fill.read()) === null) await this.records.fill.begin();
    await this.records.fill.limit(limits);
  }

  /**
   * Runs the Knex migrations that are pending, on both databases and under a lock; two processes that start at once run
   * each of them once. While the databases are mirrored, the rows are then reconciled (see {@link backfill}), since a
   * migration may have rebuilt a table behind its capture.
   *
   * @throws CrossfadeError what {@link migrate} throws, and what {@link backfill} throws.
   */
  async migrate(migrations: Knex.MigratorConfig): Promise<MigrateOutcome> {
    const { view, router, config } = this.#parts;
    const { stage, isCaptured } = view.current;
    const { sqlite } = router.direct;
    const outcome = await migrate({ stage, sqlite, postgres: config.postgres, migrations });
    const hasRun = outcome.sqlite.length + outcome.postgres.length > 0;
    if (hasRun && isCaptured) await this.backfill({ reconcile: true });
    return outcome;
  }

  /**
   * Opens a hot standby of the PostgreSQL database, for a comparison that spares the database itself. To be closed.
   *
   * @throws CrossfadeError `CONFIG_INVALID` when it is no standby of that database; `POSTGRES_UNREACHABLE`,
   * `POSTGRES_REFUSED`, `NOT_INSTALLED`.
   */
  async openStandby(url: string): Promise<Store> {
    const { postgres, config } = this.#parts;
    return openStandby(url, { of: postgres, answerLimitMs: config.answerLimitMs });
  }

  /**
   * Runs the reads of a file that option `record` wrote with their values on both databases, and compares the answers as
   * shadow reads do.
   *
   * @throws CrossfadeError `CONFIG_INVALID` for a file of another kind; `POSTGRES_UNREACHABLE`.
   */
  async replay(
    path: string,
    { onProgress, signal = new AbortController().signal }: ReplayOptions = {},
  ): Promise<ReplayOutcome> {
    const { router, mirror, view, config } = this.#parts;
    const { shadow } = config;
    const side = router.openSideReads({ connections: 1, timeoutMs: REPLAY_LIMIT_MS });
    const isMirrored = stageRow(view.current.stage).mirrorsTo !== null;
    try {
      const context = {
        config: { ...shadow, against: 'other' as const },
        primary: view.current.primary,
        quarantined: (mirror.quarantine ?? []).map(({ table }) => table),
        caughtUp: async () => (isMirrored ? mirror.caughtUp({ timeoutMs: shadow.catchUpMs }) : undefined),
        signal,
      };
      return await replay({ path, side, context, onProgress });
    } finally {
      await side.close();
    }
  }

  /** Everything worth knowing at a glance. Never throws because a database is away: it says so. */
  async status(): Promise<Status> {
    const { view, cutover, mirror, postgres, sqlite, breaker, traffic } = this.#parts;
    const isReachable = async (store: Store): Promise<boolean> =>
      Promise.race([
        store.ping().then(
          () => true,
          () => false,
        ),
        sleep(PING_LIMIT_MS, false, { ref: false }),
      ]);
    const reachable = { sqlite: await isReachable(sqlite), postgres: await isReachable(postgres) };
    await view.refresh({ both: reachable.postgres }).catch(() => {});
    const { isInstalled, stage, epoch, primary, switching } = view.current;
    const progress = isInstalled && reachable.postgres ? await this.#progress().catch(() => null) : null;
    const next = reachable.postgres && isInstalled ? await cutover.nextGates() : { stage: null, gates: [] };
    const lease =
      reachable.postgres && isInstalled ? await this.records.currentLease().catch(() => undefined) : undefined;
    const comparisons = reachable.postgres && isInstalled ? await this.#lastComparisons() : [];
    return {
      isInstalled,
      stage,
      wantedStage: cutover.wanted ?? null,
      epoch,
      primary,
      intent: switching?.intent ?? null,
      reads: traffic.reads,
      nextStage: next.stage,
      gates: next.gates,
      mirror: withHolder(mirror.status(), lease?.description),
      backfill: progress?.backfill ?? null,
      quarantined: countByTable(progress?.quarantine ?? []),
      breaker: breaker.state,
      reachable,
      lastComparison: comparisons[0] ?? null,
      comparisons,
      lastSwitch: cutover.lastSwitch,
    };
  }

  /** Ends every loop, gives the Mirror's lease back and closes every connection. Leaves no timer and no socket. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { cutover, mirror, router, breaker, shadow, sqlite, postgres } = this.#parts;
    await cutover.stop();
    await this.#parts.flags?.stop();
    await shadow.close();
    await this.#parts.recorder?.close();
    await router.close();
    await mirror.stop();
    breaker.close();
    await sqlite.close();
    await postgres.close();
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  #keyOf(name: string): readonly string[] {
    const spec = this.#tables.find((table) => table.name === name);
    if (spec !== undefined) return keyColumns(spec).map((column) => column.name);
    const shape = this.#parts.sqlite.describeNow().find((table) => table.name === name);
    if (shape === undefined) {
      throw new CrossfadeError('TABLE_MISSING', `there is no table "${name}" in SQLite`, {
        hint: 'check its name, or run the migrations',
      });
    }
    if (shape.key.length === 0) {
      throw new CrossfadeError('TABLE_WITHOUT_KEY', `table "${name}" has no key`, { hint: 'give it a primary key' });
    }
    return shape.key;
  }

  #secondary(): Store {
    const { sqlite, postgres, view } = this.#parts;
    return view.current.sqlite?.role === 'secondary' ? sqlite : postgres;
  }

  async #backfillUntil(
    holds: (status: BackfillStatus) => boolean,
    { onProgress, signal }: BackfillOptions,
  ): Promise<BackfillStatus> {
    const { mirror } = this.#parts;
    while (true) {
      const status = await this.#backfillSoFar();
      if (status !== null) {
        onProgress?.(status);
        if (holds(status)) return status;
      }
      signal?.throwIfAborted();
      const { runs, error } = mirror.status();
      if (runs === 'stopped')
        throw new CrossfadeError('MIRROR_STOPPED', `the backfill stopped: ${error ?? ''}`, {
          hint: 'see crossfade status',
        });
      await sleep(PROGRESS_EVERY_MS);
    }
  }

  /** `null` while PostgreSQL is away, which the Mirror waits for, and so may its caller. */
  async #backfillSoFar(): Promise<BackfillStatus | null> {
    try {
      const { cursors } = await this.#secondary().progress();
      return backfillStatus(cursors, await this.#fillRecord());
    } catch (error) {
      if (isCrossfadeError(error) && error.retryable) return null;
      throw error;
    }
  }

  /** What is remembered of a backfill of PostgreSQL; of one of SQLite nothing is. */
  async #fillRecord(): Promise<FillRecord | null> {
    return this.#secondary().name === 'postgres' ? await this.records.fill.read() : null;
  }

  async #assertBackfill(what: 'paused' | 'resumed'): Promise<void> {
    const status = (await this.stores.postgres.state()) === undefined ? null : await this.#backfillSoFar();
    const hasBegun = status !== null && (status.rowsCopied > 0 || status.isPaused || what === 'paused');
    if (hasBegun && !status.isDone) return;
    throw new CrossfadeError(
      'NO_BACKFILL',
      `there is no backfill that could be ${what}: ${status?.isDone ? 'it is done' : 'none has begun'}`,
      { hint: !status?.isDone ? 'begin one: crossfade backfill' : 'see crossfade status' },
    );
  }

  async #endReconcile(): Promise<number> {
    const { mirror } = this.#parts;
    const removed = await endReconcile({
      stores: this.stores,
      tables: this.#tables,
      caughtUp: () => mirror.caughtUp({ timeoutMs: RECONCILE_LIMIT_MS }),
    });
    mirror.forget();
    return [...removed.values()].reduce((sum, rows) => sum + rows, 0);
  }

  async #progress(): Promise<{ backfill: BackfillStatus; quarantine: readonly Quarantined[] }> {
    const { sqlite, postgres, view } = this.#parts;
    const onPostgres: Progress = await postgres.progress();
    const secondary: StoreName = view.current.sqlite?.role === 'secondary' ? 'sqlite' : 'postgres';
    const { cursors, quarantine } = secondary === 'postgres' ? onPostgres : await sqlite.progress();
    return {
      backfill: backfillStatus(cursors, secondary === 'postgres' ? await this.records.fill.read() : null),
      quarantine,
    };
  }

  async #lastComparisons(): Promise<readonly ComparisonRecord[]> {
    const runs = await this.records.comparisons.list({ limit: SHOWN_COMPARISONS }).catch(() => []);
    if (runs[0] !== undefined) this.#parts.comparisonMetrics.note(runs[0]);
    // By table they would be most of the status.
    return runs.map((run) => {
      const { tables: _, ...sums } = run;
      return sums;
    });
  }
}

function countByTable(quarantine: readonly Quarantined[]): { table: string; rows: number }[] {
  const counts = new Map<string, number>();
  for (const { table } of quarantine) counts.set(table, (counts.get(table) ?? 0) + 1);
  return [...counts].map(([table, rows]) => ({ table, rows }));
}

function withHolder(status: Status['mirror'], description: string | undefined): Status['mirror'] {
  return status.runs === 'idle' && description !== undefined
    ? { ...status, runs: 'elsewhere', holder: description }
    : status;
}
