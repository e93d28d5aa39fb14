import test from 'ava';
import { randomBytes } from 'node:crypto';
import { copyFileSync, rmSync } from 'node:fs';
import { matchTables } from '../adapter/match-tables.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

test('backfills that begin anew while another one runs end with all rows', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
    INSERT INTO accounts (email, balance) SELECT 'user ' || i, i FROM n`);
  const crossfade = await pair.open({ backfillRows: 50 });
  let copied = 0;
  const onProgress = ({ rowsCopied }: { rowsCopied: number }): void => void (copied = rowsCopied);
  const backfills = [crossfade.backfill({ onProgress })];
  for (let round = 0; round < 4; round += 1) {
    await until('rows are being copied', () => copied > 0);
    copied = 0;
    backfills.push(crossfade.backfill({ restart: true, onProgress }));
  }
  for (const status of await Promise.all(backfills)) t.true(status.isDone);
  const giveBack = crossfade.mirror.demand();
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  giveBack();
  const { rows } = await pair.postgres.query('SELECT count(*) FROM accounts');
  t.deepEqual(rows, [{ count: '8000' }]);
  t.deepEqual(await differences(crossfade), []);
});

test('an older copy of the SQLite file behind PostgreSQL stops the Mirror, and the switch back does not happen', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  await crossfade.close();
  pair.sqlite.pragma('wal_checkpoint(TRUNCATE)');
  const old = `${pair.path}.old`;
  copyFileSync(pair.path, old);

  const again = await pair.open();
  await again.knex('settings').insert({ name: 'only in PostgreSQL', value: '1' });
  let writes = 0;
  await until('the change is pruned', async () => {
    await again.knex('rates').insert({ country: 'de', year: (writes += 1), rate: 1 });
    await again.mirror.caughtUp({ timeoutMs: 5_000 });
    const { rows } = await pair.postgres.query(`SELECT FROM crossfade.changes WHERE tbl = 'settings'`);
    return rows.length === 0;
  });
  await again.close();
  pair.sqlite.close();
  for (const suffix of ['-wal', '-shm']) rmSync(pair.path + suffix, { force: true });
  copyFileSync(old, pair.path);

  const restored = await pair.open();
  await restored.knex('settings').insert({ name: 'after the restore', value: '1' });
  await until('the Mirror stops', () => restored.mirror.status().runs === 'stopped');
  t.regex(restored.mirror.status().error ?? '', /older copy of the file was put back/);
  await t.throwsAsync(restored.cutover.step('read', { force: true }), { code: 'MIRROR_STOPPED' });
  t.is((await restored.status()).stage, 'write');
  t.is((await pair.postgres.query('SELECT FROM settings')).rows.length, 2);
});

test('a table that was rebuilt and not written to since stops the Mirror; install alone does not set it going again', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`INSERT INTO settings VALUES ('a', '1')`);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  pair.sqlite.exec(`
    CREATE TABLE settings_new (name TEXT PRIMARY KEY NOT NULL, value TEXT) WITHOUT ROWID;
    INSERT INTO settings_new SELECT * FROM settings; DROP TABLE settings; ALTER TABLE settings_new RENAME TO settings;`);
  await until('the Mirror stops', () => crossfade.mirror.status().runs === 'stopped');
  t.regex(crossfade.mirror.status().error ?? '', /"settings".*capture triggers are gone/);
  pair.sqlite.exec(`INSERT INTO settings VALUES ('unseen', '1')`);
  await crossfade.install();
  await t.throwsAsync(crossfade.mirror.caughtUp({ timeoutMs: 5_000 }), { code: 'MIRROR_STOPPED' });
  await crossfade.backfill({ restart: true });
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('uninstall in stage postgres leaves the traffic with PostgreSQL, and SQLite refusing writes', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await crossfade.cutover.step('postgres', { confirm: true, force: true });
  t.is(crossfade.cutover.stage, 'postgres');
  await crossfade.knex('settings').insert({ name: 'before', value: '1' });
  await crossfade.uninstall();
  await crossfade.knex('settings').insert({ name: 'after', value: '1' });
  t.deepEqual(await crossfade.knex('settings').orderBy('name').pluck('name'), ['after', 'before']);
  const { rows } = await pair.postgres.query('SELECT name FROM settings ORDER BY name');
  t.deepEqual(rows, [{ name: 'after' }, { name: 'before' }]);
  t.throws(() => pair.sqlite.exec(`INSERT INTO settings VALUES ('a script', '1')`), {
    message: /crossfade: fenced/,
    any: true,
  });
  t.deepEqual(pair.sqlite.prepare('SELECT name FROM settings').all(), []);
});

test('the write switch is refused before the fence when PostgreSQL cannot go on after the ids of SQLite', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)',
    postgres: 'CREATE TABLE items (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text)',
  };
  const pair = await makePair(t, { tables });
  pair.sqlite.exec(`INSERT INTO items VALUES (3000000000, 'x'); DELETE FROM items`);
  const crossfade = await pair.open();
  await goTo(crossfade, 'read');
  await t.throwsAsync(crossfade.cutover.step('write', { force: true }), {
    code: 'GATE_REFUSED',
    message: /sequence .*"items"/,
  });
  t.like(await crossfade.stores.sqlite.state(), { role: 'primary', intent: null, stage: 'read' });
  await crossfade.knex('items').insert({ id: 1, name: 'goes on' });
  t.deepEqual(await crossfade.knex('items').pluck('name'), ['goes on']);
  await pair.postgres.query('ALTER TABLE items ALTER COLUMN id TYPE bigint');
  t.deepEqual(await crossfade.cutover.step('write', { force: true }), { outcome: 'moved', stage: 'write' });
});

test('a value too long for an index of PostgreSQL goes to quarantine, and what comes after it arrives', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX items_name ON items (name)',
    postgres: 'CREATE TABLE items (id bigint PRIMARY KEY, name text); CREATE INDEX items_name ON items (name)',
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await crossfade.knex('items').insert({ id: 1, name: randomBytes(6_000).toString('base64') });
  await crossfade.knex('items').insert({ id: 2, name: 'short' });
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  const { rows } = await pair.postgres.query('SELECT id FROM items');
  t.deepEqual(rows, [{ id: '2' }]);
  t.deepEqual((await crossfade.status()).quarantined, [{ table: 'items', rows: 1 }]);
});

test('a column with a double-quoted default in a unique index is captured, and inserts still work', async (t) => {
  const tables = {
    sqlite:
      'CREATE TABLE pages (id INTEGER PRIMARY KEY, name TEXT NOT NULL, locale TEXT NOT NULL DEFAULT "en", UNIQUE (name, locale))',
    postgres: `CREATE TABLE pages (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL, locale text NOT NULL DEFAULT 'en', UNIQUE (name, locale))`,
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await crossfade.knex('pages').insert({ name: 'home' });
  pair.sqlite.exec(`INSERT OR REPLACE INTO pages (id, name, locale) VALUES (9, 'home', NULL)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await crossfade.knex('pages').select(), [{ id: 9, name: 'home', locale: 'en' }]);
  t.deepEqual(await differences(crossfade), []);
});

