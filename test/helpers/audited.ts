import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { audit } from '../../migrations/schema.ts';
import type { Audit, AuditRequest } from '../../migrations/schema.ts';
import { freshDatabase } from './postgres.ts';
import { sqliteFile } from './sqlite.ts';

/** Audits the database that `sql` makes, on a PostgreSQL of its own. */
export async function audited(
  t: Pick<ExecutionContext, 'teardown'>,
  sql: string,
  request: Omit<AuditRequest, 'client' | 'kind' | 'path'> = {},
): Promise<Audit> {
  const client = new pg.Client({ connectionString: await freshDatabase(t) });
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end().catch(() => {}));
  return await audit({ kind: 'sqlite', path: sqliteFile(t, sql), client, ...request });
}
