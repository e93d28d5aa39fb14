import { isCrossfadeError } from '../errors.ts';
import { CrossfadeError } from '../errors.ts';
import { isFenceError } from '../fence-error.ts';
import { isInfrastructureError } from '../infrastructure-error.ts';
import { wishOf } from '../routing-scope.ts';
import type { StoreName } from '../spec.ts';
import { authorshipOf } from '../compat/rewritten-builders.ts';
import { classify, tablesOf } from './classify.ts';
import type { QueryKind } from './classify.ts';
import type { RouterCore } from './core.ts';
import { compileQuery, prepareQuery } from './prepared-query.ts';
import type { Connection, Execute, RunnerInternals, StreamParameters } from './knex-internals.ts';
import type { TargetClient } from './target-client.ts';

/** How often one statement follows the writes to another store before it gives up. */
const MAX_FENCES = 10;

/** What the router asks Knex's runner to do: `execute` compiles and runs the builder on the runner's connection. */
export interface RoutedQuery {
  readonly core: RouterCore;
  /** The targets' clients as bound to the router client that made the builder. */
  readonly bound: (store: StoreName) => TargetClient;
  /** Gives back the connection of a stream: the router client's own way, which some replace. */
  readonly release: (connection: Connection) => Promise<void>;
  readonly runner: RunnerInternals;
  readonly execute: Execute;
  /** Present for streams. */
  readonly parameters: StreamParameters | undefined;
}

/** Runs one query that is not part of a transaction, where the traffic lets it. */
export async function routeQuery(query: RoutedQuery): Promise<unknown> {
  const kind = classify(query.runner.builder);
  if (query.core.observer.onStatement !== undefined) tellStatement(query, kind);
  const connection = query.runner.builder._connection;
  if (connection !== undefined) return await runOnConnection(query, connection, kind);
  if (kind === 'read') return await read(query);
  if (kind === 'schema') query.core.traffic.admitSchemaChange();
  return await write(query, kind);
}

async function read(query: RoutedQuery): Promise<unknown> {
  const { traffic } = query.core;
  const { builder } = query.runner;
  const wish = wishOf(builder.queryContext());
  const store = traffic.readStore({ tables: tablesOf(builder), ...(wish === undefined ? {} : { wish }) });
  const attempt = new Attempt(query, store, { kind: 'read' });
  try {
    const answer = await attempt.run();
    if (query.core.observer.onAnswer !== undefined && query.parameters === undefined)
      tellAnswer(query, attempt, answer);
    return answer;
  } catch (error) {
    // Of a stream that has begun, rows have been handed out already.
    const isLate = query.parameters !== undefined && attempt.hasBegun;
    const other = isLate || !isUnreachable(error) ? undefined : traffic.fallback(store);
    if (other === undefined || other === store) throw error;
    return await new Attempt(query, other, { kind: 'read' }).run();
  }
}

function tellAnswer(query: RoutedQuery, { store, seconds }: Attempt, answer: unknown): void {
  const prepare = () => prepareQuery(query, query.runner.builder);
  try {
    query.core.observer.onAnswer?.({ store, answer, seconds, prepare });
  } catch {
    // Whoever only looks on must not harm a query that has its answer.
  }
}

function tellStatement(query: RoutedQuery, kind: QueryKind): void {
  try {
    const { builder } = query.runner;
    query.core.observer.onStatement?.({
      kind,
      compile: (store) => compileQuery(query, builder, store),
      authorship: () => authorshipOf(builder),
    });
  } catch {
    // A builder that cannot be compiled throws where it runs.
  }
}

function isUnreachable(error: unknown): boolean {
  return isInfrastructureError(error) || isCrossfadeError(error, 'BREAKER_OPEN');
}

async function write(query: RoutedQuery, kind: QueryKind): Promise<unknown> {
  const { traffic, catalog } = query.core;
  for (let fences = 0; ; fences++) {
    const entered = traffic.enter();
    const permit = 'then' in entered ? await entered : entered;
    const { store } = permit;
    let waiting: Promise<void> | undefined;
    let result: unknown;
    try {
      const settle = (): Promise<void> | undefined =>
        kind === 'inspect' ? undefined : traffic.committed(store, wishOf(query.runner.builder.queryContext()));
      const isStream = query.parameters !== undefined;
      result = await new Attempt(query, store, {
        kind: kind === 'inspect' ? 'read' : 'write',
        // Whoever has taken the last row has heard of the write.
        ...(isStream ? { settle } : {}),
      }).run();
      if (kind === 'schema') catalog.forget();
      // The connection is back in its pool here, which in SQLite's case is the only one.
      if (!isStream) waiting = settle();
    } catch (error) {
      if (!isFenceError(error)) throw error;
      if (query.parameters !== undefined || fences === MAX_FENCES) throw fencedError(store, error);
      waiting = traffic.fenced(store);
      result = RETRY;
    } finally {
      permit.leave();
    }
    if (waiting !== undefined) await waiting;
    if (result !== RETRY) return result;
  }
}