test('a capture trigger that was switched off in PostgreSQL stops the Mirror', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(
    `ALTER TABLE settings DISABLE TRIGGER crossfade_capture_insert; INSERT INTO settings VALUES ('unseen', '1')`,
  );
  await pair.postgres.query(`INSERT INTO rates VALUES ('de', 1, 1)`);
  await until('the Mirror stops', () => crossfade.mirror.status().runs === 'stopped');
  t.regex(crossfade.mirror.status().error ?? '', /"settings" of PostgreSQL: a capture trigger is gone or switched off/);
  await t.throwsAsync(crossfade.cutover.step('read', { force: true }), { code: 'MIRROR_STOPPED' });
  t.is(crossfade.cutover.stage, 'write');
});

test('capture is not dropped while a stage mirrors, in either direction', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await crossfade.stores.sqlite.dropCapture();
  pair.sqlite.exec(`INSERT INTO settings VALUES ('from SQLite', '1')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
  await goTo(crossfade, 'write');
  await crossfade.stores.postgres.dropCapture();
  await pair.postgres.query(`INSERT INTO settings VALUES ('from PostgreSQL', '1')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
  t.is(pair.sqlite.prepare('SELECT count(*) FROM settings').pluck().get(), 2);
});

test('the switch back is refused before the fence when a trigger of SQLite has taken the name of a parked one', async (t) => {
  const trigger = 'items_log AFTER INSERT ON items BEGIN INSERT INTO log (item) VALUES (NEW.id); END';
  const tables = {
    sqlite: `CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE log (id INTEGER PRIMARY KEY, item INTEGER); CREATE TRIGGER ${trigger};`,
    postgres: `CREATE TABLE items (id bigint PRIMARY KEY, name text); CREATE TABLE log (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, item bigint)`,
  };
  const pair = await makePair(t, { tables });
  pair.sqlite.exec(`INSERT INTO items VALUES (1, 'one')`);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  // What many an API does when it starts.
  pair.sqlite.exec(`CREATE TRIGGER IF NOT EXISTS ${trigger}`);
  await t.throwsAsync(crossfade.cutover.step('read', { force: true }), {
    message: /items_log already exists/,
    any: true,
  });
  t.like(await crossfade.stores.postgres.state(), { role: 'primary', intent: null, stage: 'write' });
  await crossfade.knex('items').where({ id: 1 }).update({ name: 'goes on' });
  t.deepEqual((await pair.postgres.query('SELECT name FROM items')).rows, [{ name: 'goes on' }]);
  pair.sqlite.exec('DROP TRIGGER items_log');
  t.deepEqual(await crossfade.cutover.step('read', { force: true }), { outcome: 'moved', stage: 'read' });
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('two installs at once leave one capture, and a Mirror that works', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.pragma('journal_mode = WAL');
  const first = await pair.open();
  const second = await pair.open();
  const { sqlite, postgres } = first.stores;
  const tables = matchTables(
    { sqlite: await sqlite.describe(), postgres: await postgres.describe() },
    { include: undefined, exclude: [] },
  );
  const request = { tables, role: 'primary', epoch: 1, stage: 'sqlite' } as const;
  // Both are under way before either can write.
  pair.sqlite.exec('BEGIN IMMEDIATE');
  const captures = Promise.all(
    [first, second].map(async ({ stores }) => {
      await stores.sqlite.install(request);
      return (await stores.sqlite.state())?.captureId;
    }),
  );
  await new Promise(setImmediate);
  pair.sqlite.exec('COMMIT');
  const [one, other] = await captures;
  t.is(typeof one, 'string');
  t.is(one, other);
  await Promise.all([first.install(), second.install()]);
  t.is((await sqlite.state())?.captureId, one);
  await goTo(second, 'dual');
  pair.sqlite.exec(`INSERT INTO settings VALUES ('a', '1')`);
  await first.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(second), []);
});

test('reads that are sent to PostgreSQL in stage shadow find what was written before them', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ readPrimary: 'postgres' });
  await goTo(crossfade, 'shadow');
  const missed: string[] = [];
  for (let count = 1; count <= 50; count += 1) {
    const name = `setting ${count}`;
    await crossfade.knex('settings').insert({ name, value: '1' });
    if ((await crossfade.knex('settings').where({ name }).first()) === undefined) missed.push(name);
  }
  t.deepEqual(missed, []);
});

test('a process that starts in stage read reads nothing that PostgreSQL has not caught up with', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`INSERT INTO settings VALUES ('a', 'old')`);
  const crossfade = await pair.open();
  await goTo(crossfade, 'read');
  await crossfade.close();
  // As if the process that mirrors had died right after these writes.
  pair.sqlite.exec(`UPDATE settings SET value = 'new'; INSERT INTO settings VALUES ('b', 'new')`);
  const later = await pair.open({ mirror: 'off' });
  t.deepEqual(await later.knex('settings').orderBy('name').pluck('value'), ['new', 'new']);
  const mirroring = await pair.open();
  await mirroring.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await mirroring.knex('settings').orderBy('name').pluck('value'), ['new', 'new']);
});
