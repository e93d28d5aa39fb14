import { inspect, isDeepStrictEqual } from 'node:util';
import test from 'ava';
import type { Knex } from 'knex';
import { answerOf, twoRouters } from './helpers/two-routers.ts';

const SCHEMA = `
  CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE, uses INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE shops (id INTEGER PRIMARY KEY, city TEXT COLLATE NOCASE, name TEXT, UNIQUE (city, name));
  CREATE TABLE sales (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL REFERENCES shops (id) ON DELETE RESTRICT, cents INTEGER, rate REAL);
  CREATE UNIQUE INDEX sales_rate ON sales (rate) WHERE cents > 900;
  INSERT INTO tags VALUES (1, 'Linux', 3), (2, 'GPU', 1);
  INSERT INTO shops VALUES (1, 'Bern', 'A'), (2, 'bonn', 'A'), (3, 'Bonn', 'B');
  INSERT INTO sales VALUES (1, 1, 500, 1.5), (2, 1, 250, NULL), (3, 2, 1000, 0.1), (4, 3, 7, 0.2);`;

/** What the query builder alone asks; no rewriter is there to help. */
const QUESTIONS: readonly ((db: Knex) => PromiseLike<unknown>)[] = [
  (db) => db('sales').select('shop_id').count('id as n').groupBy('shop_id').having('n', '>', 1),
  (db) =>
    db('sales').select('shop_id').sum({ total: 'cents' }).groupBy('shop_id').having('total', '>=', 7).orderBy('total'),
  (db) =>
    db('sales').select('shop_id').avg('rate as mean').groupBy('shop_id').having('mean', '<', 1).orderBy('shop_id'),
  (db) => db('sales').select('shop_id').max('cents as id').groupBy('shop_id', 'id').having('id', '=', 3),
  (db) => db('tags').insert({ name: 'LINUX' }).onConflict('name').ignore(),
  (db) => db('tags').insert({ name: 'gpu', uses: 9 }).onConflict('name').merge(['uses']),
  (db) => db('shops').insert({ id: 9, city: 'BERN', name: 'A' }).onConflict(['city', 'name']).merge({ name: 'C' }),
  (db) => db('tags').insert({ name: 'Gpu' }),
  (db) => db('tags').where('id', 1).update({ name: 'gPU' }),
  (db) => db('shops').insert({ city: 'BONN', name: 'B' }),
  (db) => db('sales').insert({ shop_id: 1, cents: 1_000, rate: 0.1 }),
  (db) => db('shops').where('id', 2).del(),
  (db) => db('tags').insert({ name: 'gpu', uses: 10 }).onConflict('name').merge().returning('id'),
  (db) => db('tags').orderBy('id'),
  (db) => db('shops').orderBy('id'),
];

test('the builder’s own queries and errors are the same where a column folds its letters, and where HAVING names an alias', async (t) => {
  const { sqlite, postgres } = await twoRouters(t, { sql: SCHEMA });
  for (const ask of QUESTIONS) {
    const expected = await answerOf(sqlite, ask);
    const found = await answerOf(postgres, ask);
    t.true(isDeepStrictEqual(found, expected), `${String(ask)}\n${inspect(expected)}\n${inspect(found)}`);
  }
});
