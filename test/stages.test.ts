import test from 'ava';
import type { ExecutionContext } from 'ava';
import knexFactory from 'knex';
import type { Knex } from 'knex';
import { STAGE_NAMES } from '../adapter/index.ts';
import type { Crossfade, Stage } from '../adapter/index.ts';
import { stageRow } from '../adapter/stage.ts';
import { differences, makePair, TABLES, until } from './helpers/pair.ts';
import { sqliteFile } from './helpers/sqlite.ts';

/** What an API does in a request or two. Everything it sees is returned, to be held against plain Knex on SQLite. */
async function requests(knex: Knex, round: number): Promise<Record<string, unknown>> {
  const email = (name: string): string => `${name} of round ${round}`;
  const [first] = await knex('accounts').insert({
    email: email('ann'),
    balance: 10,
    rate: 0.25,
    avatar: Buffer.from([1, 2, 0, 255]),
    settings: '{"a":1}',
  });
  const several = await knex('accounts').insert([
    { email: email('bob'), is_active: false, balance: 3 },
    { email: email('cat'), is_active: true, balance: 4 },
  ]);
  const returned = await knex('accounts')
    .insert({ email: email('dan') })
    .returning(['id', 'email']);
  const updated = await knex('accounts').where({ id: first }).update({ balance: 11 });
  const missed = await knex('accounts').where({ id: -1 }).update({ balance: 11 });
  // What an upsert of a text key resolves to is SQLite's last rowid of whatever came before: nothing an API can use.
  await knex('settings')
    .insert({ name: 'round', value: String(round) })
    .onConflict('name')
    .merge();
  await knex('settings').insert({ name: 'round', value: 'never' }).onConflict('name').ignore();
  const paid = await knex.transaction(async (trx) => {
    const [payment] = await trx('payments').insert({ account_id: first, cents: 500, note: null });
    await trx.transaction(async (inner) => inner('payments').insert({ account_id: first, cents: 1 }));
    return trx('payments')
      .where({ account_id: first })
      .orderBy('id')
      .select('cents', 'note')
      .then((rows) => ({ payment, rows }));
  });
  const rolledBack = await knex
    .transaction(async (trx) => {
      await trx('settings').insert({ name: 'rolled back' });
      throw new Error('no');
    })
    .catch((error: Error) => error.message);
  // Ids that a refused or rolled back insert used up stay used in PostgreSQL's sequences, so these have none.
  const unique = await knex('settings')
    .insert({ name: 'round' })
    .then(() => 'accepted')
    .catch((error: { code?: string }) => error.code);
  const raw: unknown = await knex.raw('SELECT email, balance FROM accounts WHERE id = ? ORDER BY id', [Number(first)]);
  const rates = await knex('rates')
    .insert({ country: 'de', year: 2000 + round, rate: 1 / 3 })
    .then(() => knex('rates').orderBy('year').select());
  const streamed: unknown[] = [];
  for await (const row of knex('accounts').select('id', 'email').orderBy('id').stream()) streamed.push(row);
  const answers = {
    first,
    several,
    returned,
    updated,
    missed,
    settings: await knex('settings').select(),
    paid,
    rolledBack,
    unique,
    raw,
    rates,
    streamed,
    all: await knex('accounts').orderBy('id').select(),
    one: await knex('accounts')
      .where({ email: email('bob') })
      .first(),
    none: await knex('accounts').where({ id: -1 }).first(),
    counted: await knex('accounts').count('* as n').sum('balance as total').max('rate as rate').first(),
    plucked: await knex('accounts').where('balance', '>', 5).orderBy('id').pluck('email'),
    joined: await knex('payments as p')
      .join('accounts as a', 'a.id', 'p.account_id')
      .orderBy('p.id')
      .select('a.email', 'p.cents'),
    nulls: await knex('accounts').orderBy('rate').orderBy('id').select('rate', 'id'),
    removed: await knex('accounts')
      .where({ email: email('cat') })
      .del(),
  };
  return answers;
}

async function walkTo(crossfade: Crossfade, stage: Stage): Promise<void> {
  const outcome = await crossfade.cutover.moveTo(stage, { force: true, confirm: true });
  if (outcome.outcome === 'refused') throw new Error(JSON.stringify(outcome.gates));
}

