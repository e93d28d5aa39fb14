import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import Database from 'better-sqlite3';
import knex from 'knex';
import { Client } from 'pg';
import { freshDatabase } from './helpers/postgres.ts';
import { sqliteFile, tempFolder } from './helpers/sqlite.ts';

const CLI = fileURLToPath(new URL('../server/cli.js', import.meta.url));

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `crossfade schema` in a folder, without any variable set. */
function schema(folder: string, words: readonly string[]): Promise<Run> {
  const { PATH, HOME } = process.env;
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { PATH, HOME }, timeout: 90_000, maxBuffer: 1 << 26 };
    execFile(process.execPath, [CLI, 'schema', ...words], options, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

const TABLES = `
  CREATE TABLE shops (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE, since TEXT DEFAULT (datetime('now', '-1 day')));
  CREATE TABLE orders (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL REFERENCES shops, note TEXT DEFAULT 'what?', total INTEGER CHECK (total > 0));
  CREATE INDEX orders_open ON orders (shop_id) WHERE total > 100;
  CREATE TRIGGER shops_named AFTER UPDATE OF name ON shops WHEN NEW.name = '?' BEGIN SELECT RAISE(ABORT, 'what? \\?'); END;
  CREATE VIEW big AS SELECT s.name, count(*) AS n FROM orders o JOIN shops s ON s.id = o.shop_id GROUP BY s.id;
  INSERT INTO shops (name) VALUES ('a'), ('b');
  INSERT INTO orders (shop_id, total) VALUES (1, 5);`;

test('a schema is written as SQL and as a Knex migration, both of which make it, and applied; then nothing differs', async (t) => {
  const folder = tempFolder(t);
  const sqlite = sqliteFile(t, TABLES);
  const [applied, fromSql, fromKnex] = [await freshDatabase(t), await freshDatabase(t), await freshDatabase(t)];
  const words = ['--sqlite', sqlite, '--postgres', applied];
  const run = await schema(folder, [...words, '--apply', '--out', 'base.sql', '--knex', 'base.mjs', '--json']);
  t.is(run.status, 0, run.stderr);
  const report = JSON.parse(run.stdout) as { version: number; applied: boolean; counts: { rejections: number } };
  t.like(report, { version: 1, applied: true, counts: { tables: 2, views: 1, foreignKeys: 1, rejections: 0 } });

  const client = new Client({ connectionString: fromSql });
  await client.connect();
  await client.query(readFileSync(join(folder, 'base.sql'), 'utf8'));
  await client.end();
  const migrated = knex({ client: 'pg', connection: fromKnex, pool: { min: 0, max: 1 } });
  t.teardown(() => migrated.destroy());
  mkdirSync(join(folder, 'migrations'));
  writeFileSync(join(folder, 'migrations', '0001_base.mjs'), readFileSync(join(folder, 'base.mjs')));
  await migrated.migrate.latest({ directory: join(folder, 'migrations'), loadExtensions: ['.mjs'] });
  const [row] = await migrated('shops').insert({ name: 'c' }).returning('id');
  t.deepEqual(row, { id: '3' }, 'ids go on where SQLite stands');
  await t.throwsAsync(migrated('shops').where({ id: 3 }).update({ name: '?' }), { message: /what\? \\\?/ });
  await migrated.migrate.rollback({ directory: join(folder, 'migrations'), loadExtensions: ['.mjs'] });
  t.false(await migrated.schema.hasTable('shops'));
  const { rows: left } = await migrated.raw<{ rows: unknown[] }>(
    `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
  );
  t.deepEqual(left, [], 'nothing of it is left');

  for (const url of [applied, fromSql]) {
    const same = await schema(folder, ['--sqlite', sqlite, '--postgres', url, '--diff']);
    t.is(same.status, 0, same.stdout);
  }
  const change = new Client({ connectionString: applied });
  await change.connect();
  await change.query(
    'ALTER TABLE orders ALTER COLUMN total TYPE integer; DROP VIEW big; CREATE INDEX extra ON orders (note)',
  );
  await change.end();
  const drift = await schema(folder, [...words, '--diff']);
  t.is(drift.status, 1);
  t.regex(drift.stdout, /view "big": is missing/);
  t.regex(drift.stdout, /table "orders", column "total": is type integer, and should be type bigint/);
  t.regex(drift.stdout, /index "extra": is not in the plan/);
});

test('on SQLite the Knex migration does nothing', async (t) => {
  const folder = tempFolder(t);
  const run = await schema(folder, [
    '--sqlite',
    sqliteFile(t, TABLES),
    '--postgres',
    await freshDatabase(t),
    '--knex',
    'base.cjs',
  ]);
  t.is(run.status, 0, run.stderr);
  const file = sqliteFile(t);
  const database = knex({ client: 'better-sqlite3', connection: { filename: file }, useNullAsDefault: true });
  t.teardown(() => database.destroy());
  mkdirSync(join(folder, 'migrations'));
  writeFileSync(join(folder, 'migrations', '0001_base.cjs'), readFileSync(join(folder, 'base.cjs')));
  await database.migrate.latest({ directory: join(folder, 'migrations'), loadExtensions: ['.cjs'] });
  t.false(await database.schema.hasTable('shops'));
});

test("Knex's record of migrations goes along, so that Knex runs only later ones on PostgreSQL", async (t) => {
  const url = await freshDatabase(t);
  const sqlite = sqliteFile(
    t,
    `${TABLES} CREATE TABLE knex_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name varchar(255), batch INTEGER, migration_time DATETIME);
     CREATE TABLE knex_migrations_lock ("index" INTEGER PRIMARY KEY AUTOINCREMENT, is_locked INTEGER);
     INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('001_shops.js', 1, 1700000000123), ('002_it''s.js', 2, '2024-05-06 07:08:09');`,
  );
  const run = await schema(tempFolder(t), ['--sqlite', sqlite, '--postgres', url, '--apply']);
  t.is(run.status, 0, run.stdout + run.stderr);
  const client = new Client({ connectionString: url });
  await client.connect();
  t.teardown(() => client.end());
  const { rows } = await client.query(
    `SELECT id, name, batch, to_char(migration_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') AS at FROM knex_migrations ORDER BY id`,
  );
  t.deepEqual(rows, [
    { id: 1, name: '001_shops.js', batch: 1, at: '2023-11-14 22:13:20.123' },
    { id: 2, name: "002_it's.js", batch: 2, at: '2024-05-06 07:08:09.000' },
  ]);
});

test('without a database to try it on, an embedded PostgreSQL is used, and a rejection ends with status 1 and writes nothing', async (t) => {
  const folder = tempFolder(t);
  const run = await schema(folder, ['--migrations', folderOf(folder), '--out', 'base.sql']);
  t.is(run.status, 1, run.stderr);
  t.regex(run.stdout, /foreign-key-without-parent/);
  t.regex(run.stdout, /→ create the table, or leave it out with omit: \["foreign-key:orders\.shop_id"\]/);
  t.false(existsSync(join(folder, 'base.sql')));
  writeFileSync(join(folder, 'crossfade.config.json'), '{"omit":["foreign-key:orders.shop_id"]}');
  const again = await schema(folder, ['--migrations', folderOf(folder), '--out', 'base.sql']);
  t.is(again.status, 0, again.stdout + again.stderr);
  t.true(existsSync(join(folder, 'base.sql')));
});

function folderOf(parent: string): string {
  const folder = join(parent, 'sql');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, '1.sql'),
    'CREATE TABLE orders (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shops (id));',
  );
  return folder;
}

