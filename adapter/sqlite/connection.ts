import Database from 'better-sqlite3';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrossfadeError, messageOf } from '../errors.ts';

/** How long a transaction waits for another process's write lock before it gives up, in ms. */
const BUSY_LIMIT_MS = 5_000;
const BUSY_RETRY_MS = 2;
/**
 * How long opening waits for a lock, in ms. A file that is not in WAL mode yet, as before the install, is locked for
 * readers too while a writer commits: under a busy API most of the time.
 */
const OPEN_WAIT_MS = 5_000;

/**
 * Opens a connection of Crossfade's own: exact integers, no waiting inside SQLite once it is open (which would block the
 * event loop, and with it the very transaction that is waited for), foreign keys left to the primary. With `synchronous: 'FULL'`, the
 * default, every commit survives a power failure; with `NORMAL` only once the WAL file has been synced.
 *
 * @throws CrossfadeError `SQLITE_UNREADABLE` when the file is not a readable SQLite database.
 */
export function openConnection(
  path: string,
  { synchronous = 'FULL' }: { synchronous?: 'FULL' | 'NORMAL' } = {},
): Database.Database {
  try {
    const connection = new Database(path, { fileMustExist: true, timeout: OPEN_WAIT_MS });
    connection.defaultSafeIntegers(true);
    connection.pragma('foreign_keys = OFF');
    connection.pragma(`synchronous = ${synchronous}`);
    connection.prepare('SELECT count(*) FROM sqlite_master').get();
    connection.pragma('busy_timeout = 0');
    return connection;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): CrossfadeError {
  const code = error instanceof Database.SqliteError ? error.code : '';
  const hint =
    code === 'SQLITE_NOTADB'
      ? 'it is not a SQLite database, or it is encrypted; give the path of the file that the API uses'
      : code.startsWith('SQLITE_BUSY')
        ? 'another process holds it exclusively; end that process, or try again'
        : 'check the path and the permissions of the file and of its folder (SQLite writes beside it)';
  return new CrossfadeError('SQLITE_UNREADABLE', `could not open the SQLite file "${path}": ${messageOf(error)}`, {
    hint,
    cause: error,
  });
}

/** Whether SQLite refused because another connection holds a lock; the same call may succeed later. */
export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

/** Whether SQLite refused a row for what it holds, and not for the state the database is in. */
export function isRowRefusal(error: unknown): boolean {
  return (
    error instanceof Database.SqliteError &&
    (error.code.startsWith('SQLITE_CONSTRAINT') || error.code === 'SQLITE_MISMATCH' || error.code === 'SQLITE_TOOBIG')
  );
}

/**
 * Runs `work` in one write transaction. `work` is synchronous: no other code of this process runs while the write
 * lock is held, so it can never be waited for from inside.
 *
 * @throws CrossfadeError `SQLITE_BUSY` when the lock cannot be had within `limitMs`.
 */
export async function writeTransaction<T>(
  connection: Database.Database,
  work: () => T,
  limitMs: number = BUSY_LIMIT_MS,
): Promise<T> {
  // Begun and ended in one go: between a BEGIN and an await, others would find the connection in this transaction.
  return retryWhileBusy(() => {
    connection.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      connection.exec('COMMIT');
      return result;
    } catch (error) {
      if (connection.inTransaction) connection.exec('ROLLBACK');
      throw error;
    }
  }, limitMs);
}

/**
 * Runs `attempt` until no other connection's lock is in its way. Between attempts the event loop runs, so that a
 * transaction of this very process can end.
 *
 * @throws CrossfadeError `SQLITE_BUSY` when that takes longer than `limitMs`.
 */
export async function retryWhileBusy<T>(attempt: () => T, limitMs: number = BUSY_LIMIT_MS): Promise<T> {
  const deadline = performance.now() + limitMs;
  while (true) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() > deadline) {
        throw new CrossfadeError(
          'SQLITE_BUSY',
          `the SQLite database stayed locked by another connection for ${limitMs} ms`,
          {
            hint: 'find the long transaction (in the API, a script or a shell) and end it; then try again',
            cause: error,
          },
        );
      }
      await sleep(BUSY_RETRY_MS);
    }
  }
}
