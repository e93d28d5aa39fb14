import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { seedLedger } from '../migrations/ledger/seed.ts';
import type { SeedOptions } from '../migrations/ledger/seed.ts';
import { migrateSqlite } from './migrate-databases.ts';

/**
 * Makes a SQLite file with the example ledger's tables and generated rows. It appears under its name only when it is
 * complete, so that an interrupted start leaves nothing that looks like a ledger.
 *
 * @returns the number of rows.
 */
export async function createLedgerFile(path: string, options: SeedOptions = {}): Promise<number> {
  const unfinished = `${path}.unfinished-${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  rmSync(unfinished, { force: true });
  try {
    await migrateSqlite(unfinished);
    // What was announced on the terminal is to be seen before the seeding holds the thread.
    await turn();
    const rows = seedLedger(unfinished, options);
    renameSync(unfinished, path);
    return rows;
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) {
      if (existsSync(unfinished + suffix)) rmSync(unfinished + suffix);
    }
  }
}
