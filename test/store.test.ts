import test from 'ava';
import type { StoreName } from '../adapter/index.ts';
import { decodeKey, encodeKey } from '../adapter/spec.ts';
import type { Key, Row, SqlValue, TableSpec } from '../adapter/spec.ts';
import { openConnection } from '../adapter/sqlite/connection.ts';
import { indexExpressions } from '../adapter/sqlite/index-expressions.ts';
import type { Store } from '../adapter/store.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import { sqliteFile } from './helpers/sqlite.ts';
import { applyNext, batchesOf, DIRECTIONS, keysIn, rolesWith } from './helpers/roles.ts';
import type { Roles } from './helpers/roles.ts';

for (const direction of DIRECTIONS) {
  const name = `${direction} as primary`;

  test(`${name}: every kind of change is captured by its key, a moved key by both`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`
      INSERT INTO settings VALUES ('a', '1'), ('b', '2'), ('c', '3');
      INSERT INTO rates VALUES ('de', 2024, 0.5), ('fr', 2024, 0.25);`);
    t.true(await applyNext(roles));
    await roles.write(`
      UPDATE settings SET value = '9' WHERE name = 'a';
      UPDATE settings SET name = 'moved' WHERE name = 'b';
      DELETE FROM settings WHERE name = 'c';
      UPDATE rates SET year = year + 1;`);
    const batches = await roles.primary.read(await roles.request(), batchesOf);
    t.deepEqual(keysIn(batches, 'present', 'settings'), [encodeKey(['a']), encodeKey(['moved'])]);
    t.deepEqual(keysIn(batches, 'absent', 'settings'), [encodeKey(['b']), encodeKey(['c'])]);
    t.deepEqual(keysIn(batches, 'present', 'rates'), [encodeKey(['de', 2025n]), encodeKey(['fr', 2025n])]);
    t.deepEqual(keysIn(batches, 'absent', 'rates'), [encodeKey(['de', 2024n]), encodeKey(['fr', 2024n])]);
  });

  test(`${name}: rows that a cascade deletes are captured`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`
      INSERT INTO accounts (id, email) VALUES (1, 'a'), (2, 'b');
      INSERT INTO payments (id, account_id, cents) VALUES (10, 1, 5), (11, 1, 6), (12, 2, 7);`);
    t.true(await applyNext(roles));
    await roles.write('DELETE FROM accounts WHERE id = 1');
    const batches = await roles.primary.read(await roles.request(), batchesOf);
    t.deepEqual(keysIn(batches, 'absent', 'payments'), [encodeKey([10n]), encodeKey([11n])]);
    t.true(await applyNext(roles));
    t.deepEqual(await differences(roles.crossfade), []);
  });

  test(`${name}: a transaction that was rolled back leaves nothing to mirror`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`BEGIN; INSERT INTO settings VALUES ('gone', '1'); ROLLBACK;`);
    const reading = await roles.primary.read(await roles.request(), async ({ isEmpty }) => isEmpty);
    t.true(reading);
  });

  test(`${name}: a step shows one snapshot, whatever is written while it is read`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`INSERT INTO settings VALUES ('a', 'before')`);
    const [first, second] = await roles.primary.read(await roles.request(), async (reading) => {
      const before = await batchesOf(reading);
      await roles.write(`UPDATE settings SET value = 'after'; INSERT INTO settings VALUES ('later', 'x')`);
      return [before, await batchesOf(reading)];
    });
    t.deepEqual(second, first);
    t.deepEqual(first?.[0]?.present, [['a', 'before']]);
    // What came later belongs to the next step.
    t.true(await applyNext(roles));
    t.deepEqual(await differences(roles.crossfade), []);
  });

  test(`${name}: a step that is read while it is applied shows one snapshot too`, async (t) => {
    const roles = await rolesWith(t, direction);
    const names = Array.from({ length: 9_000 }, (_, index) => `('key ${index}', 'before')`);
    await roles.write(`INSERT INTO settings VALUES ${names.join(', ')}`);
    const batches = await roles.primary.read(await roles.request(), (reading) => {
      t.false(reading.isWhole);
      return roles
        .write(`UPDATE settings SET value = 'after'; INSERT INTO settings VALUES ('later', 'x')`)
        .then(() => batchesOf(reading));
    });
    const rows = batches.flatMap(({ present }) => present);
    t.is(rows.length, 9_000);
    t.true(rows.every(([, value]) => value === 'before'));
  });

  test(`${name}: a step that is not the next one is refused and changes nothing`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`INSERT INTO settings VALUES ('a', '1')`);
    const { state } = await roles.secondary.progress();
    const expected = { epoch: state.epoch, step: state.step, captureId: state.watermarkCaptureId ?? '' };
    for (const wrong of [{ step: state.step + 1 }, { epoch: state.epoch + 1 }, { captureId: 'another' }]) {
      const applied = await roles.primary.read(await roles.request(), (reading) =>
        roles.secondary.apply({ ...expected, ...wrong, reading, quarantine: [] }),
      );
      t.is(applied, null);
    }
    t.is((await roles.secondary.progress()).state.watermark, state.watermark);
    t.is(await roles.secondary.count(roles.table('settings')), 0);
    t.true(await applyNext(roles));
    t.is(await roles.secondary.count(roles.table('settings')), 1);
  });

  test(`${name}: a store that has released the writes has no more steps to give, not even an empty one`, async (t) => {
    const roles = await rolesWith(t, direction);
    const { epoch } = (await roles.primary.state()) ?? { epoch: -1 };
    const read = async (): Promise<boolean> =>
      roles.primary.read(await roles.request(), async ({ isEmpty }) => isEmpty);
    t.true(await read());
    const fenced = await roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 1_000 });
    await t.notThrowsAsync(read());
    t.true(await roles.primary.release({ epoch, attempt: fenced?.attempt ?? -1 }));
    await t.throwsAsync(read(), { code: 'STEP_OUTDATED' });
  });

  test(`${name}: unique values may move between rows within a step`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`INSERT INTO accounts (id, email) VALUES (1, 'a'), (2, 'b'), (3, 'c')`);
    t.true(await applyNext(roles));
    await roles.write(`
      UPDATE accounts SET email = 'x' WHERE id = 1;
      UPDATE accounts SET email = 'a' WHERE id = 2;
      UPDATE accounts SET email = 'b' WHERE id = 3;
      UPDATE accounts SET email = 'c' WHERE id = 1;`);
    t.true(await applyNext(roles));
    t.deepEqual(await differences(roles.crossfade), []);
    t.deepEqual((await roles.secondary.progress()).quarantine, []);
  });

  test(`${name}: children survive when the unique values of their parents are swapped`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`
      INSERT INTO accounts (id, email) VALUES (1, 'a'), (2, 'b');
      INSERT INTO payments (id, account_id, cents) VALUES (10, 1, 5), (20, 2, 6);`);
    t.true(await applyNext(roles));
    await roles.write(`
      UPDATE accounts SET email = 'x' WHERE id = 1; UPDATE accounts SET email = 'a' WHERE id = 2; UPDATE accounts SET email = 'b' WHERE id = 1;`);
    t.true(await applyNext(roles));
    t.is(await roles.secondary.count(roles.table('payments')), 2);
    t.deepEqual(await differences(roles.crossfade), []);
  });

  test(`${name}: a step of more changes than fit in memory at once is one snapshot too`, async (t) => {
    const roles = await rolesWith(t, direction);
    const numbers =
      direction === 'sqlite'
        ? 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)'
        : 'WITH n(i) AS (SELECT generate_series(1, 9000))';
    await roles.write(`
      ${numbers} INSERT INTO settings SELECT 'key ' || i, 'value' FROM n;
      UPDATE settings SET value = name WHERE name LIKE '%7';
      DELETE FROM settings WHERE name LIKE '%8';`);
    t.true(await applyNext(roles));
    t.is(await roles.secondary.count(roles.table('settings')), 8_100);
    t.deepEqual(await differences(roles.crossfade), []);
  });

  test(`${name}: pruning forgets only what the watermark includes`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`INSERT INTO settings VALUES ('a', '1')`);
    t.true(await applyNext(roles));
    const applied = (await roles.secondary.progress()).state.watermark ?? '';
    await roles.write(`INSERT INTO settings VALUES ('b', '2')`);
    while ((await roles.primary.prune(applied)) > 0);
    const batches = await roles.primary.read(await roles.request(), batchesOf);
    t.deepEqual(keysIn(batches, 'present', 'settings'), [encodeKey(['b'])]);
  });

  test(`${name}: a watermark of capture that was installed anew since is void`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.primary.recapture(roles.crossfade.tables);
    await roles.write(`INSERT INTO settings VALUES ('a', '1')`);
    const before = await roles.request();
    await t.throwsAsync(roles.primary.read(before, batchesOf), {
      code: 'HISTORY_LOST',
      message: /capture was installed anew/,
    });
  });

  test(`${name}: the fence refuses every write until it is cancelled, by the attempt that raised it alone`, async (t) => {
    const roles = await rolesWith(t, direction);
    await roles.write(`INSERT INTO settings VALUES ('a', '1')`);
    const { epoch } = (await roles.primary.state()) ?? { epoch: -1 };
    const fenced = await roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 1_000 });
    if (fenced === null) return t.fail('the fence was not raised');
    for (const sql of [
      `INSERT INTO settings VALUES ('b', '2')`,
      `UPDATE settings SET value = '2'`,
      'DELETE FROM settings',
      ...(direction === 'postgres' ? ['TRUNCATE settings'] : [`INSERT OR REPLACE INTO settings VALUES ('a', '2')`]),
    ]) {
      await t.throwsAsync(roles.write(sql), { message: /crossfade: fenced/, any: true }, sql);
    }
    t.is(await roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 1_000 }), null, 'a second fence');
    t.false(await roles.primary.cancel({ epoch, attempt: fenced.attempt - 1 }), 'another attempt');
    t.false(await roles.primary.release({ epoch: epoch + 1, attempt: fenced.attempt }), 'another epoch');
    t.true(await roles.primary.cancel({ epoch, attempt: fenced.attempt }));
    await t.notThrowsAsync(roles.write(`INSERT INTO settings VALUES ('b', '2')`));
    // A coordinator that saw the first attempt must not release on its old knowledge.
    const again = await roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 1_000 });
    t.false(await roles.primary.release({ epoch, attempt: fenced.attempt }));
    t.true(await roles.primary.release({ epoch, attempt: again?.attempt ?? -1 }));
    t.false(await roles.primary.cancel({ epoch, attempt: again?.attempt ?? -1 }), 'after the release');
  });

  test(`${name}: the other store takes the writes over only where it stands as it must, and moves no sequence before`, async (t) => {
    const roles = await rolesWith(t, direction);
    const { state } = await roles.secondary.progress();
    await roles.secondary.prepareUnfence();
    const given = async (): Promise<bigint | undefined> => (await roles.secondary.sequences()).get('accounts');
    const before = await given();
    const unfence = (changes: Partial<Parameters<Store['unfence']>[0]> = {}): Promise<boolean> =>
      roles.secondary.unfence({
        epoch: state.epoch,
        finalPosition: state.watermark ?? '',
        stage: direction === 'sqlite' ? 'write' : 'read',
        reached: () => true,
        sequences: new Map([['accounts', 500n]]),
        ...changes,
      });
    t.false(await unfence({ epoch: state.epoch + 1 }), 'another epoch');
    t.false(await unfence({ reached: () => false }), 'behind the last write');
    const { pair } = roles;
    if (direction === 'sqlite') {
      await pair.postgres.query(
        `INSERT INTO crossfade.quarantine (tbl, key, reason) VALUES ('settings', '["tk"]', 'a test')`,
      );
    } else {
      pair.sqlite.exec(
        `INSERT INTO _crossfade_quarantine (tbl, key, reason, since_ms) VALUES ('settings', '["tk"]', 'a test', 0)`,
      );
    }
    t.false(await unfence(), 'with a row in quarantine');
    t.is(await given(), before);
    if (direction === 'sqlite') await pair.postgres.query('DELETE FROM crossfade.quarantine');
    else pair.sqlite.exec('DELETE FROM _crossfade_quarantine');
    t.true(await unfence());
    t.is(await given(), 500n);
    t.false(await unfence({ sequences: new Map([['accounts', 900n]]) }), 'a second time');
    t.is(await given(), 500n);
  });

  test(`${name}: the secondary refuses writes that are not the Mirror's`, async (t) => {
    const roles = await rolesWith(t, direction);
    const sql = `INSERT INTO settings VALUES ('b', '2')`;
    const attempt =
      direction === 'sqlite' ? roles.pair.postgres.query(sql) : (async () => roles.pair.sqlite.exec(sql))();
    await t.throwsAsync(attempt, { message: /crossfade: fenced/, any: true });
  });

  test(`${name}: every value makes the round trip unchanged`, async (t) => {
    const roles = await rolesWith(t, direction);
    const reals = [0, 0.1, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, Infinity, -Infinity, 1 / 3];
    const integers = [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
    const texts = ['', ' ', 'a\\b"c\'{},', 'é\u0301', '\u{1F600}\u{10FFFF}', 'NULL', '\n\t\r', 'x'.repeat(70_000)];
    const blobs = [Buffer.alloc(0), Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))];
    const accounts = roles.table('accounts');
    const rows: Row[] = Array.from({ length: 8 }, (_, index) =>
      accounts.columns.map((column): SqlValue => {
        const of = <T>(values: readonly T[]): T | null => values[index % values.length] ?? null;
        const values: Record<string, SqlValue> = {
          id: BigInt(index + 1),
          email: `${index} ${of(texts)}`,
          balance: of(integers),
          rate: of(reals),
          is_active: BigInt(index % 2),
          avatar: index === 7 ? null : of(blobs),
          settings: index === 6 ? null : of(texts),
        };
        return values[column.name] ?? null;
      }),
    );
    await insertRows(roles, direction, accounts, rows);
    t.true(await applyNext(roles));
    t.deepEqual((await roles.secondary.progress()).quarantine, []);
    const there = await roles.secondary.rowsByKey(
      accounts,
      rows.map((_, index) => [BigInt(index + 1)]),
    );
    t.deepEqual(there.map(exact), rows.map(exact));
  });
}