const RETRY = Symbol('retry');

/** On a connection that the application has got hold of itself, and perhaps begun a transaction on. */
async function runOnConnection(query: RoutedQuery, connection: Connection, kind: QueryKind): Promise<unknown> {
  const { core, runner } = query;
  const store = core.storeOf.get(connection) ?? core.facade;
  if (kind === 'schema') core.traffic.admitSchemaChange();
  try {
    const client = query.bound(store);
    runner.client = client;
    runner.connection = connection;
    const preparing = client.prepare(runner.builder, connection);
    if (preparing !== undefined) await preparing;
    const result = await core.compiling.running(client, runner.builder, () => query.execute(runner, query.parameters));
    if (kind === 'schema') core.catalog.forget();
    if (kind === 'write' || kind === 'schema') {
      await core.traffic.committed(store, wishOf(runner.builder.queryContext()));
    }
    return result;
  } catch (error) {
    throw isFenceError(error) ? fencedError(store, error) : error;
  }
}

interface AttemptOptions {
  readonly kind: 'read' | 'write';
  /** Waits, once the statement of a stream has run, before its rows are handed out. */
  readonly settle?: () => Promise<void> | undefined;
}

/** One run of a query on one store. */
class Attempt {
  /** Whether a connection was had, so that the query may have been sent. */
  hasBegun = false;
  /** How long it took, once it has ended; with the waiting for a connection. */
  seconds = 0;
  readonly store: StoreName;
  readonly #query: RoutedQuery;
  readonly #options: AttemptOptions;

  constructor(query: RoutedQuery, store: StoreName, options: AttemptOptions) {
    this.#query = query;
    this.store = store;
    this.#options = options;
  }

  async run(): Promise<unknown> {
    const { core, parameters } = this.#query;
    const target = core.targets[this.store];
    const started = performance.now();
    let failed = true;
    try {
      // A stream may be left in the middle and then never ends: the breaker sees only how it gets its connection.
      const result =
        parameters === undefined
          ? await target.guard(async () => await this.#runOn(await target.client.acquireUnguarded()))
          : await this.#streamOn(await target.client.acquireConnection(), parameters);
      failed = false;
      return result;
    } catch (error) {
      if (!this.hasBegun) this.#describe(error);
      throw error;
    } finally {
      this.seconds = (performance.now() - started) / 1_000;
      core.onQuery?.({ store: this.store, kind: this.#options.kind, seconds: this.seconds, failed });
    }
  }

  /** As Knex has it: which query it was that got no connection. */
  #describe(error: unknown): void {
    if (!(error instanceof Error) || error.name !== 'KnexTimeoutError') return;
    const { sql, bindings } = this.#query.runner.builder;
    Object.assign(error, { sql, bindings });
  }

  async #runOn(connection: Connection): Promise<unknown> {
    const client = this.#query.bound(this.store);
    try {
      return await this.#execute(client, connection);
    } finally {
      await client.releaseConnection(connection);
    }
  }

  async #streamOn(connection: Connection, parameters: StreamParameters): Promise<unknown> {
    let isReleased = false;
    // Knex releases when the stream closes and when it has ended; the second time the connection may be another's.
    const releaseConnection = async (): Promise<void> => {
      if (isReleased) return;
      isReleased = true;
      await this.#query.release(connection);
    };
    const bound = this.#query.bound(this.store);
    const client: TargetClient = Object.create(bound, {
      // Knex does so as soon as a stream is closed, when its cursor may still be open.
      releaseConnection: { value: bound.settlesStreams ? async () => {} : releaseConnection },
      // While its rows are taken, whoever waits for SQLite's only connection gets it.
      doneReading: {
        value: async () => {
          await releaseConnection();
          await this.#options.settle?.();
        },
      },
    });
    try {
      return await this.#execute(client, connection, parameters);
    } finally {
      await releaseConnection();
    }
  }

  async #execute(client: TargetClient, connection: Connection, parameters?: StreamParameters): Promise<unknown> {
    const { core, runner, execute } = this.#query;
    runner.client = client;
    runner.connection = connection;
    this.hasBegun = true;
    const preparing = client.prepare(runner.builder, connection);
    if (preparing !== undefined) await preparing;
    try {
      return await core.compiling.running(client, runner.builder, () => execute(runner, parameters));
    } catch (error) {
      client.restate(error, runner.builder);
      throw error;
    }
  }
}

/** The error of a write that met the fence and was not tried again. */
export function fencedError(store: StoreName, cause: unknown): CrossfadeError {
  return new CrossfadeError('FENCED', `a write reached ${store}, which has handed the writes over to the other store`, {
    hint: 'run it again: nothing of it was kept',
    cause,
  });
}
