import test from 'ava';
import { compareDatabases } from '../compare/compare.ts';
import type { Crossfade, StoreName } from '../adapter/index.ts';
import { formatKey } from '../adapter/spec.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

/** The rows that a secondary refused, and why. */
async function quarantine(crossfade: Crossfade, secondary: StoreName): Promise<readonly string[]> {
  const { quarantine: entries } = await crossfade.stores[secondary].progress();
  return entries.map(({ table, key, reason }) => `${table} ${formatKey(key)}: ${reason}`);
}

const NUMBERS = {
  sqlite: 'CREATE TABLE numbers (id INTEGER PRIMARY KEY, n NUMERIC, note TEXT)',
  postgres: 'CREATE TABLE numbers (id bigint PRIMARY KEY, n numeric, note text)',
};

test('a number of more digits than SQLite holds goes to quarantine, the rest goes on, and it heals', async (t) => {
  const pair = await makePair(t, { tables: NUMBERS });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(`INSERT INTO numbers VALUES (1, 0.5), (2, 2.25), (3, 3)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  await pair.postgres.query(`
    UPDATE numbers SET n = 12345678901234567890.123456789 WHERE id = 2;
    UPDATE numbers SET n = 9223372036854775807 WHERE id = 1;
    UPDATE numbers SET n = 'NaN' WHERE id = 3;
    INSERT INTO numbers VALUES (4, 0.1), (5, '-Infinity');`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await quarantine(crossfade, 'sqlite'), [
    'numbers [2]: a number of more digits than SQLite can hold',
    'numbers [3]: not a number (NaN), which SQLite cannot hold',
  ]);
  t.deepEqual(pair.sqlite.prepare('SELECT id, CAST(n AS TEXT) AS n FROM numbers ORDER BY id').all(), [
    { id: 1, n: '9223372036854775807' },
    { id: 4, n: '0.1' },
    { id: 5, n: '-Inf' },
  ]);
  const { outcome, totals } = await compareDatabases(crossfade, { record: false });
  t.like({ outcome, ...totals }, { outcome: 'mismatch', quarantined: 2, missing: 0, differing: 0 });

  await pair.postgres.query(
    'UPDATE numbers SET n = round(n, 4) - 12345678901234567890 WHERE id = 2; DELETE FROM numbers WHERE id = 3',
  );
  await until('the rows are mended', async () => (await quarantine(crossfade, 'sqlite')).length === 0);
  t.deepEqual(await differences(crossfade), []);
  t.is(pair.sqlite.prepare('SELECT n FROM numbers WHERE id = 2').pluck().get(), 0.1235);
});

test('a number that SQLite cannot hold as a key is quarantined under its own key, and can be mended', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE numbers (n NUMERIC PRIMARY KEY NOT NULL, note TEXT)',
    postgres: 'CREATE TABLE numbers (n numeric PRIMARY KEY, note text)',
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(`INSERT INTO numbers VALUES (0.12345678901234567, 'a'), (0.1234567890123457, 'b')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await quarantine(crossfade, 'sqlite'), [
    'numbers [0.12345678901234567]: a number of more digits than SQLite can hold',
  ]);
  t.deepEqual(pair.sqlite.prepare('SELECT note FROM numbers').pluck().all(), ['b']);
  await pair.postgres.query(`UPDATE numbers SET n = 7 WHERE note = 'a'`);
  await until('the row is mended', async () => (await quarantine(crossfade, 'sqlite')).length === 0);
  t.deepEqual(await differences(crossfade), []);
});

