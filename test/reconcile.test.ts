import test from 'ava';
import { copyFileSync } from 'node:fs';
import pg from 'pg';
import type { Crossfade } from '../adapter/index.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import { stoppableServer } from './helpers/postgres.ts';

const canCatchUp = (crossfade: Crossfade): Promise<boolean> =>
  crossfade.mirror.caughtUp({ timeoutMs: 2_000 }).then(
    () => true,
    () => false,
  );

/** The one answer that tells which database it came from. */
async function answeredBy(crossfade: Crossfade): Promise<string> {
  const { reads } = await crossfade.status();
  return reads;
}

test('a changelog past its limit ends capture and harms no write; a reconciliation mends it under writes', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const crossfade = await pair.open({ maxChangelogBytes: 10_000, waitLimitMs: 200 });
  pair.sqlite.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO settings SELECT 'key ' || i, i FROM n`);
  await goTo(crossfade, 'read');
  await server.kill();

  pair.sqlite.exec(`UPDATE settings SET value = value + 1; UPDATE settings SET value = value + 1`);
  await until('capture has stopped', () => {
    return pair.sqlite.prepare('SELECT capture_id FROM _crossfade_state').pluck().get() === null;
  });
  t.true((pair.sqlite.prepare('SELECT count(*) FROM _crossfade_changes').pluck().get() as number) < 10);
  // Nobody sees these: updated, gone, new, and a unique value that has moved.
  await crossfade.knex('settings').where({ name: 'key 1' }).update({ value: 'unseen' });
  await crossfade.knex('settings').whereIn('name', ['key 2', 'key 3']).del();
  await crossfade.knex('accounts').insert({ email: 'a@example.org' });

  await server.start();
  await until('it says what is to be done', async () => {
    const { mirror } = await crossfade.status();
    return mirror.runs === 'stopped' && /nothing captures/.test(mirror.error ?? '');
  });
  t.is(await answeredBy(crossfade), 'sqlite');

  let writes = 0;
  const writing = setInterval(() => {
    writes += 1;
    pair.sqlite.exec(`INSERT INTO settings VALUES ('meanwhile ${writes}', 'x')`);
  }, 5);
  const status = await crossfade.backfill({ reconcile: true }).finally(() => clearInterval(writing));
  t.is(status.rowsRemoved, 2);
  await until('it is caught up', () => canCatchUp(crossfade));
  t.deepEqual(await differences(crossfade), []);
  t.true(writes > 0);
  t.is(crossfade.cutover.stage, 'read');
  await until('PostgreSQL answers reads again', async () => (await answeredBy(crossfade)) === 'postgres');
  await crossfade.knex('settings').insert({ name: 'captured again', value: 'x' });
  t.deepEqual(await differences(crossfade), []);
});

test('an older copy of the SQLite file that was put back is mended by a reconciliation, in the stage it is in', async (t) => {
  const pair = await makePair(t);
  const first = await pair.open();
  await goTo(first, 'read');
  await first.knex('accounts').insert([{ email: 'kept' }, { email: 'moves' }]);
  await first.close();
  pair.sqlite.pragma('wal_checkpoint(TRUNCATE)');
  copyFileSync(pair.path, `${pair.path}.copy`);
  const second = await pair.open();
  await second.knex('accounts').where({ email: 'moves' }).update({ email: 'moved away' });
  await second.knex('accounts').insert({ email: 'in PostgreSQL alone' });
  await second.close();
  pair.sqlite.pragma('wal_checkpoint(TRUNCATE)');
  pair.sqlite.close();
  copyFileSync(`${pair.path}.copy`, pair.path);

  const crossfade = await pair.open();
  await until('the loss is noticed', async () => (await crossfade.status()).mirror.runs === 'stopped');
  const { error } = crossfade.mirror.status();
  t.regex(error ?? '', /went back in time/);
  // The key that PostgreSQL alone knows is given out again, to another row.
  await crossfade.knex('accounts').insert({ email: 'moved away' });
  const status = await crossfade.backfill({ reconcile: true });
  t.is(status.rowsRemoved, 0);
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  t.deepEqual(await differences(crossfade), []);
  t.is((await crossfade.status()).mirror.runs, 'running');
});

test('a reconciliation goes the other way too, where PostgreSQL is the primary', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await crossfade.knex('accounts').insert([{ email: 'a' }, { email: 'b' }, { email: 'c' }]);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  await crossfade.stores.postgres.stopCapture('a test');
  await crossfade.knex('accounts').where({ email: 'a' }).del();
  await crossfade.knex.transaction(async (trx) => {
    await trx('accounts').where({ email: 'b' }).update({ email: 'x' });
    await trx('accounts').where({ email: 'c' }).update({ email: 'b' });
    await trx('accounts').where({ email: 'x' }).update({ email: 'c' });
  });
  await until('it says so', async () => (await crossfade.status()).mirror.runs === 'stopped');
  const status = await crossfade.backfill({ reconcile: true });
  t.is(status.rowsRemoved, 1);
  t.deepEqual(await differences(crossfade), []);
  // SQLite is a secondary as before: fenced, and ready to take the writes back.
  t.throws(() => pair.sqlite.exec(`INSERT INTO settings VALUES ('past the fence', '1')`), {
    any: true,
    message: /fenced/,
  });
  t.is((await crossfade.cutover.step('read', { force: true })).outcome, 'moved');
  t.deepEqual(await differences(crossfade), []);
});

test('a reconciliation that was broken off keeps reads away and goes on when it is asked for again', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO accounts (email) SELECT 'user ' || i FROM n`);
  const crossfade = await pair.open({ backfillRows: 100 });
  await goTo(crossfade, 'read');
  await crossfade.stores.sqlite.stopCapture('a test');
  pair.sqlite.exec(`DELETE FROM accounts WHERE id % 7 = 0`);
  const abort = new AbortController();
  await t.throwsAsync(
    crossfade.backfill({ reconcile: true, signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) }),
    { message: 'enough' },
  );
  await crossfade.close();

  const next = await pair.open({ backfillRows: 100 });
  t.is(await answeredBy(next), 'sqlite');
  const { gates } = await next.cutover.nextGates();
  t.true(gates.some(({ name, passes }) => name === 'backfill' && !passes));
  const status = await next.backfill({ reconcile: true });
  t.is(status.rowsRemoved, Math.floor(3000 / 7));
  t.deepEqual(await differences(next), []);
});

