import test from 'ava';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { differences, until } from './helpers/pair.ts';
import { stoppableServer } from './helpers/postgres.ts';
import { applyNext, batchesOf, rolesWith } from './helpers/roles.ts';

/** What PostgreSQL as primary has open, rolls back, empties or loses while steps are read (PROTOCOL.md R7, R10, R11, R14). */

async function session(t: ExecutionContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end().catch(() => {}));
  return client;
}

test('a transaction that commits after a step was read is in the next one, savepoints included, and nothing of it is forgotten', async (t) => {
  const roles = await rolesWith(t, 'postgres');
  const [plain, nested] = [await session(t, roles.pair.url), await session(t, roles.pair.url)];
  await plain.query(`BEGIN; INSERT INTO settings VALUES ('open', '1')`);
  await nested.query(
    `BEGIN; INSERT INTO rates VALUES ('de', 1, 1); SAVEPOINT s; INSERT INTO settings VALUES ('nested', '1'); RELEASE s`,
  );
  await roles.write(`INSERT INTO settings VALUES ('committed', '1')`);
  t.true(await applyNext(roles));
  await plain.query('COMMIT');
  await nested.query('COMMIT');
  const { watermark } = (await roles.secondary.progress()).state;
  while ((await roles.primary.prune(watermark ?? '')) > 0);
  t.true(await applyNext(roles));
  t.deepEqual(await differences(roles.crossfade), []);
});

for (const changes of [1, 5_000]) {
  test(`a table that is emptied while a step of ${changes} changes is read keeps its rows for that step`, async (t) => {
    const roles = await rolesWith(t, 'postgres');
    await roles.write(`INSERT INTO settings SELECT 'key ' || i, '1' FROM generate_series(1, ${changes}) i`);
    const other = await session(t, roles.pair.url);
    // Somebody who takes the snapshot is held there: the step of one change is read in a few round trips without a break.
    await other.query('BEGIN; LOCK TABLE settings IN ACCESS EXCLUSIVE MODE');
    const reading = roles.primary.read(await roles.request(), batchesOf);
    await until('the step waits for the table', async () => {
      const { rowCount } = await roles.pair.postgres.query(
        `SELECT FROM pg_locks WHERE NOT granted AND relation = 'settings'::regclass`,
      );
      return rowCount === 1;
    });
    await other.query(`TRUNCATE settings; INSERT INTO settings VALUES ('new', '2'); COMMIT`);
    const present = (await reading).flatMap((batch) => batch.present.map(([name]) => name));
    // The snapshot was taken after the lock was had: it shows what is there now, and not an empty table of before.
    t.deepEqual(present, ['new']);
  });
}

test('a TRUNCATE waits for the step that is being read, and belongs to the next one', async (t) => {
  const roles = await rolesWith(t, 'postgres');
  await roles.write(`INSERT INTO settings SELECT 'key ' || i, '1' FROM generate_series(1, 5000) i`);
  const other = await session(t, roles.pair.url);
  const { state } = await roles.secondary.progress();
  let emptied: Promise<unknown> = Promise.resolve();
  let isEmptied = false;
  await roles.primary.read(await roles.request(), async (reading) => {
    emptied = other.query('TRUNCATE settings').then(() => (isEmptied = true));
    await until('it waits, or is through', async () => {
      const { rowCount } = await roles.pair.postgres.query(
        `SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = 'settings'::regclass`,
      );
      return isEmptied || rowCount === 1;
    });
    await roles.secondary.apply({
      epoch: state.epoch,
      step: state.step,
      captureId: state.watermarkCaptureId ?? '',
      reading,
      quarantine: [],
    });
  });
  t.is(await roles.secondary.count(roles.table('settings')), 5_000);
  await emptied;
  t.true(await applyNext(roles));
  t.deepEqual(await differences(roles.crossfade), []);
});

test('what PostgreSQL loses in a crash was never mirrored, and a number given out again is not passed over', async (t) => {
  const server = await stoppableServer(t);
  const roles = await rolesWith(t, 'postgres', { url: server.url });
  await roles.pair.postgres.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
  await roles.pair.postgres.query('SELECT pg_reload_conf()');
  const before = await session(t, server.url);
  // Committed without waiting for the disk; then a number that is taken and rolled back, of which nothing is flushed.
  await before.query(`SET synchronous_commit = off; INSERT INTO settings VALUES ('asynchronous', '1')`);
  await before.query(`BEGIN; INSERT INTO settings VALUES ('rolled back', '1')`);
  const { rows: taken } = await before.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
  await before.query('ROLLBACK');
  t.true(await applyNext(roles));
  t.is(await roles.secondary.count(roles.table('settings')), 1);
  await server.kill();
  await server.start();

  const after = await session(t, server.url);
  const { rows: again } = await after.query<{ xid: string }>(
    `INSERT INTO settings VALUES ('later', '1') RETURNING pg_current_xact_id()::text AS xid`,
  );
  t.log(`rolled back: ${taken[0]?.xid}, given out after the crash: ${again[0]?.xid}`);
  t.true(await applyNext(roles));
  t.deepEqual(await differences(roles.crossfade), []);
  t.is(await roles.secondary.count(roles.table('settings')), 2);
});
