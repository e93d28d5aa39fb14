import test from 'ava';
import { SqliteStore } from '../adapter/sqlite/store.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import { stoppableServer } from './helpers/postgres.ts';

const SWITCH_MS = 400;

test.serial(
  'A switch abandoned after SQLite was fenced is cancelled by the next start although PostgreSQL is away',
  async (t) => {
    const server = await stoppableServer(t);
    const pair = await makePair(t, { url: server.url });
    const first = await pair.open();
    await goTo(first, 'read');
    await first.close();
    const coordinator = SqliteStore.open(pair.path);
    const epoch = (await coordinator.state())?.epoch ?? 0;
    t.truthy(await coordinator.fence({ epoch, expiresMs: SWITCH_MS, waitMs: 1_000 }));
    await coordinator.close();
    await server.kill();

    const crossfade = await pair.open({ switchTimeoutMs: 5_000 });
    // It waits for the switch to be cancelled; it does not fail.
    await crossfade.knex('settings').insert({ name: 'written while PostgreSQL is away', value: 'yes' });
    t.is(pair.sqlite.prepare('SELECT intent FROM _crossfade_state').pluck().get(), null);

    await server.start();
    await until('it is mirrored', () =>
      crossfade.mirror.caughtUp({ timeoutMs: 2_000 }).then(
        () => true,
        () => false,
      ),
    );
    t.deepEqual(await differences(crossfade), []);
  },
);

test.serial(
  'A write switch during which PostgreSQL goes away cancels itself, and the writes that waited go through',
  async (t) => {
    const server = await stoppableServer(t);
    const pair = await makePair(t, { url: server.url });
    const crossfade = await pair.open();
    const other = await pair.open();
    await goTo(crossfade, 'read');
    await until('the other process knows', () => other.cutover.stage === 'read');

    // SQLite is fenced behind this transaction, which the Mirror cannot bring over, since PostgreSQL is held up.
    pair.sqlite.exec(`BEGIN IMMEDIATE; INSERT INTO settings (name) VALUES ('written last')`);
    const moving = t.throwsAsync(crossfade.cutover.moveTo('write', { force: true }));
    await until('capture is prepared', async () => {
      const { rows } = await pair.postgres.query('SELECT FROM crossfade.state WHERE capture_id IS NOT NULL');
      return rows.length > 0;
    });
    await pair.postgres.query('BEGIN; SELECT FROM crossfade.state FOR UPDATE');
    pair.sqlite.exec('COMMIT');
    await until(
      'SQLite is fenced',
      () => pair.sqlite.prepare('SELECT intent FROM _crossfade_state').pluck().get() === 'fenced',
    );
    await server.kill();
    await moving;
    await Promise.all(
      [crossfade, other].map(({ knex }, index) => knex('settings').insert({ name: `after ${index}`, value: 'yes' })),
    );
    t.is(pair.sqlite.prepare(`SELECT count(*) FROM settings WHERE name LIKE 'after %'`).pluck().get(), 2);
    await server.start();
    await until('it is mirrored', () =>
      other.mirror.caughtUp({ timeoutMs: 2_000 }).then(
        () => true,
        () => false,
      ),
    );
    t.deepEqual(await differences(other), []);
  },
);

test('a fence whose coordinator died with its clock an hour ahead is cancelled, one that was put up for good is not', async (t) => {
  for (const [expiresMs, isCancelled] of [
    [3_600_000, true],
    ['never', false],
  ] as const) {
    const pair = await makePair(t);
    const first = await pair.open();
    await goTo(first, 'read');
    await first.close();
    const coordinator = SqliteStore.open(pair.path);
    const epoch = (await coordinator.state())?.epoch ?? 0;
    t.truthy(await coordinator.fence({ epoch, expiresMs, waitMs: 1_000 }));
    await coordinator.close();

    const crossfade = await pair.open({ switchTimeoutMs: 300 });
    const intent = (): unknown => pair.sqlite.prepare('SELECT intent FROM _crossfade_state').pluck().get();
    const cancelled = until('it is cancelled', () => intent() === null, 4_000);
    if (isCancelled) {
      await cancelled;
      await crossfade.knex('settings').insert({ name: 'after', value: '1' });
    } else {
      await t.throwsAsync(cancelled);
      t.is(intent(), 'fenced');
    }
  }
});
