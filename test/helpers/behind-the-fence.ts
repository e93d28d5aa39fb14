import Database from 'better-sqlite3';
import { Client } from 'pg';

/**
 * Changes a database as nobody should: neither fenced nor captured, so that the other one never hears of it.
 * This is how tests make two databases differ.
 */
export async function behindTheFence(
  database: { readonly sqlite: string } | { readonly postgres: string },
  sql: string,
): Promise<void> {
  if ('sqlite' in database) {
    const file = new Database(database.sqlite);
    try {
      file.exec(
        `BEGIN IMMEDIATE; UPDATE _crossfade_state SET mirroring = 1; ${sql}; UPDATE _crossfade_state SET mirroring = 0; COMMIT`,
      );
    } finally {
      file.close();
    }
    return;
  }
  const client = new Client({ connectionString: database.postgres });
  await client.connect();
  try {
    await client.query(`BEGIN; SET LOCAL crossfade.mirroring = 'on'; ${sql}; COMMIT`);
  } finally {
    await client.end();
  }
}
