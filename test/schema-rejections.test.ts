import test from 'ava';
import { brief, translated } from './helpers/translated-pair.ts';

const REJECTED: readonly (readonly [title: string, sql: string, findings: readonly string[]])[] = [
  [
    'a foreign key to a table that does not exist',
    'CREATE TABLE orders (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shops (id));',
    ['foreign-key-without-parent orders orders_shop_id_fkey'],
  ],
  [
    'a foreign key to columns that are not unique',
    'CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE orders (id INTEGER PRIMARY KEY, shop TEXT REFERENCES shops (name));',
    ['foreign-key-mismatch orders orders_shop_fkey'],
  ],
  [
    'a foreign key to columns that are unique only regardless of case',
    'CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE); CREATE TABLE orders (id INTEGER PRIMARY KEY, shop TEXT REFERENCES shops (name));',
    ['foreign-key-mismatch orders orders_shop_fkey'],
  ],
  [
    'a constraint that replaces rows',
    'CREATE TABLE settings (name TEXT PRIMARY KEY ON CONFLICT REPLACE, value TEXT NOT NULL ON CONFLICT IGNORE);',
    ['conflict-clause settings'],
  ],
  [
    'a full-text table',
    'CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT); CREATE VIRTUAL TABLE posts_text USING fts5 (body);',
    ['virtual-table posts_text'],
  ],
  [
    'a column with the name of a system column',
    'CREATE TABLE points (id INTEGER PRIMARY KEY, xmin REAL, xmax REAL);',
    ['system-column points xmax', 'system-column points xmin'],
  ],
  [
    'a name that PostgreSQL would cut',
    `CREATE TABLE ${'t'.repeat(64)} (id INTEGER PRIMARY KEY, ${'c'.repeat(64)} TEXT);`,
    [`name-too-long ${'t'.repeat(64)}`, `name-too-long ${'t'.repeat(64)} ${'c'.repeat(64)}`],
  ],
];

for (const [title, sql, findings] of REJECTED) {
  test(`${title} is rejected by name, with a remedy, and nothing else is`, async (t) => {
    const pair = await translated(t, sql);
    const rejections = pair.translation.findings.filter(({ severity }) => severity === 'rejection');
    t.deepEqual(brief(rejections), findings);
    t.true(rejections.every(({ remedy }) => remedy !== undefined && remedy !== ''));
  });
}

test('what the configuration leaves out is no rejection any more, and is named as left out', async (t) => {
  const pair = await translated(
    t,
    `CREATE TABLE orders (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shops (id));
     CREATE TRIGGER orders_log AFTER INSERT ON orders BEGIN SELECT 1; END;`,
    { omit: ['foreign-key:orders.shop_id', 'trigger:orders_log', 'view:totals'] },
  );
  t.deepEqual(brief(pair.findings, 'rejection'), []);
  t.deepEqual(brief(pair.findings, 'warning'), [
    'left-out orders orders_log',
    'left-out orders orders_shop_id_fkey',
    'omit-names-nothing',
  ]);
  t.deepEqual(await pair.apply(), []);
});

test('an entry of omit that names no kind of thing is an error', async (t) => {
  await t.throwsAsync(translated(t, 'CREATE TABLE a (id INTEGER PRIMARY KEY);', { omit: ['orders_log'] }), {
    code: 'CONFIG_INVALID',
    message: /orders_log/,
  });
});

test('a baseline is not applied over a table that is there, and nothing of it is made', async (t) => {
  const pair = await translated(t, 'CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY);');
  await pair.postgres.query('CREATE TABLE b (id text)');
  await t.throwsAsync(pair.apply(), { code: 'TABLE_NOT_EMPTY', message: /"b"/ });
  const { rows } = await pair.postgres.query(`SELECT to_regclass('a') AS a`);
  t.deepEqual(rows, [{ a: null }]);
});

test('rows without their parent make the foreign key NOT VALID, with a warning', async (t) => {
  const pair = await translated(
    t,
    `PRAGMA foreign_keys = OFF;
     CREATE TABLE shops (id INTEGER PRIMARY KEY);
     CREATE TABLE orders (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shops (id));
     INSERT INTO orders (shop_id) VALUES (7);`,
  );
  t.deepEqual(brief(pair.findings, 'rejection'), []);
  t.deepEqual(brief(pair.findings, 'warning'), ['orphans orders orders_shop_id_fkey']);
  t.deepEqual(await pair.apply(), []);
  await t.throwsAsync(pair.postgres.query('INSERT INTO orders (shop_id) VALUES (8)'), { code: '23503' });
});
