import knex from 'knex';
import type { Knex } from 'knex';
import { CrossfadeError } from '../adapter/errors.ts';
import { isInfrastructureError } from '../adapter/infrastructure-error.ts';
import { runMigrations } from '../migrations/run-migrations.ts';

/** Brings the ledger's tables up to date in a SQLite file, which is made when it is missing. */
export async function migrateSqlite(filename: string): Promise<readonly string[]> {
  return await migrate({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true });
}

/**
 * Brings the ledger's tables up to date in a PostgreSQL database.
 *
 * @throws CrossfadeError `POSTGRES_UNREACHABLE` or `POSTGRES_REFUSED`.
 */
export async function migratePostgres(url: string): Promise<readonly string[]> {
  try {
    return await migrate({ client: 'pg', connection: url, pool: { min: 0, max: 2 }, acquireConnectionTimeout: 10_000 });
  } catch (error) {
    throw connectionError(error) ?? error;
  }
}

async function migrate(config: Knex.Config): Promise<readonly string[]> {
  const database = knex({ ...config, log: { warn: () => {}, error: () => {} } });
  try {
    return await runMigrations(database);
  } finally {
    await database.destroy();
  }
}

/** A driver's error about the connection itself, in words that name the remedy. */
function connectionError(error: unknown): CrossfadeError | undefined {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // Invalid authorization (28), and a database that does not exist.
  if (/^28\w{3}$|^3D000$/.test(code)) {
    return new CrossfadeError('POSTGRES_REFUSED', `PostgreSQL refused the connection (${code})`, {
      hint: 'check user, password and database name in DATABASE_URL; without it, an embedded PostgreSQL is used',
      cause: error,
    });
  }
  if (!isInfrastructureError(error)) return undefined;
  return new CrossfadeError('POSTGRES_UNREACHABLE', `PostgreSQL could not be reached (${code || 'no answer'})`, {
    hint: 'check host and port in DATABASE_URL and that the server runs; without it, an embedded PostgreSQL is used',
    cause: error,
  });
}
