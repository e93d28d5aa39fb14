import type pg from 'pg';

/**
 * Runs `work` while this session holds the advisory lock of that name; resolves to `undefined` when another session
 * holds it. The lock is the session's, so nothing is open meanwhile that would hold VACUUM back.
 */
export async function runExclusively<T>(
  pool: pg.Pool,
  name: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  const client = await pool.connect();
  let isBroken = true;
  try {
    const { rows } = await client.query<{ taken: string }>(`SELECT pg_try_advisory_lock(${KEY}) AS taken`, [name]);
    if (rows[0]?.taken !== 't') {
      isBroken = false;
      return undefined;
    }
    try {
      return { result: await work() };
    } finally {
      await client.query(`SELECT pg_advisory_unlock(${KEY})`, [name]).then(
        () => (isBroken = false),
        // A session that is gone holds nothing.
        () => {},
      );
    }
  } finally {
    client.release(isBroken);
  }
}

/** Advisory locks belong to the database, so the schema is part of the name. */
const KEY = `hashtextextended('crossfade ' || current_schema() || ' ' || $1::text, 0)`;