/** Doubles by their bits and bytes by their digits, so that `deepEqual` can tell -0 from 0 and Buffers from each other. */
function exact(row: Row | undefined): unknown {
  return row === undefined ? undefined : encodeKey(row);
}

async function insertRows(roles: Roles, direction: StoreName, table: TableSpec, rows: readonly Row[]): Promise<void> {
  const names = table.columns.map((column) => column.name).join(', ');
  for (const row of rows) {
    if (direction === 'sqlite') {
      roles.pair.sqlite
        .prepare(`INSERT INTO ${table.name} (${names}) VALUES (${row.map(() => '?').join(', ')})`)
        .run(...row);
    } else {
      const marks = row.map((_, index) => `$${index + 1}`).join(', ');
      const values = row.map((value) =>
        typeof value === 'bigint' || typeof value === 'number' ? String(value) : value,
      );
      await roles.pair.postgres.query(`INSERT INTO ${table.name} (${names}) VALUES (${marks})`, values);
    }
  }
}

test('rows that PostgreSQL cannot hold go to quarantine, the rest goes on, and they leave it when they are mended', async (t) => {
  const roles = await rolesWith(t, 'sqlite');
  await roles.write(`INSERT INTO accounts (id, email) VALUES (1, 'one'), (2, 'two'), (3, 'three')`);
  t.true(await applyNext(roles));
  await roles.write(`
    UPDATE accounts SET email = 'nul ' || char(0) WHERE id = 2;
    UPDATE accounts SET balance = 'abc' WHERE id = 3;
    UPDATE accounts SET email = 'two' WHERE id = 1;`);
  t.true(await applyNext(roles));
  const { quarantine } = await roles.secondary.progress();
  t.deepEqual(quarantine.map(({ table, key }) => `${table} ${encodeKey(key)}`).sort(), [
    `accounts ${encodeKey([2n])}`,
    `accounts ${encodeKey([3n])}`,
  ]);
  t.regex(quarantine.map(({ reason }) => reason).join('; '), /NUL.*bigint|bigint.*NUL/);
  t.notRegex(JSON.stringify(quarantine.map(({ reason }) => reason)), /abc/);
  const { rows } = await roles.pair.postgres.query('SELECT id, email FROM accounts');
  t.deepEqual(rows, [{ id: '1', email: 'two' }], 'the old rows of refused keys are gone');

  await roles.write(`UPDATE accounts SET email = 'mended' WHERE id = 2; UPDATE accounts SET balance = 7 WHERE id = 3;`);
  t.true(await applyNext(roles));
  t.deepEqual((await roles.secondary.progress()).quarantine, []);
  t.deepEqual(await differences(roles.crossfade), []);
});

