import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { StoreName } from '../../adapter/index.ts';
import { assertAllThere, caughtUp } from '../helpers/at-rest.ts';
import { Interrupted } from '../helpers/interrupted.ts';
import { goTo, makePair, until } from '../helpers/pair.ts';
import type { Pair } from '../helpers/pair.ts';

const OPTIONS = { leaseMs: 400, refreshMs: 50 };
/** A day, which no lease lasts. */
const DAY_MS = 86_400_000;

for (const [stage, primary, secondary] of [
  ['dual', 'sqlite', 'postgres'],
  ['write', 'postgres', 'sqlite'],
] as const) {
  test(`A Mirror to ${secondary} that was stopped past its lease with a step in hand writes nothing of it when it comes back`, async (t) => {
    const { pair, sleeper } = await holderIn(t, stage);
    await write(pair, primary, 'row', 'old');
    await valueIs(pair, secondary, 'row', 'old');

    await sleeper.arm({ store: secondary, method: 'apply', side: 'before' }, 'SIGSTOP');
    await write(pair, primary, 'row', 'read by the one that sleeps');
    await sleeper.hasStopped();

    const awake = await pair.open(OPTIONS);
    await until('the Mirror is taken over', () => awake.mirror.isRunningHere);
    await write(pair, primary, 'row', 'new');
    await caughtUp(awake);
    await valueIs(pair, secondary, 'row', 'new');

    sleeper.goOn();
    await until('the step of the sleeper has ended', () => sleeper.has('ended'));
    t.like(
      sleeper.reports.find(({ type }) => type === 'ended'),
      { how: 'refused' },
    );
    t.is(await valueOf(pair, secondary, 'row'), 'new');
    t.is(await holderOf(pair), String(process.pid));
    await write(pair, primary, 'after', 'new');
    await assertAllThere(t, { pair, crossfade: awake }, ['row', 'after']);

    // What was taken over is handed back when it is given up.
    await awake.close();
    await write(pair, primary, 'row', 'mirrored by the one that slept');
    await valueIs(pair, secondary, 'row', 'mirrored by the one that slept');
    t.is(await holderOf(pair), String(sleeper.pid));
  });

  test(`A Mirror to ${secondary} that was stopped right after a step leaves that step whole, and the next one to others`, async (t) => {
    const { pair, sleeper } = await holderIn(t, stage);
    await sleeper.arm({ store: secondary, method: 'apply', side: 'after' }, 'SIGSTOP');
    await write(pair, primary, 'first', '1');
    await sleeper.hasStopped();
    await write(pair, primary, 'second', '2');
    const awake = await pair.open(OPTIONS);
    await caughtUp(awake);
    await valueIs(pair, secondary, 'second', '2');
    sleeper.goOn();
    await write(pair, primary, 'third', '3');
    await until('the sleeper has gone on', () => sleeper.has('ended'));
    await assertAllThere(t, { pair, crossfade: awake }, ['first', 'second', 'third']);
  });
}

test('A process whose clock is a day ahead, and then a day behind, neither loses the lease nor takes a living one', async (t) => {
  const { pair, sleeper: ahead } = await holderIn(t, 'dual', DAY_MS);
  const other = await pair.open(OPTIONS);
  const holds = async (): Promise<boolean> => (await holderOf(pair)) === String(ahead.pid);
  for (const [index, offMs] of [DAY_MS, -DAY_MS, 0].entries()) {
    ahead.order({ type: 'clock', offMs });
    for (let count = 0; count < 5; count += 1) {
      await write(pair, 'sqlite', `${index}-${count}`, 'x');
      await valueIs(pair, 'postgres', `${index}-${count}`, 'x');
      t.true(await holds());
    }
    const before = await expiryOf(pair);
    // By PostgreSQL's clock: it goes on being renewed, each time for as long as was asked.
    await until('the lease is renewed', async () => (await expiryOf(pair)).at > before.at);
    t.true((await expiryOf(pair)).secondsLeft <= OPTIONS.leaseMs / 1000);
    t.true(await holds());
  }
  t.false(other.mirror.isRunningHere);
  await ahead.kill();
  await until('the Mirror is taken over', () => other.mirror.isRunningHere);
  await write(pair, 'sqlite', 'after', 'x');
  await assertAllThere(t, { pair, crossfade: other }, ['0-0', '2-4', 'after']);
});

for (const offMs of [DAY_MS, -DAY_MS]) {
  test(`A write switch, there and back, works in a process whose clock is a day ${offMs > 0 ? 'ahead' : 'behind'}`, async (t) => {
    const pair = await makePair(t);
    const crossfade = await pair.open(OPTIONS);
    await goTo(crossfade, 'read');
    const wrong = await Interrupted.start(t, pair, { ...OPTIONS, clockOffMs: offMs });
    for (const to of ['write', 'read'] as const) {
      await until(`it has moved to ${to}`, async () => {
        const before = wrong.reports.length;
        wrong.order({ type: 'move', to });
        await until('the move has ended', () => wrong.reports.length > before);
        return crossfade.cutover.stage === to || (await crossfade.status()).stage === to;
      });
      await crossfade.knex('settings').insert({ name: to, value: 'x' });
      await assertAllThere(t, { pair, crossfade }, [to]);
    }
    t.deepEqual(
      wrong.reports.filter(({ type }) => type === 'not moved'),
      [],
    );
  });
}

/** Both databases in a stage, and a process that runs the Mirror. */
async function holderIn(
  t: ExecutionContext,
  stage: 'dual' | 'write',
  clockOffMs = 0,
): Promise<{ readonly pair: Pair; readonly sleeper: Interrupted }> {
  const pair = await makePair(t);
  const first = await pair.open(OPTIONS);
  await goTo(first, stage);
  await first.close();
  const sleeper = await Interrupted.start(t, pair, { ...OPTIONS, clockOffMs });
  await until('it runs the Mirror', async () => (await holderOf(pair)) === String(sleeper.pid));
  return { pair, sleeper };
}

async function write(pair: Pair, store: StoreName, name: string, value: string): Promise<void> {
  const sql =
    'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value';
  if (store === 'sqlite') pair.sqlite.prepare(sql.replace('$1', '?').replace('$2', '?')).run(name, value);
  else await pair.postgres.query(sql, [name, value]);
}

async function valueOf(pair: Pair, store: StoreName, name: string): Promise<unknown> {
  if (store === 'sqlite') return pair.sqlite.prepare('SELECT value FROM settings WHERE name = ?').pluck().get(name);
  return (await pair.postgres.query<{ value: string }>('SELECT value FROM settings WHERE name = $1', [name])).rows[0]
    ?.value;
}

async function valueIs(pair: Pair, store: StoreName, name: string, value: string): Promise<void> {
  await until(`${store} holds ${value}`, async () => (await valueOf(pair, store, name)) === value);
}

/** The id of the process that holds the lease. */
async function holderOf({ postgres }: Pair): Promise<string | undefined> {
  const { rows } = await postgres.query<{ holder: string }>(
    'SELECT holder FROM crossfade.lease WHERE expires >= clock_timestamp()',
  );
  return rows[0]?.holder.split(':').at(-2);
}

async function expiryOf({ postgres }: Pair): Promise<{ readonly at: number; readonly secondsLeft: number }> {
  const { rows } = await postgres.query<{ at: number; left: number }>(
    `SELECT extract(epoch FROM expires)::float8 AS at, extract(epoch FROM expires - clock_timestamp())::float8 AS left FROM crossfade.lease`,
  );
  return { at: rows[0]?.at ?? 0, secondsLeft: rows[0]?.left ?? 0 };
}
