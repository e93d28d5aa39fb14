import type { ExecutionContext } from 'ava';
import { Client } from 'pg';
import { installPack } from '../../migrations/pack/install-pack.ts';
import { AgainstSqlite, CANONICAL_SQL } from './against-sqlite.ts';
import type { Comparison } from './against-sqlite.ts';
import { freshDatabase } from './postgres.ts';

/** A PostgreSQL database with the function pack in it, beside SQLite. Gone with the test. */
export interface PackDatabase {
  readonly client: Client;
  /** Fails the test with the first differences, if SQLite and PostgreSQL disagree. */
  readonly agree: (comparison: Comparison) => Promise<void>;
}

export async function packDatabase(t: ExecutionContext): Promise<PackDatabase> {
  const client = new Client({ connectionString: await freshDatabase(t) });
  await client.connect();
  t.teardown(() => client.end());
  await installPack(client);
  await client.query(CANONICAL_SQL);
  const pair = new AgainstSqlite(client);
  t.teardown(() => {
    pair.close();
  });
  return {
    client,
    agree: async (comparison) => {
      const differences = await pair.differences(comparison);
      t.is(
        differences.length,
        0,
        `${differences.length} of ${comparison.rows.length}:\n${differences.slice(0, 12).join('\n')}`,
      );
    },
  };
}

/** Every combination of one from each list. */
export function combinations<T>(...lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((next) => [...row, next])), [[]]);
}
