import { appendFileSync, chownSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { removeEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import type { Account } from '../../server/postgres-binaries.ts';
import { locate, makeHome, writeRecord } from '../../server/postgres-home.ts';
import { cleanUpAtExit, removeServer, startIn, temporaryFolder } from './postgres-server.ts';
import type { StoppableServer } from './postgres.ts';

/** A hot standby that follows a server by streaming replication. */
export interface Standby {
  /** Its copy of the same database. Read only. */
  readonly url: string;
  /** Stops applying what arrives, until {@link resume}. Queries go on, and see the past. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/**
 * Starts a streaming standby of `server`, as a superuser of the same name and password. It goes away with the test.
 *
 * The package with the server's programs has no `pg_basebackup`, so the data folder is copied between
 * `pg_backup_start` and `pg_backup_stop`.
 */
export async function standbyOf(t: Pick<ExecutionContext, 'teardown'>, server: StoppableServer): Promise<Standby> {
  const folder = temporaryFolder('standby');
  const { home, account } = locate(folder);
  makeHome(home, account);
  await copyWhileRunning(server, home, account);
  const running = await startIn(folder);
  const undoCleanup = cleanUpAtExit(() => removeServer(running, folder));
  t.teardown(async () => {
    await removeEmbeddedPostgres(folder);
    undoCleanup();
  });
  const url = new URL(server.url);
  url.port = String(running.port);
  const say = async (statement: string): Promise<void> => {
    await withClient(url.href, async (client) => {
      await client.query(statement);
    });
  };
  return {
    url: url.href,
    pause: () => say('SELECT pg_wal_replay_pause()'),
    resume: () => say('SELECT pg_wal_replay_resume()'),
  };
}

async function copyWhileRunning(server: StoppableServer, home: string, account: Account | undefined): Promise<void> {
  const { hostname, port, username, password } = new URL(server.url);
  const data = join(home, 'data');
  mkdirSync(data, { mode: 0o700 });
  await withClient(server.url, async (client) => {
    await client.query(`SELECT pg_backup_start('standby', fast => true)`);
    copyFolder(server.dataFolder, data);
    const { rows } = await client.query<{ labelfile: string }>(
      'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
    );
    // The end of the backup lies in the log; what was copied of it before is older.
    rmSync(join(data, 'pg_wal'), { recursive: true, force: true });
    copyFolder(join(server.dataFolder, 'pg_wal'), join(data, 'pg_wal'));
    writeFileSync(join(data, 'backup_label'), rows[0]?.labelfile ?? '');
  });
  writeFileSync(join(data, 'standby.signal'), '');
  appendFileSync(
    join(data, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password}'\n`,
  );
  if (account !== undefined) giveTo(account, data);
  writeRecord(home, { password: decodeURIComponent(password), users: [] });
}

/** Copies what a running server has on disk. It may remove a file at any moment, and write on in others. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (['postmaster.pid', 'postmaster.opts', 'pg_replslot', 'pg_stat_tmp'].includes(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    try {
      if (entry.isDirectory()) copyFolder(source, target);
      else cpSync(source, target);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  if (from.endsWith('data')) mkdirSync(join(to, 'pg_replslot'), { recursive: true, mode: 0o700 });
}

function giveTo(account: Account, path: string): void {
  chownSync(path, account.uid, account.gid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) giveTo(account, inner);
    else chownSync(inner, account.uid, account.gid);
  }
}

async function withClient(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
