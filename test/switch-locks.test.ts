import test from 'ava';
import pg from 'pg';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

test('A write switch neither waits for a long read of PostgreSQL nor holds other reads up, there and back', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`INSERT INTO accounts (email) VALUES ('first')`);
  const crossfade = await pair.open({ switchTimeoutMs: 2_000 });
  await goTo(crossfade, 'read');

  const report = new pg.Client({ connectionString: pair.url });
  await report.connect();
  t.teardown(() => report.end());
  await report.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  for (const table of ['accounts', 'payments', 'rates', 'settings'])
    await report.query(`SELECT count(*) FROM ${table}`);

  // A lock that waits for the report would make every later read wait for it in turn.
  await pair.postgres.query(`SET statement_timeout = '200ms'`);
  let isOver = false;
  const reading = (async () => {
    for (; !isOver; await new Promise(setImmediate))
      await pair.postgres.query('SELECT count(*) FROM accounts, payments');
  })();
  for (const stage of ['write', 'read', 'write', 'read'] as const) await goTo(crossfade, stage);
  isOver = true;
  await reading;
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('A write switch that waits for somebody’s lock in PostgreSQL lets the Mirror go on meanwhile', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'read');
  const other = new pg.Client({ connectionString: pair.url });
  await other.connect();
  t.teardown(() => other.end());
  await other.query('BEGIN; LOCK TABLE settings IN SHARE MODE');

  const switched = goTo(crossfade, 'write');
  await until('the switch waits for the lock', async () => {
    const { rows } = await pair.postgres.query(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = 'settings'::regclass AND mode = 'ShareRowExclusiveLock'`,
    );
    return rows.length > 0;
  });
  pair.sqlite.exec(`INSERT INTO accounts (email) VALUES ('meanwhile')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 3_000 });
  await other.query('COMMIT');
  await switched;
  t.is(crossfade.cutover.stage, 'write');
  t.deepEqual(await differences(crossfade), []);
});
