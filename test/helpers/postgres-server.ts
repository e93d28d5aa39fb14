import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StartedTestContainer } from 'testcontainers';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import type { EmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { isProcessAlive } from '../../server/process-table.ts';
import { DockerEngine } from './docker-engine.ts';
import { fastFolder } from './fast-folder.ts';

/** A PostgreSQL server that tests make their databases on. */
export interface PostgresServer {
  /** A database of a role that may create databases. */
  readonly url: string;
  readonly kind: 'TEST_DATABASE_URL' | 'testcontainers' | 'embedded';
  /** Stops the server and removes what it kept. Does nothing to the server of TEST_DATABASE_URL. */
  stop(): Promise<void>;
}

/** The image that testcontainers runs. */
const IMAGE = 'postgres:18-alpine';
const IMAGE_LIMIT_MS = 30_000;

/** Every temporary folder of the tests begins like this, then comes the id of the process that made it. */
const TEMPORARY = 'crossfade-test-';

/**
 * What a server under test is run with. Without `fsync` it may lose what it has committed when the machine dies, not when
 * the server is killed: the kernel has what was written. The machine does not die in these tests.
 */
const SETTINGS = {
  fsync: 'off',
  max_connections: '500',
  max_prepared_transactions: '10',
  shared_buffers: '128MB',
  timezone: 'UTC',
  // In the data folder, so that a killed server leaves nothing outside of it.
  dynamic_shared_memory_type: 'mmap',
  huge_pages: 'off',
};

/**
 * The server of a test run: that of TEST_DATABASE_URL, else a container where a Docker engine answers and has or gets
 * the image within 30 s, else an embedded one.
 */
export async function startPostgresServer(): Promise<PostgresServer> {
  const url = process.env['TEST_DATABASE_URL'];
  if (url !== undefined && url !== '') return { url, kind: 'TEST_DATABASE_URL', stop: async () => {} };
  return (await startContainer()) ?? (await startTemporary());
}

/** A server of the tests' own in a temporary folder, whatever else there is. */
export async function startTemporary(): Promise<PostgresServer> {
  await sweep(fastFolder());
  const folder = temporaryFolder('postgres');
  const server = await startIn(folder);
  const undoCleanup = cleanUpAtExit(() => removeServer(server, folder));
  return {
    url: server.url,
    kind: 'embedded',
    stop: async () => {
      await removeEmbeddedPostgres(folder);
      undoCleanup();
    },
  };
}

/** Starts the server of a temporary folder with the settings that tests want. */
export async function startIn(folder: string, port?: number): Promise<EmbeddedPostgres> {
  return await startEmbeddedPostgres({
    folder,
    temporary: true,
    settings: SETTINGS,
    ...(port === undefined ? {} : { port }),
  });
}

/** A new folder for what a test keeps on disk; whoever asks for it removes it. */
export function temporaryFolder(what: string): string {
  return mkdtempSync(join(fastFolder(), `${TEMPORARY}${process.pid}-${what}-`));
}

/** Ends a server at once and removes its folder, without waiting for anything: for a process that is about to exit. */
export function removeServer(server: EmbeddedPostgres, folder: string): void {
  try {
    process.kill(server.pid, 'SIGQUIT');
  } catch {
    // It is gone already.
  }
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < 5_000 && isProcessAlive(server.pid); waited += 10) Atomics.wait(nap, 0, 0, 10);
  for (const path of [server.home, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Runs `cleanUp` when this process exits or is told to end. Returns what takes that back. */
export function cleanUpAtExit(cleanUp: () => void): () => void {
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => {
    const handler = (): void => {
      undo();
      cleanUp();
      // With the handler gone this ends the process as the signal would have.
      process.kill(process.pid, signal);
    };
    return [signal, handler] as const;
  });
  const parent = process.ppid;
  const orphaned = (): void => {
    // Where AVA was killed its worker would go on alone. A dying parent closes the channel a moment before it is gone.
    setTimeout(() => {
      if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
    }, 500).unref();
  };
  const undo = (): void => {
    process.off('exit', cleanUp);
    process.off('disconnect', orphaned);
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
  process.on('exit', cleanUp);
  process.on('disconnect', orphaned);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return undo;
}

/** Stops and removes what earlier runs left when they were killed: folders in `folder` whose process is gone. */
async function sweep(folder: string): Promise<void> {
  for (const name of readdirSync(folder).filter((each) => each.startsWith(TEMPORARY))) {
    if (isProcessAlive(Number(name.slice(TEMPORARY.length).split('-')[0]))) continue;
    const left = join(folder, name);
    await sweep(left);
    await removeEmbeddedPostgres(left);
  }
}

async function startContainer(): Promise<PostgresServer | undefined> {
  const engine = new DockerEngine();
  if (!(await engine.answers())) return undefined;
  if (!(await engine.hasOrGets(IMAGE, IMAGE_LIMIT_MS))) {
    console.error(`the Docker engine does not get ${IMAGE} within ${IMAGE_LIMIT_MS / 1000} s: the tests go without it`);
    return undefined;
  }
  // The container that testcontainers cleans up with would have to be fetched first; `stop` cleans up here.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  const { GenericContainer, Wait } = await import('testcontainers');
  let container: StartedTestContainer;
  try {
    container = await new GenericContainer(IMAGE)
      .withEnvironment({ POSTGRES_PASSWORD: 'crossfade', POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C.UTF-8' })
      .withCommand(['postgres', ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])])
      .withExposedPorts(5432)
      // The image starts the server twice: once to make the database, once to serve it.
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .withStartupTimeout(IMAGE_LIMIT_MS)
      .start();
  } catch (error) {
    console.error(`testcontainers cannot run ${IMAGE}, so the tests go without it: ${String(error)}`);
    return undefined;
  }
  const undoCleanup = cleanUpAtExit(() => {
    try {
      execFileSync('docker', ['rm', '--force', '--volumes', container.getId()], { stdio: 'ignore' });
    } catch {
      console.error(`the container ${container.getId()} is left running`);
    }
  });
  const url = `postgresql://postgres:crossfade@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  return {
    url,
    kind: 'testcontainers',
    stop: async () => {
      await container.stop();
      undoCleanup();
    },
  };
}
