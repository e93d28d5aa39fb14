/** The process of a `WriteProbe`, started with the two databases. */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import pg from 'pg';
import type { StoreName } from '../../adapter/index.ts';
import { isInfrastructureError } from '../../adapter/infrastructure-error.ts';
import type { Answers } from './write-probe.ts';

/** SQLite's lock goes to whoever asks at the right moment: a prober without pauses would leave nothing to the writers. */
const PAUSE_MS = 15;

const [path = '', url = ''] = process.argv.slice(2);
await main({ path, url });

async function main(databases: { readonly path: string; readonly url: string }): Promise<void> {
  let isOver = false;
  process.once('message', () => (isOver = true));
  // Nobody is left to hear of it.
  process.once('disconnect', () => (isOver = true));
  const seen: Answers = { none: 0, sqlite: 0, postgres: 0, both: 0 };
  const sqlite = new Database(databases.path, { timeout: 0 });
  let postgres = await connect(databases.url);
  try {
    while (!isOver) {
      const taken = await ask(sqlite, postgres).catch(async (error: unknown) => {
        if (!isInfrastructureError(error)) throw error;
        // Which of the two it does not take cannot be known while it is away.
        await postgres.end().catch(() => {});
        postgres = await connect(databases.url);
        return null;
      });
      if (taken !== null) seen[taken.length === 2 ? 'both' : (taken[0] ?? 'none')] += 1;
      process.send?.(seen);
      await sleep(PAUSE_MS);
    }
  } finally {
    sqlite.close();
    await postgres.end().catch(() => {});
  }
  if (process.connected) process.disconnect();
}

/**
 * The databases that take a write; `null` when SQLite is busy just now. A transaction holds SQLite as it is while
 * PostgreSQL is asked, so that no switch can come between the two answers.
 */
async function ask(sqlite: Database.Database, postgres: pg.Client): Promise<readonly StoreName[] | null> {
  try {
    sqlite.exec('BEGIN IMMEDIATE');
  } catch {
    return null;
  }
  try {
    const taken: StoreName[] = [];
    if (isTakenBySqlite(sqlite)) taken.push('sqlite');
    if (await isTakenByPostgres(postgres)) taken.push('postgres');
    return taken;
  } finally {
    sqlite.exec('ROLLBACK');
  }
}

function isTakenBySqlite(sqlite: Database.Database): boolean {
  try {
    sqlite.exec(`INSERT INTO settings (name) VALUES ('probe')`);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('crossfade: fenced')) return false;
    throw error;
  }
}

async function isTakenByPostgres(postgres: pg.Client): Promise<boolean> {
  // Whoever holds the tables may be waiting for SQLite in turn; what must wait is not taken yet.
  await postgres.query(`BEGIN; SET LOCAL lock_timeout = '50ms'`);
  try {
    await postgres.query(`INSERT INTO settings (name) VALUES ('probe')`);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && (error.code === 'CF001' || error.code === '55P03')) return false;
    throw error;
  } finally {
    await postgres.query('ROLLBACK');
  }
}

/** Tries until it answers, or until nobody waits for this process any more. */
async function connect(connectionString: string): Promise<pg.Client> {
  while (true) {
    const client = new pg.Client({ connectionString });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (!isInfrastructureError(error) || !process.connected) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
