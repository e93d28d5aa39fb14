import Database from 'better-sqlite3';
import type { Knex } from 'knex';
import type { Breaker } from './breaker.ts';
import { Catalog } from './compat/catalog.ts';
import { columnTraits } from './sqlite/column-traits.ts';
import type { ColumnTraits } from './sqlite/column-traits.ts';
import { Rewriting } from './compat/rewriting.ts';
import type { Config, KnexOptions } from './config.ts';
import { loadKnex } from './load-knex.ts';
import type { StoreName } from './spec.ts';
import type { Traffic } from './traffic.ts';
import { bind, Compiling } from './router/core.ts';
import type { QueryEvent, RouterCore, Target } from './router/core.ts';
import { assertInternals, dialectClass } from './router/knex-internals.ts';
import type { ClientConstructor, ClientInternals } from './router/knex-internals.ts';
import type { QueryObserver } from './router/query-observer.ts';
import { probe } from './router/guarded-postgres-client.ts';
import { nativePostgresClientClass } from './router/native-postgres-client.ts';
import { postgresClientClass } from './router/postgres-client.ts';
import { PostgresOnlyTraffic } from './router/postgres-only-traffic.ts';
import { RoutedTransactions } from './router/routed-transaction.ts';
import { routerClientClass } from './router/router-client.ts';
import { SideReads } from './router/side-reads.ts';
import type { SideReadLimits } from './router/side-reads.ts';
import { sqliteClientClass } from './router/sqlite-client.ts';
import { BOUND_TO } from './router/target-client.ts';
import type { TargetClient, TargetHooks } from './router/target-client.ts';

export type { QueryEvent } from './router/core.ts';

/** How long a query may wait for a connection to PostgreSQL, in ms, unless the Knex options say otherwise. */
const ACQUIRE_TIMEOUT_MS = 10_000;

/** What knex calls the dialect of each store. */
const DIALECTS = { sqlite: 'better-sqlite3', postgres: 'pg' } as const satisfies Record<StoreName, string>;

/** What the text of values depends on, whatever the database, the role or the server say. */
const SETTINGS = `SET timezone = 'UTC'; SET datestyle = 'ISO'; SET extra_float_digits = 1; SET bytea_output = 'hex'`;

export interface RouterOptions {
  /** The path of the SQLite file. */
  readonly sqlite: string;
  /** The connection URL of the PostgreSQL database. */
  readonly postgres: string;
  /** Options of the application's own Knex instance. */
  readonly knex: KnexOptions;
  /** The store whose dialect the application was written for: see {@link Config}. @default 'sqlite' */
  readonly facade?: Config['facade'];
  /** The largest number of PostgreSQL connections. */
  readonly poolMax: number;
  /** The forms of columns that the application has set itself: see {@link Config}. */
  readonly columns?: Config['columns'];
  /** Tables whose values are PostgreSQL's own: see {@link Config}. */
  readonly native?: Config['native'];
  /** Puts SQL written for SQLite into PostgreSQL's words: see {@link Config}. */
  readonly rewrite?: Config['rewrite'];
  /** See {@link Config}. @default true, or with the facade of PostgreSQL false */
  readonly statementSavepoints?: Config['statementSavepoints'];
  /** See {@link Config}. @default false */
  readonly exactIntegers?: Config['exactIntegers'];
  /** Decides where each query goes. */
  readonly traffic: Traffic;
  /** Stands in front of PostgreSQL's pool. Not closed by the router. */
  readonly breaker: Breaker;
  /** Called after each run of a query on a store, for metrics. */
  readonly onQuery?: (event: QueryEvent) => void;
  /**
   * Where warnings go: Knex's about connections, unless `knex.log` says otherwise; of raw SQL without a translation; of
   * integers that better-sqlite3 rounds. @default the console
   */
  readonly warn?: (text: string) => void;
}

/**
 * The Knex instance that the application holds: a real one, of the dialect better-sqlite3, whichever store answers; or,
 * for an application that has been ported, of PostgreSQL's, whose answers then come as they are.
 *
 * It decides per query, when it runs, which of two ordinary Knex instances takes it, and makes PostgreSQL's answers look
 * like SQLite's. A transaction stays on the store where it began. The query builder itself is never touched, so a builder
 * may be run again, cloned or printed as with any Knex.
 *
 * What PostgreSQL still answers otherwise than SQLite is listed in compat/README.md. After a statement has failed, a
 * transaction refuses every other, and its commit is an error, unless the statement was in a nested transaction.
 */