test('a row refused only because of another one comes back as soon as that one changes', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL)',
    postgres: 'CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL UNIQUE)',
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  pair.sqlite.exec(`INSERT INTO people VALUES (1, 'same'), (2, 'same')`);
  await until('one is in quarantine', async () => (await crossfade.stores.postgres.progress()).quarantine.length === 1);
  pair.sqlite.exec(`UPDATE people SET name = 'other' WHERE id = 1`);
  await until('none is', async () => (await crossfade.stores.postgres.progress()).quarantine.length === 0);
  t.deepEqual(await differences(crossfade), []);
});

test('a row that SQLite refuses only because of another one comes back as soon as that one changes', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE NOT NULL UNIQUE)',
    postgres: 'CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL UNIQUE)',
  };
  const roles = await rolesWith(t, 'postgres', { tables });
  await roles.write(`INSERT INTO people VALUES (1, 'Same'), (2, 'same')`);
  t.true(await applyNext(roles));
  t.is((await roles.secondary.progress()).quarantine.length, 1);
  await roles.write(`UPDATE people SET name = 'other' WHERE id = 1`);
  t.true(await applyNext(roles));
  t.deepEqual((await roles.secondary.progress()).quarantine, []);
  t.deepEqual(await differences(roles.crossfade), []);
});

