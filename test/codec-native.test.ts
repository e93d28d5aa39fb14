import test from 'ava';
import type { ExecutionContext } from 'ava';
import { compareDatabases } from '../compare/compare.ts';
import type { Crossfade, StoreName } from '../adapter/index.ts';
import { formatKey } from '../adapter/spec.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

/** A schema with PostgreSQL's own types, and in SQLite what an application in Node writes for them. */
const NATIVE = {
  sqlite: `
    CREATE TABLE orders (id CHAR(36) PRIMARY KEY NOT NULL, paid_at DATETIME, created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
      seen_at TEXT, changed_at DATETIME, due DATE, opens TIME, body JSON, ratio FLOAT, code CHAR(3), other UUID, is_open BOOLEAN);
    CREATE TABLE visits (at DATETIME NOT NULL, day DATE NOT NULL, code CHAR(3) NOT NULL, note TEXT, PRIMARY KEY (at, day, code));
    CREATE TABLE moments (at TEXT PRIMARY KEY NOT NULL, n INTEGER) WITHOUT ROWID;
    CREATE TABLE files (id BLOB PRIMARY KEY NOT NULL, owner TEXT, name TEXT, twin UUID);
    CREATE TABLE scales (factor REAL NOT NULL, single REAL NOT NULL, name TEXT, PRIMARY KEY (factor, single));`,
  postgres: `
    CREATE TABLE orders (id uuid PRIMARY KEY, paid_at timestamptz, created_at timestamptz(0) NOT NULL DEFAULT now(), seen_at timestamp,
      changed_at timestamptz(3), due date, opens time, body jsonb, ratio real, code char(3), other uuid, is_open boolean);
    CREATE TABLE visits (at timestamptz NOT NULL, day date NOT NULL, code char(3) NOT NULL, note text, PRIMARY KEY (at, day, code));
    CREATE TABLE moments (at timestamp PRIMARY KEY, n bigint);
    CREATE TABLE files (id uuid PRIMARY KEY, owner uuid, name text, twin uuid);
    CREATE TABLE scales (factor double precision, single real, name text, PRIMARY KEY (factor, single));
    COMMENT ON COLUMN orders.paid_at IS 'crossfade: epoch-ms';
    COMMENT ON COLUMN orders.seen_at IS E'When it was seen.\\ncrossfade: iso-ms';
    COMMENT ON COLUMN orders.changed_at IS 'crossfade: epoch-ms mixed';
    COMMENT ON COLUMN orders.opens IS 'crossfade: time-min';
    COMMENT ON COLUMN orders.other IS 'crossfade: uuid-upper';
    COMMENT ON COLUMN visits.at IS 'crossfade: epoch-ms';
    COMMENT ON COLUMN moments.at IS 'crossfade: iso-us';
    COMMENT ON COLUMN files.id IS 'crossfade: uuid-blob';
    COMMENT ON COLUMN files.owner IS 'crossfade: uuid-hex';
    COMMENT ON COLUMN files.twin IS 'crossfade: uuid-hex';`,
};

const ROWS = `
  INSERT INTO orders VALUES
    ('0a1b2c3d-4e5f-6789-abcd-ef0123456789', 1715933350123, '2024-05-17 08:09:10', '2024-05-17T08:09:10.120Z', 1715933350123, '2024-02-29', '09:30',
      '{"b": 1.50,\n"a":[null]}', 0.5, 'abc', '0A1B2C3D-4E5F-6789-ABCD-EF0123456789', 1),
    ('1a1b2c3d-4e5f-6789-abcd-ef0123456789', -1, '0001-01-01 00:00:00', '9999-12-31T23:59:59.999Z', '2024-05-17 08:09:10', '0001-01-01', '00:00', '"x"', 0.25, '', NULL, 0),
    ('2a1b2c3d-4e5f-6789-abcd-ef0123456789', NULL, '2024-05-17 08:09:10', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  INSERT INTO visits VALUES (1715933350123, '2024-05-17', 'a', 'first'), (1715933350123, '2024-05-17', 'ab', NULL), (0, '1970-01-01', '', 'epoch');
  INSERT INTO moments VALUES ('2024-05-17T08:09:10.000001Z', 1), ('2024-05-17T08:09:10.000000Z', 2);
  INSERT INTO files VALUES (x'0a1b2c3d4e5f6789abcdef0123456789', '00000000000000000000000000000123', 'a', 'abcdefabcdefabcdefabcdefabcdefab');
  INSERT INTO scales VALUES (0.0, 0.5, 'zero'), (1.5, 0.10000000149011612, 'tenth');`;

