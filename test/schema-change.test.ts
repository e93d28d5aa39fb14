import test from 'ava';
import type { ExecutionContext } from 'ava';
import { compareDatabases } from '../compare/compare.ts';
import type { Crossfade } from '../adapter/index.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

/** What somebody does to a mirrored table behind Crossfade's back, and the same in PostgreSQL. */
interface Change {
  readonly what: string;
  readonly sqlite: string | ((crossfade: Crossfade) => Promise<void>);
  readonly postgres: string;
  /** What the status must name. */
  readonly names: RegExp;
  /** A write of the API's after both have been changed. */
  readonly write: string;
}

const CHANGES: readonly Change[] = [
  {
    what: 'a column added',
    sqlite: `ALTER TABLE settings ADD COLUMN extra TEXT DEFAULT 'new'`,
    postgres: `ALTER TABLE settings ADD COLUMN extra text DEFAULT 'other'`,
    names: /"settings".*gained the column "extra"/,
    write: `INSERT INTO settings (name, value, extra) VALUES ('later', '1', '2')`,
  },
  {
    what: 'a column renamed',
    sqlite: 'ALTER TABLE settings RENAME COLUMN value TO content',
    postgres: 'ALTER TABLE settings RENAME COLUMN value TO content',
    names: /"settings".*"(content|value)"/,
    write: `INSERT INTO settings (name, content) VALUES ('later', '1')`,
  },
  {
    what: "the key's column renamed",
    sqlite: 'ALTER TABLE settings RENAME COLUMN name TO title',
    postgres: 'ALTER TABLE settings RENAME COLUMN name TO title',
    names: /"settings"/,
    write: `INSERT INTO settings (title, value) VALUES ('later', '1')`,
  },
  {
    what: 'a column dropped',
    sqlite: 'ALTER TABLE settings DROP COLUMN value',
    postgres: 'ALTER TABLE settings DROP COLUMN value',
    names: /"settings".*lost the column "value"/,
    write: `INSERT INTO settings (name) VALUES ('later')`,
  },
  {
    what: 'a table rebuilt by Knex',
    sqlite: async (crossfade) =>
      crossfade.direct.sqlite.schema.alterTable(
        'settings',
        (table) => void table.string('value', 40).defaultTo('x').alter(),
      ),
    postgres: 'SELECT 1',
    names: /"settings"/,
    write: `INSERT INTO settings (name) VALUES ('later')`,
  },
  {
    what: 'a table renamed and made anew',
    sqlite: `ALTER TABLE settings RENAME TO old_settings; CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value TEXT);
      INSERT INTO settings SELECT * FROM old_settings; DROP TABLE old_settings;`,
    postgres: 'SELECT 1',
    names: /"settings"/,
    write: `INSERT INTO settings VALUES ('later', '1')`,
  },
  {
    what: 'a unique index made',
    sqlite: 'CREATE UNIQUE INDEX settings_value ON settings (value)',
    postgres: 'CREATE UNIQUE INDEX settings_value ON settings (value)',
    names: /"settings".*unique index/,
    write: `REPLACE INTO settings VALUES ('later', 'A')`,
  },
];

interface Held {
  readonly pair: Pair;
  readonly crossfade: Crossfade;
  readonly rowsInPostgres: () => Promise<unknown>;
}

async function withRows(t: ExecutionContext, stage: 'dual' | 'write'): Promise<Held> {
  const pair = await makePair(t);
  pair.sqlite.exec(`INSERT INTO settings VALUES ('a', 'A'), ('b', 'B')`);
  const crossfade = await pair.open();
  await goTo(crossfade, stage);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  const rowsInPostgres = async (): Promise<unknown> =>
    (await pair.postgres.query({ text: 'SELECT * FROM settings ORDER BY 1', rowMode: 'array' })).rows;
  return { pair, crossfade, rowsInPostgres };
}

