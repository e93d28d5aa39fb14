import type pg from 'pg';
import type { Breaker } from '../breaker.ts';
import { CrossfadeError } from '../errors.ts';
import { isInfrastructureError } from '../infrastructure-error.ts';
import { sqliteAnswer } from '../compat/answers.ts';
import { sqliteBindings } from '../compat/bindings.ts';
import type { Catalog, RunSql } from '../compat/catalog.ts';
import { isolate, sqliteFlavoured } from '../compat/query-compiler.ts';
import { sqliteError } from '../compat/sqlite-error.ts';
import { compilerClass } from './knex-internals.ts';
import type {
  BuilderInternals,
  ClientConstructor,
  CompilerInternals,
  Connection,
  QueryObject,
} from './knex-internals.ts';
import { targetClientClass } from './target-client.ts';
import type { TargetClientConstructor, TargetHooks } from './target-client.ts';

/** How long a new connection may take, in ms. */
const CONNECT_TIMEOUT_MS = 5_000;

const SILENT = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} };

/** What PostgreSQL's client needs of the router around it. */
export interface PostgresContext {
  readonly hooks: TargetHooks;
  readonly breaker: Breaker;
  readonly catalog: Catalog;
}

/** The class of the client for PostgreSQL: knex's own, with SQLite's shapes and the breaker in front of its pool. */
export function postgresClientClass(Dialect: ClientConstructor, context: PostgresContext): TargetClientConstructor {
  const { breaker, catalog } = context;
  const Compiler = sqliteFlavoured(compilerClass(Dialect, 'pg'), catalog);

  const quiet = new WeakMap<object, object>();

  /** Knex logs each connection that it does not get; whoever asked for it gets the error. */
  function quietly<T extends object>(client: T): T {
    let derived = quiet.get(client);
    if (derived === undefined) quiet.set(client, (derived = Object.create(client, { logger: { value: SILENT } })));
    return derived as T;
  }

  return class PostgresTarget extends targetClientClass(Dialect, context.hooks) {
    constructor(config: object) {
      super(config);
      Object.assign(this.connectionSettings, {
        types: catalog.forms.types,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        keepAlive: true,
      });
    }

    override queryCompiler(builder: unknown, bindings?: unknown): CompilerInternals {
      return isolate(new Compiler(this, builder, bindings));
    }

    override prepBindings(bindings: readonly unknown[] | undefined): readonly unknown[] | undefined {
      return sqliteBindings(bindings);
    }

    override processResponse(query: QueryObject, runner: unknown): unknown {
      const translated = sqliteAnswer(query);
      return translated === undefined ? super.processResponse(query, runner) : translated.answer;
    }

    override async _query(connection: Connection, query: QueryObject): Promise<QueryObject> {
      try {
        const done = await super._query(connection, query);
        if (this.transacting && isUndoneCommit(query)) throw undoneCommit();
        return done;
      } catch (error) {
        // Outside of a transaction the breaker stands around the whole query.
        if (this.transacting) breaker.observe(error);
        throw sqliteError(error, (table) => catalog.named(table)?.primaryKey);
      }
    }

    override async acquireConnection(): Promise<Connection> {
      return await breaker.run(() => this.acquireUnguarded());
    }

    override async acquireUnguarded(): Promise<Connection> {
      try {
        const connection = await super.acquireUnguarded.call(quietly(this));
        if (!catalog.forms.isRead) await this.readForms(connection);
        return connection;
      } catch (error) {
        throw isInfrastructureError(error) ? unreachable(error) : error;
      }
    }

    override async acquireRawConnection(): Promise<Connection> {
      const connection = await super.acquireRawConnection();
      catalog.forms.watch(connection as pg.Client);
      return connection;
    }

    override prepare(builder: BuilderInternals, connection: Connection): Promise<void> | undefined {
      if (builder._method !== 'insert' && builder._method !== 'update') return undefined;
      const { tableName } = this.queryCompiler(builder);
      if (tableName === '' || catalog.of(tableName) !== undefined) return undefined;
      return catalog.look(tableName, this.lookUp(connection));
    }

    async readForms(connection: Connection): Promise<void> {
      try {
        await catalog.forms.read(this.lookUp(connection));
      } catch (error) {
        await this.releaseConnection(connection);
        throw error;
      }
    }

    /** Runs a statement of the catalog's. */
    lookUp(connection: Connection): RunSql {
      return async (sql, bindings) => {
        const { response } = await super._query(connection, { sql, bindings });
        return (response as { readonly rows: readonly Record<string, unknown>[] }).rows;
      };
    }
  };
}

/** Opens and closes a connection of its own: whether the server takes new ones. */
export async function probe(client: InstanceType<TargetClientConstructor>): Promise<void> {
  let connection: Connection;
  try {
    connection = await client.acquireRawConnection();
  } catch (error) {
    throw isInfrastructureError(error) ? unreachable(error) : error;
  }
  await client.destroyRawConnection(connection);
}

function unreachable(cause: unknown): CrossfadeError {
  return new CrossfadeError('POSTGRES_UNREACHABLE', 'a query got no connection to PostgreSQL, so it was not sent', {
    hint: 'check that PostgreSQL runs and takes connections, then try again',
    cause,
  });
}

/** PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement of the transaction had failed. */
function isUndoneCommit(query: QueryObject): boolean {
  if (!query.sql.startsWith('COMMIT')) return false;
  const response: unknown = query.response;
  return typeof response === 'object' && response !== null && 'command' in response && response.command === 'ROLLBACK';
}

function undoneCommit(): CrossfadeError {
  return new CrossfadeError(
    'TRANSACTION_ABORTED',
    'a transaction was to be committed on PostgreSQL after one of its statements had failed, so PostgreSQL undid all of it',
    { hint: 'let the error of the statement end the transaction, or run the statement in a nested transaction' },
  );
}