/** A pair whose PostgreSQL shows moments, to whoever does not ask otherwise, in another zone and another order. */
async function nativePair(t: ExecutionContext): Promise<Pair> {
  const pair = await makePair(t, { tables: NATIVE });
  const name = new URL(pair.url).pathname.slice(1);
  await pair.postgres.query(`
    ALTER DATABASE "${name}" SET timezone = 'Asia/Kathmandu'; ALTER DATABASE "${name}" SET datestyle = 'SQL, DMY';
    ALTER DATABASE "${name}" SET extra_float_digits = -5;
    SET timezone = 'America/St_Johns'; SET datestyle = 'German, DMY'; SET extra_float_digits = -5`);
  return pair;
}

async function quarantine(crossfade: Crossfade, secondary: StoreName): Promise<readonly string[]> {
  const { quarantine: entries } = await crossfade.stores[secondary].progress();
  return entries.map(({ table, key, reason }) => `${table} ${formatKey(key)}: ${reason}`).toSorted();
}

async function verdict(crossfade: Crossfade): Promise<string> {
  const { outcome, totals } = await compareDatabases(crossfade, { record: false });
  return `${outcome}: ${totals.missing} missing, ${totals.extra} extra, ${totals.differing} differing, ${totals.quarantined} in quarantine`;
}

const MATCH = 'match: 0 missing, 0 extra, 0 differing, 0 in quarantine';

/** Every cell of SQLite's, with its storage class. */
function dump(pair: Pair): Record<string, unknown[]> {
  const tables = ['orders', 'visits', 'moments', 'files', 'scales'];
  return Object.fromEntries(
    tables.map((table) => {
      const columns = pair.sqlite.prepare(`SELECT name FROM pragma_table_info('${table}')`).pluck().all() as string[];
      const cells = columns.map((column) => `typeof(${column}) || ' ' || quote(${column})`).join(` || ', ' || `);
      return [table, pair.sqlite.prepare(`SELECT ${cells} FROM ${table} ORDER BY 1`).pluck().all()];
    }),
  );
}

