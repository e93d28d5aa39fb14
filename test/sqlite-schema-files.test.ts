import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { dirname, join } from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { CrossfadeError } from '../adapter/errors.ts';
import { openLiveFile } from '../migrations/sqlite/open-live-file.ts';
import { readSchema } from '../migrations/sqlite/read-schema.ts';
import { sqliteFile, tempFolder } from './helpers/sqlite.ts';

const TABLE =
  'CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL CHECK (a <> 1)); INSERT INTO t (a) VALUES (2), (3);';

function beside(path: string): readonly string[] {
  return readdirSync(dirname(path)).sort();
}

function refusal(path: string, options?: Parameters<typeof openLiveFile>[1]): CrossfadeError {
  try {
    openLiveFile(path, options).close();
  } catch (error) {
    if (error instanceof CrossfadeError) return error;
    throw error;
  }
  throw new Error(`${path} was opened`);
}

for (const mode of ['delete', 'wal'])
  test(`a file in journal mode ${mode} is read and left as it was, with nothing beside it`, (t) => {
    const path = sqliteFile(t, `PRAGMA journal_mode = ${mode}; ${TABLE} CREATE VIEW v AS SELECT "text" FROM t;`);
    const [bytes, modified] = [readFileSync(path), statSync(path).mtimeMs];
    const db = openLiveFile(path);
    // The view needs a temporary stand-in, which read-only connections allow and query_only does not.
    t.is(readSchema(db).views.length, 1);
    t.throws(() => db.exec('DELETE FROM t'), { any: true, code: 'SQLITE_READONLY' });
    db.close();
    t.deepEqual(beside(path), ['app.sqlite']);
    t.true(readFileSync(path).equals(bytes));
    t.is(statSync(path).mtimeMs, modified);
  });

test('a file that another connection writes to is read, its WAL included, and stays in use', (t) => {
  const path = sqliteFile(t, `PRAGMA journal_mode = wal; ${TABLE}`);
  const writer = new Database(path);
  writer.exec('CREATE TABLE later (x)');
  const db = openLiveFile(path);
  t.is(readSchema(db).tables.length, 2);
  db.close();
  writer.exec('INSERT INTO later VALUES (1)');
  t.is(writer.prepare('SELECT count(*) FROM later').pluck().get(), 1);
  writer.close();
  t.deepEqual(beside(path), ['app.sqlite']);
});

test('the WAL that a killed program left is read and kept, and the file not written to', (t) => {
  const path = sqliteFile(t, `PRAGMA journal_mode = wal; ${TABLE}`);
  const writer = new Database(path);
  writer.exec('CREATE TABLE later (x)');
  const left = join(dirname(path), 'left');
  mkdirSync(left);
  const copy = join(left, 'app.sqlite');
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  writer.close();
  const [bytes, wal] = [readFileSync(copy), readFileSync(`${copy}-wal`)];
  const db = openLiveFile(copy);
  t.is(readSchema(db).tables.length, 2);
  db.close();
  t.true(readFileSync(copy).equals(bytes));
  t.true(readFileSync(`${copy}-wal`).equals(wal));
});

test('a path that leads to no database is refused by what is there', (t) => {
  const folder = tempFolder(t);
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  t.regex(refusal(join(folder, 'none.sqlite')).message, /there is no such file/);
  t.regex(refusal(join(folder, 'no/where.sqlite')).message, /there is no such file/);
  t.regex(refusal(folder).message, /it is a folder/);
  t.regex(refusal(file('empty', '')).message, /it is empty/);
  t.regex(refusal(file('text', 'CREATE TABLE t (a);\n'.repeat(200))).message, /it is not a SQLite database$/);
  t.regex(refusal(file('random', randomFillSync(Buffer.alloc(8192)))).message, /or it is encrypted/);
  t.regex(refusal(file('short', 'SQLite format 3\0')).message, /it is not a SQLite database$/);
  t.regex(refusal(sqliteFile(t)).message, /it holds no tables/);
  for (const name of readdirSync(folder)) t.is(refusal(join(folder, name)).code, 'SQLITE_UNREADABLE');
});

