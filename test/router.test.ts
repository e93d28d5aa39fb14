import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import knex from 'knex';
import type { Knex } from 'knex';
import { Breaker } from '../adapter/breaker.ts';
import { CrossfadeError } from '../adapter/errors.ts';
import { Router } from '../adapter/router.ts';
import type { QueryEvent, RouterOptions } from '../adapter/router.ts';
import { otherStore } from '../adapter/spec.ts';
import type { StoreName } from '../adapter/spec.ts';
import type { ReadRequest, Traffic, WritePermit } from '../adapter/traffic.ts';
import { freshDatabase, stoppableServer } from './helpers/postgres.ts';
import { sqliteFile, tempFolder } from './helpers/sqlite.ts';

/** Sends everything to one store, until told otherwise, and counts. */
class FixedTraffic implements Traffic {
  reads: StoreName;
  writes: StoreName;
  canFallBack = false;
  refusesSchemaChanges = false;
  /** Called when a write met the fence. */
  onFence: (store: StoreName) => void = () => {};
  /** Resolves what a write waits for after its commit. */
  onCommit: () => Promise<void> | undefined = () => undefined;
  /** Resolves when writes may go on; set during a write switch. */
  pause: Promise<void> | undefined;
  entered = 0;
  left = 0;
  readonly committedOn: StoreName[] = [];
  readonly fencedOn: StoreName[] = [];
  readonly readRequests: ReadRequest[] = [];

  constructor(store: StoreName) {
    this.reads = store;
    this.writes = store;
  }

  readStore(request: ReadRequest): StoreName {
    this.readRequests.push(request);
    return this.reads;
  }

  enter(): WritePermit | Promise<WritePermit> {
    return this.pause === undefined ? this.#permit() : this.pause.then(() => this.#permit());
  }

  committed(store: StoreName): Promise<void> | undefined {
    this.committedOn.push(store);
    return this.onCommit();
  }

  async fenced(store: StoreName): Promise<void> {
    this.fencedOn.push(store);
    this.onFence(store);
  }

  fallback(store: StoreName): StoreName | undefined {
    return this.canFallBack ? otherStore(store) : undefined;
  }

  admitSchemaChange(): void {
    if (this.refusesSchemaChanges) {
      throw new CrossfadeError('SCHEMA_CHANGE_REFUSED', 'a test refuses', { hint: 'none' });
    }
  }

  #permit(): WritePermit {
    this.entered += 1;
    let isLeft = false;
    return {
      store: this.writes,
      leave: () => {
        if (isLeft) throw new Error('a permit was left twice');
        isLeft = true;
        this.left += 1;
      },
    };
  }
}

/** Its state now, which the compiler takes for unchanged between two looks. */
function stateOf(breaker: Breaker): string {
  return breaker.state;
}

interface Account {
  id: number;
  name: string;
  email: string;
}

async function createTables(db: Knex): Promise<void> {
  await db.schema.createTable('accounts', (table) => {
    table.increments('id');
    table.text('name').notNullable();
    table.string('email').notNullable().unique();
    table.boolean('is_active').notNullable().defaultTo(db.raw(`'1'`));
    table.bigInteger('balance').notNullable().defaultTo(0);
    table.double('rating');
    table.json('meta');
    table.binary('avatar');
    table.bigInteger('created_at');
    table.integer('parent_id');
  });
  await db.schema.createTable('contracts', (table) => {
    table.increments('id');
    table.integer('account_id').notNullable().references('accounts.id');
    table.text('state').notNullable();
    table.decimal('amount', 12, 2).notNullable();
    table.check('amount >= 0', [], 'amount_positive');
  });
  await db.schema.createTable('usage', (table) => {
    table.integer('account_id').notNullable();
    table.text('day').notNullable();
    table.integer('calls').notNullable();
    table.primary(['account_id', 'day']);
  });
  await db.schema.createTable('settings', (table) => {
    table.text('key').primary();
    table.text('value');
  });
}

async function seed(db: Knex): Promise<void> {
  // Numbers for booleans, so that the rows can be written without the router, whose work that is.
  const bool = (value: number): unknown => (db.client.dialect === 'sqlite3' ? value : value === 1);
  const rows = [
    {
      name: 'Ada',
      email: 'ada@x',
      is_active: 1,
      balance: 9_007_199_254_740_991,
      rating: 0.1,
      meta: '{"b": 1, "a": [2]}',
    },
    { name: 'Bob', email: 'bob@x', is_active: 0, balance: -5, rating: null, meta: null },
    { name: 'cleo', email: 'Cleo@X', is_active: 1, balance: 120, rating: 1e-7, meta: '"text"' },
    { name: 'Ängström', email: 'd_e@x', is_active: 1, balance: 120, rating: 2.5, meta: '[3]' },
  ];
  for (const [index, row] of rows.entries()) {
    await db('accounts').insert({
      ...row,
      is_active: bool(row.is_active),
      avatar: index === 0 ? Buffer.from([0, 255, 7]) : null,
      created_at: 1_700_000_000_000 + index,
      parent_id: index === 0 ? null : 1,
    });
  }
  await db('contracts').insert([
    { account_id: 1, state: 'open', amount: '10.50' },
    { account_id: 1, state: 'closed', amount: '3' },
    { account_id: 3, state: 'open', amount: '0.25' },
  ]);
  await db('usage').insert([
    { account_id: 1, day: '2026-01-01', calls: 3 },
    { account_id: 1, day: '2026-01-02', calls: 4 },
    { account_id: 2, day: '2026-01-01', calls: 5 },
  ]);
  await db('settings').insert([{ key: 'theme', value: 'dark' }]);
}

