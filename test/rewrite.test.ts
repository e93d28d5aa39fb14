import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import type { Knex } from 'knex';
import { createRewriter } from '../migrations/schema.ts';
import { answerOf, twoRouters } from './helpers/two-routers.ts';
import type { Answer } from './helpers/two-routers.ts';

const SCHEMA = `
  CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, email TEXT UNIQUE, age INTEGER, score REAL,
    price DECIMAL(10,2), is_admin BOOLEAN NOT NULL DEFAULT 0, data TEXT, photo BLOB, created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    paid_at INTEGER, day TEXT, code VARCHAR(10));
  CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL REFERENCES people (id), qty INTEGER NOT NULL,
    amount REAL, status TEXT NOT NULL DEFAULT 'new', tags TEXT);
  CREATE TABLE settings (key TEXT PRIMARY KEY NOT NULL, value TEXT, hits INTEGER NOT NULL DEFAULT 0);
  INSERT INTO people (id, name, email, age, score, price, is_admin, data, photo, created_at, paid_at, day, code) VALUES
    (1, 'Ada', 'ada@x', 36, 4.5, 10.50, 1, '{"a":1,"b":["x",2.5],"c":null,"n":"7"}', x'00ff', '2024-01-31 10:00:00', 1715933350123, '2024-01-31', '007'),
    (2, 'bob', 'bob@x', 41, -2.0, 3, 0, '{"a":"1"}', NULL, '2023-02-28 00:00:00', 1715933350456, '2023-02-28', '5'),
    (3, 'Émile', NULL, NULL, NULL, NULL, 0, NULL, x'', '2024-02-29 23:59:59', NULL, NULL, 'abc'),
    (4, 'ann_%', 'Z@x', 0, 0.1, 0.01, 1, '[1,"two",{"three":3}]', NULL, '1999-12-31 12:00:00', 0, '1999-12-31', NULL);
  INSERT INTO orders (id, person_id, qty, amount, status, tags) VALUES (1, 1, 3, 10.5, 'new', 'a,b'), (2, 1, 2, 0.1, 'paid', 'b'), (3, 2, 5, NULL, 'PAID', NULL), (4, 4, 0, 0.2, 'lost', 'c');
  INSERT INTO settings VALUES ('theme', 'dark', 3), ('Lang', 'de', 0), ('limit', '10', 7);`;

