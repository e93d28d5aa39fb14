import test from 'ava';
import { brief, translated } from './helpers/translated-pair.ts';

test('tables, keys, constraints, indexes and defaults are carried over, and PostgreSQL makes them as planned', async (t) => {
  const pair = await translated(
    t,
    `CREATE TABLE customers (
       id INTEGER PRIMARY KEY AUTOINCREMENT,
       email TEXT NOT NULL UNIQUE COLLATE NOCASE,
       name VARCHAR(80) NOT NULL DEFAULT '',
       vip BOOLEAN NOT NULL DEFAULT 0,
       credit DECIMAL(10,2) DEFAULT 0,
       rating REAL CHECK (rating BETWEEN 0 AND 5),
       photo BLOB,
       created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
       CONSTRAINT name_is_short CHECK (length(name) < 80));
     CREATE TABLE orders (
       id INTEGER PRIMARY KEY,
       customer_id INTEGER NOT NULL REFERENCES customers ON DELETE CASCADE ON UPDATE CASCADE,
       parent_id INTEGER REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED,
       state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'gone')),
       total INTEGER NOT NULL,
       tax INTEGER GENERATED ALWAYS AS (total * 19 / 100) VIRTUAL,
       gross INTEGER GENERATED ALWAYS AS (total + tax) STORED,
       UNIQUE (customer_id, state, total));
     CREATE TABLE notes (order_id INTEGER NOT NULL, line INTEGER NOT NULL, text TEXT, PRIMARY KEY (order_id, line)) WITHOUT ROWID;
     CREATE INDEX orders_open ON orders (customer_id, total DESC) WHERE state = 'open';
     CREATE UNIQUE INDEX notes_text ON notes (lower(text)) WHERE text IS NOT NULL;
     INSERT INTO customers (email, name) VALUES ('a@example.org', 'A'), ('b@example.org', 'B');
     DELETE FROM customers WHERE name = 'B';
     INSERT INTO orders (customer_id, total) VALUES (1, 1000);`,
  );
  t.deepEqual(brief(pair.findings, 'rejection'), []);
  t.deepEqual(await pair.apply(), []);
  const crossfade = await pair.open();
  await crossfade.backfill();
  // As the Mirror's own session, past the fence.
  await pair.postgres.query(`SET crossfade.mirroring = 'on'`);
  const { rows } = await pair.postgres.query('SELECT tax::int, gross::int FROM orders');
  t.deepEqual(rows, [{ tax: 190, gross: 1190 }]);
  await t.throwsAsync(pair.postgres.query(`INSERT INTO customers (email) VALUES ('A@EXAMPLE.ORG')`), { code: '23505' });
  const { rows: made } = await pair.postgres.query<{ id: string }>(
    `INSERT INTO customers (email) VALUES ('c@example.org') RETURNING id`,
  );
  t.is(
    made[0]?.id,
    '4',
    'after the attempt above, which took 3: the id of the row that was deleted is not given out again',
  );
});

test("a moment is declared with the precision that its form can write, so that PostgreSQL's clock fits it", async (t) => {
  const pair = await translated(t, 'CREATE TABLE a (id INTEGER PRIMARY KEY, at INTEGER, day TEXT);', {
    columns: { 'a.at': { type: 'timestamptz', form: 'epoch-ms' }, 'a.day': { type: 'timestamptz', form: 'datetime' } },
  });
  t.deepEqual(
    pair.translation.plan.tables[0]?.columns.map(({ type }) => type),
    ['bigint', 'timestamp(3) with time zone', 'timestamp(0) with time zone'],
  );
  t.deepEqual(await pair.apply(), []);
});
