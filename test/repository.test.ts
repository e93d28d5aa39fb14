import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Knex } from 'knex';
import { Breaker } from '../adapter/breaker.ts';
import { Repository } from '../adapter/repository.ts';
import { Router } from '../adapter/router.ts';
import type { StoreName } from '../adapter/spec.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { sqliteFile } from './helpers/sqlite.ts';

interface Offering {
  id: number;
  name: string;
  price: number;
  isActive: number;
  note: string | null;
}

interface Usage {
  account: string;
  day: string;
  calls: number;
}

/** The application's Knex with everything on one store. */
async function open(t: ExecutionContext, store: StoreName): Promise<Knex> {
  const breaker = new Breaker();
  const router = Router.open({
    sqlite: sqliteFile(t),
    postgres: await freshDatabase(t),
    knex: { useNullAsDefault: true },
    poolMax: 2,
    breaker,
    traffic: {
      readStore: () => store,
      enter: () => ({ store, leave: () => {} }),
      committed: () => undefined,
      fenced: async () => {},
      fallback: () => undefined,
      admitSchemaChange: () => {},
    },
  });
  t.teardown(async () => {
    await router.close();
    breaker.close();
  });
  await router.knex.schema.createTable('offerings', (table) => {
    table.increments('id');
    table.text('name').notNullable().unique();
    table.integer('price').notNullable().defaultTo(100);
    table.boolean('isActive').notNullable().defaultTo(router.knex.raw(`'1'`));
    table.text('note');
  });
  await router.knex.schema.createTable('usage', (table) => {
    table.text('account');
    table.text('day');
    table.integer('calls').notNullable().defaultTo(0);
    table.primary(['account', 'day']);
  });
  await router.knex.schema.createTable('events', (table) => {
    table.bigInteger('id').primary();
    table.text('name');
  });
  return router.knex;
}

