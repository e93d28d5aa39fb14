import test from 'ava';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { compareDatabases } from '../compare/compare.ts';
import type { Crossfade } from '../adapter/index.ts';
import { behindTheFence } from './helpers/behind-the-fence.ts';
import { goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { runCommand } from './helpers/command.ts';
import { freshDatabase, stoppableServer } from './helpers/postgres.ts';
import { standbyOf } from './helpers/standby.ts';
import type { Standby } from './helpers/standby.ts';

interface Followed {
  readonly pair: Pair;
  readonly crossfade: Crossfade;
  readonly standby: Standby;
}

const ends: (() => unknown)[] = [];
const all: Pick<ExecutionContext, 'teardown' | 'log'> = {
  teardown: (end) => ends.push(end),
  log: Object.assign(() => {}, { skip: () => {} }),
};
let made: Promise<Followed> | undefined;

test.after.always(async () => {
  for (const end of ends.toReversed()) await end();
});

/** A pair in stage `shadow` whose PostgreSQL is followed by a standby: one for all tests. */
function followed(): Promise<Followed> {
  return (made ??= make(all));
}

async function make(t: typeof all): Promise<Followed> {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const insert = pair.sqlite.prepare('INSERT INTO accounts (email, balance, rate) VALUES (?, ?, ?)');
  pair.sqlite.transaction(() => {
    for (let n = 0; n < 3_000; n += 1) insert.run(`${n}@example.com`, n, n / 7);
  })();
  const crossfade = await pair.open();
  await goTo(crossfade, 'shadow');
  return { pair, crossfade, standby: await standbyOf(t, server) };
}

test.serial(
  'a comparison may read a streaming standby in place of PostgreSQL, and waits for what it has not replayed',
  async (t) => {
    const { pair, crossfade, standby } = await followed();
    const store = await crossfade.openStandby(standby.url);
    t.teardown(() => store.close());
    const compare = (catchUpMs = 45_000): ReturnType<typeof compareDatabases> =>
      compareDatabases(crossfade, { standby: store, catchUpMs });

    const clean = await compare();
    t.is(clean.outcome, 'match');
    t.is(clean.totals.rowsCompared, 3_000);
    const { rows } = await pair.postgres.query(
      `SELECT count(*)::int AS comparing FROM pg_stat_activity WHERE application_name = 'crossfade comparison'`,
    );
    t.deepEqual(rows, [{ comparing: 0 }], 'PostgreSQL itself is left alone');

    await standby.pause();
    pair.sqlite.prepare(`UPDATE accounts SET balance = balance + 1 WHERE id % 2 = 0`).run();
    await crossfade.mirror.caughtUp({ timeoutMs: 45_000 });
    const early = await compare(300);
    t.is(early.outcome, 'inconclusive');
    t.regex(early.reasons.join(), /the standby did not replay what PostgreSQL holds within 0\.3 s/);
    const late = compare();
    await standby.resume();
    t.is((await late).outcome, 'match');

    // Past capture, as somebody with a SQL shell would.
    await behindTheFence(
      { postgres: pair.url },
      'DELETE FROM accounts WHERE id = 1234; UPDATE accounts SET rate = rate + 1e-12 WHERE id = 77',
    );
    const client = new pg.Client({ connectionString: standby.url });
    await client.connect();
    t.teardown(() => client.end());
    await until('the standby has replayed it', async () => {
      const found = await client.query('SELECT FROM accounts WHERE id = 1234');
      return found.rowCount === 0;
    });
    const divergent = await compare();
    t.is(divergent.outcome, 'mismatch');
    t.deepEqual(
      divergent.differences.map(({ key, class: is, columns }) => ({ key, is, columns })),
      [
        { key: '[77]', is: 'differing', columns: ['rate'] },
        { key: '[1234]', is: 'missing', columns: [] },
      ],
    );
    const [accounts] = crossfade.tables.filter(({ name }) => name === 'accounts');
    if (accounts !== undefined) await crossfade.mirror.repair(accounts, [[77n], [1234n]]);
    t.is((await compare()).outcome, 'match');
  },
);

test.serial('rows under way are no difference for a standby that lags behind', async (t) => {
  const { pair, crossfade, standby } = await followed();
  const store = await crossfade.openStandby(standby.url);
  t.teardown(() => store.close());
  const ended = new AbortController();
  const writing = (async () => {
    const update = pair.sqlite.prepare('UPDATE accounts SET balance = balance + 1 WHERE id = ?');
    for (let n = 0; !ended.signal.aborted; n += 1) {
      update.run(1 + ((n * 37) % 3_000));
      if (n % 40 === 0) await standby.pause();
      if (n % 40 === 20) await standby.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await standby.resume();
  })();
  for (let round = 0; round < 4; round += 1) {
    const report = await compareDatabases(crossfade, { standby: store, catchUpMs: 45_000 });
    t.deepEqual(report.differences, []);
    t.not(report.outcome, 'mismatch');
  }
  ended.abort();
  await writing;
  t.is((await compareDatabases(crossfade, { standby: store, catchUpMs: 45_000 })).outcome, 'match');
});

test.serial('the command compares with a standby, alone and shared, and mends what it finds there', async (t) => {
  const { pair, standby } = await followed();
  const compare = (...words: readonly string[]): ReturnType<typeof runCommand> =>
    runCommand(t, ['compare', '--postgres-replica', standby.url, '--table', 'accounts', ...words], {
      SQLITE_PATH: pair.path,
      DATABASE_URL: pair.url,
    });
  const clean = await compare();
  t.is(clean.status, 0, clean.stdout + clean.stderr);
  await behindTheFence({ postgres: pair.url }, 'DELETE FROM accounts WHERE id = 99');
  for (const words of [['--json', '--resume'], ['--json']]) {
    const found = await compare(...words);
    t.is(found.status, 1, found.stderr);
    t.like(JSON.parse(found.stdout), { totals: { rowsCompared: 3_000, missing: 1, differing: 0, extra: 0 } });
  }
  const mended = await compare('--repair', '--yes');
  t.is(mended.status, 0, mended.stdout + mended.stderr);
  t.is((await compare()).status, 0);
});

test.serial('what is no standby of the database in use is refused', async (t) => {
  const { pair, crossfade, standby } = await followed();
  await t.throwsAsync(crossfade.openStandby(pair.url), { code: 'CONFIG_INVALID', message: /is not a standby/ });
  const pairElsewhere = await makePair(t, { url: await freshDatabase(t) });
  const elsewhere = await pairElsewhere.open();
  await t.throwsAsync(elsewhere.openStandby(standby.url), { code: 'CONFIG_INVALID', message: /one of another server/ });
  const store = await crossfade.openStandby(standby.url);
  t.teardown(() => store.close());
  await goTo(crossfade, 'write');
  await t.throwsAsync(compareDatabases(crossfade, { standby: store }), {
    code: 'CONFIG_INVALID',
    message: /while PostgreSQL takes the writes/,
  });
});