export class Router {
  /** Who looks on at the application's queries. Set and unset at any time. */
  readonly observer: QueryObserver = {};
  readonly #options: RouterOptions;
  #loaded: Loaded | null = null;

  /** Loads nothing yet: see {@link load}. */
  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** A router that is loaded. @throws as {@link load} */
  static open(options: RouterOptions): Router {
    const router = new Router(options);
    router.load();
    return router;
  }

  /**
   * Loads knex and makes the instances, which otherwise happens when one of them is first asked for. Opens no connection: both
   * pools are filled when they are first used.
   *
   * @throws CrossfadeError `CONFIG_INVALID` when this version of knex lacks something that the router builds on.
   */
  load(): void {
    this.#whenLoaded();
  }

  /** The instance for the application. */
  get knex(): Knex {
    return this.#whenLoaded().knex;
  }

  /**
   * The two instances behind it, past all routing: no permit, no fallback, no waiting. PostgreSQL's has the shapes of the
   * facade and the breaker in front of its pool, too.
   */
  get direct(): { readonly sqlite: Knex; readonly postgres: Knex } {
    const { sqlite, postgres } = this.#whenLoaded().core.targets;
    return { sqlite: sqlite.knex, postgres: postgres.knex };
  }

  /** Connections of their own for reads beside the application's, which its queries never wait for. To be closed. */
  openSideReads(limits: SideReadLimits): SideReads {
    return new SideReads({ ...this.#options, ...limits, targets: this.#whenLoaded().core.targets });
  }

  /** Closes both pools of what was loaded, which refuses queries from then on. */
  async close(): Promise<void> {
    if (this.#loaded === null) return;
    await Promise.all([this.direct.sqlite.destroy(), this.direct.postgres.destroy()]);
  }

  #whenLoaded(): Loaded {
    return (this.#loaded ??= load(this.#options, this.observer));
  }
}

interface Loaded {
  readonly knex: Knex;
  readonly core: RouterCore;
}

function load(options: RouterOptions, observer: QueryObserver): Loaded {
  assertInternals();
  const core = new Core(options, observer);
  const Facade = dialectClass(DIALECTS[core.facade]);
  const RouterClient = routerClientClass(Facade, core, core.transactions);
  // Without a connection Knex makes no pool.
  const { connection: _connection, pool: _pool, ...others } = options.knex;
  const instance = loadKnex()({ ...others, client: asKnexClient(RouterClient) });
  describe(instance, core.targets[core.facade].client);
  return { knex: instance, core };
}

/**
 * What SQLite says of its columns, or said last: PostgreSQL must answer although the file is away. Asked once now, for it
 * may be away by the time that PostgreSQL is first asked.
 */
function lastTraits(path: string): () => ReadonlyMap<string, ColumnTraits> {
  let last: ReadonlyMap<string, ColumnTraits> = new Map();
  const ask = (): ReadonlyMap<string, ColumnTraits> => {
    try {
      last = columnTraits(path);
    } catch (error) {
      // Of a folder that is away better-sqlite3 says so in an error of its own.
      if (!(error instanceof Database.SqliteError) && !(error instanceof TypeError)) throw error;
    }
    return last;
  };
  ask();
  return ask;
}

class Core implements RouterCore {
  readonly facade: StoreName;
  readonly traffic: Traffic;
  readonly breaker: Breaker;
  readonly targets: Readonly<Record<StoreName, Target>>;
  readonly transactions: RoutedTransactions;
  readonly onQuery: ((event: QueryEvent) => void) | undefined;
  readonly catalog: Catalog;
  readonly storeOf: RouterCore['storeOf'] = new WeakMap();
  readonly compiling = new Compiling();
  readonly #rewriting: Rewriting | undefined;
  readonly observer: QueryObserver;

  constructor(options: RouterOptions, observer: QueryObserver) {
    this.observer = observer;
    this.facade = options.facade ?? 'sqlite';
    this.traffic = this.facade === 'sqlite' ? options.traffic : new PostgresOnlyTraffic(options.traffic);
    this.breaker = options.breaker;
    this.onQuery = options.onQuery;
    this.catalog = new Catalog({
      forms: options.columns,
      native: options.native,
      traits: lastTraits(options.sqlite),
    });
    this.#rewriting = this.#rewritingOf(options);
    this.transactions = new RoutedTransactions(this);
    this.targets = { sqlite: this.#sqlite(options), postgres: this.#postgres(options) };
  }

  #rewritingOf({ rewrite, sqlite, warn }: RouterOptions): Rewriting | undefined {
    if (rewrite === undefined) return undefined;
    return new Rewriting({
      rewriter: rewrite,
      sqlite,
      catalog: this.catalog,
      warn: warn ?? ((text) => console.warn(text)),
    });
  }

  #hooks(store: StoreName): TargetHooks {
    return {
      watch: (client, runner) => this.transactions.watch(client, runner),
      adopt: (outer, container) => this.transactions.adopt(outer, container),
      acquired: (connection) => {
        this.storeOf.set(connection, store);
      },
    };
  }

  #sqlite(options: RouterOptions): Target {
    const Client = sqliteClientClass(dialectClass('better-sqlite3'), {
      hooks: this.#hooks('sqlite'),
      exactIntegers: options.exactIntegers ?? false,
      warn: options.warn ?? ((text) => console.warn(text)),
    });
    const given = this.facade === 'sqlite' ? options.knex : { useNullAsDefault: true };
    const instance = loadKnex()({
      ...given,
      client: asKnexClient(Client),
      connection: { ...given.connection, filename: options.sqlite },
      pool: { min: 1, max: 1, ...given.pool },
    });
    const client = clientOf(instance, 'better-sqlite3');
    return { store: 'sqlite', knex: instance, client, guard: (work) => work() };
  }

  #postgres(options: RouterOptions): Target {
    const { breaker } = this;
    const { warn } = options;
    const instance = loadKnex()({
      acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
      ...(warn === undefined ? {} : { log: { warn: (text: string) => warn(`Knex says: ${text}`) } }),
      ...options.knex,
      connection: options.postgres,
      ...(this.facade === 'sqlite' ? this.#sqliteFlavoured(options) : this.#native(options)),
    });
    const client = clientOf(instance, 'pg');
    return {
      store: 'postgres',
      knex: instance,
      client,
      guard: async (work) => {
        // The one call that a half-open breaker lets through should be short, which a query need not be.
        if (breaker.state === 'half-open') await breaker.run(() => probe(client));
        return await breaker.run(work);
      },
    };
  }

  /** PostgreSQL with SQLite's shapes. */
  #sqliteFlavoured({ knex: given, statementSavepoints, poolMax }: RouterOptions): Pick<Knex.Config, 'client' | 'pool'> {
    const facades = new WeakMap<object, TargetClient>();
    const Client = postgresClientClass(dialectClass('pg'), {
      hooks: this.#hooks('postgres'),
      breaker: this.breaker,
      catalog: this.catalog,
      statementSavepoints: statementSavepoints ?? true,
      safeIntegers: given.connection?.options?.safeIntegers,
      compiling: this.compiling,
      rewriting: this.#rewriting,
      facade: (client) => {
        // Of its router a transaction's client has the configuration only.
        const router = client[BOUND_TO] ?? client;
        let facade = facades.get(router.config);
        if (facade === undefined) facades.set(router.config, (facade = bind(this.targets.sqlite.client, router)));
        return facade;
      },
    });
    return {
      client: asKnexClient(Client),
      pool: {
        min: 0,
        max: poolMax,
        afterCreate: (
          connection: { query(sql: string, done: (error: unknown) => void): void },
          done: (error: unknown) => void,
        ) => connection.query(SETTINGS, done),
      },
    };
  }

  /** PostgreSQL as it is. */
  #native({ knex: given, statementSavepoints, poolMax }: RouterOptions): Pick<Knex.Config, 'client' | 'pool'> {
    const Client = nativePostgresClientClass(dialectClass('pg'), {
      hooks: this.#hooks('postgres'),
      breaker: this.breaker,
      statementSavepoints: statementSavepoints ?? false,
    });
    return { client: asKnexClient(Client), pool: { min: 0, max: poolMax, ...given.pool } };
  }
}

/** Shows what libraries and the application's own code read of a configuration: that of the dialect it is written for. */
function describe(instance: Knex, target: TargetClient): void {
  const client: ClientInternals = instance.client;
  for (const name of ['client', 'connection', 'pool']) client.config[name] = target.config[name];
  client.connectionSettings = target.connectionSettings;
}

/** Knex takes a class of its own as `client`, and declares a narrower type for it than the ones it has. */
function asKnexClient(Client: ClientConstructor): typeof Knex.Client {
  return Client as unknown as typeof Knex.Client;
}

function clientOf(instance: Knex, name: string): TargetClient {
  const client: TargetClient = instance.client;
  client.config['client'] = name;
  return client;
}