test('INSERT OR REPLACE and UPDATE OR REPLACE are captured with the rows they push out', async (t) => {
  const tables = {
    sqlite: `
      CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT COLLATE NOCASE, c INTEGER NOT NULL DEFAULT 5, d INTEGER);
      CREATE UNIQUE INDEX u_b ON u (b);
      CREATE UNIQUE INDEX u_cd ON u (c, d) WHERE d IS NOT NULL;
      CREATE UNIQUE INDEX "u, (e" ON u (coalesce(lower(a), ',)'), /* , */ c -- (
        DESC);`,
    postgres: 'CREATE TABLE u (id bigint PRIMARY KEY, a text, b text, c bigint NOT NULL DEFAULT 5, d bigint)',
  };
  const pair = await makePair(t, { tables });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  const check = async (what: string): Promise<void> => {
    await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
    t.deepEqual(await differences(crossfade), [], what);
  };
  t.is(pair.sqlite.pragma('recursive_triggers', { simple: true }), 0);
  pair.sqlite.exec(
    `INSERT INTO u VALUES (1, 'a1', 'b1', 1, 1), (2, 'a2', 'b2', 2, 2), (3, 'a3', 'b3', 3, 3), (4, 'a4', 'b4', 5, 4)`,
  );
  await check('rows');
  pair.sqlite.exec(`INSERT OR REPLACE INTO u VALUES (9, 'a1', 'B2', 9, 9)`);
  t.deepEqual(pair.sqlite.prepare('SELECT id FROM u ORDER BY id').pluck().all(), [3, 4, 9]);
  await check('pushed out by two indexes, one of them NOCASE');
  pair.sqlite.exec(`INSERT OR REPLACE INTO u (a, b, c, d) VALUES ('new', 'new', NULL, 4)`);
  t.deepEqual(pair.sqlite.prepare('SELECT id FROM u ORDER BY id').pluck().all(), [3, 9, 10]);
  await check('pushed out by the default that replaces a NULL');
  pair.sqlite.exec(`UPDATE OR REPLACE u SET a = 'a3' WHERE id = 9`);
  t.deepEqual(pair.sqlite.prepare('SELECT id FROM u ORDER BY id').pluck().all(), [9, 10]);
  await check('pushed out by an update');
  pair.sqlite.exec(`INSERT OR REPLACE INTO u VALUES (11, 'A3', 'other', 9, 10)`);
  t.deepEqual(pair.sqlite.prepare('SELECT id FROM u ORDER BY id').pluck().all(), [10, 11]);
  await check('pushed out by an expression');
  pair.sqlite.exec(`UPDATE u SET rowid = 77 WHERE id = 10`);
  await check('a key moved under its other name');
  pair.sqlite.exec(`INSERT OR IGNORE INTO u VALUES (78, 'A3', 'x', 1, 1)`);
  await check('ignored');
});

