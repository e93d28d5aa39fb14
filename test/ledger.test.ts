import { createHash } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import knex from 'knex';
import type { Knex } from 'knex';
import { LEDGER_ROWS, LEDGER_TABLES, seedLedger } from '../migrations/ledger/seed.ts';
import { runMigrations } from '../migrations/run-migrations.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { sqliteFile } from './helpers/sqlite.ts';

interface Ledger {
  readonly name: string;
  readonly database: Knex;
}

/** The ledger's tables, empty, in a SQLite file. */
async function sqliteLedger(t: ExecutionContext): Promise<Ledger & { readonly file: string }> {
  const file = sqliteFile(t);
  const database = knex({ client: 'better-sqlite3', connection: { filename: file }, useNullAsDefault: true });
  t.teardown(() => database.destroy());
  await runMigrations(database);
  return { name: 'SQLite', database, file };
}

/** The ledger's tables, empty, in both databases. */
async function bothLedgers(t: ExecutionContext): Promise<readonly [Ledger, Ledger]> {
  const database = knex({ client: 'pg', connection: await freshDatabase(t) });
  t.teardown(() => database.destroy());
  await runMigrations(database);
  return [await sqliteLedger(t), { name: 'PostgreSQL', database }];
}

test('the migrations give both databases the same tables, columns, NOT NULLs and keys', async (t) => {
  const shapes: unknown[] = [];
  for (const { database } of await bothLedgers(t)) shapes.push(await shapesOf(database));
  const [sqlite, postgres] = shapes;
  t.deepEqual(postgres, sqlite);
  t.deepEqual(Object.keys(sqlite as object), [...LEDGER_TABLES].sort());
});

test('migrations that have been run are not run again', async (t) => {
  for (const { name, database } of await bothLedgers(t)) t.deepEqual(await runMigrations(database), [], name);
});

test('both databases refuse the same rows', async (t) => {
  for (const { name, database } of await bothLedgers(t)) {
    const { accountId, contractId } = await smallLedger(database);
    const refused: readonly [string, () => Promise<unknown>][] = [
      ['a second account with the same e-mail', () => database('accounts').insert(account({ email: 'a@b.example' }))],
      ['an account without a name', () => database('accounts').insert(account({ name: null }))],
      ['a contract of nobody', () => database('contracts').insert(contract({ account_id: 999_999 }))],
      ['a contract of no hours', () => database('contracts').insert(contract({ account_id: accountId, hours: 0 }))],
      [
        'a contract of unknown status',
        () => database('contracts').where({ id: contractId }).update({ status: 'lost' }),
      ],
      ['a second rate with the same key', () => database('rates').insert(rate())],
      ['deleting an account with a contract', () => database('accounts').where({ id: accountId }).delete()],
    ];
    for (const [what, write] of refused) {
      await t.throwsAsync(write, { any: true, message: /constraint/i }, `${name}: ${what}`);
    }
  }
});

test('both databases cascade in the same way', async (t) => {
  for (const { name, database } of await bothLedgers(t)) {
    const { contractId, offeringId } = await smallLedger(database);
    await database('offerings').where({ id: offeringId }).delete();
    t.deepEqual(await database('rates').select(), [], name);
    t.like(await database('contracts').where({ id: contractId }).first(), { offering_id: null }, name);
    await database('contracts').where({ id: contractId }).delete();
    t.deepEqual(await database('payments').select(), [], name);
    t.deepEqual(await database('usage').select(), [], name);
  }
});

test('the same seed gives the same ledger, another seed another', async (t) => {
  const empty = (await sqliteLedger(t)).file;
  const digests = [1, 1, 2].map((seed) => {
    const file = sqliteFile(t);
    copySchema(empty, file);
    seedLedger(file, { scale: 0.01, seed });
    return digestOf(file);
  });
  t.is(digests[0], digests[1]);
  t.not(digests[0], digests[2]);
});

