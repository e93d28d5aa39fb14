import type { Knex } from 'knex';
import { CrossfadeError } from '../errors.ts';
import { isInfrastructureError } from '../infrastructure-error.ts';
import { loadKnex } from '../load-knex.ts';
import type { StoreName } from '../spec.ts';
import type { Target } from './core.ts';
import type { QueryObject } from './knex-internals.ts';
import type { TargetClient } from './target-client.ts';

/** What reads beside the application's may take. */
export interface SideReadLimits {
  /** Connections to PostgreSQL; SQLite gets one. */
  readonly connections: number;
  /** How long PostgreSQL may work on one read, in ms. */
  readonly timeoutMs: number;
}

interface SideReadOptions extends SideReadLimits {
  /** The path of the SQLite file. */
  readonly sqlite: string;
  /** The connection URL of the PostgreSQL database. */
  readonly postgres: string;
  readonly targets: Readonly<Record<StoreName, Target>>;
}

/** The answer to a read, with the time that it took without waiting for a connection. */
export interface SideAnswer {
  readonly answer: unknown;
  readonly seconds: number;
}

/** When PostgreSQL has not even said that a read took too long, the network has swallowed it: so much later, in ms. */
const SWALLOWED_AFTER_MS = 1_000;

function isSwallowed(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** Hands a new connection on once it has been set up. */
type AfterCreate = (connection: PgConnection, done: (error: unknown) => void) => void;
interface PgConnection {
  query(sql: string, done: (error: unknown) => void): void;
}

/**
 * Runs reads on connections of its own, so that no query of the application waits for one. They cannot write: SQLite's
 * is opened read-only, PostgreSQL's are told so, and neither raises an event of the application's instance.
 */
export class SideReads {
  readonly #instances: Readonly<Record<StoreName, Knex>>;

  constructor(options: SideReadOptions) {
    this.#instances = { sqlite: readOnlySqlite(options), postgres: readOnlyPostgres(options) };
  }

  /**
   * Runs a compiled read on a store.
   *
   * @throws the store's own error, as the application would see it; `POSTGRES_UNREACHABLE`.
   */
  async run(store: StoreName, query: QueryObject): Promise<SideAnswer> {
    const client: TargetClient = this.#instances[store].client;
    const connection = await client.acquireUnguarded();
    const started = performance.now();
    try {
      // Past the step in which Knex tells the listeners, and puts the values into the message of an error.
      const done = await client._query(connection, { ...query });
      const answer = client.processResponse(done, undefined);
      return { answer, seconds: (performance.now() - started) / 1_000 };
    } catch (error) {
      if (!isSwallowed(error)) throw isInfrastructureError(error) ? unreachable(error) : error;
      // Its answer may still come; the pool makes a new connection in its place.
      Object.assign(connection, { __knex__disposed: error });
      throw unreachable(error);
    } finally {
      await client.releaseConnection(connection);
    }
  }

  /** Asks PostgreSQL for nothing, so that what must be known of it is. Never rejects. */
  async warm(): Promise<void> {
    const client: TargetClient = this.#instances.postgres.client;
    try {
      await client.releaseConnection(await client.acquireUnguarded());
    } catch {
      // The next read finds out.
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#instances).map((instance) => instance.destroy()));
  }
}

function readOnlySqlite({ targets, sqlite }: SideReadOptions): Knex {
  const { client } = targets.sqlite;
  const { options } = client.connectionSettings;
  const given = typeof options === 'object' ? options : {};
  return loadKnex()({
    ...configOf(client),
    connection: { filename: sqlite, options: { ...given, readonly: true } },
    pool: { ...poolOf(client), min: 0, max: 1 },
  });
}

function readOnlyPostgres({ targets, postgres, connections, timeoutMs }: SideReadOptions): Knex {
  const { client } = targets.postgres;
  const { afterCreate } = poolOf(client);
  const settings = `SET default_transaction_read_only = on; SET statement_timeout = ${Math.ceil(timeoutMs)}`;
  const setUp: AfterCreate = (connection, done) => {
    const limit = (error?: unknown): void => (error ? done(error) : connection.query(settings, done));
    if (afterCreate === undefined) limit();
    else afterCreate(connection, limit);
  };
  return loadKnex()({
    ...configOf(client),
    connection: { connectionString: postgres, query_timeout: timeoutMs + SWALLOWED_AFTER_MS },
    pool: { ...poolOf(client), min: 0, max: connections, afterCreate: setUp },
  });
}

/** The instance's own options, with the class that made its client. */
function configOf({ config, constructor }: TargetClient): Knex.Config {
  return { ...config, client: constructor as typeof Knex.Client };
}

function poolOf({ config }: TargetClient): { readonly afterCreate?: AfterCreate } {
  const { pool } = config;
  return typeof pool === 'object' && pool !== null ? pool : {};
}

function unreachable(cause: unknown): CrossfadeError {
  return new CrossfadeError('POSTGRES_UNREACHABLE', 'a shadow read got no answer from PostgreSQL', {
    hint: 'check that PostgreSQL runs and takes connections',
    cause,
  });
}