type Teardown = Pick<ExecutionContext, 'teardown'>;

async function fill(db: Knex): Promise<void> {
  await db.transaction(async (trx) => {
    await createTables(trx);
    await seed(trx);
  });
}

async function plainSqlite(t: Teardown): Promise<{ db: Knex; path: string }> {
  const path = sqliteFile(t);
  const db = knex({ client: 'better-sqlite3', connection: { filename: path }, useNullAsDefault: true });
  t.teardown(() => db.destroy());
  await fill(db);
  return { db, path };
}

async function fillPostgres(url: string): Promise<void> {
  const db = knex({ client: 'pg', connection: url });
  try {
    await fill(db);
  } finally {
    await db.destroy();
  }
}

interface Routed {
  readonly db: Knex;
  readonly router: Router;
  readonly traffic: FixedTraffic;
  readonly breaker: Breaker;
  readonly events: QueryEvent[];
}

function openRouter(
  t: Teardown,
  options: {
    sqlite: string;
    postgres: string;
    store: StoreName;
    knex?: RouterOptions['knex'];
    others?: Partial<RouterOptions>;
  },
): Routed {
  const traffic = new FixedTraffic(options.store);
  const breaker = new Breaker({ resetMs: 50 });
  const events: QueryEvent[] = [];
  const router = Router.open({
    sqlite: options.sqlite,
    postgres: options.postgres,
    knex: { useNullAsDefault: true, ...options.knex },
    poolMax: 4,
    traffic,
    breaker,
    onQuery: (event) => events.push(event),
    ...options.others,
  });
  t.teardown(async () => {
    await router.close();
    breaker.close();
  });
  return { db: router.knex, router, traffic, breaker, events };
}

/** A router over two databases that hold the same rows. */
async function routed(
  t: Teardown,
  store: StoreName,
  options: RouterOptions['knex'] = {},
  others: Partial<RouterOptions> = {},
): Promise<Routed> {
  const { path } = await plainSqlite(t);
  const url = await freshDatabase(t);
  await fillPostgres(url);
  return openRouter(t, { sqlite: path, postgres: url, store, knex: options, others });
}

type Body = (db: Knex) => Promise<unknown>;

/** A database as the application sees it, and what the router did for it. */
interface World {
  readonly name: string;
  readonly db: Knex;
  readonly routed: Routed | undefined;
  /** The database itself, to put it back as it was. */
  readonly plain: Knex;
}

/** Plain Knex with SQLite, which is the oracle, and the router with everything on one store. */
async function openWorlds(t: Teardown): Promise<World[]> {
  const { db } = await plainSqlite(t);
  const all: World[] = [{ name: 'plain SQLite', db, routed: undefined, plain: db }];
  for (const store of ['sqlite', 'postgres'] as const) {
    const { path, db: sqlite } = await plainSqlite(t);
    const url = await freshDatabase(t);
    const postgres = knex({ client: 'pg', connection: url });
    t.teardown(() => postgres.destroy());
    await fill(postgres);
    const through = openRouter(t, { sqlite: path, postgres: url, store });
    all.push({ name: `routed to ${store}`, db: through.db, routed: through, plain: { sqlite, postgres }[store] });
  }
  return all;
}

const teardowns: (() => unknown)[] = [];
let worlds: Promise<World[]> | undefined;
test.after.always(async () => {
  for (const teardown of teardowns.toReversed()) await teardown();
});

/** All worlds must answer a body alike. */
async function sameEverywhere(t: ExecutionContext, body: Body): Promise<void> {
  worlds ??= openWorlds({ teardown: (close) => void teardowns.push(close) });
  const answers: unknown[] = [];
  for (const { name, db, routed: through, plain } of await worlds) {
    through?.events.splice(0);
    answers.push(await body(db));
    db.removeAllListeners();
    for (const table of ['contracts', 'usage', 'settings', 'accounts']) await plain.schema.dropTableIfExists(table);
    await fill(plain);
    if (through === undefined) continue;
    t.deepEqual(answers.at(-1), answers[0], name);
    t.is(through.traffic.left, through.traffic.entered, `permits, ${name}`);
    t.true(through.events.length > 0, `the queries of it, ${name}`);
    t.true(
      through.events.every(({ store }) => name.endsWith(store)),
      `the store of all queries, ${name}`,
    );
  }
  t.is(answers.length, 3);
  t.not(answers[0], undefined, 'a body answers something');
}

/** What a rejection is to code that was written for SQLite. */
async function caught(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const message = error.message.slice(error.message.lastIndexOf(' - ') + 3);
    return { name: error.constructor.name, code: 'code' in error ? error.code : undefined, message };
  }
  return 'resolved';
}

