import { isolate } from '../compat/query-compiler.ts';
import { otherStore } from '../spec.ts';
import type { StoreName } from '../spec.ts';
import type { WritePermit } from '../traffic.ts';
import { COMPILE_SURFACE, delegate } from './compile-surface.ts';
import { bind } from './core.ts';
import type { RouterCore } from './core.ts';
import type { BuilderInternals, ClientConstructor, ClientInternals, CompilerInternals } from './knex-internals.ts';
import type {
  Connection,
  Container,
  Execute,
  RunnerInternals,
  StreamParameters,
  TransactionConfig,
  TransactionPromise,
} from './knex-internals.ts';
import { printsEveryBinding } from './escaped-bindings.ts';
import { routedPool } from './routed-pool.ts';
import { routeQuery } from './routed-query.ts';
import type { RoutedTransactions } from './routed-transaction.ts';
import type { TargetClient } from './target-client.ts';

type EnsureConnection = (this: void, execute: Execute, parameters?: StreamParameters) => Promise<unknown>;

/**
 * The class of the client that the application's Knex has. It is the client of the dialect that the application was
 * written for, in everything that the application sees of it; it has no pool, and runs nothing itself.
 */
export function routerClientClass(
  Facade: ClientConstructor,
  core: RouterCore,
  transactions: RoutedTransactions,
): ClientConstructor {
  const boundClients: Record<StoreName, WeakMap<ClientInternals, TargetClient>> = {
    sqlite: new WeakMap(),
    postgres: new WeakMap(),
  };
  const permits = new WeakMap<Connection, WritePermit>();
  let knexsOwn: EnsureConnection | undefined;

  function boundTo(router: ClientInternals): (store: StoreName) => TargetClient {
    return (store) => {
      let bound = boundClients[store].get(router);
      if (bound === undefined) {
        bound = bind(core.targets[store].client, router);
        boundClients[store].set(router, bound);
      }
      return bound;
    };
  }

  function ownerOf(connection: Connection): StoreName {
    return core.storeOf.get(connection) ?? core.facade;
  }

  class RouterClient extends Facade {
    override runner(builder: BuilderInternals): RunnerInternals {
      const runner = super.runner(builder);
      const bound = boundTo(this);
      const release = async (connection: Connection): Promise<void> => await this.releaseConnection(connection);
      const route = (execute: Execute, parameters?: StreamParameters): Promise<unknown> =>
        routeQuery({ core, bound, release, runner, execute, parameters });
      const inherited: EnsureConnection = Reflect.get(runner, 'ensureConnection');
      knexsOwn ??= inherited;
      runner.ensureConnection =
        inherited === knexsOwn
          ? route
          : (execute, parameters) => within(runner, inherited, { route, execute, parameters });
      return runner;
    }

    override transaction(container: Container, config?: TransactionConfig): TransactionPromise {
      return transactions.begin(boundTo(this), container, config);
    }

    override queryCompiler(builder: unknown, bindings?: unknown): CompilerInternals {
      const { client } = core.compiling;
      return client === undefined
        ? isolate(super.queryCompiler(builder, bindings))
        : client.queryCompiler(builder, bindings);
    }

    /** A connection to the store that takes the writes, with leave to write until it is released. */
    override async acquireConnection(): Promise<Connection> {
      const permit = await core.traffic.enter();
      try {
        const connection = await core.targets[permit.store].client.acquireConnection();
        permits.set(connection, permit);
        return connection;
      } catch (error) {
        permit.leave();
        throw error;
      }
    }

    override async releaseConnection(connection: Connection): Promise<void> {
      await core.targets[ownerOf(connection)].client.releaseConnection(connection);
      permits.get(connection)?.leave();
      permits.delete(connection);
    }

    override async query(connection: Connection, query: unknown): Promise<unknown> {
      return await boundTo(this)(ownerOf(connection)).query(connection, query);
    }

    override initializePool(): void {
      for (const { client } of Object.values(core.targets)) {
        if (client.pool === undefined) client.initializePool(client.config);
      }
    }

    override async destroy(callback?: (error?: unknown) => unknown): Promise<void> {
      try {
        await Promise.all(Object.values(core.targets).map(({ client }) => client.destroy()));
      } catch (error) {
        if (callback === undefined) throw error;
        callback(error);
        return;
      }
      callback?.();
    }
  }

  printsEveryBinding(RouterClient.prototype);
  Object.defineProperty(RouterClient.prototype, 'driver', {
    get: () => core.targets[core.facade].client.driver,
    configurable: true,
  });
  Object.defineProperty(RouterClient.prototype, 'pool', {
    get: () => {
      const { [core.facade]: own, [otherStore(core.facade)]: other } = core.targets;
      const { pool } = own.client;
      return pool === undefined ? undefined : routedPool(pool, () => other.client.pool);
    },
    configurable: true,
  });
  for (const name of COMPILE_SURFACE) delegate(RouterClient.prototype, name, () => core.compiling.client);
  return RouterClient;
}

/**
 * Runs a query within what somebody has put in place of Knex's `Runner.prototype.ensureConnection`: a tracer, a test. Knex's
 * own, when that is called in turn, looks for no connection where there is one.
 */
async function within(
  runner: RunnerInternals,
  replacement: EnsureConnection,
  query: {
    readonly route: EnsureConnection;
    readonly execute: Execute;
    readonly parameters: StreamParameters | undefined;
  },
): Promise<unknown> {
  const placeholder = {};
  runner.connection = placeholder;
  const execute: Execute = (_runner, parameters) => {
    runner.connection = undefined;
    return query.route(query.execute, parameters);
  };
  try {
    return await Reflect.apply(replacement, runner, [execute, query.parameters]);
  } finally {
    if (runner.connection === placeholder) runner.connection = undefined;
  }
}