const RAW: readonly (readonly [string, (readonly unknown[] | Record<string, unknown>)?])[] = [
  ['SELECT * FROM people WHERE id = ?', [1]],
  ['SELECT * FROM people WHERE id = ?', ['1']],
  ['SELECT id FROM people WHERE age = ?', ['x']],
  ['SELECT id FROM people WHERE age > ? ORDER BY id', ['x']],
  ['SELECT id FROM people WHERE age < ? ORDER BY id', ['x']],
  ['SELECT id FROM people WHERE code = ?', [5]],
  ['SELECT id FROM people WHERE code = ?', ['5']],
  ['SELECT id FROM people WHERE code = ?', [5n]],
  ['SELECT id FROM people WHERE is_admin = ? ORDER BY id', [true]],
  ['SELECT id FROM people WHERE is_admin = 1 ORDER BY id'],
  ['SELECT id FROM people WHERE is_admin ORDER BY id'],
  ['SELECT id, `name` AS n, [email], "age" FROM people ORDER BY name'],
  ["SELECT name || '-' || age || '/' || score AS label FROM people ORDER BY id"],
  [
    'SELECT age / 5 AS a, age / 5.0 AS b, age % 7 AS c, age / 0 AS d, ? / 2 AS e, ? / 2 AS f FROM people ORDER BY id',
    [7, 7n],
  ],
  ['SELECT id FROM people WHERE name LIKE ? ORDER BY id', ['a%']],
  ["SELECT id FROM people WHERE name LIKE 'é%'"],
  ["SELECT id FROM people WHERE name GLOB 'A*'"],
  ["SELECT id FROM people WHERE name LIKE ? ESCAPE '\\'", ['%\\_\\%']],
  ["SELECT IFNULL(email, 'none') AS e, COALESCE(age, -1) AS a, NULLIF(age, 0) AS z FROM people ORDER BY id"],
  [
    "SELECT json_extract(data, '$.a') AS a, json_extract(data, '$.b[1]') AS b, json_extract(data, '$.b') AS arr, data ->> '$.n' AS n, data -> '$.n' AS j FROM people ORDER BY id",
  ],
  ["SELECT json_array(1, 'a', NULL, 2.5) AS a, json_object('k', name, 'n', age) AS o FROM people ORDER BY id"],
  ['SELECT p.id, j.key, j.value, j.type FROM people p, json_each(p.data) j ORDER BY p.id, j.key'],
  ['SELECT json_group_array(name) AS names FROM (SELECT name FROM people ORDER BY id)'],
  [
    "SELECT strftime('%Y', created_at) AS y, date(created_at) AS d, strftime('%s', created_at) AS s, julianday(created_at) AS j, datetime(created_at, '+1 month') AS m FROM people ORDER BY id",
  ],
  ["SELECT date(paid_at / 1000, 'unixepoch') AS d FROM people ORDER BY id"],
  ["SELECT date('now') = date('now') AS same, datetime('now', '-1 day') < datetime('now') AS less"],
  [
    "SELECT strftime('%Y-%m', created_at) AS month, count(*), sum(age), avg(age), total(age), max(score), min(name), group_concat(id) AS ids FROM people GROUP BY 1 ORDER BY 1",
  ],
  ['SELECT count(*) FROM people'],
  [
    'SELECT COUNT(DISTINCT is_admin) AS n, sum(qty * amount) AS s, sum(qty) AS q, avg(amount) AS a FROM people JOIN orders ON orders.person_id = people.id',
  ],
  [
    'SELECT people.name, sum(orders.qty) AS q FROM people JOIN orders ON orders.person_id = people.id GROUP BY people.id HAVING sum(orders.qty) > ? ORDER BY q DESC',
    [1],
  ],
  ['SELECT status, max(amount), id FROM orders GROUP BY status ORDER BY status'],
  ['SELECT * FROM orders ORDER BY amount LIMIT ? OFFSET ?', [2, 1]],
  ['SELECT id FROM orders ORDER BY id LIMIT 1, 2'],
  ['SELECT id FROM orders ORDER BY id LIMIT -1 OFFSET 2'],
  ['SELECT * FROM people WHERE email IS ?', [null]],
  ['SELECT id FROM people WHERE email IS NOT ? ORDER BY id', ['ada@x']],
  ["SELECT id FROM people WHERE id == 1 AND name <> 'x' AND name != 'y'"],
  ["SELECT id FROM people WHERE 'what? it''s' != name AND id = ? -- why?\n", [2]],
  ['SELECT id FROM people WHERE id IN (?, ?, ?) ORDER BY id DESC', [1, '2', 'x']],
  [
    'SELECT id FROM people WHERE name = :name OR email = :name OR name = :other ORDER BY id',
    { name: 'ADA', other: 'bob' },
  ],
  ['SELECT rowid, oid, _rowid_, id FROM people WHERE rowid = 2'],
  ["SELECT id FROM people WHERE email = 'z@x' COLLATE NOCASE"],
  ['SELECT id FROM people ORDER BY email'],
  ['SELECT id FROM people ORDER BY email DESC'],
  ['SELECT id FROM people ORDER BY score DESC, id'],
  [
    'SELECT typeof(age) AS a, typeof(score) AS b, typeof(name) AS c, typeof(photo) AS d, typeof(?) AS e, typeof(?) AS f FROM people ORDER BY id',
    [1, 'x'],
  ],
  [
    "SELECT upper(name) AS u, lower(name) AS l, length(name) AS n, substr(name, -2) AS s, instr(name, 'b') AS i, trim('  x ') AS t, replace(name, 'a', 'b') AS r, round(score, 1) AS o, abs(score) AS ab, hex(photo) AS h, quote(name) AS q, printf('%05.2f', score) AS p FROM people ORDER BY id",
  ],
  ['SELECT CAST(code AS INTEGER) AS i, CAST(score AS TEXT) AS t, CAST(age AS REAL) AS r FROM people ORDER BY id'],
  ["SELECT CASE WHEN age > ? THEN 'old' WHEN age IS NULL THEN 'none' ELSE age END AS c FROM people ORDER BY id", [40]],
  ['SELECT max(age, 38) AS m, min(score, 0) AS n FROM people ORDER BY id'],
  ['WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) SELECT x FROM n', [5]],
  [
    'SELECT name FROM people WHERE EXISTS (SELECT 1 FROM orders WHERE person_id = people.id AND status = ?) ORDER BY id',
    ['new'],
  ],
  ['SELECT id, (SELECT count(*) FROM orders o WHERE o.person_id = p.id) AS n FROM people p ORDER BY n DESC, id'],
  ['SELECT id FROM people UNION SELECT person_id FROM orders ORDER BY 1'],
  ['SELECT id, row_number() OVER (PARTITION BY person_id ORDER BY qty DESC) AS rank FROM orders ORDER BY id'],
  ['SELECT id FROM people WHERE price = 3'],
  ['SELECT price, price * 2 AS d, sum(price) OVER () AS s FROM people ORDER BY id'],
  ['SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e', [1, 1.5, 'x', null, Buffer.from('é')]],
  ['SELECT ?? FROM ?? WHERE ?? = ?', ['people.name', 'people', 'people.id', 2]],
  ['SELECT id FROM people WHERE paid_at > ? ORDER BY id', [new Date(1715933350123)]],
  ['SELECT id FROM people WHERE created_at >= ? ORDER BY id', ['2024-01-01']],
  ['SELECT 1 WHERE 0.1 + 0.2 = 0.3'],
  ['SELECT total(amount) AS t FROM orders WHERE 0'],
  ['SELECT sum(amount) AS t, count(amount) AS n FROM orders WHERE 0'],
  ['SELECT id FROM orders WHERE status = "new"'],
  ['SELECT * FROM nosuch'],
  ['SELECT nosuch FROM people'],
  ['SELECT random() IS NOT NULL AS r'],
  ["SELECT iif(age > 40, 'a', 'b') AS x, unicode('a') AS u, char(65) AS c FROM people ORDER BY id"],
];

