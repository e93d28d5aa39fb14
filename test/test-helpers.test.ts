import { readdirSync } from 'node:fs';
import test from 'ava';
import Database from 'better-sqlite3';
import { Client } from 'pg';
import { freshDatabase, stoppableServer } from './helpers/postgres.ts';
import { sqliteFile, tempFolder } from './helpers/sqlite.ts';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('two fresh databases know nothing of each other', async (t) => {
  const [one, other] = await Promise.all([freshDatabase(t), freshDatabase(t)]);
  await query(one, 'CREATE TABLE thing (id int)');
  t.deepEqual(await query(other, `SELECT to_regclass('thing') AS found`), [{ found: null }]);
});

test('a fresh database is UTF-8, and what it says is committed survives its server', async (t) => {
  const url = await freshDatabase(t);
  t.deepEqual(
    await query(
      url,
      `SELECT current_setting('synchronous_commit') AS commit, current_setting('full_page_writes') AS pages,
         current_setting('server_encoding') AS encoding`,
    ),
    [{ commit: 'on', pages: 'on', encoding: 'UTF8' }],
  );
});

test('a killed server comes back at the same address with what was committed', async (t) => {
  const server = await stoppableServer(t);
  await query(server.url, 'CREATE TABLE thing AS SELECT 1 AS id');
  await server.kill();
  await t.throwsAsync(query(server.url, 'SELECT 1'));
  await server.start();
  t.deepEqual(await query(server.url, 'SELECT id FROM thing'), [{ id: 1 }]);
  await server.stop();
  await t.throwsAsync(query(server.url, 'SELECT 1'));
  await server.start();
  t.deepEqual(await query(server.url, 'SELECT id FROM thing'), [{ id: 1 }]);
});

test('a server that was killed and stays dead is cleaned up too', async (t) => {
  const server = await stoppableServer(t);
  await server.kill();
  await t.throwsAsync(query(server.url, 'SELECT 1'));
});

test('a SQLite file holds what it was made with', (t) => {
  const database = new Database(
    sqliteFile(t, 'CREATE TABLE thing (id INTEGER PRIMARY KEY); INSERT INTO thing VALUES (7)'),
  );
  t.teardown(() => database.close());
  t.deepEqual(database.prepare('SELECT id FROM thing').all(), [{ id: 7 }]);
});

test('a temporary folder is new and empty', (t) => {
  const [one, other] = [tempFolder(t), tempFolder(t)];
  t.not(one, other);
  t.deepEqual(readdirSync(one), []);
});
