import { Client } from 'pg';
import { applyPlan, translateSchema } from '../../migrations/schema.ts';

/** Makes the tables of a SQLite file in an empty PostgreSQL database, as `crossfade schema --apply` does. */
export async function makeSchema({ sqlite, postgres }: { sqlite: string; postgres: string }): Promise<void> {
  // By declarations: the rows would say the same of the large table, and take a while to do so.
  const { plan } = await translateSchema({ kind: 'sqlite', path: sqlite, readsData: false, profile: 'faithful' });
  const client = new Client({ connectionString: postgres });
  await client.connect();
  try {
    const [difference] = await applyPlan(client, plan);
    if (difference !== undefined) throw new Error(`the schema could not be made: ${difference.message}`);
  } finally {
    await client.end();
  }
}