interface Mistake {
  readonly what: string;
  readonly words: (folder: string) => readonly string[];
  readonly says: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  { what: 'no schema', words: () => [], says: /no schema was named.*--sqlite <file>/s },
  { what: 'a file that is not there', words: () => ['--sqlite', 'none.sqlite'], says: /none\.sqlite/ },
  {
    what: 'a file that is no database',
    words: (folder) => {
      writeFileSync(join(folder, 'text.sqlite'), 'hello '.repeat(100));
      return ['--sqlite', 'text.sqlite'];
    },
    says: /not a SQLite database/,
  },
  {
    what: 'a database without tables',
    words: (folder) => {
      const db = new Database(join(folder, 'empty.sqlite'));
      db.pragma('user_version = 1');
      db.close();
      return ['--sqlite', 'empty.sqlite'];
    },
    says: /empty|no table/,
  },
  {
    what: 'a migration that fails',
    words: (folder) => {
      mkdirSync(join(folder, 'bad'));
      writeFileSync(join(folder, 'bad', '1.sql'), 'CREATE TABLE a (id INTEGER);\n\nINSERT INTO b VALUES (1);\n');
      return ['--migrations', 'bad'];
    },
    says: /1\.sql.*line 3|1\.sql:3/s,
  },
  {
    what: 'an unknown profile',
    words: (folder) => {
      writeFileSync(join(folder, 'crossfade.config.json'), '{"profile":"loose"}');
      return ['--sqlite', 'none.sqlite'];
    },
    says: /profile.*faithful.*native/s,
  },
  {
    what: 'a database that cannot be reached',
    words: (folder) => {
      const db = new Database(join(folder, 'one.sqlite'));
      db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY)');
      db.close();
      return ['--sqlite', 'one.sqlite', '--postgres', 'postgresql://user:secret@127.0.0.1:1/none'];
    },
    says: /PostgreSQL could not be reached/,
  },
];

for (const { what, words, says } of MISTAKES) {
  test(`${what} ends with status 2, what was found, and what to do`, async (t) => {
    const folder = tempFolder(t);
    const run = await schema(folder, words(folder));
    t.is(run.status, 2);
    t.regex(run.stderr, says);
    t.regex(run.stderr, /hint: /);
    t.notRegex(run.stderr + run.stdout, /secret/);
  });
}
