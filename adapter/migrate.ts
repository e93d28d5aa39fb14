import type { Knex } from 'knex';
import pg from 'pg';
import { CrossfadeError, messageOf } from './errors.ts';
import { loadKnex } from './load-knex.ts';
import type { Stage } from './stage.ts';

/** The names of the migrations that were run on each database. */
export interface MigrateOutcome {
  readonly sqlite: readonly string[];
  readonly postgres: readonly string[];
}

export interface MigrateSettings {
  readonly stage: Stage;
  /** The API's own connection to SQLite, past all routing. */
  readonly sqlite: Knex;
  /** The URL of the PostgreSQL database. */
  readonly postgres: string;
  /** Knex's own settings: `directory` or `migrationSource`, `tableName`… */
  readonly migrations: Knex.MigratorConfig;
}

/** Names the lock that keeps two processes from migrating at once; any number that nobody else uses. */
const LOCK = 7_365_423_014;
/** How long to wait for another process that migrates, in ms. */
const LOCK_LIMIT_MS = 300_000;
/** Lets a session of Crossfade's own past the fence of a secondary: its rows are what the primary's migration made them. */
const PASSES_FENCE = '-c crossfade.mirroring=on';

/**
 * Runs the Knex migrations that are pending, on both databases and under a lock, PostgreSQL first: what fails there has not
 * touched SQLite. In stage `postgres` on PostgreSQL alone.
 *
 * @throws CrossfadeError `SCHEMA_CHANGE_REFUSED` in stage `write`, where SQLite is fenced; `MIGRATION_FAILED`, which names
 * the database and what ran before; `POSTGRES_UNREACHABLE` when something is pending and PostgreSQL does not answer.
 */
export async function migrate({ stage, sqlite, postgres, migrations }: MigrateSettings): Promise<MigrateOutcome> {
  const onSqlite = stage !== 'postgres';
  // An API starts while PostgreSQL is away, as long as there is nothing to do.
  const isPendingOnSqlite = onSqlite && (await isPending(sqlite, migrations));
  if (stage === 'write' && isPendingOnSqlite) {
    throw new CrossfadeError(
      'SCHEMA_CHANGE_REFUSED',
      'migrations are pending, and in stage "write" SQLite takes none',
      {
        hint: 'go back to stage read, migrate, and go on to write: crossfade stage read',
      },
    );
  }
  return await underLock(postgres, isPendingOnSqlite, async (reached) => {
    if (!reached) return { sqlite: [], postgres: [] };
    const other = loadKnex()({
      client: 'pg',
      connection: { connectionString: postgres, ...(onSqlite ? { options: PASSES_FENCE } : {}) },
      pool: { min: 0, max: 1 },
      // What goes wrong is thrown.
      log: { warn: () => {}, error: () => {} },
    });
    try {
      const ranOnPostgres = await run('PostgreSQL', other, migrations);
      const ranOnSqlite = onSqlite ? await run('SQLite', sqlite, migrations) : [];
      return { sqlite: ranOnSqlite, postgres: ranOnPostgres };
    } finally {
      await other.destroy();
    }
  });
}

async function isPending(database: Knex, migrations: Knex.MigratorConfig): Promise<boolean> {
  const [, pending] = (await database.migrate.list(migrations)) as [unknown[], unknown[]];
  return pending.length > 0;
}

async function run(name: string, database: Knex, migrations: Knex.MigratorConfig): Promise<readonly string[]> {
  const before = await completed(database, migrations);
  try {
    await database.migrate.latest(migrations);
  } catch (error) {
    const ran = added(before, await completed(database, migrations).catch(() => before));
    const locked = error instanceof Error && error.name === 'MigrationLocked';
    throw new CrossfadeError(
      'MIGRATION_FAILED',
      `the migrations failed on ${name}: ${messageOf(error)}${ran.length === 0 ? '' : ` (before it ran: ${ran.join(', ')})`}`,
      {
        hint: locked
          ? 'another process migrates; if it died, run: UPDATE knex_migrations_lock SET is_locked = 0'
          : 'mend the migration and run it again: what has run is not run again, on either database',
        cause: error,
      },
    );
  }
  return added(before, await completed(database, migrations));
}

/** The names as Knex records them; a migration source may give other things than names. */
async function completed(database: Knex, migrations: Knex.MigratorConfig): Promise<readonly string[]> {
  const [done] = (await database.migrate.list(migrations)) as [readonly { readonly name: string }[], unknown];
  return done.map(({ name }) => name);
}

function added(before: readonly string[], after: readonly string[]): readonly string[] {
  return after.filter((name) => !before.includes(name));
}

/** One process at a time. Without anything to do, PostgreSQL may be away; the work is told. */
async function underLock<T>(url: string, isNeeded: boolean, work: (reached: boolean) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'crossfade migrate',
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    if (!isNeeded) return await work(false);
    throw new CrossfadeError('POSTGRES_UNREACHABLE', `migrations are pending, and PostgreSQL could not be reached`, {
      hint: 'they run on both databases or on none; start PostgreSQL, or start the API without migrateOnStart',
      cause: error,
    });
  }
  try {
    await client.query(`SET lock_timeout = ${LOCK_LIMIT_MS}`);
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    return await work(true);
  } finally {
    await client.end();
  }
}
