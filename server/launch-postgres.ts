import { spawn } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { CrossfadeError, messageOf } from '../adapter/errors.ts';
import type { EmbeddedPostgresOptions } from './embedded-postgres.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import type { Account } from './postgres-binaries.ts';
import { openLog, readPidFile, readRecord } from './postgres-home.ts';
import type { Running } from './postgres-home.ts';
import { sendSignal } from './process-table.ts';

/** How long a server may take to start, in ms. */
export const START_LIMIT_MS = 60_000;

/** Makes the data folder where there is none, starts the server, and waits until it answers. */
export async function launch(
  home: string,
  account: Account | undefined,
  options: EmbeddedPostgresOptions,
): Promise<Running> {
  const binaries = await findPostgresBinaries(account, home);
  const data = join(home, 'data');
  const { password, port: lastPort } = readRecord(home);
  if (!existsSync(data)) await initialise({ initdb: binaries.initdb, home, account, password, options });
  const { settings = {} } = options;
  // Somebody may take a port between the look and the start: three tries.
  const ports = options.port === undefined ? [lastPort, undefined, undefined, undefined] : [options.port];
  for (const wanted of ports) {
    const port = await freePort(wanted);
    if (port === undefined) continue;
    try {
      return await run({ program: binaries.postgres, home, account, port, settings });
    } catch (error) {
      if (!messageOf(error).includes('could not create any TCP/IP sockets')) throw error;
    }
  }
  const asked = options.port === undefined ? 'finds no free port' : `cannot have port ${options.port}: it is taken`;
  throw new CrossfadeError('POSTGRES_UNREACHABLE', `the embedded PostgreSQL ${asked}`, {
    hint: 'name another port, or none',
  });
}

/** Whether a server answers a query at `url` within a few seconds. */
export async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** The address of a server in this machine. */
export function urlOf(password: string, port: number): string {
  return `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
}

async function initialise(work: {
  readonly initdb: string;
  readonly home: string;
  readonly account: Account | undefined;
  readonly password: string;
  readonly options: EmbeddedPostgresOptions;
}): Promise<void> {
  const { home, account } = work;
  const partial = join(home, 'data.partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  if (account !== undefined) chownSync(partial, account.uid, account.gid);
  const passwordFile = join(home, 'password');
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${work.password}\n`, { mode: 0o600, flag: 'wx' });
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
  const log = openLog(home);
  try {
    const child = spawn(
      work.initdb,
      [
        `--pgdata=${partial}`,
        '--auth=scram-sha-256',
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        // The same order of text on every machine, whatever locales it has.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(work.options.temporary === true ? ['--no-sync'] : []),
      ],
      { ...account, cwd: partial, stdio: ['ignore', log, log] },
    );
    const status = await new Promise<string>((done) => {
      child.once('error', (error) => done(error.message));
      child.once('close', (code, signal) => done(String(code ?? signal)));
    });
    if (status !== '0') throw startFailure(home, `initdb ended with ${status}`);
  } finally {
    closeSync(log);
    rmSync(passwordFile, { force: true });
  }
  renameSync(partial, join(home, 'data'));
}

async function run(work: {
  readonly program: string;
  readonly home: string;
  readonly account: Account | undefined;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
}): Promise<Running> {
  const { home, port } = work;
  const data = join(home, 'data');
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port: String(port), ...work.settings };
  const log = openLog(home);
  // Its own session: Ctrl-C in the terminal must not reach the server before its user is done with it.
  const child = spawn(
    work.program,
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...work.account, cwd: data, detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  child.unref();
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `it ended with ${code ?? signal}`));
  const deadline = Date.now() + START_LIMIT_MS;
  const url = urlOf(readRecord(home).password, port);
  while (ended === undefined && Date.now() < deadline) {
    const running = readPidFile(home);
    if (running?.pid === child.pid && running?.isReady === true && (await answers(url))) return running;
    await pause(20);
  }
  if (child.pid !== undefined && ended === undefined) sendSignal(child.pid, 'SIGQUIT');
  throw startFailure(home, ended ?? `no answer within ${START_LIMIT_MS / 1000} s`);
}

function startFailure(home: string, what: string): CrossfadeError {
  const log = join(home, 'server.log');
  const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  return new CrossfadeError(
    'POSTGRES_UNREACHABLE',
    `the embedded PostgreSQL in "${home}" did not start: ${what}\n${tail}`,
    { hint: `look into ${log}; removing the folder "${home}" throws its databases away and starts afresh` },
  );
}

/** A port of 127.0.0.1 that nobody listens on: `wanted` or none, or any when none is wanted. */
async function freePort(wanted: number | undefined): Promise<number | undefined> {
  return await new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(undefined));
    probe.listen(wanted ?? 0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