test('raw SQL written for SQLite has the same answers from PostgreSQL', async (t) => {
  const { sqlite, postgres, warnings } = await twoRouters(t, { sql: SCHEMA, rewrite: createRewriter() });
  const differing: unknown[] = [];
  for (const [sql, bindings] of RAW) {
    const ask = (db: Knex) => (bindings === undefined ? db.raw(sql) : db.raw(sql, bindings as never));
    const [expected, found] = [await answerOf(sqlite, ask), await answerOf(postgres, ask)];
    if (!isDeepStrictEqual(codeOnly(found), codeOnly(expected))) differing.push({ sql, expected, found });
  }
  t.deepEqual(differing, []);
  t.deepEqual(warnings, []);
});

function codeOnly(answer: Answer): Answer {
  return 'error' in answer ? { error: answer.error.split(':', 1)[0] ?? '' } : answer;
}

/** Writes, each with what it leaves; undone after each, so that both databases begin with the same again. */
const WRITES: readonly (readonly [string, (readonly unknown[])?])[] = [
  ['INSERT INTO people (name, age, code) VALUES (?, ?, ?)', ['New', '7', 5]],
  ['INSERT INTO people (name, paid_at, is_admin) VALUES (?, ?, ?)', ['Date', new Date(1_715_933_350_999), true]],
  ['INSERT INTO people (id, name) VALUES (NULL, ?), (?, ?)', ['a', 77, 'b']],
  ["INSERT OR IGNORE INTO people (name, email) VALUES ('x', 'ada@x')"],
  ["INSERT OR REPLACE INTO settings (key, value) VALUES ('theme', 'light')"],
  [
    'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, hits = hits + 1',
    ['theme', 'x'],
  ],
  ['INSERT INTO orders (person_id, qty) SELECT id, age FROM people WHERE age > ?', [1]],
  ['INSERT INTO orders (person_id, qty) VALUES (?, ?) RETURNING id, status', [1, 2]],
  ['UPDATE people SET age = age + ?, score = score * 2, code = ? WHERE id IN (?, ?)', [1, 12, 1, '2']],
  ["UPDATE settings SET hits = hits + 1 WHERE key LIKE 'THEME'"],
  ['UPDATE people SET is_admin = NOT is_admin WHERE id = ?', [1]],
  ['UPDATE people SET age = ? WHERE id = 1', ['abc']],
  ['DELETE FROM orders WHERE qty < ? OR status = ?', [3, 'lost']],
  ['DELETE FROM people WHERE id = ?', [1]],
];