const READS: Readonly<Record<string, Body>> = {
  'every column of every row': (db) => db('accounts').orderBy('id'),
  'columns and aliases': (db) => db('accounts as a').select('a.id', 'a.name as who').orderBy('a.id', 'desc'),
  'first, also of nothing': async (db) => [
    await db('accounts').where({ email: 'bob@x' }).first(),
    (await db('accounts').where({ id: 99 }).first()) ?? 'nothing',
  ],
  pluck: (db) => db('accounts').orderBy('id').pluck('accounts.email'),
  'a boolean in a condition': async (db) => [
    await db('accounts').where('is_active', true).pluck('id'),
    await db('accounts').where('is_active', 0).pluck('id'),
    await db('accounts').where({ is_active: false }).pluck('id'),
  ],
  'a date in a condition': (db) => db('accounts').where('created_at', '<=', new Date(1_700_000_000_001)).orderBy('id'),
  joins: (db) =>
    db('contracts')
      .join('accounts', 'accounts.id', 'contracts.account_id')
      .leftJoin('usage as u', (on) => on.on('u.account_id', 'accounts.id').andOnVal('u.calls', '>', 3))
      .select('contracts.id', 'accounts.name', 'u.day', 'contracts.amount')
      .orderBy('contracts.id'),
  subqueries: (db) =>
    db('accounts')
      .whereIn('id', db('contracts').select('account_id').where({ state: 'open' }))
      .whereExists((q) => void q.from('usage').whereRaw('usage.account_id = accounts.id'))
      .select('id', db('contracts').count('*').where('account_id', db.ref('accounts.id')).as('contracts')),
  'common table expressions': (db) =>
    db
      .with('open', (q) => q.from('contracts').where({ state: 'open' }))
      .with('named', db('accounts').select('id', 'name'))
      .from('open')
      .join('named', 'named.id', 'open.account_id')
      .select('named.name', 'open.amount')
      .orderBy('open.id'),
  recursion: (db) =>
    db
      .withRecursive('tree', (q) =>
        q
          .select('id', 'parent_id')
          .from('accounts')
          .whereNull('parent_id')
          .unionAll(
            (u) => void u.select('a.id', 'a.parent_id').from('accounts as a').join('tree', 'tree.id', 'a.parent_id'),
          ),
      )
      .from('tree')
      .orderBy('id'),
  unions: (db) =>
    db('accounts')
      .select('id')
      .union([db('contracts').select('account_id')])
      .orderBy('id'),
  'aggregates without a name': (db) =>
    db('accounts').count().max('accounts.rating').min('balance').avg('parent_id').countDistinct('balance').sum('id'),
  'aggregates with a name': (db) =>
    db('contracts').count('* as n').sum({ total: 'amount' }).avg('amount as mean').first(),
  'an average with all its digits': (db) => db('usage').avg('calls as mean').where('calls', '>', 2),
  groups: (db) =>
    db('contracts')
      .select('state')
      .count('* as n')
      .groupBy('state')
      .having(db.raw('count(*)'), '>', 1)
      .orderBy('state'),
  'nulls first ascending and last descending': async (db) => [
    await db('accounts').orderBy('rating').pluck('id'),
    await db('accounts')
      .orderBy([{ column: 'rating', order: 'desc' }, 'id'])
      .pluck('id'),
    await db('accounts').orderBy('rating', 'asc', 'last').orderBy('id').pluck('id'),
  ],
  'an offset without a limit': (db) => db('accounts').orderBy('id').offset(2).pluck('id'),
  like: async (db) => [
    await db('accounts').where('name', 'like', 'CLE%').pluck('id'),
    await db('accounts').whereLike('email', 'D\\_E%').pluck('id'),
    await db('accounts').where('name', 'not like', 'ä%').orderBy('id').pluck('id'),
    await db('accounts').whereNot('email', 'like', '%@X').pluck('id'),
    await db('accounts').where('id', 'like', '1%').pluck('id'),
    await db('accounts').whereILike('name', 'aDA').pluck('id'),
  ],
  'raw reads': async (db) => [
    await db.raw('select id, name, is_active from accounts where id in (?, ?) order by id', [1, 2]),
    await db.raw('select ?? as who from ?? where id = ?', ['name', 'accounts', 3]),
    await db.raw('select count(*) as n from accounts where email = :email', { email: 'ada@x' }),
    await db.raw('-- a comment\n  WITH a AS (SELECT 1 AS one) SELECT one FROM a'),
    await db.raw('select id from accounts where id = 99'),
  ],
  'fragments of raw SQL': (db) =>
    db('accounts')
      .select(db.raw('?? + ? as next', ['id', 1]), db.raw('upper(email) as shout'))
      .whereRaw('balance > ?', [0])
      .orderByRaw('id desc'),
  'a query that is run twice': async (db) => {
    const query = db('accounts').orderBy('id').offset(3).select('id');
    return [query.toQuery(), await query, await query, await query.clone().where('id', '<', 0), query.toQuery()];
  },
  'a raw query that was part of another': async (db) => {
    const raw = db.raw('select ?? from ??', ['id', 'settings_view']);
    const count = db.raw('select count(*) as n from ??', ['accounts']);
    return [await db.select(db.raw('(?) as n', [count])), await count, raw.toQuery()];
  },
  'rows by iteration': async (db) => {
    const rows: unknown[] = [];
    for await (const row of db('accounts').orderBy('id').select('id', 'is_active', 'balance').stream()) rows.push(row);
    return rows;
  },
  'rows by stream': async (db) => {
    const rows: unknown[] = [];
    await db('contracts')
      .orderBy('id')
      .stream((stream) => stream.on('data', (row) => rows.push(row)));
    return rows;
  },
  'the existence of tables and columns': async (db) => [
    await db.schema.hasTable('accounts'),
    await db.schema.hasTable('nothing'),
    await db.schema.hasColumn('accounts', 'email'),
  ],
  'callbacks, catch and finally': async (db) => {
    const seen: string[] = [];
    const rows = await db('settings').finally(() => seen.push('finally'));
    await db('nothing').catch(() => seen.push('catch'));
    return [rows, seen];
  },
};

