import type { Knex } from 'knex';
import { CrossfadeError } from '../adapter/errors.ts';
import * as accounts from './ledger/0001-accounts.ts';
import * as offerings from './ledger/0002-offerings.ts';
import * as contracts from './ledger/0003-contracts.ts';
import * as emailQueue from './ledger/0004-email-queue.ts';

/** The example's migrations by name. Imported rather than listed from a folder, so that it is the same from anywhere. */
const MIGRATIONS: Readonly<Record<string, Knex.Migration>> = {
  '0001-accounts': accounts,
  '0002-offerings': offerings,
  '0003-contracts': contracts,
  '0004-email-queue': emailQueue,
};

const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(MIGRATIONS)),
  getMigrationName: (name) => name,
  getMigration: (name) => {
    const migration = MIGRATIONS[name];
    if (migration === undefined) throw new RangeError(`there is no migration "${name}"`);
    return Promise.resolve(migration);
  },
};

/**
 * Brings the example ledger's tables up to date in one database, SQLite or PostgreSQL: an ordinary Knex instance, not
 * the router, since each database needs its own tables. What has been run before is not run again.
 *
 * @returns the names of the migrations that were run.
 * @throws CrossfadeError `CONFIG_INVALID` when another process holds the migration lock, or died holding it.
 */
export async function runMigrations(knex: Knex): Promise<readonly string[]> {
  try {
    const [, names] = (await knex.migrate.latest({ migrationSource })) as [number, string[]];
    return names;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'MigrationLocked') throw error;
    throw new CrossfadeError('CONFIG_INVALID', "the ledger's migrations are locked by another process", {
      hint: 'wait for it to end; if it died, run: UPDATE knex_migrations_lock SET is_locked = 0',
      cause: error,
    });
  }
}
