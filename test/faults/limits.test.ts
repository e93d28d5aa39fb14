import test from 'ava';
import { assertAllThere, caughtUp } from '../helpers/at-rest.ts';
import { holdWriteLock } from '../helpers/lock-holder.ts';
import { goTo, makePair, until } from '../helpers/pair.ts';

test('In stage write the Mirror goes on while a long transaction has the only connection of the pool', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ poolMax: 1 });
  await goTo(crossfade, 'write');
  const { knex } = crossfade;
  const trx = await knex.transaction();
  await trx('settings').insert({ name: 'long/a', value: '1' });
  const queued = [1, 2, 3].map((number) => knex('settings').insert({ name: `queued ${number}`, value: '1' }));
  const all = Promise.all(queued);
  for (let number = 0; number < 5; number += 1) {
    await pair.postgres.query(`INSERT INTO settings VALUES ('by a script ${number}', '1')`);
    await until('it is mirrored', () => {
      const found = pair.sqlite.prepare('SELECT count(*) FROM settings').pluck().get();
      return found === number + 1;
    });
  }
  t.like(await crossfade.status(), { reachable: { postgres: true }, mirror: { runs: 'running', error: null } });
  await trx('settings').insert({ name: 'long', value: '1' });
  await trx.commit();
  await all;
  const names = ['long', 'long/a', 'queued 1', 'queued 2', 'queued 3', 'by a script 4'];
  await assertAllThere(t, { pair, crossfade }, names);
});

test('In stage read writes are mirrored and acknowledged while all connections for reads are taken', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ poolMax: 1, waitLimitMs: 5_000 });
  await goTo(crossfade, 'read');
  const { knex } = crossfade;
  await until('reads are with PostgreSQL', async () => (await crossfade.status()).reads === 'postgres');
  const hog = await crossfade.direct.postgres.transaction();
  await hog.raw('SELECT 1');
  const written: string[] = [];
  for (let number = 0; number < 20; number += 1) {
    await knex('settings').insert({ name: `row ${number}`, value: '1' });
    written.push(`row ${number}`);
  }
  // Each was mirrored when it was acknowledged.
  t.is((await pair.postgres.query('SELECT FROM settings')).rows.length, written.length);
  const reading = knex('settings').pluck('name');
  const read = reading.then((names) => names);
  await hog.rollback();
  t.is((await read).length, written.length);
  await assertAllThere(t, { pair, crossfade }, written);
});

test('A short statement_timeout of the database makes no step fail, and what else it cancels is tried again', async (t) => {
  const pair = await makePair(t);
  const name = new URL(pair.url).pathname.slice(1);
  await pair.postgres.query(`ALTER DATABASE ${name} SET statement_timeout = '200ms'`);
  const crossfade = await pair.open({ leaseMs: 600, waitLimitMs: 400 });
  await goTo(crossfade, 'read');
  const { knex } = crossfade;
  const written: string[] = [];
  const write = async (what: string): Promise<void> => {
    await knex('settings').insert({ name: what, value: '1' });
    written.push(what);
  };
  await write('before');

  // The Mirror's statement waits for this for longer than the limit that holds for everybody else.
  await pair.postgres.query('BEGIN; LOCK TABLE settings IN SHARE ROW EXCLUSIVE MODE');
  await write('while the table is locked');
  await write('while the table is still locked');
  t.is(crossfade.mirror.status().error, null);
  await pair.postgres.query('COMMIT');
  await caughtUp(crossfade);

  await pair.postgres.query('BEGIN; SELECT FROM crossfade.lease FOR UPDATE');
  await until('renewing the lease fails', async () => {
    await write(`while the lease is locked ${written.length}`);
    return /statement timeout/.test(crossfade.mirror.status().error ?? '');
  });
  await pair.postgres.query('COMMIT');
  await write('after');
  await caughtUp(crossfade);

  for (const stage of ['write', 'read'] as const) {
    await goTo(crossfade, stage);
    await write(`in stage ${stage}`);
  }
  await assertAllThere(t, { pair, crossfade }, written);
  t.is(crossfade.mirror.status().error, null);
});

test('A step that PostgreSQL keeps waiting shows as lag, for as long as it waits', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  await crossfade.knex('settings').insert({ name: 'before', value: '1' });
  await caughtUp(crossfade);
  await pair.postgres.query('BEGIN; SELECT FROM crossfade.state FOR UPDATE');
  const startedAt = performance.now();
  await crossfade.knex('settings').insert({ name: 'held up', value: '1' });
  await until('half a second has passed', () => performance.now() - startedAt > 500);
  const { lagSeconds } = crossfade.mirror.status();
  t.true(lagSeconds > 0.3 && lagSeconds * 1000 <= performance.now() - startedAt, `${lagSeconds} s`);
  await pair.postgres.query('COMMIT');
  await assertAllThere(t, { pair, crossfade }, ['before', 'held up']);
  await until('there is no lag', () => crossfade.mirror.lagSeconds < 0.1);
});

test('A limit on statements that the Mirror falls under as well makes its steps fail, until it is lifted', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ leaseMs: 600, waitLimitMs: 300 });
  await goTo(crossfade, 'dual');
  await crossfade.knex('settings').insert({ name: 'before', value: '1' });
  await caughtUp(crossfade);
  // As an administrator's script does that ends whatever takes long.
  await pair.postgres.query('BEGIN; SELECT FROM crossfade.state FOR UPDATE');
  await crossfade.knex.transaction(async (trx) => {
    await trx('settings').insert({ name: 'together/a', value: '1' });
    await trx('settings').insert({ name: 'together', value: '1' });
  });
  let cancelled = 0;
  await until('steps have been cancelled', async () => {
    await pair.postgres.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await pair.postgres.query<{ done: boolean }>(
      `SELECT pg_cancel_backend(pid) AS done FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'crossfade mirror' AND wait_event_type = 'Lock'`,
    );
    cancelled += rows.length;
    return cancelled >= 3 && /cancel/.test(crossfade.mirror.status().error ?? '');
  });
  await pair.postgres.query('COMMIT');
  await assertAllThere(t, { pair, crossfade }, ['before', 'together', 'together/a']);
  t.is(crossfade.mirror.status().error, null);
});

test('In stage write a SQLite that is busy for seconds holds up nobody, and is brought up to date after', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  const letGo = await holdWriteLock(t, pair.path);
  const written: string[] = [];
  let slowestMs = 0;
  const heldSince = performance.now();
  await until('the Mirror has given up a step', async () => {
    const name = `row ${written.length}`;
    const startedAt = performance.now();
    await crossfade.knex('settings').insert({ name, value: '1' });
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    written.push(name);
    return crossfade.mirror.status().error !== null;
  });
  t.true(performance.now() - heldSince < 5_000, 'it says so soon');
  t.regex(crossfade.mirror.status().error ?? '', /stayed locked by another connection/);
  t.true(slowestMs < 1_000, `${slowestMs} ms`);
  await letGo(0);
  await assertAllThere(t, { pair, crossfade }, written);
  t.is(crossfade.mirror.status().error, null);
});