const WRITES: Readonly<Record<string, Body>> = {
  'an insert resolves to the new id': async (db) => [
    await db('accounts').insert({
      name: 'Eve',
      email: 'eve@x',
      is_active: true,
      created_at: new Date(1_700_000_009_000),
    }),
    await db('accounts').where({ email: 'eve@x' }),
  ],
  'several inserted rows resolve to the last id': async (db) => [
    await db('contracts').insert([
      { account_id: 2, state: 'open', amount: 1 },
      { account_id: 2, state: 'open', amount: 2.5 },
    ]),
    await db('contracts').where({ account_id: 2 }).orderBy('id'),
  ],
  'rows that lack columns get null there, and generated ids': async (db) => [
    await db('accounts').insert([
      { name: 'F', email: 'f@x', is_active: 1, balance: 1, rating: 1.5 },
      { id: 77, name: 'G', email: 'g@x', is_active: 0, balance: 2 },
    ]),
    await db('accounts').where('email', 'in', ['f@x', 'g@x']).orderBy('email'),
  ],
  'insert with returning': async (db) => [
    await db('accounts').insert({ name: 'H', email: 'h@x' }).returning(['id', 'is_active', 'balance']),
    await db('accounts').insert({ name: 'I', email: 'i@x' }, 'id'),
    await db('accounts').insert({ name: 'J', email: 'j@x' }).returning('*'),
  ],
  'an insert from a query': async (db) => {
    await db(db.raw('?? (??, ??)', ['settings', 'key', 'value'])).insert(
      db('accounts').select('email', 'name').where('id', 1),
    );
    return await db('settings').orderBy('key');
  },
  'on conflict': async (db) => {
    await db('settings').insert({ key: 'theme', value: 'light' }).onConflict('key').merge();
    await db('settings').insert({ key: 'theme', value: 'none' }).onConflict('key').ignore();
    await db('settings')
      .insert([
        { key: 'a', value: '1' },
        { key: 'theme', value: 'x' },
      ])
      .onConflict('key')
      .merge(['value']);
    await db('usage')
      .insert({ account_id: 1, day: '2026-01-01', calls: 1 })
      .onConflict(['account_id', 'day'])
      .merge({ calls: 50 });
    return [await db('settings').orderBy('key'), await db('usage').orderBy(['account_id', 'day'])];
  },
  'update resolves to a count': async (db) => [
    await db('accounts').where('balance', 120).update({ is_active: false, rating: null }),
    await db('accounts').where({ id: 99 }).update({ name: 'x' }),
    await db('accounts').orderBy('id').select('id', 'is_active', 'rating'),
  ],
  'update with returning': (db) =>
    db('accounts').where({ id: 2 }).update({ name: 'Bo' }).returning(['id', 'name', 'is_active']),
  increments: async (db) => {
    const query = db('accounts').where({ id: 2 }).increment({ balance: 7 }).decrement('parent_id', 1);
    return [await query, await db('accounts').where({ id: 2 }).first('balance', 'parent_id')];
  },
  'delete resolves to a count, with returning too': async (db) => [
    await db('usage').where({ account_id: 1 }).del(),
    await db('usage').where({ account_id: 2 }).del('day'),
    await db('usage').del(),
  ],
  'raw writes': async (db) => {
    const { changes }: { changes: number } = await db.raw(
      'update accounts set balance = balance + ? where id < ?',
      [1, 3],
    );
    await db.raw('insert into settings (key, value) values (?, ?)', ['raw', 'yes']);
    return [
      changes,
      await db.raw('delete from usage where account_id = 1 returning day, calls'),
      await db('settings').orderBy('key'),
      await db('accounts').whereIn('id', [2, 3]).orderBy('id').pluck('balance'),
    ];
  },
  truncate: async (db) => {
    await db('usage').truncate();
    return await db('usage');
  },
  batchInsert: async (db) => {
    const rows = Array.from({ length: 7 }, (_, index) => ({ account_id: 4, day: `d${index}`, calls: index }));
    await db.batchInsert('usage', rows, 3);
    const ids = await db
      .batchInsert<Record<string, unknown>>('contracts', [{ account_id: 4, state: 'new', amount: 1 }])
      .returning('id');
    return [await db('usage').where({ account_id: 4 }).orderBy('day'), ids];
  },
  'constraints have the errors of SQLite': async (db) => [
    await caught(db('accounts').insert({ name: 'x', email: 'ada@x' })),
    await caught(db('accounts').insert({ id: 1, name: 'x', email: 'new@x' })),
    await caught(db('usage').insert({ account_id: 1, day: '2026-01-01', calls: 1 })),
    await caught(db('settings').insert({ key: 'theme' })),
    await caught(db('accounts').insert({ email: 'new@x' })),
    await caught(db('contracts').insert({ account_id: 999, state: 'x', amount: 1 })),
    await caught(db('contracts').insert({ account_id: 1, state: 'x', amount: -1 })),
    await caught(db('nothing').insert({ a: 1 })),
    await caught(db('accounts').select('nothing')),
  ],
  'a transaction commits': async (db) => [
    await db.transaction(async (trx) => {
      const [id] = await trx('accounts').insert({ name: 'T', email: 't@x' });
      await db('accounts').where({ id: 2 }).update({ parent_id: id }).transacting(trx);
      await trx('contracts').insert({ account_id: id, state: 'open', amount: 4 });
      return await trx('accounts').where({ id }).first('id', 'name', 'is_active');
    }),
    await db('accounts').where({ id: 2 }).pluck('parent_id'),
    await db('contracts').count('* as n'),
  ],
  'a transaction rolls back': async (db) => [
    await caught(
      db.transaction(async (trx) => {
        await trx('settings').insert({ key: 'gone' });
        throw new RangeError('the application changed its mind');
      }),
    ),
    await caught(db.transaction(async (trx) => await trx('settings').insert({ key: 'theme' }))),
    await db('settings').orderBy('key'),
  ],
  'nested transactions': async (db) => {
    await db.transaction(async (trx) => {
      await trx('settings').insert({ key: 'outer' });
      await trx.transaction(async (inner) => {
        await inner('settings').insert({ key: 'kept' });
      });
      await caught(
        trx.transaction(async (inner) => {
          await inner('settings').insert({ key: 'dropped' });
          await inner('settings').insert({ key: 'theme' });
        }),
      );
      await trx('settings').insert({ key: 'last' });
    });
    return await db('settings').orderBy('key').pluck('key');
  },
  'a transaction without a container': async (db) => {
    const trx = await db.transaction();
    await trx('settings').insert({ key: 'one' });
    await trx.commit();
    const provider = db.transactionProvider();
    const second = await provider();
    await second('settings').insert({ key: 'two' });
    await second.rollback();
    return [
      trx.isCompleted(),
      await trx.executionPromise,
      second.isCompleted(),
      await db('settings').orderBy('key').pluck('key'),
    ];
  },
  'concurrent writes': async (db) => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => db('settings').insert({ key: `k${n}`, value: String(n) })));
    return await db('settings').count();
  },
  events: async (db) => {
    const seen: unknown[] = [];
    db.on('query', ({ method }: { method: string }) => seen.push(['query', method]));
    db.on('query-response', (response: unknown) => seen.push(['response', response]));
    db.on('query-error', (error: Error) => seen.push(['error', error.constructor.name]));
    await db('settings')
      .where({ key: 'theme' })
      .on('query', () => seen.push('builder'))
      .on('end', () => seen.push('end'));
    await db('settings').insert({ key: 'x' }, ['key']);
    await caught(db('settings').insert({ key: 'x' }));
    return seen;
  },
  'a schema change': async (db) => {
    await db.schema.createTable('made', (table) => {
      table.increments('id');
      table.text('label').defaultTo(db.raw('?', ['none']));
    });
    await db.schema.alterTable('made', (table) => {
      table.integer('size');
    });
    await db.schema.table('made', (table) => {
      table.dropColumn('size');
    });
    await db.schema.createView('made_view', (view) => {
      view.columns(['id']);
      view.as(db('made').select('id'));
    });
    const ids = await db('made').insert({ label: 'a' });
    const found = await db('made_view');
    await db.schema.dropView('made_view');
    await db.schema.dropTable('made');
    return [ids, found, await db.schema.hasTable('made')];
  },
};