test('a key under NOCASE is one row to SQLite and mirrored as exactly that key', async (t) => {
  const tables = {
    sqlite: 'CREATE TABLE codes (code TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v INTEGER)',
    postgres: 'CREATE TABLE codes (code text PRIMARY KEY, v bigint)',
  };
  const pair = await makePair(t, { tables });
  pair.sqlite.exec(`INSERT INTO codes VALUES ('B', 1), ('a', 2), ('C', 3)`);
  const crossfade = await pair.open({ backfillRows: 1 });
  await goTo(crossfade, 'dual');
  t.deepEqual(await differences(crossfade), []);
  pair.sqlite.exec(`UPDATE codes SET code = 'A' WHERE code = 'a'; INSERT OR REPLACE INTO codes VALUES ('b', 9);`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
  const { rows } = await pair.postgres.query('SELECT code FROM codes ORDER BY code COLLATE "C"');
  t.deepEqual(
    rows.map((row: { code: string }) => row.code),
    ['A', 'C', 'b'],
  );
});

test('a writer that began before the fence under an old snapshot is refused by PostgreSQL itself', async (t) => {
  const roles = await rolesWith(t, 'postgres');
  const { postgres } = roles.pair;
  await postgres.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await postgres.query('SELECT count(*) FROM settings');
  const { epoch } = (await roles.primary.state()) ?? { epoch: -1 };
  const fenced = await roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 2_000 });
  t.truthy(fenced);
  await t.throwsAsync(postgres.query(`INSERT INTO settings VALUES ('late', '1')`), { message: /crossfade: fenced/ });
  await postgres.query('ROLLBACK');
});

