import test from 'ava';
import type { ExecutionContext } from 'ava';
import { isCrossfadeError } from '../../adapter/errors.ts';
import { isInfrastructureError } from '../../adapter/infrastructure-error.ts';
import type { Crossfade } from '../../adapter/index.ts';
import { assertAllThere, caughtUp } from '../helpers/at-rest.ts';
import { Load } from '../helpers/load.ts';
import { goTo, makePair, until } from '../helpers/pair.ts';
import type { Pair } from '../helpers/pair.ts';
import { TcpProxy } from '../helpers/tcp-proxy.ts';

const OPTIONS = { leaseMs: 400, waitLimitMs: 500, poolMax: 4 };
const MOMENTS = ['sent', 'done'] as const;

for (const moment of MOMENTS) {
  test(`In stage read nothing is lost, and nobody hears of it, when the Mirror's commits are cut as they are ${moment}`, async (t) => {
    const { pair, proxy, crossfade } = await begin(t, 'read');
    const load = Load.start(t, crossfade, { writers: 2, readers: 1 });
    for (let round = 0; round < 8; round += 1) {
      await load.goesOn({ writes: 10, reads: 5 });
      await proxy.cutAt(/^COMMIT$/, moment);
    }
    await load.goesOn({ writes: 10, reads: 5 });
    await load.stop();
    t.deepEqual([...load.failures, ...load.retryable, ...load.broken, ...load.notFound], []);
    await assertAllThere(t, { pair, crossfade }, load.written);
  });

  test(`In stage write a commit that is cut as it is ${moment} is an error for whoever asked for it, and is mirrored if it was done`, async (t) => {
    const { pair, proxy, crossfade } = await begin(t, 'write');
    const { knex } = crossfade;
    await knex('settings').insert({ name: 'before', value: '1' });
    const writes = {
      alone: async () => {
        await knex('settings').insert({ name: 'alone', value: '1' });
      },
      together: () =>
        knex.transaction(async (trx) => {
          await trx('settings').insert({ name: 'together/a', value: '1' });
          await trx('settings').insert({ name: 'together', value: '1' });
        }),
    };
    for (const [name, write] of Object.entries(writes)) {
      const sprung = proxy.cutAt(name === 'alone' ? /^insert into "settings"/i : /^COMMIT;$/, moment);
      const error = await write().then(
        () => null,
        (met: unknown) => met,
      );
      await sprung;
      t.true(isInfrastructureError(error), `${name}: ${String(error)}`);
      // The code says that it may be done again as it is, which may not be said of what may be done already.
      t.false(isCrossfadeError(error) && error.retryable && moment === 'done', name);
    }
    await knex('settings').insert({ name: 'after', value: '1' });
    await caughtUp(crossfade);
    const names = ['after', 'before', ...(moment === 'done' ? ['alone', 'together', 'together/a'] : [])].sort();
    t.deepEqual(pair.sqlite.prepare('SELECT name FROM settings ORDER BY name').pluck().all(), names);
    await assertAllThere(t, { pair, crossfade }, names);
  });

  test(`In stage write the Mirror goes on, and every acknowledged write arrives, when commits are cut as they are ${moment}`, async (t) => {
    const { pair, proxy, crossfade } = await begin(t, 'write');
    const load = Load.start(t, crossfade, { writers: 3, readers: 1 });
    for (let round = 0; round < 8; round += 1) {
      await load.goesOn({ writes: 8, reads: 3 });
      await proxy.cutAt(round % 2 === 0 ? /^COMMIT;$/ : /^insert into "settings"/i, moment);
    }
    await load.goesOn({ writes: 10, reads: 5 });
    await load.stop();
    t.deepEqual([...load.failures, ...load.notFound], []);
    t.true(load.broken.length > 0);
    t.log(`${load.broken.length} writes of unknown outcome, ${load.retryable.length} refused`);
    await assertAllThere(t, { pair, crossfade }, load.written);
  });
}

for (const stage of ['dual', 'read', 'write'] as const) {
  test(`In stage ${stage} connections that are reset, half-closed and delayed lose nothing`, async (t) => {
    const { pair, proxy, crossfade } = await begin(t, stage);
    const load = Load.start(t, crossfade, { writers: 2, readers: 1 });
    const faults = [
      () => proxy.cut(),
      () => proxy.halfClose('client'),
      () => proxy.halfClose('server'),
      () => void (proxy.delayMs = 20),
      () => proxy.cut(),
      () => proxy.halfClose('server'),
      () => void (proxy.delayMs = 0),
      () => proxy.halfClose('client'),
    ];
    for (const fault of faults) {
      await load.goesOn({ writes: 10, reads: 5 });
      fault();
    }
    await load.goesOn({ writes: 10, reads: 5 });
    await load.stop();
    t.deepEqual([...load.failures, ...load.notFound], []);
    if (stage !== 'write') t.deepEqual([...load.retryable, ...load.broken], []);
    await assertAllThere(t, { pair, crossfade }, load.written);
  });
}

