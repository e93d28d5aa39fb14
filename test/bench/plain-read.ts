import Database from 'better-sqlite3';
import { finished } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { SAMPLE } from './sample-file.ts';

const RANGE_ROWS = 2_000;

/** Reads every row of the large table through better-sqlite3, in key ranges, and does nothing with them. Gives seconds. */
export function readSqlite(path: string): number {
  const file = new Database(path, { readonly: true });
  try {
    const startedAt = performance.now();
    const range = file.prepare(`SELECT * FROM ${SAMPLE} WHERE id > ? ORDER BY id LIMIT ${RANGE_ROWS}`);
    range.raw().safeIntegers();
    let after: unknown = -1;
    for (;;) {
      const rows = range.all(after) as unknown[][];
      if (rows.length === 0) return (performance.now() - startedAt) / 1000;
      after = rows.at(-1)?.[0];
    }
  } finally {
    file.close();
  }
}

/** Has PostgreSQL send every row of the large table by binary COPY, and throws it away. Gives seconds. */
export async function readPostgres(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const startedAt = performance.now();
    const rows = client.query(copyTo(`COPY ${SAMPLE} TO STDOUT (FORMAT binary)`));
    rows.resume();
    await finished(rows);
    return (performance.now() - startedAt) / 1000;
  } finally {
    await client.end();
  }
}
