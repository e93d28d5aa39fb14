import test from 'ava';
import type { Knex } from 'knex';
import { openOracle } from './helpers/oracle.ts';

async function createShop(db: Knex): Promise<void> {
  await db.schema.createTable('customers', (table) => {
    table.increments('id');
    table.string('email', 100).notNullable().unique();
    table.text('notes').defaultTo('none');
    table.decimal('credit', 10, 2).defaultTo(0);
    table.boolean('is_active').notNullable();
  });
  await db.schema.createTable('orders', (table) => {
    table.string('number').notNullable();
    table.integer('line').notNullable();
    table.integer('customer_id').references('customers.id').onDelete('CASCADE').onUpdate('SET NULL');
    table.primary(['number', 'line']);
    table.index(['customer_id'], 'orders_of_customer');
  });
  await db('customers').insert({ email: 'ada@x', is_active: true });
  await db('orders').insert([
    { number: 'b', line: 1, customer_id: 1 },
    { number: 'a', line: 1, customer_id: 1 },
    { number: 'a', line: 2, customer_id: 1 },
  ]);
}

const PRAGMAS = [
  'PRAGMA foreign_keys',
  'PRAGMA foreign_key_check',
  'PRAGMA integrity_check',
  'PRAGMA encoding',
  'PRAGMA table_info(`orders`)',
  'PRAGMA table_info("missing")',
  "PRAGMA foreign_key_list('orders');",
  'PRAGMA index_info(orders_of_customer)',
  'PRAGMA index_info("customers_email_unique")',
];

test('pragmas that tell of the database answer as on SQLite', async (t) => {
  const { same } = await openOracle(t, { create: createShop });
  for (const pragma of PRAGMAS) await same(pragma, (db) => db.raw(pragma));
  for (const setting of ['foreign_keys = ON', 'defer_foreign_keys = 1', 'synchronous = NORMAL']) {
    await same(setting, async (db) => {
      const { changes }: { readonly changes: number } = await db.raw(`PRAGMA ${setting}`);
      return changes;
    });
  }
  await same('the names of columns', async (db) => {
    const rows: { readonly name: string; readonly notnull: number; readonly pk: number }[] =
      await db.raw('PRAGMA table_info(customers)');
    return rows.map(({ name, notnull, pk }) => [name, notnull, pk]);
  });
  await same('the indices of a table', async (db) => {
    const rows: { readonly name: string; readonly unique: number }[] = await db.raw('PRAGMA index_list(orders)');
    return rows.map(({ name, unique }) => [name, unique]);
  });
});

test('SQLite’s table of tables answers as on SQLite', async (t) => {
  const { same } = await openOracle(t, { create: createShop });
  await same('the tables', (db) =>
    db('sqlite_master')
      .where({ type: 'table' })
      .whereNot('name', 'sqlite_sequence')
      .orderBy('name')
      .select('name', 'tbl_name', 'type'),
  );
  await same('in raw SQL', (db) =>
    db.raw(`SELECT m.name FROM sqlite_master AS m WHERE m.type = 'table' AND m.name = ?`, ['orders']),
  );
  await same('an index', (db) => db('sqlite_schema').where({ name: 'orders_of_customer' }).first('sql', 'tbl_name'));
  await same('in a subquery', (db) =>
    db('customers').whereExists(db('sqlite_master').where('name', 'orders')).pluck('email'),
  );
  await same('a statement', (db) => db('sqlite_master').where({ name: 'orders', type: 'table' }).pluck('sql'));
  await same('a sequence', (db) => db('sqlite_sequence').where({ name: 'customers' }).pluck('seq'));
});

test('the schema builder finds tables and columns as on SQLite', async (t) => {
  const { same } = await openOracle(t, { create: createShop });
  for (const name of ['customers', 'Customers', 'missing']) {
    await same(`table ${name}`, (db) => db.schema.hasTable(name));
    for (const column of ['email', 'EMAIL', 'missing'])
      await same(`${name}.${column}`, (db) => db.schema.hasColumn(name, column));
  }
  await same('a schema', (db) => db.schema.createSchema('x'));
});

