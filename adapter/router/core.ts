import type { Knex } from 'knex';
import type { Breaker } from '../breaker.ts';
import type { StoreName } from '../spec.ts';
import type { Traffic } from '../traffic.ts';
import { BOUND_TO } from './target-client.ts';
import type { TargetClient } from './target-client.ts';
import type { BuilderInternals, ClientInternals, Connection } from './knex-internals.ts';
import type { Catalog } from '../compat/catalog.ts';
import type { QueryObserver } from './query-observer.ts';

/** One run of a query on one store. */
export interface QueryEvent {
  readonly store: StoreName;
  readonly kind: 'read' | 'write';
  readonly seconds: number;
  readonly failed: boolean;
}

/** One of the two databases. */
export interface Target {
  readonly store: StoreName;
  readonly knex: Knex;
  readonly client: TargetClient;
  /** Runs work that gets its own connection with {@link TargetClient.acquireUnguarded}. */
  guard<T>(work: () => Promise<T>): Promise<T>;
}

/** What the parts of one router share. */
export interface RouterCore {
  /** The store whose dialect the application was written for. */
  readonly facade: StoreName;
  readonly traffic: Traffic;
  readonly breaker: Breaker;
  readonly targets: Readonly<Record<StoreName, Target>>;
  readonly catalog: Catalog;
  readonly onQuery: ((event: QueryEvent) => void) | undefined;
  /** Whose connection it is. */
  readonly storeOf: WeakMap<Connection, StoreName>;
  readonly compiling: Compiling;
  /** Who looks on. Its parts may come and go. */
  readonly observer: QueryObserver;
}

/**
 * The client for which a builder is being compiled. Compiling is synchronous; while it lasts, pieces that are bound to
 * the router (a `db.raw()` in a default, a subquery) must come out in the same dialect as the whole.
 */
export class Compiling {
  client: TargetClient | undefined;
  /** The builder that is being compiled for SQLite, so that what comes out can be rewritten for another client. */
  rewriting: BuilderInternals | undefined;

  during<T>(client: TargetClient, work: () => T): T {
    const outer = this.client;
    this.client = client;
    try {
      return work();
    } finally {
      this.client = outer;
    }
  }

  /** SQLite's client, while something is compiled for SQLite that PostgreSQL is to run. */
  get facade(): TargetClient | undefined {
    return this.rewriting === undefined ? undefined : this.client;
  }

  /** Compiles a builder for SQLite, whatever client it is bound to. */
  asFacade<T>(facade: TargetClient, builder: BuilderInternals, work: () => T): T {
    const outer = this.rewriting;
    this.rewriting = builder;
    try {
      return this.during(facade, work);
    } finally {
      this.rewriting = outer;
    }
  }

  /** Runs a builder on a client, compiled for it or, where that is wanted, for SQLite. */
  running<T>(client: TargetClient, builder: BuilderInternals, work: () => T): T {
    const facade = client.rewrittenFrom(builder);
    const outer = this.rewriting;
    this.rewriting = facade === undefined ? undefined : builder;
    try {
      return this.during(facade ?? client, work);
    } finally {
      this.rewriting = outer;
    }
  }
}

const CONFIG_OF_THE_ROUTER = [
  'wrapIdentifier',
  'postProcessResponse',
  'asyncStackTraces',
  'debug',
  'compileSqlOnError',
];
const EMITTER = ['emit', 'on', 'once', 'off', 'addListener', 'removeListener', 'listeners'] as const;

/**
 * A target's client for the queries of one router client: the target's dialect and pool, with the events, the logger and
 * the hooks of the router client, also when those are changed later (Knex does so in migrations).
 */
export function bind(target: TargetClient, router: ClientInternals): TargetClient {
  const config: object = Object.create(target.config);
  for (const name of CONFIG_OF_THE_ROUTER) {
    // A prototype of clients, which somebody may call as well, has no configuration.
    const get = (): unknown => (router.config as ClientInternals['config'] | undefined)?.[name];
    Object.defineProperty(config, name, { get, enumerable: true, configurable: true });
  }
  const bound: TargetClient = Object.create(target, {
    [BOUND_TO]: { value: router },
    config: { value: config, writable: true },
    logger: { value: router.logger, writable: true },
    // Set by `_strict()` of knex's SQLite client, on a client derived from the router's.
    strictForeignKeyPragma: { value: router.strictForeignKeyPragma, writable: true },
  });
  for (const name of EMITTER) {
    const method: unknown = Reflect.get(router, name);
    if (typeof method === 'function') Object.defineProperty(bound, name, { value: method.bind(router) });
  }
  return bound;
}