for (const { what, sqlite, postgres, names, write } of CHANGES) {
  test(`${what} in SQLite: held and named, nothing wrong is written, and the remedy works`, async (t) => {
    const { pair, crossfade, rowsInPostgres } = await withRows(t, 'dual');
    const before = await rowsInPostgres();
    if (typeof sqlite === 'string') pair.sqlite.exec(sqlite);
    else await sqlite(crossfade);
    pair.sqlite.exec(write);
    await until('the Mirror stops', () => crossfade.mirror.status().runs === 'stopped');
    const status = await crossfade.status();
    t.is(status.mirror.runs, 'stopped');
    t.regex(status.mirror.error ?? '', names);
    t.deepEqual(await rowsInPostgres(), before);
    const error = await t.throwsAsync(crossfade.mirror.caughtUp({ timeoutMs: 1_000 }), { code: 'MIRROR_STOPPED' });
    t.log(error?.message, error !== undefined && 'hint' in error ? error.hint : '');

    await pair.postgres.query(postgres);
    await crossfade.backfill({ restart: true });
    await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
    pair.sqlite.exec(`DELETE FROM settings; ${write}`);
    await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
    t.deepEqual(await differences(crossfade), []);
    t.is((await compareDatabases(crossfade, { record: false })).outcome, 'match');
    t.is((await crossfade.status()).mirror.error, null);
  });
}

const UNDONE = [
  {
    what: 'a column of another type',
    sql: 'ALTER TABLE settings ALTER COLUMN value TYPE bytea USING value::bytea',
    undo: `ALTER TABLE settings ALTER COLUMN value TYPE text USING convert_from(value, 'UTF8')`,
  },
  {
    what: 'a column added',
    sql: 'ALTER TABLE settings ADD COLUMN extra text',
    undo: 'ALTER TABLE settings DROP COLUMN extra',
  },
  {
    what: 'a column renamed',
    sql: 'ALTER TABLE settings RENAME COLUMN value TO content',
    undo: 'ALTER TABLE settings RENAME COLUMN content TO value',
  },
  {
    what: 'a column dropped',
    sql: 'ALTER TABLE settings DROP COLUMN value',
    undo: 'ALTER TABLE settings ADD COLUMN value text',
  },
];

for (const { what, sql, undo } of UNDONE) {
  test(`${what} in PostgreSQL as primary: held and named, and the remedy works`, async (t) => {
    const { pair, crossfade } = await withRows(t, 'write');
    const before = pair.sqlite.prepare('SELECT * FROM settings').all();
    await pair.postgres.query(sql);
    await pair.postgres.query(`INSERT INTO rates VALUES ('de', 1, 1)`);
    await until('the Mirror stops', () => crossfade.mirror.status().runs === 'stopped', 5_000);
    t.regex((await crossfade.status()).mirror.error ?? '', /"settings" of PostgreSQL/);
    t.deepEqual(pair.sqlite.prepare('SELECT * FROM settings').all(), before);
    await pair.postgres.query(undo);
    if (what === 'a column dropped') await pair.postgres.query(`UPDATE settings SET value = upper(name)`);
    const again = await pair.open();
    await again.mirror.caughtUp({ timeoutMs: 5_000 });
    t.is((await compareDatabases(again, { record: false })).outcome, 'match');
    t.is(pair.sqlite.prepare('SELECT count(*) FROM rates').pluck().get(), 1);
  });
}

