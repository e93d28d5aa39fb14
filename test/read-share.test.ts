import test from 'ava';
import type { Crossfade } from '../adapter/index.ts';
import { ReadShare } from '../adapter/read-share.ts';
import { goTo, makePair, until } from './helpers/pair.ts';

/** How many reads each store has answered so far. */
async function answered(crossfade: Crossfade): Promise<{ sqlite: number; postgres: number }> {
  const text = await crossfade.metrics.metrics();
  const count = (store: string): number =>
    Number(
      new RegExp(`crossfade_query_duration_seconds_count\\{store="${store}",kind="read"\\} (\\d+)`).exec(text)?.[1] ??
        0,
    );
  return { sqlite: count('sqlite'), postgres: count('postgres') };
}

/** Which store answers what `work` reads. */
async function answeredBy(crossfade: Crossfade, work: () => PromiseLike<unknown>): Promise<string> {
  const before = await answered(crossfade);
  await work();
  const after = await answered(crossfade);
  return (['sqlite', 'postgres'] as const).filter((store) => after[store] > before[store]).join('+');
}

test('a key is drawn alike each time, stays drawn when the share grows, and as many are drawn as the share says', (t) => {
  const some = new ReadShare({ share: 0.2 });
  const more = new ReadShare({ share: 0.5 });
  const keys = Array.from({ length: 2_000 }, (_, index) => `user ${index}`);
  const drawn = keys.filter((key) => some.draws(['t'], key));
  t.true(drawn.length > 300 && drawn.length < 500, String(drawn.length));
  t.true(drawn.every((key) => some.draws(['t'], key) && more.draws(['u'], key)));
  const at = new ReadShare({ share: 0 });
  t.false(keys.some((key) => at.draws(['t'], key)));
  at.share = 1;
  t.true(keys.every((key) => at.draws(['t'], key)));
  t.throws(() => (at.share = 1.5), { code: 'CONFIG_INVALID' });
});

test('tables have shares of their own; a read of several, or of unknown ones, has the smallest', (t) => {
  const share = new ReadShare({ share: 1, tables: { logs: 0 } });
  t.true(share.draws(['accounts'], undefined));
  t.false(share.draws(['logs'], undefined));
  t.false(share.draws(['accounts', 'logs'], undefined));
  t.false(share.draws([], undefined));
});

test('reads move by share, by table, by scope and by query; none of them misses what was written before', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ reads: { share: 1, tables: { settings: 0 } }, shadow: false });
  const db = crossfade.knex;
  await db('accounts').insert({ id: 1, email: 'a@example.org' });
  t.is(
    await answeredBy(crossfade, () => crossfade.scope({ readFrom: 'postgres' }, async () => db('accounts'))),
    'sqlite',
    'it does not hold the rows yet',
  );
  await goTo(crossfade, 'read');
  await until('reads have moved', async () => (await answeredBy(crossfade, () => db('accounts'))) === 'postgres');
  t.is(await answeredBy(crossfade, () => db('settings')), 'sqlite');
  t.is((await crossfade.status()).reads, 'postgres');
  const fromSqlite = () => db('accounts').queryContext({ crossfade: { readFrom: 'sqlite' } });
  t.is(await answeredBy(crossfade, fromSqlite), 'sqlite');
  const scoped = () =>
    crossfade.scope({ readFrom: 'sqlite' }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return db('accounts');
    });
  t.is(await answeredBy(crossfade, scoped), 'sqlite', 'also after an await');

  crossfade.reads.share = 0.5;
  const stores = new Map<string, string>();
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    const read = () => crossfade.scope({ key }, async () => db('accounts'));
    stores.set(key, await answeredBy(crossfade, read));
    t.is(await answeredBy(crossfade, read), stores.get(key) ?? 'none');
  }
  t.deepEqual(new Set(stores.values()), new Set(['sqlite', 'postgres']));
  for (let id = 2; id < 30; id++) {
    await db('accounts').insert({ id, email: `${id}@example.org` });
    t.truthy(await db('accounts').where({ id }).first());
  }
});

test('a write waits for the Mirror where that is asked for, and not where it is asked not to', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ shadow: false, wait: { dual: 'mirrored' } });
  const db = crossfade.knex;
  const isMirrored = async (name: string): Promise<boolean> =>
    (await pair.postgres.query('SELECT 1 FROM settings WHERE name = $1', [name])).rows.length === 1;
  await goTo(crossfade, 'dual');
  await db('settings').insert({ name: 'by option' });
  t.true(await isMirrored('by option'));
  await goTo(crossfade, 'shadow');
  await db('settings')
    .insert({ name: 'by query' })
    .queryContext({ crossfade: { wait: 'mirrored' } });
  t.true(await isMirrored('by query'));
  await crossfade.scope({ wait: 'mirrored' }, async () => {
    await db.transaction(async (trx) => {
      await trx('settings').insert({ name: 'by scope' });
    });
  });
  t.true(await isMirrored('by scope'));

  await pair.postgres.query('BEGIN; LOCK TABLE settings IN ACCESS EXCLUSIVE MODE');
  const write = db('settings').insert({ name: 'at once' });
  await write;
  const waits = /crossfade_write_wait_seconds_count\{outcome="limit"\} [1-9]/;
  t.notRegex(await crossfade.metrics.metrics(), waits);
  await pair.postgres.query('ROLLBACK');
  await t.throwsAsync(pair.open({ wait: 'always' as 'primary' }), { code: 'CONFIG_INVALID' });
});