test("a value that a SQLite column's affinity would change goes to quarantine, and heals", async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE parts (id INTEGER PRIMARY KEY, code STRING, weight REAL, size)',
    postgres: 'CREATE TABLE parts (id bigint PRIMARY KEY, code text, weight numeric, size text)',
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(`INSERT INTO parts VALUES
    (1, '007', 1, '007'), (2, 'seven', 9007199254740993, '7'), (3, 'x', 9007199254740992, '7.0'), (4, '', 0.5, NULL)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  const reason = "a value that the declared type of SQLite's column would change";
  t.deepEqual(await quarantine(crossfade, 'sqlite'), [`parts [1]: ${reason}`, `parts [2]: ${reason}`]);
  t.deepEqual(pair.sqlite.prepare('SELECT id, size FROM parts').all(), [
    { id: 3, size: '7.0' },
    { id: 4, size: null },
  ]);
  await pair.postgres.query(`UPDATE parts SET code = 'no 7', weight = 1 WHERE id < 3`);
  await until('the rows are mended', async () => (await quarantine(crossfade, 'sqlite')).length === 0);
  t.deepEqual(await differences(crossfade), []);
});

const NOTES = {
  sqlite: 'CREATE TABLE notes (name TEXT PRIMARY KEY NOT NULL, body TEXT, n INTEGER)',
  postgres: 'CREATE TABLE notes (name text PRIMARY KEY, body text, n bigint)',
};

test('text that is not UTF-8 goes to quarantine, from a backfill and later, the rest goes on, and it heals', async (t) => {
  const pair = await makePair(t, { tables: NOTES });
  pair.sqlite.exec(
    `INSERT INTO notes VALUES ('lone surrogate', CAST(x'eda080' AS TEXT), 1), ('good', 'a' || char(0xFFFD), 1)`,
  );
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  const reason = 'text that is not valid UTF-8, which PostgreSQL cannot hold';
  t.deepEqual(await quarantine(crossfade, 'postgres'), [`notes ["lone surrogate"]: ${reason}`]);
  pair.sqlite.exec(`
    INSERT INTO notes VALUES ('latin 1', CAST(x'fc' AS TEXT), 1), ('overlong', CAST(x'c0af' AS TEXT), 1),
      ('beyond', CAST(x'f4908080' AS TEXT), 1), ('cut off', 'a' || CAST(x'e282' AS TEXT), 1), ('blob', x'fc', 1);
    UPDATE notes SET n = 2 WHERE name = 'good'`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await quarantine(crossfade, 'postgres'), [
    `notes ["beyond"]: ${reason}`,
    'notes ["blob"]: blob in a column of PostgreSQL type text',
    ...['cut off', 'latin 1', 'lone surrogate', 'overlong'].map((name) => `notes ["${name}"]: ${reason}`),
  ]);
  t.deepEqual((await pair.postgres.query('SELECT * FROM notes')).rows, [{ name: 'good', body: 'a\uFFFD', n: '2' }]);

  // Not even a row that holds what it would be decoded to is taken for the same.
  await pair.postgres.query(`SET crossfade.mirroring = 'on'`);
  await pair.postgres.query(`INSERT INTO notes VALUES ('latin 1', U&'\\FFFD', 1)`);
  const { outcome, totals } = await compareDatabases(crossfade, { record: false });
  t.like({ outcome, ...totals }, { outcome: 'mismatch', quarantined: 6, missing: 0, extra: 0 });

  pair.sqlite.exec(`UPDATE notes SET body = 'mended' WHERE name <> 'good'`);
  await until('the rows are mended', async () => (await quarantine(crossfade, 'postgres')).length === 0);
  t.deepEqual(await differences(crossfade), []);
  t.is((await compareDatabases(crossfade, { record: false })).outcome, 'match');
});

test('a key that is not UTF-8 is found again by its bytes, from a backfill, in small steps and large ones', async (t) => {
  const pair = await makePair(t, { tables: NOTES });
  pair.sqlite.exec(`INSERT INTO notes VALUES (CAST(x'fc' AS TEXT), 'a', 1), (char(0xFFFD), 'b', 1), ('z', 'c', 1)`);
  const crossfade = await pair.open({ backfillRows: 1 });
  await goTo(crossfade, 'dual');
  const reason = 'text that is not valid UTF-8, which PostgreSQL cannot hold';
  t.deepEqual(await quarantine(crossfade, 'postgres'), [`notes [x'fc']: ${reason}`]);
  t.deepEqual(await namesOf(), ['z', '\uFFFD']);
  pair.sqlite.exec(`INSERT INTO notes VALUES (CAST(x'fd' AS TEXT), 'd', 1)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await quarantine(crossfade, 'postgres'), [`notes [x'fc']: ${reason}`, `notes [x'fd']: ${reason}`]);
  pair.sqlite.exec(`
    WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 5000) INSERT INTO notes SELECT 'n' || n, NULL, n FROM i;
    INSERT INTO notes VALUES (CAST(x'fe' AS TEXT), 'e', 1);
    UPDATE notes SET name = 'fine' WHERE body = 'd'`);
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  t.deepEqual(await quarantine(crossfade, 'postgres'), [`notes [x'fc']: ${reason}`, `notes [x'fe']: ${reason}`]);
  t.like((await compareDatabases(crossfade, { record: false })).totals, {
    quarantined: 2,
    missing: 0,
    extra: 0,
    differing: 0,
  });
  pair.sqlite.exec(`UPDATE notes SET name = 'mended ' || body WHERE body IN ('a', 'e')`);
  await until('the rows are mended', async () => (await quarantine(crossfade, 'postgres')).length === 0);
  t.deepEqual(await differences(crossfade), []);

  async function namesOf(): Promise<readonly string[]> {
    const { rows } = await pair.postgres.query<{ name: string }>('SELECT name FROM notes ORDER BY name COLLATE "C"');
    return rows.map(({ name }) => name);
  }
});

test('a row whose key is mended without changing its value, from 1.0 to 1, leaves quarantine', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE items (k PRIMARY KEY NOT NULL, note TEXT)',
    postgres: 'CREATE TABLE items (k bigint PRIMARY KEY, note text)',
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  pair.sqlite.exec(`INSERT INTO items VALUES (1.0, 'a'), (2.5, 'b')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.is((await quarantine(crossfade, 'postgres')).length, 2);
  pair.sqlite.exec(`UPDATE items SET k = 1 WHERE note = 'a'`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await quarantine(crossfade, 'postgres'), ['items [2.5]: real in a column of PostgreSQL type bigint']);
  pair.sqlite.exec(`UPDATE items SET k = 2 WHERE note = 'b'`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await quarantine(crossfade, 'postgres'), []);
  t.deepEqual(await differences(crossfade), []);
});
