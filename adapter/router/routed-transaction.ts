import { EventEmitter } from 'node:events';
import { callbackify } from 'node:util';
import type { CrossfadeError } from '../errors.ts';
import { isFenceError } from '../fence-error.ts';
import type { StoreName } from '../spec.ts';
import type { WritePermit } from '../traffic.ts';
import { authorshipOf } from '../compat/rewritten-builders.ts';
import { classify } from './classify.ts';
import type { QueryKind } from './classify.ts';
import type { RouterCore } from './core.ts';
import { fencedError } from './routed-query.ts';
import type { BuilderInternals, Callback, ClientInternals, Connection, Container, Execute } from './knex-internals.ts';
import type {
  RunnerInternals,
  StreamParameters,
  TransactionConfig,
  TransactionInternals,
  TransactionPromise,
} from './knex-internals.ts';
import type { TargetClient } from './target-client.ts';

/** What the router keeps of a transaction, its savepoints included. */
interface TransactionState {
  readonly store: StoreName;
  /** How the application ended it. A rollback without an error resolves, just as a commit does. */
  ending: 'commit' | 'rollback' | undefined;
  hasWritten: boolean;
  /** Set once a statement met the fence: from then on it can only be rolled back. */
  fence: CrossfadeError | undefined;
}

/**
 * The transactions of one router. Each stays on the store where it began, to its end.
 *
 * Knex makes them; what is added is a permit for as long as one lasts, the wait after its commit, and that no commit
 * that failed is reported as one that did not.
 */
export class RoutedTransactions {
  readonly #core: RouterCore;
  readonly #states = new WeakMap<ClientInternals, TransactionState>();

  constructor(core: RouterCore) {
    this.#core = core;
  }

  /** Begins a transaction where the writes go now; while they go nowhere, as soon as they go on. */
  begin(
    bound: (store: StoreName) => TargetClient,
    container: Container,
    config: TransactionConfig | undefined,
  ): TransactionPromise {
    let entered: ReturnType<RouterCore['traffic']['enter']>;
    try {
      entered = this.#core.traffic.enter();
    } catch (error) {
      return new PendingTransaction(Promise.reject(error));
    }
    if (!('then' in entered)) return this.#begin(entered, bound, container, config);
    return new PendingTransaction(entered.then((permit) => this.#begin(permit, bound, container, config)._promise));
  }

  /** Makes the client of a savepoint known as part of the transaction around it. */
  adopt(outer: ClientInternals, container: Container): Container {
    const state = this.#states.get(outer);
    if (state === undefined) return container;
    return (transactor) => {
      this.#states.set(transactor.client, state);
      return container(transactor);
    };
  }

  /** Watches a statement of a transaction: for the fence, for writes, for schema changes. */
  watch(client: TargetClient, runner: RunnerInternals): RunnerInternals {
    const state = this.#states.get(client);
    const ensureConnection = runner.ensureConnection.bind(runner);
    runner.ensureConnection = async (execute, parameters) => {
      const run: Execute = (target, given) =>
        this.#execute({ client, state, runner: target, execute, parameters: given });
      return await ensureConnection(run, parameters);
    };
    return runner;
  }

  #begin(
    permit: WritePermit,
    bound: (store: StoreName) => TargetClient,
    container: Container,
    config: TransactionConfig | undefined,
  ): TransactionInternals {
    const connection = config?.connection;
    const given = connection === undefined ? undefined : this.#core.storeOf.get(connection);
    const state: TransactionState = {
      store: given ?? permit.store,
      ending: undefined,
      hasWritten: false,
      fence: undefined,
    };
    let transaction: TransactionInternals;
    try {
      transaction = bound(state.store).transaction(
        (transactor) => {
          this.#states.set(transactor.client, state);
          transactor.executionPromise = ended;
          return container(transactor);
        },
        config,
        null,
      );
    } catch (error) {
      permit.leave();
      throw error;
    }
    const ended = transaction._promise.then(
      (value) => this.#resolved(state, permit, value),
      (error: unknown) => this.#rejected(state, permit, error),
    );
    transaction._promise = ended;
    this.#hookEndings(transaction, state, ended);
    return transaction;
  }

  #resolved(state: TransactionState, permit: WritePermit, value: unknown): unknown {
    const hasCommitted = state.ending === 'commit' && state.hasWritten;
    const waiting = hasCommitted ? this.#core.traffic.committed(state.store) : undefined;
    permit.leave();
    return waiting === undefined ? value : waiting.then(() => value);
  }

