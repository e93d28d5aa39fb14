import test from 'ava';
import { assertAllThere, caughtUp } from '../helpers/at-rest.ts';
import { holdWriteLock } from '../helpers/lock-holder.ts';
import { goTo, makePair } from '../helpers/pair.ts';

/** What plain Knex waits for on better-sqlite3, blocking, unless it is told otherwise. */
const BUSY_TIMEOUT_MS = 5_000;

for (const stage of ['dual', 'read'] as const) {
  test.serial(
    `In stage ${stage} a write waits for SQLite's lock as with plain Knex, and is mirrored after`,
    async (t) => {
      const pair = await makePair(t);
      const crossfade = await pair.open();
      await goTo(crossfade, stage);
      const letGo = await holdWriteLock(t, pair.path);
      const released = letGo(1_200);
      const startedAt = performance.now();
      await crossfade.knex('settings').insert({ name: 'waited', value: '1' });
      const tookMs = performance.now() - startedAt;
      t.true(tookMs > 600 && tookMs < BUSY_TIMEOUT_MS, `${tookMs} ms`);
      await released;
      await crossfade.knex('settings').insert({ name: 'after', value: '1' });
      await assertAllThere(t, { pair, crossfade }, ['waited', 'after']);
      t.is(crossfade.mirror.status().error, null);
    },
  );
}

test.serial(
  'A write that does not get the lock in time fails as with plain Knex, and the Mirror has gone on meanwhile',
  async (t) => {
    const pair = await makePair(t);
    const crossfade = await pair.open();
    await goTo(crossfade, 'dual');
    await crossfade.knex('settings').insert({ name: 'before', value: '1' });
    const letGo = await holdWriteLock(t, pair.path);
    // Reading what is to be mirrored needs no lock; what does, pruning, waits for another time.
    await caughtUp(crossfade);
    const released = letGo(BUSY_TIMEOUT_MS + 1_000);
    const startedAt = performance.now();
    await t.throwsAsync(
      crossfade.knex.transaction(async (trx) => {
        await trx('settings').insert({ name: 'refused/a', value: '1' });
        await trx('settings').insert({ name: 'refused', value: '1' });
      }),
      { code: 'SQLITE_BUSY', any: true },
    );
    t.true(performance.now() - startedAt > BUSY_TIMEOUT_MS * 0.9);
    await released;
    await crossfade.knex('settings').insert({ name: 'after', value: '1' });
    t.deepEqual(await crossfade.knex('settings').orderBy('name').pluck('name'), ['after', 'before']);
    await assertAllThere(t, { pair, crossfade }, ['before', 'after']);
  },
);
