import test from 'ava';
import { goTo, makePair } from './helpers/pair.ts';

test('a statement that was compiled before the schema changed gives the columns of after', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  pair.sqlite.exec(`INSERT INTO settings VALUES ('a', '1')`);
  const all = (): Promise<unknown> =>
    crossfade
      .knex('settings')
      .select('*')
      .then((rows: unknown) => rows);
  t.deepEqual(await all(), [{ name: 'a', value: '1' }]);
  pair.sqlite.exec(`ALTER TABLE settings ADD COLUMN note TEXT DEFAULT 'x'`);
  t.deepEqual(await all(), [{ name: 'a', value: '1', note: 'x' }]);
  pair.sqlite.exec('ALTER TABLE settings DROP COLUMN value');
  t.deepEqual(await all(), [{ name: 'a', note: 'x' }]);
});

test('a write that was compiled before capture was installed is captured', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  const insert = (name: string): Promise<unknown> =>
    crossfade
      .knex('settings')
      .insert({ name, value: '1' })
      .then(() => {});
  await insert('before');
  await goTo(crossfade, 'dual');
  await insert('after');
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  const { rows } = await pair.postgres.query('SELECT name FROM settings ORDER BY name');
  t.deepEqual(rows, [{ name: 'after' }, { name: 'before' }]);
});

test('an option of one query does not stay with the statement', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  pair.sqlite.exec(`INSERT INTO accounts (id, email) VALUES (1, 'a')`);
  const plain = (): Promise<unknown> =>
    crossfade
      .knex('accounts')
      .pluck('id')
      .then((ids: unknown) => ids);
  t.deepEqual(await plain(), [1]);
  t.deepEqual(await crossfade.knex('accounts').pluck('id').options({ safeIntegers: true }), [1n]);
  t.deepEqual(await plain(), [1]);
});