test('raw writes written for SQLite do the same in PostgreSQL, and answer the same', async (t) => {
  const { sqlite, postgres, client } = await twoRouters(t, { sql: SCHEMA, rewrite: createRewriter() });
  const undo = new Error('undo');
  const left = async (db: Knex, sql: string, bindings: readonly unknown[]): Promise<unknown> => {
    let found: unknown;
    await t.throwsAsync(
      db.transaction(async (trx) => {
        const answer = codeOnly(await answerOf(trx, (one) => one.raw(sql, bindings as never)));
        found = answer;
        if ('value' in answer) {
          const [last] = await trx.raw('SELECT last_insert_rowid() AS id, changes() AS n');
          found = [
            // Its key is no integer: the rowid that SQLite tells is no column's value.
            ...(sql.includes('settings') ? [] : [answer, last]),
            await trx('people').orderBy('id'),
            await trx('orders').orderBy('id'),
            await trx('settings').orderBy('key'),
          ];
        }
        throw undo;
      }),
      { message: 'undo' },
    );
    return found;
  };
  for (const [sql, bindings = []] of WRITES) {
    const expected = await left(sqlite, sql, bindings);
    // SQLite keeps what PostgreSQL's column cannot hold.
    if (bindings[0] === 'abc') t.like(await left(postgres, sql, bindings), { error: '22P02' });
    else t.deepEqual(withoutNow(await left(postgres, sql, bindings)), withoutNow(expected), sql);
    await client.query(
      "SELECT setval(pg_get_serial_sequence(t, 'id'), n, false) FROM (VALUES ('people', 5), ('orders', 5)) AS v (t, n)",
    );
  }
});

/** The default of `created_at` is the second in which each database was asked. */
function withoutNow(found: unknown): unknown {
  return JSON.parse(
    JSON.stringify(found, (name, value: unknown) =>
      name === 'created_at' && typeof value === 'string' && value > '2025' ? 'now' : value,
    ),
  );
}

test('raw SQL without a translation is sent as it is with a warning, once of each shape, or refused by name', async (t) => {
  const sql = 'SELECT name, max(age), min(age) FROM people GROUP BY is_admin HAVING count(*) > 100';
  const asIs = await twoRouters(t, { sql: SCHEMA, rewrite: createRewriter() });
  t.like(await answerOf(asIs.postgres, (db) => db.raw(sql)), { value: undefined });
  await answerOf(asIs.postgres, (db) => db.raw(sql));
  t.is(asIs.warnings.length, 1);
  t.regex(asIs.warnings[0] ?? '', /bare-column/);
  // SQLite's functions are found under their names, in this one statement only.
  const late =
    "SELECT ifnull(name, 'x') AS n, max(age), min(score) FROM people GROUP BY id, is_admin HAVING min(email) > ''";
  t.like(await answerOf(asIs.postgres, (db) => db.raw(late)), { error: undefined });
  t.like(await asIs.postgres.raw('SHOW search_path'), { 0: { search_path: '"$user", public' } });
  const refusing = await twoRouters(t, { sql: SCHEMA, rewrite: createRewriter({ untranslatable: 'refuse' }) });
  await t.throwsAsync(refusing.postgres.raw(sql), { code: 'SQL_UNTRANSLATABLE', message: /bare-column/ });
  // The builder's own queries go on, and so does what SQLite would not take either.
  t.deepEqual(await refusing.postgres('people').distinct('name').orderBy('name').limit(1), [{ name: 'Ada' }]);
  t.deepEqual(await refusing.postgres.raw('SELECT 1::bigint AS one'), [{ one: 1 }]);
});