test('the fence of PostgreSQL refuses sessions in the replica role too', async (t) => {
  const roles = await rolesWith(t, 'postgres');
  const { epoch } = (await roles.primary.state()) ?? { epoch: -1 };
  t.truthy(await roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 2_000 }));
  await t.throwsAsync(
    roles.write(`SET session_replication_role = replica; INSERT INTO settings VALUES ('past', '1')`),
    { message: /crossfade: fenced/ },
  );
});

test('what Crossfade itself commits in SQLite waits for the disk, but for steps', (t) => {
  const path = sqliteFile(t);
  const [own, ofSteps] = [openConnection(path), openConnection(path, { synchronous: 'NORMAL' })];
  t.is(own.pragma('synchronous', { simple: true }), 2n);
  t.is(ofSteps.pragma('synchronous', { simple: true }), 1n);
  for (const connection of [own, ofSteps]) connection.close();
});

test('the fence of PostgreSQL waits for the writers in flight, prepared transactions too, and gives up in time', async (t) => {
  const roles = await rolesWith(t, 'postgres');
  await roles.pair.postgres.query(`BEGIN; INSERT INTO settings VALUES ('open', '1')`);
  const { epoch } = (await roles.primary.state()) ?? { epoch: -1 };
  await t.throwsAsync(roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 400 }), { code: 'SWITCH_TIMED_OUT' });
  t.is((await roles.primary.state())?.intent, null);
  await roles.pair.postgres.query('COMMIT');
  t.truthy(await roles.primary.fence({ epoch, expiresMs: 60_000, waitMs: 1_000 }));
});