for (const [title, body] of Object.entries(READS))
  test.serial(`both stores read alike: ${title}`, sameEverywhere, body);
for (const [title, body] of Object.entries(WRITES))
  test.serial(`both stores write alike: ${title}`, sameEverywhere, body);

test('what a query prints and what it says of its dialect does not depend on the store', async (t) => {
  const { db: plain } = await plainSqlite(t);
  const { db, traffic } = await routed(t, 'postgres');
  const printed = (on: Knex): unknown => {
    const query = on('accounts').where({ is_active: true, name: `O'Neil` }).offset(3);
    return [query.toQuery(), query.toSQL().sql, query.toSQL().toNative(), on.raw('?? = ?', ['a.b', 1]).toQuery()];
  };
  t.deepEqual(printed(db), printed(plain));
  await db('accounts');
  t.deepEqual(printed(db), printed(plain));
  t.is(db.client.dialect, 'sqlite3');
  t.is(db.client.config.client, 'better-sqlite3');
  t.is(db.name, 'knex');
  traffic.reads = 'sqlite';
  t.is((await db('accounts')).length, 4);
});

test('one query may be answered by one store and then by the other', async (t) => {
  const { db, traffic, events } = await routed(t, 'sqlite');
  const query = db('accounts')
    .orderBy('rating')
    .offset(1)
    .select('id', 'is_active', db.raw('?? as who', ['name']));
  const first = await query;
  traffic.reads = 'postgres';
  const second = await query;
  traffic.reads = 'sqlite';
  t.deepEqual(second, first);
  t.deepEqual(await query, first);
  t.deepEqual(
    events.map(({ store, kind, failed }) => [store, kind, failed]),
    [
      ['sqlite', 'read', false],
      ['postgres', 'read', false],
      ['sqlite', 'read', false],
    ],
  );
});

test('a raw query that was part of another is still routed by itself', async (t) => {
  const { db, traffic, events } = await routed(t, 'postgres');
  const raw = db.raw('select count(*) as n from ??', ['accounts']);
  await db.select(db.raw('(?) as n', [raw]));
  traffic.reads = 'sqlite';
  t.deepEqual(await raw, [{ n: 4 }]);
  t.deepEqual(
    events.map(({ store }) => store),
    ['postgres', 'sqlite'],
  );
});

test('the hooks of the application see the same whichever store answers', async (t) => {
  const seen: unknown[] = [];
  const options = {
    wrapIdentifier: (name: string, wrap: (name: string) => string) => wrap(name === 'isActive' ? 'is_active' : name),
    postProcessResponse: (result: unknown, context: unknown) => {
      seen.push([result, context]);
      return result;
    },
  };
  for (const store of ['sqlite', 'postgres'] as const) {
    const { db } = await routed(t, store, options);
    await db('accounts').select('id').where({ isActive: true }).orderBy('id').queryContext({ who: 'me' });
    await db.transaction(async (trx) => await trx('accounts').where({ id: 1 }).update({ isActive: false }));
  }
  t.is(seen.length, 4);
  t.deepEqual(seen.slice(2), seen.slice(0, 2));
});

test('an integer past 2^53 keeps all its digits', async (t) => {
  const { db } = await routed(t, 'postgres');
  await db('accounts').where({ id: 2 }).update({ balance: 9_007_199_254_740_993n });
  t.deepEqual(await db('accounts').where({ id: 2 }).pluck('balance'), [9_007_199_254_740_993n]);
  t.deepEqual(await db('accounts').whereIn('id', [1, 2]).sum('balance as total'), [{ total: 18_014_398_509_481_984n }]);
});