test('a column made narrower or otherwise constrained in PostgreSQL as primary changes nothing for the Mirror', async (t) => {
  const { pair, crossfade } = await withRows(t, 'write');
  await pair.postgres.query(`
    ALTER TABLE accounts ALTER COLUMN balance TYPE integer, ALTER COLUMN settings TYPE varchar(100);
    ALTER TABLE settings ALTER COLUMN value SET NOT NULL;
    INSERT INTO accounts (email, balance, settings) VALUES ('a', 7, 's');
    INSERT INTO settings VALUES ('c', 'C')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
  t.is(pair.sqlite.prepare('SELECT balance FROM accounts').pluck().get(), 7);
});

test('a unique index made in PostgreSQL as primary changes nothing for the Mirror', async (t) => {
  const { pair, crossfade } = await withRows(t, 'write');
  await pair.postgres.query(`CREATE UNIQUE INDEX settings_value ON settings (value);
    INSERT INTO settings VALUES ('c', 'A') ON CONFLICT (value) DO UPDATE SET name = 'moved'`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('a table renamed in PostgreSQL as primary holds the Mirror, which names it and goes on when it is back', async (t) => {
  const { pair, crossfade } = await withRows(t, 'write');
  await pair.postgres.query('ALTER TABLE settings RENAME TO settings_2');
  await pair.postgres.query(`INSERT INTO rates VALUES ('de', 1, 1); UPDATE settings_2 SET value = 'changed'`);
  await until('the Mirror says so', () => /"settings" does not exist/.test(crossfade.mirror.status().error ?? ''));
  t.deepEqual(pair.sqlite.prepare('SELECT value FROM settings').pluck().all(), ['A', 'B']);
  await pair.postgres.query('ALTER TABLE settings_2 RENAME TO settings');
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  t.deepEqual(await differences(crossfade), []);
  t.deepEqual(pair.sqlite.prepare('SELECT value FROM settings').pluck().all(), ['changed', 'changed']);
});

test('a table with partitions or heirs, which can be written to past its triggers, is refused before anything is changed', async (t) => {
  const kinds = [
    'CREATE TABLE items (id bigint PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (10)',
    'CREATE TABLE items (id bigint PRIMARY KEY); CREATE TABLE items_1 () INHERITS (items)',
  ];
  for (const postgres of kinds) {
    const pair = await makePair(t, { tables: { sqlite: 'CREATE TABLE items (id INTEGER PRIMARY KEY)', postgres } });
    const crossfade = await pair.open();
    await t.throwsAsync(crossfade.install(), { code: 'TYPE_UNSUPPORTED', message: /"items" has partitions/ });
    t.is(pair.sqlite.prepare(`SELECT count(*) FROM sqlite_master WHERE name GLOB '_crossfade*'`).pluck().get(), 0);
  }
});

test('a unique index that is added to SQLite stops the Mirror, and a reconciliation captures what it makes REPLACE remove', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  pair.sqlite.exec(`INSERT INTO rates VALUES ('de', 2024, 1), ('fr', 2024, 2)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  pair.sqlite.exec('CREATE UNIQUE INDEX one_rate ON rates (rate)');
  await until('it is noticed', async () => (await crossfade.status()).mirror.runs === 'stopped');
  t.regex(crossfade.mirror.status().error ?? '', /"rates".*unique index/);
  // It pushes out the row of "de", by the new index; no trigger that was there before could know.
  pair.sqlite.exec(`INSERT OR REPLACE INTO rates VALUES ('it', 2024, 1)`);
  await crossfade.backfill({ reconcile: true });
  t.deepEqual(await differences(crossfade), []);
  pair.sqlite.exec(`INSERT OR REPLACE INTO rates VALUES ('es', 2024, 2)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('capture that somebody switches off in PostgreSQL is noticed although nothing is written after', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(
    `ALTER TABLE rates DISABLE TRIGGER crossfade_capture_insert; INSERT INTO rates VALUES ('de', 2024, 1); ALTER TABLE rates ENABLE ALWAYS TRIGGER crossfade_capture_insert`,
  );
  await pair.postgres.query('ALTER TABLE rates DISABLE TRIGGER crossfade_capture_delete');
  await until('it is noticed', async () => (await crossfade.status()).mirror.runs === 'stopped');
  t.regex(crossfade.mirror.status().error ?? '', /"rates" of PostgreSQL: a capture trigger is gone or switched off/);
  const status = await crossfade.backfill({ reconcile: true });
  t.true(status.isDone);
  t.deepEqual(await differences(crossfade), []);
});

test('a key column that was made wider in PostgreSQL as secondary is known after another install, and the rows leave quarantine', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE items (id INTEGER PRIMARY KEY, note TEXT)',
    postgres: 'CREATE TABLE items (id integer PRIMARY KEY, note text)',
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  pair.sqlite.exec(`INSERT INTO items VALUES (1, 'a'), (3000000000, 'b')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  const refused = async (): Promise<readonly string[]> =>
    (await crossfade.stores.postgres.progress()).quarantine.map(({ reason }) => reason);
  t.deepEqual(await refused(), ['an integer beyond the range of integer']);
  await pair.postgres.query('ALTER TABLE items ALTER COLUMN id TYPE bigint');
  await crossfade.install();
  pair.sqlite.exec(`UPDATE items SET note = 'c' WHERE id = 1`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await refused(), []);
  t.deepEqual(await differences(crossfade), []);
});
