import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CrossfadeError } from '../adapter/errors.ts';
import { accountForPostgres, isReachable } from './postgres-binaries.ts';
import type { Account } from './postgres-binaries.ts';
import { isProcessAlive } from './process-table.ts';

/** Longer than a start and a stop may take together. */
const LOCK_LIMIT_MS = 90_000;

/** What is remembered of a server from one start to the next. */
export interface ServerRecord {
  readonly password: string;
  readonly port?: number | undefined;
  /** The processes that use the server: it is stopped with the last of them. */
  readonly users: readonly (number | 'background')[];
}

/** A server's first process. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  readonly isReady: boolean;
}

/** Where the server of `folder` is kept, and, when this process is root, the account that it runs as. */
export function locate(folder: string): { readonly home: string; readonly account: Account | undefined } {
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

/** Makes the folder, passable for the account that the server runs as. */
export function makeHome(home: string, account: Account | undefined): void {
  mkdirSync(home, { recursive: true });
  if (account === undefined) return;
  const found = lstatSync(home);
  // Anybody can make a folder in /var/tmp: what it holds must not be trusted.
  if (!found.isDirectory() || (found.uid !== 0 && found.uid !== account.uid)) {
    throw new CrossfadeError(
      'CONFIG_INVALID',
      `the folder "${home}" of the embedded PostgreSQL belongs to somebody else`,
      { hint: 'remove it, or set DATABASE_URL to a PostgreSQL of your own' },
    );
  }
  if ((found.mode & 0o011) !== 0o011) chmodSync(home, found.mode | 0o011);
}

/** What the server writes about itself: its id, folder, start, port, socket, address, memory, and state. */
export function readPidFile(home: string): Running | undefined {
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

/** What is remembered; a new password where there was no server yet. */
export function readRecord(home: string): ServerRecord {
  const path = join(home, 'server.json');
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as ServerRecord;
  if (!existsSync(join(home, 'data'))) return { password: randomBytes(12).toString('hex'), users: [] };
  throw new CrossfadeError('POSTGRES_UNREACHABLE', `the password of the embedded PostgreSQL in "${home}" is lost`, {
    hint: `put back ${path}, or remove the folder "${home}", which throws its databases away`,
  });
}

/** Remembers `record`, readable by the folder's owner only. */
export function writeRecord(home: string, record: ServerRecord): void {
  const path = join(home, 'server.json');
  const partial = `${path}.partial`;
  const file = openOwned(home, partial);
  try {
    writeFileSync(file, JSON.stringify(record));
  } finally {
    closeSync(file);
  }
  renameSync(partial, path);
}

/** The file descriptor of an empty log, for the server's output. */
export function openLog(home: string): number {
  return openOwned(home, join(home, 'server.log'));
}

/** Opens an empty file that belongs to the folder's owner, also when root does it, and is no link to another place. */
function openOwned(home: string, path: string): number {
  const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
  const file = openSync(path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o600);
  if (process.getuid?.() === 0) {
    const { uid, gid } = statSync(home);
    fchownSync(file, uid, gid);
  }
  return file;
}

/** Holds other processes off this folder until the returned function is called. */
export async function lockFolder(home: string): Promise<() => void> {
  const path = join(home, 'lock');
  const deadline = Date.now() + LOCK_LIMIT_MS;
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
        { hint: `end it, then remove "${path}"` },
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
