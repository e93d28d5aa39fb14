import test from 'ava';
import { goTo, makePair, until } from './helpers/pair.ts';

test('one who waits is not told that all is there by an empty step, when the step before it failed meanwhile', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  const { sqlite, postgres } = crossfade.stores;
  const isThere = (): boolean => pair.sqlite.prepare('SELECT 1 FROM settings').get() !== undefined;

  // The first step fails on its way, as one does whose disk is full, while the second is being read.
  const apply = sqlite.apply.bind(sqlite);
  const read = postgres.read.bind(postgres);
  let [isOnItsWay, isToFail, hasFailed] = [false, false, false];
  sqlite.apply = async (step) => {
    if (isOnItsWay) return apply(step);
    isOnItsWay = true;
    await until('the second step is read', () => isToFail);
    hasFailed = true;
    throw new Error('the disk is full');
  };
  postgres.read = (request, use) =>
    read(request, async (reading) => {
      if (isOnItsWay && reading.isEmpty && !hasFailed) {
        isToFail = true;
        await until('the first step has failed', () => hasFailed);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return use(reading);
    });

  await pair.postgres.query(`INSERT INTO settings VALUES ('a', '1')`);
  const first = crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await until('the first step is on its way', () => isOnItsWay);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.true(isThere());
  await first;
  t.true(hasFailed);
});
