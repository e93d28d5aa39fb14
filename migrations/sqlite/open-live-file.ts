import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import { quote } from '../../adapter/sqlite/sql.ts';
import type { SqlFunction } from './apply-migrations.ts';

/** Up to this size, reading all pages of a file takes a second or two; `auto` checks no larger ones. */
const AUTO_CHECK_LIMIT_BYTES = 256 * 1024 * 1024;
const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
/** In the header: 2 for a file in WAL mode (https://sqlite.org/fileformat2.html#file_format_version_numbers). */
const READ_VERSION_AT = 19;

export interface LiveFileOptions {
  /**
   * Whether to look for damage before anything is read from it. `quick` reads every page once; `full` also compares indexes
   * with their tables, several times slower (https://sqlite.org/pragma.html#pragma_integrity_check); `auto` is `quick` for
   * files up to 256 MB and nothing for larger ones.
   *
   * @default 'auto'
   */
  readonly check?: 'auto' | 'quick' | 'full' | 'none';
  /** How long to wait for a lock, in ms. @default 5000 */
  readonly busyLimitMs?: number;
  /** Functions of the application's that its schema calls, by name. @default {} */
  readonly functions?: Readonly<Record<string, SqlFunction>>;
}

/**
 * Opens a file that others may be using at this moment, to read it. The database file is never written to.
 *
 * What SQLite leaves beside it: a read-only connection to a file in WAL mode makes `-wal` and `-shm` and cannot remove them.
 * Where there is no `-wal`, the file is therefore opened for writing with `query_only`, so that SQLite itself takes both away
 * when the last connection closes. Where a `-wal` was left by a program that was killed, a `-shm` is made beside it and stays:
 * it holds nothing, and taking it away could hurt others. (`immutable`, which makes neither, reads rubbish while others write.)
 *
 * @throws CrossfadeError `SQLITE_UNREADABLE` when it is missing, no database, damaged, encrypted, empty or not permitted, or
 *   when it must be rolled back first; `SQLITE_BUSY` when it stays locked.
 */
export function openLiveFile(
  path: string,
  { check = 'auto', busyLimitMs = 5_000, functions = {} }: LiveFileOptions = {},
): Database.Database {
  const header = headerOf(path);
  const alone = header[READ_VERSION_AT] === 2 && !existsSync(`${path}-wal`);
  const db = alone ? openForCleaning(path, busyLimitMs) : openReadOnly(path, busyLimitMs);
  try {
    db.defaultSafeIntegers(true);
    for (const [name, run] of Object.entries(functions)) db.function(name, { varargs: true, deterministic: true }, run);
    refuseEmpty(path, db);
    refuseDamaged(path, db, check === 'auto' ? autoCheck(path) : check);
    return db;
  } catch (error) {
    db.close();
    throw error instanceof CrossfadeError ? error : explained(path, error);
  }
}

function headerOf(path: string): Buffer {
  let stats;
  try {
    stats = statSync(path);
  } catch (error) {
    throw unreadable(path, 'there is no such file', 'check the path; give the file that the API uses', error);
  }
  if (stats.isDirectory()) throw unreadable(path, 'it is a folder', 'give the database file in it');
  if (!stats.isFile()) throw unreadable(path, 'it is no file', 'give the database file itself');
  if (stats.size === 0)
    throw unreadable(
      path,
      'it is empty',
      'it may be a database that nothing was ever written to; give the file that the API uses',
    );
  const header = Buffer.alloc(1024);
  let length: number;
  try {
    const file = openSync(path, 'r');
    try {
      length = readSync(file, header, 0, header.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, messageOf(error), 'let this user read the file and its folder', error);
  }
  const read = header.subarray(0, length);
  if (length >= HEADER_BYTES && read.toString('latin1', 0, MAGIC.length) === MAGIC) return read;
  throw looksRandom(read)
    ? unreadable(
        path,
        'it is not a SQLite database, or it is encrypted',
        'decrypt it first (SQLCipher: sqlcipher_export), or give another file',
      )
    : unreadable(path, 'it is not a SQLite database', 'give the file that the API uses');
}

/** Of random bytes, 1024 hold about 250 different ones; text and other formats far fewer. */
function looksRandom(bytes: Buffer): boolean {
  return bytes.length === 1024 && new Set(bytes).size > 200;
}

function openForCleaning(path: string, timeout: number): Database.Database {
  try {
    const db = new Database(path, { fileMustExist: true, timeout });
    db.pragma('query_only = ON');
    return db;
  } catch {
    // Not permitted, most likely; then reading may still be.
    return openReadOnly(path, timeout);
  }
}

function openReadOnly(path: string, timeout: number): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true, timeout });
  } catch (error) {
    throw explained(path, error);
  }
}

