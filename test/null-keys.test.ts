import test from 'ava';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

const TABLES = {
  sqlite: 'CREATE TABLE codes (code TEXT PRIMARY KEY, v INTEGER)',
  postgres: 'CREATE TABLE codes (code text PRIMARY KEY, v bigint)',
};

for (const mend of [`DELETE FROM codes WHERE code IS NULL`, `UPDATE codes SET code = 'mended' WHERE code IS NULL`]) {
  test(`a row with NULL in its key holds the Mirror until it is mended: ${mend}`, async (t) => {
    const pair = await makePair(t, { tables: TABLES });
    const crossfade = await pair.open();
    await goTo(crossfade, 'dual');
    pair.sqlite.exec(`INSERT INTO codes VALUES (NULL, 1), ('a', 1)`);
    await until('the Mirror stops', () => crossfade.mirror.status().runs === 'stopped');
    t.regex(crossfade.mirror.status().error ?? '', /"codes" holds a row with a NULL in its key/);
    await crossfade.close();
    pair.sqlite.exec(mend);
    const again = await pair.open();
    await again.mirror.caughtUp({ timeoutMs: 5_000 });
    t.deepEqual(await differences(again), []);
  });
}

test('a row with NULL in its key that went again before it was mirrored is no trouble, in a large step either', async (t) => {
  const pair = await makePair(t, { tables: TABLES });
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  pair.sqlite.exec(`BEGIN; INSERT INTO codes VALUES (NULL, 1), ('a', 1); DELETE FROM codes WHERE code IS NULL; COMMIT`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  pair.sqlite.exec(`BEGIN; INSERT INTO codes VALUES (NULL, 1); DELETE FROM codes WHERE code IS NULL;
    WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 5000) INSERT INTO codes SELECT 'n' || n, n FROM i; COMMIT`);
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  t.deepEqual(await differences(crossfade), []);
});
