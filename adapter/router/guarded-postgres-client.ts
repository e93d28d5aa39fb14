import type { Breaker } from '../breaker.ts';
import { CrossfadeError } from '../errors.ts';
import { isInfrastructureError } from '../infrastructure-error.ts';
import type { Connection, QueryObject } from './knex-internals.ts';
import type { TargetClientConstructor } from './target-client.ts';

/** How long a new connection may take, in ms. */
const CONNECT_TIMEOUT_MS = 5_000;

const SILENT = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} };

/**
 * PostgreSQL's client with the breaker in front of its pool, whatever dialect the application was written for: a server
 * that is away is one typed error, and a commit that PostgreSQL turned into a rollback is an error, too.
 */
export function guardedPostgresClass(Base: TargetClientConstructor, breaker: Breaker): GuardedClientConstructor {
  const quiet = new WeakMap<object, object>();

  /** Knex logs each connection that it does not get; whoever asked for it gets the error. */
  function quietly<T extends object>(client: T): T {
    let derived = quiet.get(client);
    if (derived === undefined) quiet.set(client, (derived = Object.create(client, { logger: { value: SILENT } })));
    return derived as T;
  }

  return class GuardedPostgresTarget extends Base {
    constructor(config: object) {
      super(config);
      Object.assign(this.connectionSettings, { connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true });
    }

    override async acquireConnection(): Promise<Connection> {
      return await breaker.run(() => this.acquireUnguarded());
    }

    override async acquireUnguarded(): Promise<Connection> {
      try {
        const connection = await super.acquireUnguarded.call(quietly(this));
        const preparing = this.makeReady(connection);
        if (preparing !== undefined) await preparing;
        return connection;
      } catch (error) {
        // Of a pool that is only full, Knex's own error tells.
        const isFull = error instanceof Error && error.name === 'KnexTimeoutError';
        throw isInfrastructureError(error) && !isFull ? unreachable(error) : error;
      }
    }

    override async _query(connection: Connection, query: QueryObject): Promise<QueryObject> {
      try {
        const done = await super._query(connection, query);
        if (this.transacting && isUndoneCommit(done)) throw undoneCommit();
        return done;
      } catch (error) {
        // Outside of a transaction the breaker stands around the whole query.
        if (this.transacting) breaker.observe(error);
        throw error;
      }
    }

    makeReady(_connection: Connection): Promise<void> | undefined {
      return undefined;
    }
  };
}

type TargetClient = InstanceType<TargetClientConstructor>;
interface GuardedClient extends TargetClient {
  /** What must be known before a connection is handed out. */
  makeReady(connection: Connection): Promise<void> | undefined;
}
type GuardedClientConstructor = new (config: object) => GuardedClient;

/** Opens and closes a connection of its own: whether the server takes new ones. */
export async function probe(client: TargetClient): Promise<void> {
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
function isUndoneCommit({ sql, response }: QueryObject): boolean {
  if (typeof sql !== 'string' || !sql.startsWith('COMMIT')) return false;
  return typeof response === 'object' && response !== null && 'command' in response && response.command === 'ROLLBACK';
}

function undoneCommit(): CrossfadeError {
  return new CrossfadeError(
    'TRANSACTION_ABORTED',
    'a transaction was to be committed on PostgreSQL after one of its statements had failed, so PostgreSQL undid all of it',
    { hint: 'let the error of the statement end the transaction, or run the statement in a nested transaction' },
  );
}