test('the full ledger has more than 200,000 rows, of every table as many as announced, and no broken reference', async (t) => {
  const { file } = await sqliteLedger(t);
  const written = seedLedger(file);
  const database = new Database(file, { readonly: true });
  t.teardown(() => database.close());
  const counted = LEDGER_TABLES.map((table) => [
    table,
    database.prepare(`select count(*) from "${table}"`).pluck().get(),
  ]);
  t.deepEqual(counted, Object.entries(LEDGER_ROWS));
  t.true(written >= 200_000);
  t.is(
    written,
    counted.reduce((sum, [, rows]) => sum + Number(rows), 0),
  );
  t.deepEqual(database.pragma('foreign_key_check'), []);
});

test('a generated ledger holds the values that tend to trip a move', async (t) => {
  const { file } = await sqliteLedger(t);
  seedLedger(file, { scale: 0.05 });
  const database = new Database(file, { readonly: true });
  t.teardown(() => database.close());
  const has = (table: string, condition: string): void => {
    t.true(Number(database.prepare(`select count(*) from "${table}" where ${condition}`).pluck().get()) > 0, condition);
  };
  has('accounts', "typeof(avatar) = 'blob' and length(avatar) > 0");
  has('accounts', 'avatar is null');
  has('accounts', 'balance_cents > 4294967296');
  has('accounts', 'length(name) <> length(cast(name as blob))');
  has('accounts', "name like '%''%'");
  has('offerings', "typeof(latitude) = 'real' and latitude < 0");
  has('settings', "typeof(value) = 'text' and value = '5'");
  has('payments', "reference is null and typeof(paid_at) = 'text'");
  has('usage', "typeof(amount) = 'real' and amount <> round(amount)");
});

async function shapesOf(database: Knex): Promise<Record<string, unknown>> {
  const shapes: Record<string, unknown> = {};
  for (const table of [...LEDGER_TABLES].sort()) {
    const columns = await database(table).columnInfo();
    shapes[table] = Object.entries(columns).map(([name, { nullable }]) => ({
      name,
      nullable: name !== 'id' && nullable,
    }));
  }
  return shapes;
}

function account(change: object): object {
  return { email: 'x@y.example', name: 'X', is_active: true, is_provider: true, created_at: 1, ...change };
}

function contract(change: object): object {
  return { status: 'draft', hours: 1, total_cents: 1, starts_at: 1, auto_renew: false, ...change };
}

function rate(): object {
  return { offering_id: 1, currency: 'EUR', valid_from: '2024-01-01', factor: 1.5 };
}

/** One account with an offering, its rate, and a contract with a payment and some usage. */
async function smallLedger(database: Knex): Promise<{ accountId: number; offeringId: number; contractId: number }> {
  const ids = { id: 1 };
  await database('accounts').insert({ ...ids, ...account({ email: 'a@b.example' }) });
  const offering = {
    provider_id: 1,
    title: 'T',
    category: 'gpu',
    price_cents_per_hour: 1,
    is_listed: true,
    created_at: 1,
  };
  await database('offerings').insert({ ...ids, ...offering });
  await database('rates').insert(rate());
  await database('contracts').insert({ ...ids, ...contract({ account_id: 1, offering_id: 1 }) });
  const payment = { contract_id: 1, amount_cents: 1, currency: 'EUR', method: 'card', is_refund: false, created_at: 1 };
  await database('payments').insert(payment);
  await database('usage').insert({ contract_id: 1, metric: 'km', amount: 1.5, measured_at: 1, is_billed: false });
  return { accountId: 1, offeringId: 1, contractId: 1 };
}

function copySchema(from: string, to: string): void {
  const source = new Database(from, { readonly: true });
  const target = new Database(to);
  const sql = source
    .prepare("select sql from sqlite_schema where sql is not null and name not like 'sqlite_%'")
    .pluck()
    .all();
  target.exec(sql.join(';\n'));
  source.close();
  target.close();
}

/** A digest of every value and its exact type. */
function digestOf(file: string): string {
  const database = new Database(file, { readonly: true });
  const hash = createHash('sha256');
  for (const table of LEDGER_TABLES) {
    const columns = database.pragma(`table_info("${table}")`) as { name: string }[];
    const quoted = columns.map(({ name }) => `quote("${name}")`).join(" || ',' || ");
    for (const row of database.prepare(`select ${quoted} from "${table}" order by rowid`).pluck().iterate()) {
      hash.update(`${String(row)}\n`);
    }
  }
  database.close();
  return hash.digest('hex');
}
