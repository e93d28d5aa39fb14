import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import { startEmbeddedPostgres } from '../embedded-postgres.ts';

/** An empty PostgreSQL database that is used once. */
export interface DemoDatabase {
  readonly url: string;
  /** Drops the database, and stops the server if it was started for it. */
  remove(): Promise<void>;
}

/**
 * Makes a database for one demo: on the given server, or on an embedded one whose files are in `folder`.
 *
 * @throws CrossfadeError `POSTGRES_UNREACHABLE` or `POSTGRES_RIGHTS`.
 */
export async function demoDatabase(server: string | undefined, folder: string): Promise<DemoDatabase> {
  const name = `crossfade_demo_${process.pid}_${randomBytes(3).toString('hex')}`;
  if (server !== undefined) return await makeDatabase(server, name);
  const embedded = await startEmbeddedPostgres({ folder });
  try {
    const database = await makeDatabase(embedded.url, name);
    return {
      url: database.url,
      remove: async () => {
        try {
          await database.remove();
        } finally {
          await embedded.stop();
        }
      },
    };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

async function makeDatabase(server: string, name: string): Promise<DemoDatabase> {
  if (!URL.canParse(server)) {
    throw new CrossfadeError('CONFIG_INVALID', 'the PostgreSQL URL given to the demo is not a URL', {
      hint: 'write it as postgresql://user:password@host:port/database; without one the demo brings a PostgreSQL of its own',
    });
  }
  await execute(server, [`drop database if exists ${name} with (force)`, `create database ${name} template template0`]);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, remove: () => execute(server, [`drop database if exists ${name} with (force)`]) };
}

async function execute(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // Without a listener, a server that goes away would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new CrossfadeError('POSTGRES_UNREACHABLE', `the demo could not connect to PostgreSQL: ${messageOf(error)}`, {
      hint: 'check DATABASE_URL and that the server runs; without a URL the demo brings a PostgreSQL of its own',
      cause: error,
    });
  }
  try {
    for (const statement of statements) await client.query(statement);
  } catch (error) {
    throw new CrossfadeError('POSTGRES_RIGHTS', `the demo could not make a database of its own: ${messageOf(error)}`, {
      hint: 'use a role with CREATEDB; without a URL the demo brings a PostgreSQL of its own',
      cause: error,
    });
  } finally {
    await client.end();
  }
}
