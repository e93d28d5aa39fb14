import type pg from 'pg';
import type { TableSpec } from '../spec.ts';
import { lockState } from './bookkeeping.ts';
import { fenceSql, quote } from './sql.ts';

/** How long a writer may have to queue behind a fence that is being retired. */
const RETIRE_LOCK_MS = 20;

/** Under the tables' locks: refuses every write to them until this attempt is lifted. */
export async function raiseFence(client: pg.ClientBase, tables: readonly TableSpec[], attempt: number): Promise<void> {
  if (tables.length > 0) await client.query(tables.map((table) => fenceSql(table, attempt)).join('\n'));
}

/** Nobody queues behind this for longer than a few ms. Resolves to whether this store is a primary that no switch is under way from. */
export async function retireFenceOf(client: pg.ClientBase, table: string): Promise<boolean> {
  await client.query(`SET LOCAL lock_timeout = ${RETIRE_LOCK_MS}`);
  await client.query(`LOCK TABLE ${quote(table)} IN SHARE ROW EXCLUSIVE MODE`);
  const { role, intent } = await lockState(client);
  if (role !== 'primary' || intent !== null) return false;
  await client.query(`ALTER TABLE ${quote(table)} DISABLE TRIGGER crossfade_fence`);
  return true;
}
