import test from 'ava';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

test('a unique index that is added to SQLite stops the Mirror, and a reconciliation captures what it makes REPLACE remove', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  pair.sqlite.exec(`INSERT INTO rates VALUES ('de', 2024, 1), ('fr', 2024, 2)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  pair.sqlite.exec('CREATE UNIQUE INDEX one_rate ON rates (rate)');
  await until('it is noticed', async () => (await crossfade.status()).mirror.runs === 'stopped');
  t.regex(crossfade.mirror.status().error ?? '', /"rates".*unique index/);
  // It pushes out the row of "de", by the new index; no trigger that was there before could know.
  pair.sqlite.exec(`INSERT OR REPLACE INTO rates VALUES ('it', 2024, 1)`);
  await crossfade.backfill({ reconcile: true });
  t.deepEqual(await differences(crossfade), []);
  pair.sqlite.exec(`INSERT OR REPLACE INTO rates VALUES ('es', 2024, 2)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('capture that somebody switches off in PostgreSQL is noticed although nothing is written after', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(
    `ALTER TABLE rates DISABLE TRIGGER crossfade_capture_insert; INSERT INTO rates VALUES ('de', 2024, 1); ALTER TABLE rates ENABLE ALWAYS TRIGGER crossfade_capture_insert`,
  );
  await pair.postgres.query('ALTER TABLE rates DISABLE TRIGGER crossfade_capture_delete');
  await until('it is noticed', async () => (await crossfade.status()).mirror.runs === 'stopped');
  t.regex(crossfade.mirror.status().error ?? '', /"rates" of PostgreSQL: a capture trigger is gone or switched off/);
  const status = await crossfade.backfill({ reconcile: true });
  t.true(status.isDone);
  t.deepEqual(await differences(crossfade), []);
});
