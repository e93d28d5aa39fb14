import test from 'ava';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import { stoppableServer } from './helpers/postgres.ts';
import { rolesWith } from './helpers/roles.ts';

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

test('a PostgreSQL that crashes at the release of a write switch has everything that the switch stands on', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  await pair.postgres.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
  await pair.postgres.query('SELECT pg_reload_conf()');
  const crossfade = await pair.open({ leaseMs: 60_000, switchTimeoutMs: 60_000 });
  await goTo(crossfade, 'read');
  const { sqlite } = crossfade.stores;
  const release = sqlite.release.bind(sqlite);
  sqlite.release = async (expected) => {
    await server.kill();
    await server.start();
    return release(expected);
  };
  const fence = sqlite.fence.bind(sqlite);
  sqlite.fence = async (expected) => {
    pair.sqlite.exec(`INSERT INTO settings VALUES ('last', '1')`);
    return fence(expected);
  };
  t.is((await crossfade.cutover.step('write', { force: true })).outcome, 'moved');
  const settings = crossfade.tables.filter(({ name }) => name === 'settings');
  t.deepEqual(await Promise.all(settings.map((table) => crossfade.stores.postgres.count(table))), [1]);
});

test('a switch from PostgreSQL is on its disk at each step, whatever the server says of commits', async (t) => {
  const server = await stoppableServer(t);
  const roles = await rolesWith(t, 'postgres', { url: server.url });
  const { postgres } = roles.pair;
  for (const setting of [`wal_writer_delay = '10s'`, 'synchronous_commit = off']) {
    await postgres.query(`ALTER SYSTEM SET ${setting}`);
  }
  await postgres.query('SELECT pg_reload_conf()');
  await until('commits wait no more', async () => {
    const { rows } = await postgres.query<{ synchronous_commit: string }>('SHOW synchronous_commit');
    return rows[0]?.synchronous_commit === 'off';
  });
  const { epoch } = (await roles.primary.state()) ?? { epoch: -1 };
  const fenced = await roles.primary.fence({ epoch, expiresMs: 600_000, waitMs: 2_000 });
  await server.kill();
  await server.start();
  t.is((await roles.primary.state())?.intent, 'fenced');
  t.true(await roles.primary.release({ epoch, attempt: fenced?.attempt ?? -1 }));
  await server.kill();
  await server.start();
  t.is((await roles.primary.state())?.intent, 'released');
});
