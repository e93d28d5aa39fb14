import test from 'ava';
import { goTo, makePair, until } from './helpers/pair.ts';

test('a timeout ends the wait for PostgreSQL as Knex has it, and what comes after it is answered', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  const { knex } = crossfade;
  await knex('accounts').insert({ id: 1, email: 'a' });
  await goTo(crossfade, 'read');
  await pair.postgres.query('BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE');
  await t.throwsAsync(knex('accounts').where({ id: 1 }).timeout(150), {
    name: 'KnexTimeoutError',
    message: 'Defined query timeout of 150ms exceeded when running query.',
  });
  await pair.postgres.query('ROLLBACK');
  t.is((await knex('accounts').where({ id: 1 }).timeout(20_000).first()).email, 'a');
  await until('no connection is in use', () => knex.client.pool.numUsed() === 0);
  // As with SQLite, whichever answers.
  await t.throwsAsync(async () => await knex('accounts').timeout(100, { cancel: true }), {
    message: 'Query cancelling not supported for this dialect',
  });
});