test('a damaged file is refused by what is damaged, unless nobody looks', (t) => {
  const path = sqliteFile(
    t,
    `${TABLE} CREATE TABLE big (x); INSERT INTO big SELECT randomblob(900) FROM generate_series(1, 100);`.replace(
      'generate_series(1, 100)',
      '(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n)',
    ),
  );
  const bytes = readFileSync(path);
  bytes.fill(0xff, bytes.length - 4096 * 3, bytes.length - 4096);
  writeFileSync(path, bytes);
  const error = refusal(path);
  t.is(error.code, 'SQLITE_UNREADABLE');
  t.regex(error.message, /it is damaged: /);
  t.regex(error.hint, /\.recover/);
  openLiveFile(path, { check: 'none' }).close();
  writeFileSync(path, bytes.subarray(0, bytes.length / 2));
  t.regex(refusal(path).message, /damaged|malformed/);
});

test('rows that break their table’s constraints are no damage', (t) => {
  const path = sqliteFile(t, `${TABLE} PRAGMA ignore_check_constraints = ON; INSERT INTO t (a) VALUES (1);`);
  openLiveFile(path, { check: 'full' }).close();
  t.pass();
});

test('only a full check finds an index with another value than its row', (t) => {
  const path = sqliteFile(t, `${TABLE} CREATE INDEX i ON t (a);`);
  const db = new Database(path);
  db.unsafeMode();
  db.pragma('writable_schema = ON');
  const index = db.prepare(`SELECT * FROM sqlite_schema WHERE name = 'i'`).raw().get() as unknown[];
  db.exec(
    `DELETE FROM sqlite_schema WHERE name = 'i'; PRAGMA writable_schema = RESET; UPDATE t SET a = 4 WHERE id = 2;`,
  );
  db.pragma('writable_schema = ON');
  db.prepare('INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)').run(index);
  db.close();
  openLiveFile(path, { check: 'quick' }).close();
  t.regex(refusal(path, { check: 'full' }).message, /row 2 missing from index i/);
});

test('a schema that calls what only the application has is checked as far as that goes', (t) => {
  const path = sqliteFile(
    t,
    `${TABLE} CREATE TABLE own (a CHECK (a <> '')); INSERT INTO own VALUES ('x'); CREATE VIEW v AS SELECT slug(a) FROM own;`,
  );
  const db = new Database(path);
  db.unsafeMode();
  db.pragma('writable_schema = ON');
  db.exec(
    `UPDATE sqlite_schema SET sql = 'CREATE TABLE own (a COLLATE german CHECK (slug(a) <> ''''))' WHERE name = 'own'`,
  );
  db.close();
  for (const check of ['quick', 'full'] as const) {
    const opened = openLiveFile(path, { check });
    t.is(readSchema(opened).findings[0]?.code, 'view-over-missing-function');
    opened.close();
  }
  const opened = openLiveFile(path, { functions: { slug: String } });
  t.deepEqual(readSchema(opened).findings, []);
  opened.close();
});

test('a file that is locked for good is told to be busy', (t) => {
  const path = sqliteFile(t, TABLE);
  const other = new Database(path);
  other.exec('BEGIN EXCLUSIVE');
  const error = refusal(path, { busyLimitMs: 10 });
  other.close();
  t.is(error.code, 'SQLITE_BUSY');
  t.true(error.retryable);
});

test('a transaction that was cut off is not rolled back by reading, but told', (t) => {
  const path = sqliteFile(t, TABLE);
  const program = `
    const db = new (require('better-sqlite3'))(${JSON.stringify(path)});
    db.pragma('cache_size = 1');
    db.exec("BEGIN; INSERT INTO t (a) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT hex(randomblob(900)) FROM n");
    process.kill(process.pid, 'SIGKILL');`;
  spawnSync(process.execPath, ['-e', program], { stdio: 'ignore' });
  const [bytes, journal] = [readFileSync(path), readFileSync(`${path}-journal`)];
  const error = refusal(path);
  t.is(error.code, 'SQLITE_UNREADABLE');
  t.regex(error.message, /cut off/);
  t.regex(error.hint, /-journal/);
  t.true(readFileSync(path).equals(bytes));
  t.true(readFileSync(`${path}-journal`).equals(journal));
});
