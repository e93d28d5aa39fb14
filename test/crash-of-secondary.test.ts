import test from 'ava';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import { stoppableServer } from './helpers/postgres.ts';

test('steps that PostgreSQL loses in a crash are applied again, though nothing more is written and nobody noticed', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  await pair.postgres.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
  await pair.postgres.query('SELECT pg_reload_conf()');
  // The lease is not renewed meanwhile, which would notice, and flush.
  const crossfade = await pair.open({ leaseMs: 60_000, pollMs: 200 });
  await goTo(crossfade, 'dual');
  const oldest = (): unknown => pair.sqlite.prepare('SELECT min(seq) FROM _crossfade_changes').pluck().get();
  const newest = (): unknown => pair.sqlite.prepare('SELECT max(seq) FROM _crossfade_changes').pluck().get();
  pair.sqlite.exec(`INSERT INTO settings VALUES ('flushed', '1')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await until('the Mirror has flushed it, and is at rest', () => oldest() === newest());

  pair.sqlite.exec(`INSERT INTO settings VALUES ('not flushed', '2')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await server.kill();
  await server.start();

  await until('PostgreSQL holds it again', async () => (await differences(crossfade)).length === 0);
  pair.sqlite.exec(`INSERT INTO settings VALUES ('later', '3')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);
  t.is(crossfade.mirror.status().runs, 'running');
});

test('reads do not see what PostgreSQL had before the steps that it lost in a crash', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  await pair.postgres.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
  await pair.postgres.query('SELECT pg_reload_conf()');
  const crossfade = await pair.open({ leaseMs: 60_000, pollMs: 200 });
  await goTo(crossfade, 'read');
  await crossfade.knex('settings').insert({ name: 'acknowledged', value: '1' });
  t.is((await crossfade.status()).reads, 'postgres');
  await server.kill();
  await server.start();
  // Nobody has asked PostgreSQL anything meanwhile.
  for (let looks = 0; looks < 20; looks += 1) {
    t.deepEqual(await crossfade.knex('settings').pluck('name'), ['acknowledged']);
  }
  await until('PostgreSQL is believed in again', async () => (await crossfade.status()).reads === 'postgres');
  t.deepEqual(await crossfade.knex('settings').pluck('name'), ['acknowledged']);
});