function refuseEmpty(path: string, db: Database.Database): void {
  const tables = db.prepare(`SELECT count(*) FROM sqlite_schema WHERE type = 'table'`).pluck().get();
  if (tables === 0n)
    throw unreadable(
      path,
      'it holds no tables',
      'run the migrations of the API first, or give the file that the API uses',
    );
}

function autoCheck(path: string): 'quick' | 'none' {
  return statSync(path).size <= AUTO_CHECK_LIMIT_BYTES ? 'quick' : 'none';
}

/** Rows that break their table's constraints are told too; they are for the audit, not damage. */
const ABOUT_ROWS = /^(NULL value in|CHECK constraint failed in|non-\w+ value in|\w+ value in) /;

function refuseDamaged(path: string, db: Database.Database, check: 'quick' | 'full' | 'none'): void {
  if (check === 'none') return;
  const pragma = check === 'quick' ? 'quick_check' : 'integrity_check';
  const lines = checked(db, pragma);
  const damage = lines.filter((line) => line !== 'ok' && !ABOUT_ROWS.test(line));
  const [first] = damage;
  if (first === undefined) return;
  throw unreadable(
    path,
    `it is damaged: ${first.replace(/\s+/g, ' ').trim()}${damage.length > 1 ? ` (and ${damage.length - 1} more)` : ''}`,
    `restore a backup, or rescue what there is with ".recover" of SQLite's shell; "REINDEX" is enough if only indexes are named`,
  );
}

/** A schema that calls what only the application has cannot be checked as a whole; then each table that can be. */
const ONLY_IN_APPLICATION = /^(unknown function|no such (function|collation sequence|module))/;

function checked(db: Database.Database, pragma: 'quick_check' | 'integrity_check'): readonly string[] {
  const lines = (argument: string): readonly string[] =>
    db.prepare(`PRAGMA ${pragma}${argument}`).pluck().all() as string[];
  const unlessForeign = (check: () => readonly string[], otherwise: () => readonly string[]): readonly string[] => {
    try {
      return check();
    } catch (error) {
      if (ONLY_IN_APPLICATION.test(messageOf(error))) return otherwise();
      throw error;
    }
  };
  const tables = (): readonly string[] => {
    const names = db
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0`)
      .pluck()
      .all() as string[];
    return names.flatMap((name) =>
      unlessForeign(
        () => lines(`(${quote(name)})`),
        () => [],
      ),
    );
  };
  return unlessForeign(() => lines(''), tables);
}

function explained(path: string, error: unknown): CrossfadeError {
  const code = error instanceof Database.SqliteError ? error.code : '';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
    return new CrossfadeError(
      'SQLITE_BUSY',
      `could not read the SQLite file "${path}": another connection holds it exclusively`,
      {
        hint: 'find the program with the long transaction or with locking_mode=EXCLUSIVE and end it; then try again',
        cause: error,
      },
    );
  if (code === 'SQLITE_READONLY_ROLLBACK')
    return unreadable(
      path,
      'a transaction was cut off in it, which its -journal file is there to undo',
      `keep the -journal beside it and open it once with the API or with SQLite's shell, which undoes the transaction`,
      error,
    );
  if (code === 'SQLITE_NOTADB')
    return unreadable(
      path,
      'it is not a SQLite database, or it is encrypted',
      'give the file that the API uses, decrypted',
      error,
    );
  if (code.startsWith('SQLITE_CORRUPT'))
    return unreadable(
      path,
      `it is damaged: ${messageOf(error)}`,
      `restore a backup, or rescue what there is with ".recover" of SQLite's shell`,
      error,
    );
  return unreadable(
    path,
    messageOf(error),
    'check the permissions of the file and of its folder: in WAL mode SQLite writes beside it',
    error,
  );
}

function unreadable(path: string, found: string, hint: string, cause?: unknown): CrossfadeError {
  return new CrossfadeError('SQLITE_UNREADABLE', `could not open the SQLite file "${path}": ${found}`, { hint, cause });
}