test('wrapIdentifier applies where the schema is asked', async (t) => {
  const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const { same } = await openOracle(t, {
    create: async (db) => db.schema.createTable('shopItems', (table) => table.increments('itemId')),
    knex: { wrapIdentifier: (name, wrap) => wrap(snake(name)) },
  });
  await same('a table', (db) => db.schema.hasTable('shopItems'));
  await same('a column', (db) => db.schema.hasColumn('shopItems', 'itemId'));
});

test('rowid and its other names mean the integer key, or the row itself', async (t) => {
  const { same } = await openOracle(t, { create: createShop });
  await same('a key', (db) => db('customers').where('rowid', 1).select('_rowid_', 'email'));
  await same('of an alias', (db) => db('customers as c').where('c._rowid_', 1).pluck('c.email'));
  await same('rows of a table without one', async (db) => {
    const chosen = db('orders')
      .join('customers', 'customers.id', 'orders.customer_id')
      .where('orders.number', 'a')
      .select('orders._rowid_');
    return [
      await db('orders')
        .whereIn('orders._rowid_', chosen)
        .update({ line: db.raw('line + 10') }),
      await db('orders').whereIn('_rowid_', db('orders').where('line', 11).select('_rowid_')).del(),
      await db('orders').orderBy(['number', 'line']).select('number', 'line'),
    ];
  });
});

test('a column that is called oid is one', async (t) => {
  const { same } = await openOracle(t, {
    create: async (db) => {
      await db.schema.createTable('things', (table) => {
        table.text('oid');
        table.increments('id');
      });
      await db('things').insert({ oid: 'mine' });
    },
  });
  await same('its value', (db) => db('things').where('oid', 'mine').select('oid'));
});

test('errors carry the statement and the message that SQLite’s have', async (t) => {
  const { same } = await openOracle(t, { create: createShop });
  await same('unique', (db) => db('customers').insert({ email: 'ada@x', is_active: true }));
  await same('not null', (db) => db('customers').where('id', 1).update({ email: null }));
  await same('foreign key', (db) => db('orders').insert({ number: 'c', line: 1, customer_id: 99 }));
  await same('no column', (db) => db('customers').where('nothing', 1));
  await same('no column to insert into', (db) => db('customers').insert({ nothing: 1 }));
  await same('no table', (db) => db('missing').where({ a: 'b' }).first());
  await same('a table twice', (db) => db.schema.createTable('customers', (table) => table.increments('id')));
  await same('in a transaction', (db) =>
    db.transaction(async (trx) => await trx('customers').insert({ email: 'ada@x', is_active: true })),
  );
  await same('from a join', (db) => db('orders').join('customers', 'customers.id', 'orders.customer_id').del());
});

test('without values in messages, where the application wants none', async (t) => {
  const { same } = await openOracle(t, { create: createShop, knex: { compileSqlOnError: false } });
  await same('unique', (db) => db('customers').insert({ email: 'ada@x', is_active: true }));
});

test('safeIntegers of a query and of the instance apply', async (t) => {
  const create = async (db: Knex): Promise<void> => {
    await db.schema.createTable('big', (table) => {
      table.bigInteger('id').primary();
      table.double('ratio');
      table.text('name');
    });
    await db('big').insert({ id: 2n ** 60n, ratio: 2, name: 'x' });
  };
  for (const safeIntegers of [true, false]) {
    const { same } = await openOracle(t, { create, knex: { connection: { options: { safeIntegers } } } });
    await same('of the instance', (db) => db('big'));
    await same('a count', (db) => db('big').count('* as n'));
    for (const own of [true, false])
      await same(`${own} of the query`, (db) => db('big').options({ safeIntegers: own }).select('id', 'ratio'));
  }
});