  async #rejected(state: TransactionState, permit: WritePermit, error: unknown): Promise<never> {
    permit.leave();
    if (state.fence === undefined) throw error;
    // So that the application's next try goes where the writes go now. If they go nowhere, that try will say so.
    await this.#core.traffic.fenced(state.store).catch(() => {});
    throw state.fence;
  }

  #hookEndings(transaction: TransactionInternals, state: TransactionState, ended: Promise<unknown>): void {
    const commit = transaction.commit.bind(transaction);
    const rollback = transaction.rollback.bind(transaction);
    // Knex's own resolves also when COMMIT failed, and before the connection is back in the pool.
    const committed = async (connection: Connection, value: unknown): Promise<unknown> => {
      if (state.fence === undefined) {
        state.ending ??= 'commit';
        await commit(connection, value);
      } else {
        state.ending ??= 'rollback';
        await rollback(connection, state.fence);
      }
      return await ended;
    };
    transaction.commit = (connection, value) => {
      const promise = committed(connection, value);
      // Whoever called commit() without waiting hears of a failure from the transaction itself.
      promise.catch(() => {});
      return promise;
    };
    transaction.rollback = (connection, error) => {
      state.ending ??= 'rollback';
      return rollback(connection, error);
    };
  }

  #tell(kind: QueryKind, builder: BuilderInternals): void {
    try {
      this.#core.observer.onStatement?.({
        kind,
        compile: (store) => (store === 'sqlite' ? builder.toSQL() : undefined),
        authorship: () => authorshipOf(builder),
      });
    } catch {
      // A builder that cannot be compiled throws where it runs.
    }
  }

  async #execute(statement: {
    readonly client: TargetClient;
    readonly state: TransactionState | undefined;
    readonly runner: RunnerInternals;
    readonly execute: Execute;
    readonly parameters: StreamParameters | undefined;
  }): Promise<unknown> {
    const { client, state, runner, execute, parameters } = statement;
    const { builder, connection } = runner;
    const kind = classify(builder);
    if (state !== undefined && kind === 'schema') this.#core.traffic.admitSchemaChange();
    if (state !== undefined && (kind === 'schema' || kind === 'write')) state.hasWritten = true;
    if (state?.store === 'sqlite' && this.#core.observer.onStatement !== undefined) this.#tell(kind, builder);
    const started = performance.now();
    let failed = true;
    try {
      const preparing = connection === undefined ? undefined : client.prepare(builder, connection);
      if (preparing !== undefined) await preparing;
      const result = await this.#core.compiling.running(client, builder, () => execute(runner, parameters));
      if (kind === 'schema') this.#core.catalog.forget();
      failed = false;
      return result;
    } catch (error) {
      client.restate(error, builder);
      if (state === undefined || !isFenceError(error)) throw error;
      state.fence ??= fencedError(state.store, error);
      throw state.fence;
    } finally {
      if (state !== undefined) {
        this.#core.onQuery?.({
          store: state.store,
          kind: kind === 'read' || kind === 'inspect' ? 'read' : 'write',
          seconds: (performance.now() - started) / 1_000,
          failed,
        });
      }
    }
  }
}

/** A transaction that waits to begin: what Knex and its callers use of one. */
class PendingTransaction extends EventEmitter implements TransactionPromise {
  readonly _promise: Promise<unknown>;

  constructor(promise: Promise<unknown>) {
    super();
    this._promise = promise;
  }

  then(...callbacks: Parameters<Promise<unknown>['then']>): Promise<unknown> {
    return this._promise.then(...callbacks);
  }

  catch(...callbacks: Parameters<Promise<unknown>['catch']>): Promise<unknown> {
    return this._promise.catch(...callbacks);
  }

  finally(...callbacks: Parameters<Promise<unknown>['finally']>): Promise<unknown> {
    return this._promise.finally(...callbacks);
  }

  asCallback(callback: Callback): Promise<unknown> {
    callbackify(() => this._promise)(callback);
    return this._promise;
  }
}