test('a schema that changes is looked at again', async (t) => {
  const { postgres, client } = await twoRouters(t, { sql: SCHEMA, rewrite: createRewriter() });
  t.deepEqual(await postgres.raw("SELECT id FROM people WHERE code = '007'"), [{ id: 1 }]);
  await postgres.schema.alterTable('people', (table) => {
    table.integer('extra').defaultTo(5);
  });
  t.deepEqual(await postgres.raw("SELECT extra / 2 AS half FROM people WHERE code LIKE '00%'"), [{ half: 2 }]);
  await client.query('ALTER TABLE people RENAME COLUMN extra TO further');
  t.like(await answerOf(postgres, (db) => db.raw('SELECT extra FROM people')), { value: undefined });
  t.deepEqual(await postgres.raw('SELECT further / 2 AS half FROM people WHERE id = 1'), [{ half: 2 }]);
});

test('identifiers are written as the application wants them, in transactions too, also from later on', async (t) => {
  const { sqlite, postgres } = await twoRouters(t, { sql: SCHEMA, rewrite: createRewriter() });
  for (const db of [sqlite, postgres]) {
    const contexts: unknown[] = [];
    db.client.config.wrapIdentifier = (name: string, wrap: (name: string) => string, context: unknown): string => {
      contexts.push(context);
      return wrap(name.toLowerCase());
    };
    const ask = (on: Knex): Knex.QueryBuilder => on('PEOPLE').queryContext({ who: 'me' });
    t.is((await ask(db)).length, 4);
    t.is((await db.transaction((trx) => ask(trx))).length, 4);
    t.is(await db.transaction((trx) => trx.transaction(async (inner) => (await ask(inner)).length)), 4);
    t.deepEqual(contexts, [{ who: 'me' }, { who: 'me' }, { who: 'me' }]);
  }
});

test('equal JSON is asked for in the words of each database', async (t) => {
  const { postgres, client } = await twoRouters(t, {
    sql: 'CREATE TABLE bodies (id INTEGER PRIMARY KEY, binary_json TEXT, text_json TEXT)',
    rewrite: createRewriter(),
  });
  await client.query(
    'ALTER TABLE bodies ALTER binary_json TYPE jsonb USING NULL, ALTER text_json TYPE json USING NULL',
  );
  const body = { b: 1, a: [2] };
  await postgres('bodies').insert({ binary_json: JSON.stringify(body), text_json: JSON.stringify(body) });
  for (const column of ['binary_json', 'text_json']) {
    t.deepEqual(await postgres('bodies').whereJsonObject(column, body).pluck('id'), [1]);
    t.deepEqual(await postgres('bodies').whereNotJsonObject(column, body).pluck('id'), []);
  }
});

test('a table that has been ported has PostgreSQL’s own values and takes them', async (t) => {
  const { postgres, client } = await twoRouters(t, { sql: SCHEMA, rewrite: createRewriter(), native: ['events'] });
  await client.query(
    'CREATE TABLE events (id bigserial PRIMARY KEY, at timestamptz NOT NULL, is_new boolean, body jsonb)',
  );
  const at = new Date('2024-05-17T08:09:10.123Z');
  t.deepEqual(await postgres('events').insert({ at, is_new: true, body: { a: [1] } }), [1]);
  t.deepEqual(await postgres('events').where('at', '>=', at).where({ is_new: true }).first(), {
    id: '1',
    at,
    is_new: true,
    body: { a: [1] },
  });
  t.deepEqual(await postgres.raw('SELECT at, is_new FROM events'), [{ at, is_new: true }]);
  // Another table's values are still SQLite's.
  t.like(await postgres('people').where({ is_admin: true }).first(), { id: 1, is_admin: 1 });
});