for (const store of ['sqlite', 'postgres'] as const) {
  const offeringsOf = (knex: Knex): Repository<Offering> => new Repository({ knex, table: 'offerings', key: ['id'] });
  const usageOf = (knex: Knex): Repository<Usage> => new Repository({ knex, table: 'usage', key: ['account', 'day'] });

  test(`${store}: insert gives back the row as stored`, async (t) => {
    const offerings = offeringsOf(await open(t, store));
    const stored = { id: 1, name: 'Basic', price: 100, isActive: 1, note: null };
    t.deepEqual(await offerings.insert({ name: 'Basic' }), stored);
    t.deepEqual(await offerings.find(1), stored);
    t.deepEqual(await offerings.insert({ id: 7, name: 'Pro', price: 5, isActive: 0, note: 'x' }), {
      id: 7,
      name: 'Pro',
      price: 5,
      isActive: 0,
      note: 'x',
    });
  });

  test(`${store}: a key past 2^53 keeps all its digits`, async (t) => {
    const id = 9_007_199_254_740_993n;
    const events = new Repository<{ id: number | bigint; name: string }>({
      knex: await open(t, store),
      table: 'events',
      key: ['id'],
    });
    t.deepEqual(await events.insert({ id, name: 'a' }), { id, name: 'a' });
    t.deepEqual(await events.upsert({ id, name: 'b' }), { id, name: 'b' });
    t.deepEqual(await events.update(id, { name: 'c' }), { id, name: 'c' });
    t.deepEqual(
      [await events.get(id), ...(await events.list())],
      [
        { id, name: 'c' },
        { id, name: 'c' },
      ],
    );
    t.true(await events.delete(id));
  });

  test(`${store}: find gives undefined where get throws`, async (t) => {
    const offerings = offeringsOf(await open(t, store));
    t.is(await offerings.find(99), undefined);
    await t.throwsAsync(offerings.get(99), { code: 'ROW_NOT_FOUND', message: /"offerings".*\[99\]/ });
    await offerings.insert({ name: 'Basic' });
    t.is((await offerings.get(1)).name, 'Basic');
  });

  test(`${store}: list filters, sorts and cuts, in a definite order`, async (t) => {
    const offerings = offeringsOf(await open(t, store));
    for (const [name, price, note] of [
      ['a', 2, null],
      ['b', 1, 'n'],
      ['c', 2, 'n'],
    ] as const) {
      await offerings.insert({ name, price, note });
    }
    const names = async (options: Parameters<typeof offerings.list>[0]): Promise<string> =>
      (await offerings.list(options)).map(({ name }) => name).join('');
    t.is(await names({}), 'abc');
    t.is(await names({ orderBy: ['price'] }), 'bac');
    t.is(await names({ orderBy: ['-price', '-name'] }), 'cab');
    t.is(await names({ where: { price: 2 } }), 'ac');
    t.is(await names({ where: { note: null } }), 'a');
    t.is(await names({ limit: 1, offset: 1 }), 'b');
    t.is(await names({ offset: 2 }), 'c');
  });

  test(`${store}: update gives the changed row, or undefined`, async (t) => {
    const offerings = offeringsOf(await open(t, store));
    await offerings.insert({ name: 'Basic' });
    t.deepEqual(await offerings.update(1, { price: 3, isActive: 0 }), {
      id: 1,
      name: 'Basic',
      price: 3,
      isActive: 0,
      note: null,
    });
    t.is(await offerings.update(2, { price: 3 }), undefined);
  });

  test(`${store}: upsert adds or changes, and leaves other columns alone`, async (t) => {
    const knex = await open(t, store);
    const usage = usageOf(knex);
    t.deepEqual(await usage.upsert({ account: 'a', day: '1', calls: 4 }), { account: 'a', day: '1', calls: 4 });
    t.deepEqual(await usage.upsert({ account: 'a', day: '1', calls: 5 }), { account: 'a', day: '1', calls: 5 });
    t.deepEqual(await usage.upsert({ account: 'a', day: '1' }), { account: 'a', day: '1', calls: 5 });
    const offerings = offeringsOf(knex);
    await offerings.insert({ name: 'Basic', price: 7 });
    t.is((await offerings.upsert({ id: 1, name: 'Basic', note: 'new' })).price, 7);
  });

  test(`${store}: delete tells whether there was a row`, async (t) => {
    const usage = usageOf(await open(t, store));
    await usage.insert({ account: 'a', day: '1' });
    await usage.insert({ account: 'a', day: '2' });
    t.true(await usage.delete({ account: 'a', day: '1' }));
    t.false(await usage.delete({ account: 'a', day: '1' }));
    t.deepEqual(await usage.list(), [{ account: 'a', day: '2', calls: 0 }]);
  });

  test(`${store}: a key of several columns needs all of them`, async (t) => {
    const usage = usageOf(await open(t, store));
    await usage.insert({ account: 'a', day: '1', calls: 2 });
    t.is((await usage.get({ account: 'a', day: '1' })).calls, 2);
    await t.throwsAsync(usage.delete({ account: 'a' }), { code: 'CONFIG_INVALID', message: /without "day"/ });
    await t.throwsAsync(usage.update('a', { calls: 0 }), { code: 'CONFIG_INVALID' });
    t.is((await usage.get({ account: 'a', day: '1' })).calls, 2);
  });

  test(`${store}: a transaction keeps all or nothing, of several repositories too`, async (t) => {
    const knex = await open(t, store);
    const offerings = offeringsOf(knex);
    const failure = await t.throwsAsync(
      offerings.transaction(async (inner, trx) => {
        await inner.insert({ name: 'gone' });
        await usageOf(knex).within(trx).insert({ account: 'a', day: '1' });
        throw new RangeError('changed my mind');
      }),
    );
    t.true(failure instanceof RangeError);
    t.deepEqual(await offerings.list(), []);
    t.deepEqual(await usageOf(knex).list(), []);
    t.is(
      await offerings.transaction(async (inner) => {
        await inner.insert({ name: 'kept' });
        return (await inner.list()).length;
      }),
      1,
    );
    t.is((await offerings.list()).length, 1);
  });
}

test('a repository without a key is refused', async (t) => {
  const knex = await open(t, 'sqlite');
  t.throws(() => new Repository({ knex, table: 'offerings', key: [] }), { code: 'TABLE_WITHOUT_KEY' });
});
