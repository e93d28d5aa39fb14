import test from 'ava';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

test('The Mirror turns round when another process moves the writes, however seldom this one looks at the stage', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`INSERT INTO accounts (email) VALUES ('first')`);
  const first = await pair.open();
  await goTo(first, 'read');
  await first.close();
  const mirroring = await pair.open({ refreshMs: 60_000 });
  await until('it runs the Mirror', () => mirroring.mirror.isRunningHere);
  const other = await pair.open();

  await goTo(other, 'write');
  await pair.postgres.query(`INSERT INTO accounts (email) VALUES ('second')`);
  await mirroring.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(other), []);

  await goTo(other, 'read');
  pair.sqlite.exec(`INSERT INTO accounts (email) VALUES ('third')`);
  await mirroring.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(other), []);
});