async function assertReadsComeFrom(t: ExecutionContext, crossfade: Crossfade, stage: Stage): Promise<void> {
  // Just after a step the reads wait for what was written without waiting.
  await until(
    `${stage}: reads are where they belong`,
    async () => (await crossfade.status()).reads === stageRow(stage).reads,
  );
  await crossfade.knex('settings').select();
  const text = await crossfade.metrics.metrics();
  t.regex(
    text,
    new RegExp(`crossfade_query_duration_seconds_count\\{store="${stageRow(stage).reads}",kind="read"\\} [1-9]`),
    stage,
  );
}

test('in every stage the API sees what plain Knex on SQLite gives it', async (t) => {
  const oracle = knexFactory({
    client: 'better-sqlite3',
    connection: { filename: sqliteFile(t, TABLES.sqlite) },
    useNullAsDefault: true,
  });
  t.teardown(() => oracle.destroy());
  const pair = await makePair(t);
  const crossfade = await pair.open();
  let round = 0;
  const compareAnswers = async (stage: Stage): Promise<void> => {
    round += 1;
    const expected = await requests(oracle, round);
    const answers = await requests(crossfade.knex, round);
    for (const [name, answer] of Object.entries(answers)) t.deepEqual(answer, expected[name], `${stage}: ${name}`);
    await assertReadsComeFrom(t, crossfade, stage);
  };

  await compareAnswers('sqlite');
  await crossfade.backfill();
  const there: readonly Stage[] = ['dual', 'shadow', 'read', 'write'];
  const back: readonly Stage[] = ['read', 'shadow', 'dual', 'shadow', 'read', 'write'];
  for (const stage of [...there, ...back]) {
    await walkTo(crossfade, stage);
    await compareAnswers(stage);
    await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
    t.deepEqual(await differences(crossfade), [], stage);
  }
  await walkTo(crossfade, 'postgres');
  await compareAnswers('postgres');
  t.is(STAGE_NAMES.length, new Set(['sqlite', ...there, 'postgres']).size);
});

test('the read primary may be chosen by hand, once PostgreSQL holds all rows', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ readPrimary: 'postgres' });
  await crossfade.backfill();
  await walkTo(crossfade, 'dual');
  t.is((await crossfade.status()).reads, 'sqlite');
  await walkTo(crossfade, 'shadow');
  await until('PostgreSQL answers', async () => (await crossfade.status()).reads === 'postgres');
  const onSqlite = await pair.open({ readPrimary: 'sqlite' });
  await walkTo(crossfade, 'read');
  await onSqlite.knex('settings').insert({ name: 'a', value: '1' });
  t.is((await onSqlite.status()).reads, 'sqlite');
});

test('in stage read callers read their own writes from PostgreSQL', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await crossfade.backfill();
  await walkTo(crossfade, 'read');
  for (let i = 0; i < 50; i += 1) {
    const [id] = await crossfade.knex('accounts').insert({ email: `user ${i}` });
    t.is((await crossfade.knex('accounts').where({ id }).first<{ email: string } | undefined>())?.email, `user ${i}`);
  }
});

test('a schema change through the API is refused while it would reach one database only', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await crossfade.knex.schema.createTable('early', (table) => table.increments());
  await crossfade.knex.schema.dropTable('early');
  await crossfade.backfill();
  await walkTo(crossfade, 'dual');
  await t.throwsAsync(async () => crossfade.knex.schema.alterTable('settings', (table) => table.text('more')), {
    code: 'SCHEMA_CHANGE_REFUSED',
  });
});

test('what was written without waiting, just before reads moved, is read all the same', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await crossfade.backfill();
  let isMoving = true;
  const stale: string[] = [];
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    await crossfade.knex('accounts').insert({ id: writer + 1, email: `user ${writer}` });
    for (let balance = 1; isMoving; balance += 1) {
      await crossfade
        .knex('accounts')
        .where({ id: writer + 1 })
        .update({ balance });
      const row = await crossfade
        .knex('accounts')
        .where({ id: writer + 1 })
        .first<{ balance: number }>();
      if (row.balance < balance) stale.push(`${crossfade.cutover.stage}: wrote ${balance}, read ${row.balance}`);
      await new Promise(setImmediate);
    }
  });
  for (let round = 0; round < 4; round += 1) {
    for (const stage of ['shadow', 'read', 'write', 'read'] as const) await walkTo(crossfade, stage);
  }
  isMoving = false;
  await Promise.all(writers);
  t.deepEqual(stale, []);
});
