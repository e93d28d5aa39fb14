import test from 'ava';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

test('NaN, which SQLite would keep as NULL without a word, goes to quarantine and leaves it once it is mended', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(`INSERT INTO accounts (id, email, rate) VALUES (1, 'a', 'NaN'), (2, 'b', 'Infinity')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  const quarantine = async (): Promise<readonly string[]> =>
    (await crossfade.stores.sqlite.progress()).quarantine.map(
      ({ table, key }) => `${table} ${(key as readonly bigint[]).join()}`,
    );
  t.deepEqual(await quarantine(), ['accounts 1']);
  t.deepEqual(pair.sqlite.prepare('SELECT id, rate FROM accounts').all(), [{ id: 2, rate: Infinity }]);

  await pair.postgres.query('UPDATE accounts SET rate = 1 WHERE id = 1');
  await until('the row is mended', async () => (await quarantine()).length === 0);
  t.deepEqual(await differences(crossfade), []);
});
