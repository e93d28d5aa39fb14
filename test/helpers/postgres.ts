import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from 'pg';
import { removeEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { cleanUpAtExit, removeServer, startIn, startPostgresServer, temporaryFolder } from './postgres-server.ts';
import type { PostgresServer } from './postgres-server.ts';

/** A test: AVA's execution context, or anything else that does this when it is over. */
export interface WithTeardown {
  teardown(cleanUp: () => Promise<void>): void;
}

let server: Promise<PostgresServer> | undefined;
let strategy: Promise<string> | undefined;

/**
 * The URL of a new, empty PostgreSQL database, which goes away with the test.
 *
 * It is made on the server of TEST_DATABASE_URL, which `npm test` sets; without one, on a server that this process
 * starts for itself and stops when its tests are done.
 */
export async function freshDatabase(t: WithTeardown): Promise<string> {
  server ??= serverOfProcess();
  const { url } = await server;
  const name = `crossfade_${process.pid}_${randomBytes(6).toString('hex')}`;
  await execute(url, `CREATE DATABASE ${name} TEMPLATE template0 ${await (strategy ??= cheapestStrategy(url))}`);
  t.teardown(async () => {
    await execute(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  const fresh = new URL(url);
  fresh.pathname = `/${name}`;
  return fresh.href;
}

/** A PostgreSQL server of one test, which that test may take away. */
export interface StoppableServer {
  /** The database `postgres`, as a superuser; the same after every restart. */
  readonly url: string;
  /** Ends it in an orderly way: connections are cut, a checkpoint is written. */
  stop(): Promise<void>;
  /** Starts it again, on the same port, with the same data. */
  start(): Promise<void>;
  /** Ends it as a crash of the whole server would: nothing is written any more. */
  kill(): Promise<void>;
  /** Where it keeps its data. To be touched while it is stopped. */
  readonly dataFolder: string;
}

/** A private server for tests of outages: stopped and removed with the test. Always an embedded one. */
export async function stoppableServer(t: WithTeardown): Promise<StoppableServer> {
  const folder = temporaryFolder('outage');
  let running = await startIn(folder);
  const undoCleanup = cleanUpAtExit(() => removeServer(running, folder));
  const { url, port } = running;
  let isKilled = false;
  t.teardown(async () => {
    // The next start is what removes the shared memory of a server that was killed.
    if (isKilled) await startIn(folder, port);
    await removeEmbeddedPostgres(folder);
    undoCleanup();
  });
  return {
    url,
    dataFolder: join(running.home, 'data'),
    stop: async () => {
      await running.stop();
    },
    start: async () => {
      running = await startIn(folder, port);
      isKilled = false;
    },
    kill: async () => {
      await running.kill();
      isKilled = true;
    },
  };
}

async function serverOfProcess(): Promise<PostgresServer> {
  const started = await startPostgresServer();
  // When nothing else is to be done; whichever framework runs the tests.
  process.once('beforeExit', () => void started.stop());
  return started;
}

/** Most tests make a database and drop it again: by copies of files that takes two thirds of the time. Since 15 it must be asked for. */
async function cheapestStrategy(url: string): Promise<string> {
  const [row] = await execute(url, `SELECT current_setting('server_version_num')::integer AS version`);
  return Number(row?.['version']) >= 150_000 ? 'STRATEGY file_copy' : '';
}

async function execute(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}