test('In stage dual writes and reads go on while the network swallows everything, and all is mirrored after', async (t) => {
  const { pair, proxy, crossfade } = await begin(t, 'dual');
  const load = Load.start(t, crossfade, { writers: 2, readers: 1 });
  await load.goesOn({ writes: 20, reads: 10 });
  proxy.stall();
  await load.goesOn({ writes: 60, reads: 60 });
  t.like(await crossfade.status(), { stage: 'dual', reads: 'sqlite', reachable: { sqlite: true, postgres: false } });
  await load.goesOn({ writes: 20, reads: 10 });
  proxy.resume();
  proxy.cut();
  await load.goesOn({ writes: 20, reads: 10 });
  await load.stop();
  t.deepEqual([...load.failures, ...load.retryable, ...load.broken, ...load.notFound], []);
  await assertAllThere(t, { pair, crossfade }, load.written);
});

test('In stage read writes go on, and soon reads too, while the network swallows everything', async (t) => {
  const { pair, proxy, crossfade } = await begin(t, 'read');
  const load = Load.start(t, crossfade, { writers: 2, readers: 0 });
  await load.goesOn({ writes: 20, reads: 0 });
  proxy.stall();
  // Whoever waits for the Mirror waits up to the limit, once.
  await load.goesOn({ writes: 10, reads: 0 });
  await until('reads are with SQLite', async () => (await crossfade.status()).reads === 'sqlite');
  load.takeSlowest();
  const reading = Load.start(t, crossfade, { writers: 0, readers: 2 });
  await Promise.all([load.goesOn({ writes: 60, reads: 0 }), reading.goesOn({ writes: 0, reads: 60 })]);
  t.true(load.takeSlowest().write < OPTIONS.waitLimitMs);
  proxy.resume();
  proxy.cut();
  await until('reads are with PostgreSQL', async () => (await crossfade.status()).reads === 'postgres', 60_000);
  await Promise.all([load.goesOn({ writes: 20, reads: 0 }), reading.goesOn({ writes: 0, reads: 20 })]);
  await Promise.all([load.stop(), reading.stop()]);
  for (const { failures, retryable, broken, notFound } of [load, reading]) {
    t.deepEqual([...failures, ...retryable, ...broken, ...notFound], []);
  }
  await assertAllThere(t, { pair, crossfade }, load.written);
});

test('A network that is down for new connections too, again and again, leaves both databases equal', async (t) => {
  const { pair, proxy, crossfade } = await begin(t, 'dual');
  const load = Load.start(t, crossfade, { writers: 2, readers: 1 });
  for (let round = 0; round < 3; round += 1) {
    await load.goesOn({ writes: 20, reads: 5 });
    proxy.refuse();
    await load.goesOn({ writes: 20, reads: 5 });
    proxy.resume();
    await caughtUp(crossfade);
  }
  await load.stop();
  t.deepEqual([...load.failures, ...load.retryable, ...load.broken, ...load.notFound], []);
  await assertAllThere(t, { pair, crossfade }, load.written);
});

test('A connection that swallows everything is given up by itself, and the Mirror goes on with another', async (t) => {
  const pair = await makePair(t);
  const proxy = await TcpProxy.start(t, pair.url);
  const crossfade = await pair.open({ ...OPTIONS, postgres: proxy.url, answerLimitMs: 1_000 });
  await goTo(crossfade, 'dual');
  proxy.stall();
  await crossfade.knex('settings').insert({ name: 'swallowed', value: '1' });
  await until('the step is under way', () => crossfade.mirror.lagSeconds > 0.1);
  // What was swallowed stays so; only connections made from here on are passed on.
  proxy.resume();
  await caughtUp(crossfade, 15_000);
  await assertAllThere(t, { pair, crossfade }, ['swallowed']);
});

async function begin(
  t: ExecutionContext,
  stage: 'dual' | 'read' | 'write',
): Promise<{ readonly pair: Pair; readonly proxy: TcpProxy; readonly crossfade: Crossfade }> {
  const pair = await makePair(t);
  const proxy = await TcpProxy.start(t, pair.url);
  const crossfade = await pair.open({ ...OPTIONS, postgres: proxy.url });
  await goTo(crossfade, stage);
  return { pair, proxy, crossfade };
}