test('reads and writes go to different stores', async (t) => {
  const { db, traffic, events } = await routed(t, 'sqlite');
  traffic.reads = 'postgres';
  await db('settings').insert({ key: 'written' });
  t.deepEqual(await db('settings').pluck('key'), ['theme']);
  t.deepEqual(await db.transaction(async (trx) => await trx('settings').orderBy('key').pluck('key')), [
    'theme',
    'written',
  ]);
  t.deepEqual(
    events.map(({ store, kind }) => `${kind} ${store}`),
    ['write sqlite', 'read postgres', 'read sqlite'],
  );
});

test('a read says which tables it names, or nothing when it cannot know all', async (t) => {
  const { db, traffic } = await routed(t, 'sqlite');
  await db('accounts as a').join('contracts', 'contracts.account_id', 'a.id').where('a.id', 1);
  await db('accounts').whereIn('id', (q) => void q.select('account_id').from('usage'));
  await db.raw('select 1 as one');
  t.deepEqual(
    traffic.readRequests.map(({ tables }) => tables),
    [['accounts', 'contracts'], [], []],
  );
});

test('a write resolves only after committed() has, and SQLite’s one connection is free meanwhile', async (t) => {
  const { db, traffic, router } = await routed(t, 'sqlite');
  const order: string[] = [];
  traffic.onCommit = async () => {
    // Needs the only connection: this would never end if the write still held it.
    order.push(`${(await router.direct.sqlite('settings')).length} settings`);
  };
  await db('settings')
    .insert({ key: 'one' })
    .then(() => order.push('insert resolved'));
  await db
    .transaction(async (trx) => await trx('settings').insert({ key: 'two' }))
    .then(() => order.push('transaction resolved'));
  const trx = await db.transaction();
  await trx('settings').insert({ key: 'three' });
  await trx.commit();
  order.push('commit resolved');
  t.deepEqual(order, [
    '2 settings',
    'insert resolved',
    '3 settings',
    'transaction resolved',
    '4 settings',
    'commit resolved',
  ]);
  t.is(traffic.left, 3);
});

test('committed() is not called for reads, failures, rollbacks and transactions that only read', async (t) => {
  const { db, traffic } = await routed(t, 'postgres');
  await db('settings');
  await db.schema.hasTable('settings');
  await caught(db('settings').insert({ key: 'theme' }));
  await caught(db.transaction(async (trx) => await trx('settings').insert({ key: 'theme' })));
  const trx = await db.transaction();
  await trx('settings').insert({ key: 'undone' });
  await trx.rollback();
  await db.transaction(async (reading) => await reading('settings'));
  t.deepEqual(traffic.committedOn, []);
  await db('settings').insert({ key: 'kept' });
  t.deepEqual(traffic.committedOn, ['postgres']);
  t.deepEqual(await db('settings').orderBy('key').pluck('key'), ['kept', 'theme']);
  t.is(traffic.left, traffic.entered);
});

test('writes and transactions wait while the traffic is paused, reads do not', async (t) => {
  const { db, traffic } = await routed(t, 'sqlite');
  let goOn = (): void => {};
  traffic.pause = new Promise((resolve) => {
    goOn = resolve;
  });
  const finished: string[] = [];
  const insert = db('settings')
    .insert({ key: 'a' })
    .then(() => finished.push('insert'));
  const container = db
    .transaction(async (trx) => {
      await trx('settings').insert({ key: 'b' });
      return 'value';
    })
    .then((value) => finished.push(value));
  const manual = db.transaction();
  t.is((await db('settings')).length, 1);
  t.deepEqual(finished, []);
  traffic.pause = undefined;
  traffic.writes = 'postgres';
  goOn();
  await Promise.all([insert, container]);
  const trx = await manual;
  await trx('settings').insert({ key: 'c' });
  await trx.commit();
  t.deepEqual(finished.toSorted(), ['insert', 'value']);
  traffic.reads = 'postgres';
  t.deepEqual(await db('settings').orderBy('key').pluck('key'), ['a', 'b', 'c', 'theme']);
  t.is(traffic.left, 3);
});

test('a traffic that refuses a write refuses a transaction too, by rejection', async (t) => {
  const { db, traffic } = await routed(t, 'sqlite');
  traffic.pause = Promise.reject(new CrossfadeError('SWITCHING', 'a test refuses', { hint: 'none' }));
  await t.throwsAsync(async () => await db('settings').insert({ key: 'a' }), { code: 'SWITCHING' });
  await t.throwsAsync(() => db.transaction(async () => {}), { code: 'SWITCHING' });
  await t.throwsAsync(() => db.transaction(), { code: 'SWITCHING' });
  t.is(traffic.entered, 0);
});

test('a refused schema change changes nothing, in a transaction neither', async (t) => {
  const { db, traffic } = await routed(t, 'sqlite');
  traffic.refusesSchemaChanges = true;
  const create = (on: Knex): Promise<void> => on.schema.createTable('made', (table) => table.increments('id'));
  await t.throwsAsync(create(db), { code: 'SCHEMA_CHANGE_REFUSED' });
  await t.throwsAsync(db.transaction(create), { code: 'SCHEMA_CHANGE_REFUSED' });
  await t.throwsAsync(async () => await db.raw('create table made (id int)'), { code: 'SCHEMA_CHANGE_REFUSED' });
  t.false(await db.schema.hasTable('made'));
  t.is(traffic.left, traffic.entered);
});

