import { failingSync } from './helpers/failing-sync.ts';
import test from 'ava';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import { DIRECTIONS, rolesWith } from './helpers/roles.ts';

test.serial('what the disk of SQLite does not take is not mirrored, until it does', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  failingSync.isOn = true;
  t.teardown(() => (failingSync.isOn = false));
  pair.sqlite.exec(`INSERT INTO settings VALUES ('not on the disk', '1')`);
  await until('the Mirror says why', () => /EIO/.test(crossfade.mirror.status().error ?? ''));
  t.is((await pair.postgres.query('SELECT FROM settings')).rowCount, 0);
  failingSync.isOn = false;
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);
});

for (const primary of DIRECTIONS) {
  test.serial(`${primary} as primary: a step is committed when its disk has everything, and not before`, async (t) => {
    const roles = await rolesWith(t, primary);
    await roles.write(`INSERT INTO settings VALUES ('a', '1')`);
    const { state } = await roles.secondary.progress();
    const { epoch, step, watermarkCaptureId } = state;
    const settings = roles.table('settings');
    const there = await roles.pair.open({ mirror: 'off' });
    const rows = (): Promise<number> => there.stores[roles.secondary.name].count(settings);
    let has = (): void => {};
    let isAsked = false;
    const disk = new Promise<void>((resolve) => (has = resolve));
    const durable = (): Promise<void> => {
      isAsked = true;
      return disk;
    };
    await roles.primary.read(await roles.request(), async (reading) => {
      const slow = { ...reading, durable };
      const applied = roles.secondary.apply({
        epoch,
        step,
        captureId: watermarkCaptureId ?? '',
        reading: slow,
        quarantine: [],
      });
      await until('the step waits for the disk', () => isAsked);
      for (let looks = 0; looks < 20; looks += 1) {
        t.is(await rows(), 0);
        await new Promise(setImmediate);
      }
      has();
      t.not(await applied, null);
    });
    t.is(await rows(), 1);
  });
}