test('when PostgreSQL is gone for good SQLite is made primary by a forced failover, and by nothing less', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const first = await pair.open();
  await goTo(first, 'write');
  await first.knex('accounts').insert({ email: 'mirrored' });
  await first.mirror.caughtUp({ timeoutMs: 5_000 });
  await t.throwsAsync(first.cutover.failOver({ confirm: true }), {
    code: 'GATE_REFUSED',
    message: /PostgreSQL answers/,
  });
  await first.close();
  await pair.postgres.query(`INSERT INTO accounts (email) VALUES ('lost with PostgreSQL')`);
  await server.kill();

  const crossfade = await pair.open();
  await t.throwsAsync(crossfade.cutover.failOver(), { code: 'GATE_REFUSED', message: /would be given up/ });
  t.throws(() => pair.sqlite.exec(`INSERT INTO settings VALUES ('x', '1')`), { any: true, message: /fenced/ });
  const { watermark } = await crossfade.cutover.failOver({ confirm: true });
  t.truthy(watermark);
  await crossfade.knex('accounts').insert({ email: 'after the failover' });
  t.deepEqual(await crossfade.knex('accounts').pluck('email').orderBy('id'), ['mirrored', 'after the failover']);

  await server.start();
  const late = new pg.Client({ connectionString: server.url });
  late.on('error', () => {});
  await late.connect();
  t.teardown(() => late.end().catch(() => {}));
  await until('the old primary is fenced', () =>
    late.query(`INSERT INTO settings VALUES ('a late writer', '1') ON CONFLICT DO NOTHING`).then(
      () => false,
      (error: Error) => /fenced/.test(error.message),
    ),
  );
  t.deepEqual(await crossfade.knex('accounts').pluck('email').orderBy('id'), ['mirrored', 'after the failover']);
  await crossfade.backfill({ reconcile: true });
  t.deepEqual(await differences(crossfade), []);
  t.is((await crossfade.cutover.step('write', { force: true })).outcome, 'moved');
  t.deepEqual(await crossfade.knex('accounts').pluck('email').orderBy('id'), ['mirrored', 'after the failover']);
  await crossfade.knex('accounts').insert({ email: 'on PostgreSQL again' });
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});