/** Puts a fence on `settings`, as Crossfade's own says it. */
async function fence(router: Router, store: StoreName): Promise<void> {
  if (store === 'sqlite') {
    await router.direct.sqlite.raw(
      `create trigger fence before insert on settings begin select raise(abort, 'crossfade: fenced'); end`,
    );
    return;
  }
  await router.direct.postgres.raw(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = 'CF001'; end $$`,
  );
  await router.direct.postgres.raw(
    'create trigger fence before insert on settings for each statement execute function refuse()',
  );
}

for (const store of ['sqlite', 'postgres'] as const) {
  test(`a statement that meets the fence of ${store} is run again on the other store`, async (t) => {
    const { db, router, traffic, events } = await routed(t, store);
    await fence(router, store);
    traffic.onFence = (fenced) => {
      traffic.writes = otherStore(fenced);
    };
    await db('settings').insert({ key: 'moved' });
    await db.raw('insert into settings (key) values (?)', ['moved too']);
    traffic.reads = otherStore(store);
    t.deepEqual(await db('settings').orderBy('key').pluck('key'), ['moved', 'moved too', 'theme']);
    t.deepEqual(traffic.fencedOn, [store]);
    t.deepEqual(traffic.committedOn, [otherStore(store), otherStore(store)]);
    t.deepEqual([traffic.entered, traffic.left], [3, 3]);
    t.deepEqual(
      events.slice(0, 2).map((event) => [event.store, event.failed]),
      [
        [store, true],
        [otherStore(store), false],
      ],
    );
  });

  test(`a transaction that meets the fence of ${store} is undone and may be run again`, async (t) => {
    const { db, router, traffic } = await routed(t, store);
    await fence(router, store);
    traffic.onFence = (fenced) => {
      traffic.writes = otherStore(fenced);
    };
    const work = async (trx: Knex.Transaction): Promise<void> => {
      await trx('usage').del();
      await trx('settings').insert({ key: 'moved' });
    };
    const error = await t.throwsAsync(db.transaction(work), { code: 'FENCED' });
    t.true(error instanceof CrossfadeError && error.retryable);
    t.is((await db('usage')).length, 3);
    t.deepEqual(traffic.committedOn, []);
    await db.transaction(work);
    t.is((await router.direct[otherStore(store)]('usage')).length, 0);
    t.deepEqual([traffic.entered, traffic.left], [2, 2]);
  });

  test(`a transaction that met the fence of ${store} and goes on regardless cannot commit`, async (t) => {
    const { db, router, traffic } = await routed(t, store);
    await fence(router, store);
    await t.throwsAsync(
      db.transaction(async (trx) => {
        await trx('usage').del();
        await caught(trx.transaction(async (inner) => await inner('settings').insert({ key: 'moved' })));
      }),
      { code: 'FENCED' },
    );
    const trx = await db.transaction();
    await trx('usage').del();
    await caught(trx('settings').insert({ key: 'moved' }));
    await t.throwsAsync(async () => await trx.commit(), { code: 'FENCED' });
    t.is((await db('usage')).length, 3);
    t.deepEqual(traffic.committedOn, []);
    t.is(traffic.left, traffic.entered);
  });
}

test('a fence that no store lifts ends in an error, not in a loop', async (t) => {
  const { db, router, traffic } = await routed(t, 'sqlite');
  await fence(router, 'sqlite');
  await t.throwsAsync(async () => await db('settings').insert({ key: 'x' }), { code: 'FENCED' });
  t.is(traffic.left, traffic.entered);
});

test('a commit that failed is never reported as one that did not', async (t) => {
  const { db, router, traffic } = await routed(t, 'postgres', {}, { statementSavepoints: false });
  const hidden = await t.throwsAsync(
    db.transaction(async (trx) => {
      await trx('settings').insert({ key: 'lost' });
      await caught(trx('settings').insert({ key: 'theme' }));
    }),
  );
  t.is(hidden instanceof CrossfadeError && hidden.code, 'TRANSACTION_ABORTED');
  await router.direct.postgres.raw(
    'alter table contracts add constraint late foreign key (account_id) references accounts (id) deferrable initially deferred, drop constraint contracts_account_id_foreign',
  );
  const trx = await db.transaction();
  await trx('contracts').insert({ account_id: 999, state: 'x', amount: 1 });
  t.like(await caught(trx.commit()), { name: 'SqliteError', code: 'SQLITE_CONSTRAINT_FOREIGNKEY' });
  t.deepEqual(await db('settings').pluck('key'), ['theme']);
  t.deepEqual(traffic.committedOn, []);
  t.is(traffic.left, traffic.entered);
});

test('a connection that the application acquires itself belongs to the store of the writes', async (t) => {
  const { db, traffic } = await routed(t, 'postgres');
  const connection: unknown = await db.client.acquireConnection();
  await db('settings').insert({ key: 'mine' }).connection(connection);
  t.deepEqual(await db('settings').connection(connection).orderBy('key').pluck('key'), ['mine', 'theme']);
  t.deepEqual([traffic.entered, traffic.left], [1, 0]);
  await db.client.releaseConnection(connection);
  t.is(traffic.left, 1);
});

test('Knex’s migrations run on the store of the writes', async (t) => {
  const folder = join(tempFolder(t), 'migrations');
  mkdirSync(folder);
  writeFileSync(
    join(folder, '001_made.mjs'),
    `export const up = async (db) => {
       await db.schema.createTable('made', (table) => { table.increments('id'); table.text('label'); });
       await db('made').insert([{ label: 'a' }, { label: 'b' }]);
     };
     export const down = (db) => db.schema.dropTable('made');`,
  );
  const config = { directory: folder, loadExtensions: ['.mjs'] };
  for (const store of ['sqlite', 'postgres'] as const) {
    const { db, traffic, router } = await routed(t, store);
    const [batch, names]: [number, string[]] = await db.migrate.latest(config);
    t.deepEqual([batch, names], [1, ['001_made.mjs']]);
    t.deepEqual(await router.direct[store]('made').orderBy('id').pluck('label'), ['a', 'b']);
    t.false(await router.direct[otherStore(store)].schema.hasTable('made'));
    await db.migrate.rollback(config);
    t.false(await db.schema.hasTable('made'));
    t.is(traffic.left, traffic.entered);
  }
});

test('nothing that is printed holds the password', async (t) => {
  const { db, router } = await routed(t, 'postgres');
  const { password }: { password: string } = router.direct.postgres.client.connectionSettings;
  t.true(password.length > 3);
  const trx = await db.transaction();
  for (const thing of [db('accounts'), db.client, db, trx('accounts'), trx.client, router, router.direct.postgres]) {
    t.false(inspect(thing, { depth: 12 }).includes(password));
  }
  await trx.rollback();
});

test('a closed router refuses with a typed error, and may be initialised again', async (t) => {
  for (const store of ['sqlite', 'postgres'] as const) {
    const { db, traffic } = await routed(t, store);
    await db.destroy();
    await t.throwsAsync(async () => await db('settings'), { code: 'CLOSED' });
    await t.throwsAsync(async () => await db('settings').insert({ key: 'x' }), { code: 'CLOSED' });
    await t.throwsAsync(() => db.transaction(async () => {}), { code: 'CLOSED' });
    t.is(traffic.left, traffic.entered);
    db.initialize();
    t.is((await db('settings')).length, 1);
  }
});

test.serial('a knex without what the router builds on is refused by name', (t) => {
  const { prototype }: { prototype: object } = knex({ client: 'pg' }).client.constructor;
  const own = Object.getOwnPropertyDescriptor(prototype, 'processResponse');
  if (own === undefined) throw new Error('this test needs a method that only the dialect has');
  Reflect.deleteProperty(prototype, 'processResponse');
  try {
    t.throws(() => Router.open({} as Parameters<typeof Router.open>[0]), {
      code: 'CONFIG_INVALID',
      message: /knex \d+\.\d+\.\d+, which lacks processResponse\(\) of the pg client/,
    });
  } finally {
    Object.defineProperty(prototype, 'processResponse', own);
  }
});

test('a stream that is left in the middle gives its connection back', async (t) => {
  for (const store of ['sqlite', 'postgres'] as const) {
    const { db, router } = await routed(t, store);
    for (let round = 0; round < 6; round++) {
      for await (const row of db('accounts').orderBy('id').stream()) {
        t.is((row as Account).id, 1);
        break;
      }
    }
    t.is((await db('accounts')).length, 4);
    t.is(router.direct[store].client.pool.numUsed(), 0);
  }
});

test('a stream that has ended gives its connection back once', async (t) => {
  const { db, router } = await routed(t, 'sqlite');
  const stream = db('accounts').stream();
  // Gets the only connection as soon as the stream gives it back.
  const waiting = db.transaction();
  for await (const row of stream) t.truthy(row);
  const trx = await waiting;
  if (!stream.closed) await once(stream, 'close');
  t.is(router.direct.sqlite.client.pool.numUsed(), 1);
  await trx.rollback();
  t.is(router.direct.sqlite.client.pool.numUsed(), 0);
});

test('a stream of a query that fails says so', async (t) => {
  const { db } = await routed(t, 'postgres');
  await t.throwsAsync(
    async () => {
      for await (const row of db('nothing').stream()) t.fail(String(row));
    },
    { any: true, code: 'SQLITE_ERROR' },
  );
  t.is((await db('accounts')).length, 4);
});

test('while PostgreSQL is gone, reads fall back where the traffic allows it and writes fail fast', async (t) => {
  const server = await stoppableServer(t);
  const { path } = await plainSqlite(t);
  await fillPostgres(server.url);
  const { db, traffic, breaker, events } = openRouter(t, { sqlite: path, postgres: server.url, store: 'postgres' });
  const trx = await db.transaction();
  await trx('settings').insert({ key: 'in flight' });
  t.is((await db('accounts')).length, 4);
  await server.stop();

  await t.throwsAsync(async () => await db('accounts'));
  await t.throwsAsync(async () => await trx.commit());
  traffic.canFallBack = true;
  while (stateOf(breaker) === 'closed') t.is((await db('accounts')).length, 4);
  t.is((await db('accounts').orderBy('id').first()).name, 'Ada');
  t.is(events.at(-1)?.store, 'sqlite');
  const names: unknown[] = [];
  for await (const row of db('accounts').select('name').orderBy('id').stream()) names.push((row as Account).name);
  t.is(names[0], 'Ada');
  for (const attempt of [() => db('settings').insert({ key: 'x' }), () => db.transaction(async () => {})]) {
    const error = await t.throwsAsync(async () => await attempt());
    t.true(error instanceof CrossfadeError && error.retryable, String(error));
  }

  await server.start();
  const deadline = Date.now() + 10_000;
  while (stateOf(breaker) !== 'closed' && Date.now() < deadline) await db('accounts');
  t.is(stateOf(breaker), 'closed');
  await db('settings').insert({ key: 'back' });
  t.deepEqual(await db('settings').orderBy('key').pluck('key'), ['back', 'theme']);
  t.is(events.at(-1)?.store, 'postgres');
  t.is(traffic.left, traffic.entered);
});