test('the expressions of an index are read from its statement, whatever is in them', (t) => {
  t.deepEqual(indexExpressions(`CREATE UNIQUE INDEX "a(b" ON [t (x] (email)`), ['email']);
  t.deepEqual(
    indexExpressions(
      `CREATE UNIQUE INDEX i ON t (lower("a,b") COLLATE NOCASE desc, substr(c, 1, 2), 'it''s, (') WHERE (x > 1)`,
    ),
    ['lower("a,b")', 'substr(c, 1, 2)', `'it''s, ('`],
  );
  t.deepEqual(indexExpressions(`create unique index i on t(a -- one, (\n , /* two, */ b ASC)`), ['a', 'b']);
});

test('keys keep their exact types as text', (t) => {
  const keys: Key[] = [[1n], [1], ['1'], [Buffer.from('1')], [null], [0], [2n ** 63n - 1n], ['é', 5e-324]];
  t.is(new Set(keys.map(encodeKey)).size, keys.length);
  for (const key of keys) t.is(encodeKey(decodeKey(encodeKey(key))), encodeKey(key));
  t.is(encodeKey([-0]), encodeKey([0]), 'one key to both databases');
});

test('the session for steps in PostgreSQL may be opened beforehand, and is one even if a step comes meanwhile', async (t) => {
  const roles = await rolesWith(t, 'sqlite');
  const sessions = async (): Promise<number> => {
    const { rowCount } = await roles.pair.postgres.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'crossfade mirror' AND datname = current_database()`,
    );
    return rowCount ?? 0;
  };
  await until('those before have ended', async () => (await sessions()) === 0);
  await roles.write(`INSERT INTO settings VALUES ('a', '1')`);
  roles.secondary.warmUp(roles.crossfade.tables);
  t.true(await applyNext(roles));
  t.is(await sessions(), 1);

  await roles.crossfade.close();
  const other = await roles.pair.open({ mirror: 'off' });
  other.stores.postgres.warmUp(other.tables);
  await until('it is opened without a step', async () => (await sessions()) === 1);
  await other.close();
  await until('it is closed', async () => (await sessions()) === 0);
});

test('the log of SQLite can begin anew while PostgreSQL applies a small step', async (t) => {
  const roles = await rolesWith(t, 'sqlite');
  await roles.write(`INSERT INTO settings VALUES ('a', '1')`);
  await roles.primary.read(await roles.request(), async (reading) => {
    const rows: Row[] = [];
    // What a checkpoint cannot reset while anybody reads, it reports as busy.
    const [checkpoint] = roles.pair.sqlite.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    t.is(checkpoint?.busy, 0);
    for await (const batch of reading.batches()) rows.push(...batch.present);
    t.is(rows.length, 1);
  });
});
