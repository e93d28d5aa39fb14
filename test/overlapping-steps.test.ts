import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Crossfade } from '../adapter/index.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

/** A Crossfade that reads from PostgreSQL, with one account there, and how many steps are on their way. */
async function reading(t: ExecutionContext): Promise<{ pair: Pair; crossfade: Crossfade; steps: { under: number } }> {
  const pair = await makePair(t);
  const crossfade = await pair.open({ waitLimitMs: 20_000 });
  await goTo(crossfade, 'read');
  await crossfade.knex('accounts').insert({ id: 1, email: 'a' });
  const steps = { under: 0 };
  const { postgres } = crossfade.stores;
  const apply = postgres.apply.bind(postgres);
  postgres.apply = async (step) => {
    steps.under += 1;
    try {
      return await apply(step);
    } finally {
      steps.under -= 1;
    }
  };
  return { pair, crossfade, steps };
}

/** Keeps steps that touch account 1 waiting. Reading rows is all that a fenced database allows, and it is enough. */
async function holdAccount(pair: Pair): Promise<void> {
  await pair.postgres.query('BEGIN; SELECT FROM accounts WHERE id = 1 FOR UPDATE');
}

test('a step is read and sent while the one before it is on its way, and both arrive in order', async (t) => {
  const { pair, crossfade, steps } = await reading(t);
  await holdAccount(pair);
  const first = crossfade.knex('accounts').where({ id: 1 }).update({ email: 'b' });
  const writes = [first.then(() => 'first')];
  await until('the first step is on its way', () => steps.under === 1);
  writes.push(
    crossfade
      .knex('accounts')
      .where({ id: 1 })
      .update({ email: 'c' })
      .then(() => 'second'),
  );
  await until('the second step is on its way', () => steps.under === 2);
  await pair.postgres.query('COMMIT');
  t.deepEqual(await Promise.all(writes), ['first', 'second']);
  t.is((await crossfade.knex('accounts').where({ id: 1 }).first()).email, 'c');
  t.deepEqual(await differences(crossfade), []);
});

test('when a step fails, those behind it fail too, and every write that waited is served by the next ones', async (t) => {
  const { pair, crossfade, steps } = await reading(t);
  await holdAccount(pair);
  const writes = [
    crossfade
      .knex('accounts')
      .where({ id: 1 })
      .update({ email: 'b' })
      .then(() => 1),
  ];
  await until('the first step is on its way', () => steps.under === 1);
  writes.push(
    crossfade
      .knex('settings')
      .insert({ name: 'x', value: '1' })
      .then(() => 2),
  );
  await until('the second step is on its way', () => steps.under === 2);
  // With no more than its session's end, what became of the steps is unknown: the state row decides.
  await pair.postgres.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crossfade mirror' AND datname = current_database()`,
  );
  await pair.postgres.query('COMMIT');
  t.deepEqual(await Promise.all(writes), [1, 2]);
  t.deepEqual(await differences(crossfade), []);
});

test('a step behind one whose row PostgreSQL refuses does nothing, and is read again', async (t) => {
  const { pair, crossfade, steps } = await reading(t);
  await pair.postgres.query(`ALTER TABLE settings ADD CHECK (value <> 'refused')`);
  await holdAccount(pair);
  await crossfade.direct.sqlite.transaction(async (trx) => {
    await trx('accounts').where({ id: 1 }).update({ email: 'b' });
    await trx('settings').insert({ name: 'bad', value: 'refused' });
  });
  const first = crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await until('the first step is on its way', () => steps.under === 1);
  const second = crossfade
    .knex('settings')
    .insert({ name: 'good', value: 'fine' })
    .then(() => {});
  await until('the second step is on its way', () => steps.under === 2);
  await pair.postgres.query('COMMIT');
  await Promise.all([first, second]);
  t.deepEqual(
    crossfade.mirror.quarantine?.map(({ table, key }) => [table, key]),
    [['settings', ['bad']]],
  );
  t.is((await differences(crossfade)).length, 1);
  await crossfade.knex('settings').where({ name: 'bad' }).update({ value: 'mended' });
  t.deepEqual(crossfade.mirror.quarantine, []);
  t.deepEqual(await differences(crossfade), []);
});

test('one who waits for a change that a step under way carries already is served with that step, not before', async (t) => {
  const { pair, crossfade, steps } = await reading(t);
  await holdAccount(pair);
  const first = crossfade
    .knex('accounts')
    .where({ id: 1 })
    .update({ email: 'b' })
    .then(() => {});
  await until('the step is on its way', () => steps.under === 1);
  let isServed = false;
  const late = crossfade.mirror.caughtUp({ timeoutMs: 20_000 }).then(() => (isServed = true));
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.false(isServed);
  await pair.postgres.query('COMMIT');
  await Promise.all([first, late]);
  t.deepEqual(await differences(crossfade), []);
});