test("a schema of PostgreSQL's own types is backfilled, mirrored there and back, and SQLite's values stay what they were", async (t) => {
  const pair = await nativePair(t);
  pair.sqlite.exec(ROWS);
  const before = dump(pair);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  t.is(await verdict(crossfade), MATCH);
  const { rows } = await pair.postgres.query<Record<string, unknown>>(`
    SELECT extract(epoch FROM paid_at)::text AS paid, extract(epoch FROM changed_at)::text AS changed, extract(epoch FROM seen_at)::text AS seen, (due - date '2024-02-29')::text AS due,
      opens::text AS opens, body::text AS body, other::text AS other FROM orders ORDER BY id LIMIT 1`);
  t.deepEqual(rows, [
    {
      paid: '1715933350.123000',
      changed: '1715933350.123000',
      seen: '1715933350.120000',
      due: '0',
      opens: '09:30:00',
      body: '{"a": [null], "b": 1.50}',
      other: '0a1b2c3d-4e5f-6789-abcd-ef0123456789',
    },
  ]);

  // Every key is changed and every row rewritten on PostgreSQL, and changed back; what comes to SQLite is what was there.
  await goTo(crossfade, 'write');
  await pair.postgres.query(`
    UPDATE orders SET paid_at = paid_at + interval '1 hour', is_open = NOT is_open, ratio = ratio * 3, due = due + 1;
    UPDATE visits SET at = at + interval '1 day', day = day + 1, code = 'z' || code WHERE length(code) < 3;
    UPDATE moments SET at = at + interval '2 microseconds';
    UPDATE files SET id = gen_random_uuid(), owner = NULL WHERE name = 'a';
    UPDATE scales SET factor = factor + 1 / 3.0::float8, single = single + 0.123456789::real`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await quarantine(crossfade, 'sqlite'), []);
  t.is(await verdict(crossfade), MATCH);
  t.like(pair.sqlite.prepare(`SELECT * FROM orders ORDER BY id LIMIT 1`).get(), {
    id: '0a1b2c3d-4e5f-6789-abcd-ef0123456789',
    paid_at: 1_715_936_950_123,
    created_at: '2024-05-17 08:09:10',
    seen_at: '2024-05-17T08:09:10.120Z',
    due: '2024-03-01',
    opens: '09:30',
    ratio: 1.5,
    is_open: 0,
  });
  await pair.postgres.query(`
    UPDATE orders SET paid_at = paid_at - interval '1 hour', is_open = NOT is_open, ratio = ratio / 3, due = due - 1;
    UPDATE visits SET at = at - interval '1 day', day = day - 1, code = substr(code, 2);
    UPDATE moments SET at = at - interval '2 microseconds';
    UPDATE files SET id = '0a1b2c3d4e5f6789abcdef0123456789', owner = '00000000000000000000000000000123';
    UPDATE scales SET factor = CASE name WHEN 'zero' THEN 0 ELSE 1.5 END, single = CASE name WHEN 'zero' THEN 0.5 ELSE 0.1 END`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  await goTo(crossfade, 'read');
  t.is(await verdict(crossfade), MATCH);
  // But for the mixed column, whose other form has become the one declared, and JSON, which is PostgreSQL's text of it.
  const after = dump(pair);
  const expected = JSON.parse(
    JSON.stringify(before)
      .replace(`text '2024-05-17 08:09:10', text '0001-01-01'`, `integer 1715933350000, text '0001-01-01'`)
      .replace(String.raw`'{\"b\": 1.50,\n\"a\":[null]}'`, String.raw`'{\"a\": [null], \"b\": 1.50}'`),
  ) as typeof before;
  t.deepEqual(after, expected);
  t.notDeepEqual(after, before);

  // Writes of the application, on the way back.
  pair.sqlite.exec(`
    UPDATE visits SET at = at + 1 WHERE note = 'first'; DELETE FROM files; UPDATE moments SET at = '1999-12-31T23:59:59.999999Z' WHERE n = 2;
    UPDATE orders SET id = '3a1b2c3d-4e5f-6789-abcd-ef0123456789' WHERE code = ''; UPDATE scales SET factor = 2.5 WHERE factor = 0`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.is(await verdict(crossfade), MATCH);
  t.deepEqual(await differences(crossfade), []);
});

test('what is not in the form of its column goes to quarantine with the reason, in both directions, and heals', async (t) => {
  const pair = await nativePair(t);
  pair.sqlite.exec(`
    INSERT INTO visits VALUES ('2024-05-17 08:09:10', '2024-05-17', 'a', 'text'), (1, '17.05.2024', 'a', 'German'), (2, '2024-05-17', 'a ', 'space'), (3, '2024-05-17', 'a', 'good');
    INSERT INTO moments VALUES ('2024-05-17T08:09:10Z', 1)`);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  const otherwise = (what: string, form: string, noun: string): string =>
    `${what} that would not come back as it is, since ${form} writes such a ${noun} otherwise`;
  t.deepEqual(await quarantine(crossfade, 'postgres'), [
    `moments ["2024-05-17T08:09:10Z"]: ${otherwise('text', `the column's form "iso-us"`, 'moment')}`,
    `visits ["2024-05-17 08:09:10", "2024-05-17", "a"]: ${otherwise('text', `the column's form "epoch-ms"`, 'moment')}`,
    `visits [1, "17.05.2024", "a"]: text that says no day in a column of PostgreSQL type date`,
    `visits [2, "2024-05-17", "a "]: text that ends in a space, which character(3) does not tell from its filling`,
  ]);
  t.is(await verdict(crossfade), 'mismatch: 0 missing, 0 extra, 0 differing, 4 in quarantine');
  pair.sqlite.exec(`DELETE FROM moments; UPDATE visits SET at = 4, day = '2024-05-17', code = 'a' WHERE note = 'text';
    UPDATE visits SET day = '2024-05-17' WHERE note = 'German'; UPDATE visits SET code = 'b' WHERE note = 'space'`);
  await until('the rows are mended', async () => (await quarantine(crossfade, 'postgres')).length === 0);
  t.is(await verdict(crossfade), MATCH);

  await goTo(crossfade, 'write');
  await pair.postgres.query(`
    INSERT INTO visits VALUES ('infinity', '2024-05-17', 'i', NULL), ('2024-05-17 08:09:10.1234567+00', '-infinity', 'n', NULL), ('2024-05-17 08:09:10.123456+00', '2024-05-18', 'u', NULL);
    INSERT INTO moments VALUES ('12024-05-17', 2), ('0044-03-15 BC', 3), ('2024-05-17', 4);
    INSERT INTO files VALUES (gen_random_uuid(), NULL, 'digits', '00000000-0000-0000-0000-000000000123');
    INSERT INTO scales VALUES ('NaN', 1, 'none'), ('-0', 'Infinity', 'minus')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  const found = await quarantine(crossfade, 'sqlite');
  t.is(found.length, 7, found.join('\n'));
  t.regex(found.join('\n'), /visits \[infinity, "2024-05-17", "i"\]: a moment that SQLite has no form for/);
  t.regex(found.join('\n'), /files .*: a value that the declared type of SQLite's column would change/);
  t.deepEqual(pair.sqlite.prepare('SELECT at FROM moments').pluck().all(), ['2024-05-17T00:00:00.000000Z']);
  t.deepEqual(pair.sqlite.prepare('SELECT factor, single FROM scales').all(), [{ factor: 0, single: Infinity }]);
  t.is(await verdict(crossfade), 'mismatch: 0 missing, 0 extra, 0 differing, 7 in quarantine');
  await pair.postgres.query(
    `DELETE FROM visits WHERE code IN ('i', 'n', 'u'); DELETE FROM moments WHERE n < 4; DELETE FROM files; UPDATE scales SET factor = 7 WHERE name = 'none'; UPDATE scales SET name = 'plus' WHERE factor = 0`,
  );
  await until('the rows are mended', async () => (await quarantine(crossfade, 'sqlite')).length === 0);
  t.deepEqual(pair.sqlite.prepare('SELECT name FROM scales ORDER BY factor').pluck().all(), ['plus', 'none']);
  t.is(await verdict(crossfade), MATCH);
});

test('a value of each type that differs between the two is found, in its column', async (t) => {
  const pair = await nativePair(t);
  pair.sqlite.exec(ROWS);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await pair.postgres.query(`SET crossfade.mirroring = 'on'`);
  const changes: Record<string, string> = {
    paid_at: `paid_at + interval '1 millisecond'`,
    created_at: `created_at + interval '1 second'`,
    seen_at: `seen_at + interval '1 microsecond'`,
    changed_at: `changed_at - interval '1 millisecond'`,
    due: 'due + 1',
    opens: `opens + interval '1 minute'`,
    body: `body || '{"a": 2}'`,
    ratio: `ratio + 0.0000001`,
    code: `'abd'`,
    other: `gen_random_uuid()`,
  };
  const key = `'0a1b2c3d-4e5f-6789-abcd-ef0123456789'`;
  for (const [column, change] of Object.entries(changes)) {
    await pair.postgres.query(`UPDATE orders SET ${column} = ${change} WHERE id = ${key}`);
  }
  await pair.postgres.query(`
    UPDATE orders SET changed_at = changed_at + interval '1 millisecond' WHERE code = '';
    UPDATE files SET owner = NULL;
    DELETE FROM visits WHERE code = 'ab'; INSERT INTO visits VALUES ('infinity', '2024-05-17', 'x', NULL)`);
  const { outcome, totals, differences: found } = await compareDatabases(crossfade, { record: false });
  t.like({ outcome, ...totals }, { outcome: 'mismatch', missing: 1, extra: 1, differing: 3, quarantined: 0 });
  t.deepEqual(
    found.filter(({ table }) => table === 'orders').map(({ columns }) => columns),
    [Object.keys(changes), ['changed_at']],
  );
});

test('a form that its type does not have, or that cannot be told apart in a key, is refused before anything is done', async (t) => {
  const pair = await nativePair(t);
  const refused = async (sql: string, message: RegExp): Promise<void> => {
    await pair.postgres.query(sql);
    const crossfade = await pair.open();
    await t.throwsAsync(crossfade.install(), { code: 'TYPE_UNSUPPORTED', message });
    await crossfade.close();
  };
  await refused(
    `COMMENT ON COLUMN orders.due IS 'crossfade: epoch-years'`,
    /"orders", column "due" declares the form "epoch-years"/,
  );
  await refused(
    `COMMENT ON COLUMN orders.due IS 'crossfade: uuid'`,
    /"uuid", which the PostgreSQL type date does not have/,
  );
  await refused(
    `COMMENT ON COLUMN orders.due IS NULL; COMMENT ON COLUMN visits.at IS 'crossfade: epoch-ms mixed'`,
    /"visits" has the column "at" in its key, whose form "epoch-ms mixed" makes one value of several/,
  );
  await pair.postgres.query(`COMMENT ON COLUMN visits.at IS 'crossfade: epoch-s'`);
  const misnamed = await pair.open({ columns: { 'visits.when': { form: 'epoch-ms' } } });
  await t.throwsAsync(misnamed.install(), { code: 'CONFIG_INVALID', message: /"visits.when"/ });
  const crossfade = await pair.open({ columns: { 'visits.at': { form: 'epoch-ms' } } });
  pair.sqlite.exec(ROWS);
  await goTo(crossfade, 'dual');
  t.is(await verdict(crossfade), MATCH, 'the option goes before the comment');
});
