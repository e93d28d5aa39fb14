import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Client } from 'pg';
import { CrossfadeError, isCrossfadeError } from '../../adapter/errors.ts';
import { describeConnectionError, sqlState } from '../../adapter/postgres/connection.ts';

/** A PostgreSQL database that is there for a rehearsal only. */
export interface ThrowAwayPostgres {
  readonly kind: 'embedded' | 'database';
  readonly url: string;
  readonly version: string;
  /** What the database takes now, in bytes. */
  size(): Promise<number>;
  remove(): Promise<void>;
}

/** An embedded PostgreSQL in `folder`, as durable as a real one, since a rehearsal is to tell how long things take. */
export async function embeddedPostgres(folder: string): Promise<ThrowAwayPostgres> {
  const { startEmbeddedPostgres, removeEmbeddedPostgres } = await import('../embedded-postgres.ts');
  const home = join(folder, 'postgres');
  try {
    const { url } = await startEmbeddedPostgres({
      folder: home,
      temporary: true,
      settings: { shared_buffers: '256MB', max_wal_size: '2GB' },
    });
    return {
      kind: 'embedded',
      url,
      version: await asked(url, 'SHOW server_version'),
      size: async () => Number(await asked(url, 'SELECT pg_database_size(current_database())')),
      remove: () => removeEmbeddedPostgres(home),
    };
  } catch (error) {
    await removeEmbeddedPostgres(home);
    throw error;
  }
}

/**
 * A new database on the server of `url`, which is dropped again. The database that `url` names is only connected to.
 *
 * @throws CrossfadeError `POSTGRES_RIGHTS` when the role may not create one; `POSTGRES_UNREACHABLE`, `POSTGRES_REFUSED`.
 */
export async function createdDatabase(url: string): Promise<ThrowAwayPostgres> {
  const name = `crossfade_rehearsal_${randomBytes(6).toString('hex')}`;
  try {
    await asked(url, `CREATE DATABASE ${name}`);
  } catch (error) {
    if (sqlState(error) !== '42501') throw describeConnectionError(url, error);
    throw new CrossfadeError('POSTGRES_RIGHTS', 'the PostgreSQL role may not create a database to rehearse in', {
      hint: 'ALTER ROLE <role> CREATEDB, or leave --postgres out: an embedded PostgreSQL is used then',
      cause: error,
    });
  }
  const fresh = new URL(url);
  fresh.pathname = `/${name}`;
  return {
    kind: 'database',
    url: fresh.href,
    version: await asked(url, 'SHOW server_version'),
    size: async () => Number(await asked(fresh.href, 'SELECT pg_database_size(current_database())')),
    remove: async () => {
      await asked(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/** Runs `work` on a connection of its own. */
export async function connectedTo<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    application_name: 'crossfade rehearse',
    connectionTimeoutMillis: 10_000,
    options: '-c timezone=UTC -c datestyle=ISO -c standard_conforming_strings=on',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw isCrossfadeError(error) || sqlState(error) === '42501' ? error : describeConnectionError(url, error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The first value of a statement's answer, as text. */
async function asked(url: string, statement: string): Promise<string> {
  return await connectedTo(url, async (client) => {
    const { rows } = await client.query<string[]>({ text: statement, rowMode: 'array' });
    return rows[0]?.[0] ?? '';
  });
}