test('what SQLite answers is untouched, and the log says once of a column that integers past 2^53 were rounded', async (t) => {
  const warnings: string[] = [];
  const { same, routed } = await openOracle(t, {
    create: async (db) => {
      await db.schema.createTable('big', (table) => {
        table.bigInteger('id').primary();
        table.double('ratio');
      });
      await db('big').insert([
        { id: 2n ** 60n + 1n, ratio: 2 ** 70 },
        { id: 7, ratio: 0.5 },
      ]);
    },
    store: 'sqlite',
    router: { warn: (text) => warnings.push(text) },
  });
  await same('a real', (db) => db('big').select('ratio').orderBy('ratio'));
  t.deepEqual(warnings, []);
  for (let round = 0; round < 3; round++) {
    await same('rows', (db) => db('big').orderBy('id'));
    await same('one of the query', (db) => db('big').options({ safeIntegers: true }).orderBy('id'));
    await same('returning', (db) => db('big').where({ id: 7 }).update({ ratio: 1 }).returning('*'));
  }
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /"id".*safeIntegers/);
  t.false(warnings[0]?.includes('115292'));
  const exact = await routed('big').options({ exactIntegers: true }).orderBy('id', 'desc').pluck('id');
  t.deepEqual(exact, [2n ** 60n + 1n, 7]);
});

test('with exactIntegers SQLite answers integers past 2^53 as PostgreSQL does, and others as numbers', async (t) => {
  for (const store of ['sqlite', 'postgres'] as const) {
    const warnings: string[] = [];
    const { routed } = await openOracle(t, {
      create: async (db) => {
        await db.schema.createTable('big', (table) => {
          table.bigInteger('id').primary();
          table.double('ratio');
        });
        await db('big').insert({ id: 2n ** 60n + 1n, ratio: 2 ** 70 });
      },
      store,
      router: { exactIntegers: true, warn: (text) => warnings.push(text) },
    });
    t.deepEqual(await routed('big').first(), { id: 2n ** 60n + 1n, ratio: 2 ** 70 });
    t.deepEqual(
      await routed('big')
        .insert({ id: 2n ** 61n + 1n, ratio: 1 })
        .returning('*'),
      [{ id: 2n ** 61n + 1n, ratio: 1 }],
    );
    t.deepEqual(await routed('big').insert({ id: 7, ratio: 1 }).returning('id'), [{ id: 7 }]);
    t.deepEqual(await routed.raw('select count(*) as n from big'), [{ n: 3 }]);
    t.deepEqual(await routed('big').select('id').orderBy('id').stream().toArray(), [
      { id: 7 },
      { id: 2n ** 60n + 1n },
      { id: 2n ** 61n + 1n },
    ]);
    t.deepEqual(warnings, []);
  }
});

test('a number without an alias is called as in SQLite, and JSON that is text is compared as text', async (t) => {
  const { same } = await openOracle(t, {
    create: async (db) => {
      await db.schema.createTable('bodies', (table) => {
        table.increments('id');
        table.json('body');
        table.text('note');
      });
      await db('bodies').insert({ body: '{"b":1,"a":[2]}', note: '{"b":1,"a":[2]}' });
    },
  });
  await same('numbers', (db) => db.select(1, 2.5, -3));
  await same('a number beside columns', (db) => db('bodies').select('id', db.raw('2 as two')).select(7));
  await same('in a transaction', (db) => db.transaction((trx) => trx.select(1)));
  await same('in a subquery', (db) => db('bodies').whereExists(db('bodies').select(1)).pluck('id'));
  for (const column of ['body', 'note']) {
    await same(`equal ${column}`, (db) =>
      db('bodies')
        .whereJsonObject(column, { b: 1, a: [2] })
        .pluck('id'),
    );
    await same(`other ${column}`, (db) =>
      db('bodies')
        .whereNotJsonObject(column, { b: 1, a: [2] })
        .pluck('id'),
    );
    await same(`text of ${column}`, (db) => db('bodies').whereJsonObject(column, '{"b": 1}').pluck('id'));
  }
});

test('conditions with subqueries and distinct rows in order compile', async (t) => {
  const { same } = await openOracle(t, { create: createShop });
  await same('a callback', (db) =>
    db('orders')
      .where('line', (query: Knex.QueryBuilder) => query.from('orders').max('line'))
      .select('number'),
  );
  await same('distinct', (db) => db('orders').distinct('number').orderBy('number'));
});
