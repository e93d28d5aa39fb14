import { CrossfadeError } from '../errors.ts';
import type { BuilderInternals, ClientConstructor, ClientInternals, Connection, Container } from './knex-internals.ts';
import type {
  QueryObject,
  RunnerInternals,
  TransactionConfig,
  TransactionInternals,
  CompilerInternals,
} from './knex-internals.ts';
import { isolate } from '../compat/query-compiler.ts';
import { printsEveryBinding } from './escaped-bindings.ts';

/** Where a client that was derived for one router keeps that router's client. Inherited by what derives from it. */
export const BOUND_TO = Symbol('crossfade router');

/** What a target's client needs of the router around it. */
export interface TargetHooks {
  /** Watches a statement that runs in one of the router's transactions. */
  watch(client: TargetClient, runner: RunnerInternals): RunnerInternals;
  /** Makes a savepoint's client known as a part of the transaction around it. */
  adopt(outer: ClientInternals, container: Container): Container;
  /** Remembers whose connection it is. */
  acquired(connection: Connection): void;
}

/** A client of one of the two databases. */
export interface TargetClient extends ClientInternals {
  transaction(container: Container, config: TransactionConfig | undefined, outer?: unknown): TransactionInternals;
  readonly [BOUND_TO]?: ClientInternals;
  /** What must be known before a builder can be compiled; nothing at all for most. */
  prepare(builder: BuilderInternals, connection: Connection): Promise<void> | undefined;
  /** The client that compiles a builder for SQLite first, where what comes out is then rewritten for this one. */
  rewrittenFrom(builder: BuilderInternals): TargetClient | undefined;
  /** What is sent for a query that has just been compiled: rewritten, where it was compiled for SQLite. */
  toSend(query: QueryObject): QueryObject;
  /** Puts SQLite's statement into the message of an error that a builder's run ended in. */
  restate(error: unknown, builder: BuilderInternals): void;
  /** A connection, without the breaker in front of the pool. */
  acquireUnguarded(): Promise<Connection>;
  /** Whether a stream of its settles when it is closed, with nothing left on its connection. */
  readonly settlesStreams: boolean;
  /** A stream needs its connection no more, though there may be rows to be taken. Resolves when they may be. */
  doneReading(): Promise<void>;
}
export type TargetClientConstructor = new (config: object) => TargetClient;

/**
 * The class of a dialect's client, as the router uses it for a database.
 *
 * Knex makes clients of transactions and derived clients with `Object.create`, without a constructor: they have what is
 * on the prototype and in this closure, no fields.
 */
export function targetClientClass(Base: ClientConstructor, hooks: TargetHooks): TargetClientConstructor {
  class Target extends Base implements TargetClient {
    declare readonly [BOUND_TO]?: ClientInternals;

    override runner(builder: BuilderInternals): RunnerInternals {
      if (this.transacting) return hooks.watch(this, super.runner(builder));
      const router = this[BOUND_TO];
      // A raw query that was a part of another one is left bound to the client that compiled it.
      if (router !== undefined && builder._connection === undefined) return router.runner(builder);
      return super.runner(builder);
    }

    override transaction(
      container: Container,
      config: TransactionConfig | undefined,
      outer?: unknown,
    ): TransactionInternals {
      const watched = this.transacting ? hooks.adopt(this, container) : container;
      return super.transaction(watched, config, outer) as TransactionInternals;
    }

    override queryCompiler(builder: unknown, bindings?: unknown): CompilerInternals {
      return isolate(super.queryCompiler(builder, bindings));
    }

    override async acquireConnection(): Promise<Connection> {
      return await this.acquireUnguarded();
    }

    async acquireUnguarded(): Promise<Connection> {
      if (this.pool === undefined) throw closed();
      const connection = await super.acquireConnection();
      hooks.acquired(connection);
      return connection;
    }

    get settlesStreams(): boolean {
      return false;
    }

    async doneReading(): Promise<void> {}

    rewrittenFrom(_builder: BuilderInternals): TargetClient | undefined {
      return undefined;
    }

    toSend(query: QueryObject): QueryObject {
      return query;
    }

    restate(_error: unknown, _builder: BuilderInternals): void {}

    prepare(_builder: BuilderInternals, _connection: Connection): Promise<void> | undefined {
      return undefined;
    }
  }
  printsEveryBinding(Target.prototype);
  return Target;
}

function closed(): CrossfadeError {
  return new CrossfadeError('CLOSED', 'a query was run after the router had been closed', {
    hint: 'close Crossfade after the last query, not before',
  });
}
