import type { ClientBase } from 'pg';

/** The version of a PostgreSQL server: 180004 is 18.4. Tests ask where an older one lacks what they try. */
export async function serverVersion(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT current_setting('server_version_num')::integer::text AS version`,
  );
  return Number(rows[0]?.version);
}
