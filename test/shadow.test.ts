import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Crossfade, CrossfadeOptions } from '../adapter/index.ts';
import type { ShapeTally } from '../adapter/shadow/shape-tally.ts';
import { recordedStatements } from '../migrations/audit/sql/recorded-statements.ts';
import { goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { Random } from './helpers/random.ts';

/** Every read is tried, however busy the machine is. */
const ALL = { sample: 1, timeoutMs: 60_000, catchUpMs: 60_000, queue: 1_000 };

/** A pair in stage `shadow` with some accounts, of which every read is tried. */
async function shadowed(t: Pick<ExecutionContext, 'teardown' | 'log'>, options: Partial<CrossfadeOptions> = {}) {
  const pair = await makePair(t);
  for (let id = 1; id <= 20; id++) {
    pair.sqlite
      .prepare('INSERT INTO accounts (id, email, balance) VALUES (?, ?, ?)')
      .run(id, `user${id}@example.org`, id % 3);
  }
  const crossfade = await pair.open({ shadow: ALL, ...options });
  await goTo(crossfade, 'shadow');
  return { pair, crossfade, db: crossfade.knex };
}

let sharing: ReturnType<typeof shadowed> | undefined;
const closers: (() => unknown)[] = [];
test.after.always(async () => {
  for (const close of closers.reverse()) await close();
});

/** One pair for the tests that leave it as they found it, with an empty record. Such tests are serial. */
async function shared(t: ExecutionContext): ReturnType<typeof shadowed> {
  sharing ??= shadowed({
    teardown: (close) => closers.push(close),
    log: Object.assign((text: string) => t.log(text), { skip: () => {} }),
  });
  const pair = await sharing;
  await pair.crossfade.shadow.idle();
  await pair.crossfade.shadow.forget();
  return pair;
}

/** Changes PostgreSQL behind the Mirror's back. */
async function corrupt(pair: Pair, sql: string): Promise<void> {
  await pair.postgres.query(`SET crossfade.mirroring = 'on'; ${sql}; RESET crossfade.mirroring`);
}

/** What has been seen so far, once nothing is under way. */
async function seen(crossfade: Crossfade): Promise<readonly ShapeTally[]> {
  await crossfade.shadow.idle();
  return await crossfade.shadow.shapes();
}

function sum(tallies: readonly ShapeTally[]): ShapeTally['results'] {
  const total = { match: 0, mismatch: 0, ignored: 0, inconclusive: 0, error: 0 };
  for (const { results } of tallies)
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += results[name];
  return total;
}

async function metric(crossfade: Crossfade, line: string): Promise<number> {
  const found = (await crossfade.metrics.metrics()).split('\n').find((text) => text.startsWith(`${line} `));
  return Number(found?.slice(line.length));
}

test.serial(
  'reads are tried on PostgreSQL, and what differs is found down to the column, without its values',
  async (t) => {
    const { pair, crossfade, db } = await shared(t);
    await db('accounts').where({ id: 3 }).first();
    await db('accounts').where('balance', '>', 0).orderBy('email').limit(5);
    await db('accounts').orderBy('id').pluck('email');
    await db('accounts').whereIn('id', [1, 2, 3]).count('* as n');
    await db.raw('select id, email from accounts where balance = ?', [1]);
    t.deepEqual(sum(await seen(crossfade)), { match: 5, mismatch: 0, ignored: 0, inconclusive: 0, error: 0 });

    await corrupt(pair, `UPDATE accounts SET email = 'elsewhere@example.org' WHERE id = 7`);
    t.is(
      (await db('accounts').where({ id: 7 }).first()).email,
      'user7@example.org',
      'the caller gets the answer of the primary',
    );
    const found = (await seen(crossfade)).find(({ results }) => results.mismatch > 0);
    t.is(found?.sql, 'select * from `accounts` where `id` = ? limit ?');
    t.is(found?.count, 2);
    t.deepEqual(found?.example?.columns, [{ column: 'email', control: 'text of 17', candidate: 'text of 21' }]);
    t.false(JSON.stringify(found).includes('example.org'));
    t.is(await metric(crossfade, 'crossfade_shadow_reads_total{result="mismatch"}'), 1);
    await corrupt(pair, `UPDATE accounts SET email = 'user7@example.org' WHERE id = 7`);
  },
);

test.serial('what PostgreSQL refuses is recorded with its code', async (t) => {
  const { crossfade, db } = await shared(t);
  await db
    .raw(
      `select balance || 'secret' - 1 as x, no_such_function(id) from (select id, balance from accounts where 1 = 0)`,
    )
    .catch(() => {});
  await db.raw(`select printf('%05d', balance) as padded from accounts where email <> 'secret'`);
  const [tally] = await seen(crossfade);
  t.deepEqual(Object.keys(tally?.errors ?? {}), ['42883']);
  t.false(JSON.stringify(tally).includes('secret'));
  t.is(tally?.results.error, 1, 'a query that failed for its caller is not tried');
});

test.serial('nothing is tried of transactions, streams, writes and reads that lock', async (t) => {
  const { crossfade, db } = await shared(t);
  await db.transaction(async (trx) => {
    await trx('accounts').first();
    await trx('accounts').where({ id: 1 }).update({ balance: 5 });
  });
  await db('accounts').insert({ email: 'new@example.org' });
  await db('accounts').forUpdate().select();
  await db.raw('explain select 1');
  await db.raw('pragma user_version');
  await db('accounts').columnInfo();
  for await (const row of db('accounts').stream()) t.truthy(row);
  t.deepEqual(await seen(crossfade), []);
});

test.serial('answers that the query leaves open are inconclusive, with the reason', async (t) => {
  const { pair, crossfade, db } = await shared(t);
  // Puts the rows into another order in PostgreSQL's table.
  await corrupt(pair, 'UPDATE accounts SET rate = NULL WHERE id < 10');
  await db('accounts').limit(5);
  await db('accounts').orderBy('balance').limit(9);
  await db('accounts').select('id').orderByRaw('balance + 0');
  await db('accounts').select(db.raw('random() > 2 as r, abs(random()) as n')).limit(1);
  const reasons = (await seen(crossfade)).flatMap((tally) =>
    tally.results.mismatch > 0 ? [tally.sql] : Object.keys(tally.reasons),
  );
  t.deepEqual(reasons.toSorted(), [
    'LIMIT picks among rows that ORDER BY does not tell apart',
    'LIMIT picks among rows that ORDER BY does not tell apart',
    'ORDER BY sorts by something that the answer does not show',
    'it depends on the clock or on chance',
  ]);
});

test('known differences are left out by column, shape, table or function', async (t) => {
  const { pair, crossfade, db } = await shadowed(t, {
    shadow: {
      ...ALL,
      ignore: [
        { table: 'accounts', column: 'settings' },
        { table: 'settings' },
        { shape: /where `year` = \?/ },
        { table: 'payments', when: ({ control, candidate }) => control.length === candidate.length + 1 },
      ],
    },
  });
  await db('settings').insert({ name: 'a', value: 'x' });
  await db('rates').insert({ country: 'de', year: 2024, rate: 1 });
  await db('payments').insert({ id: 1, account_id: 1, cents: 5 });
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  await corrupt(
    pair,
    `UPDATE accounts SET settings = 'other'; UPDATE settings SET value = 'y'; UPDATE rates SET rate = 2; DELETE FROM payments`,
  );
  await db('accounts').select();
  await db('settings').select();
  await db('rates').where({ year: 2024 });
  await db('payments').select();
  await crossfade.shadow.idle();
  await db('rates').select();
  t.deepEqual(sum(await seen(crossfade)), { match: 1, mismatch: 1, ignored: 3, inconclusive: 0, error: 0 });
});

/** Rows that come, go and turn to and fro, without a pause, while `work` runs. */
async function underWrites<T>(db: Crossfade['knex'], work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const writer = (async () => {
    for (let turn = 0; !isOver; turn++) {
      await db('accounts')
        .where({ id: 1 + (turn % 4) })
        .update({ balance: turn % 2 });
      if (turn % 3 === 0) await db('payments').insert({ account_id: 1, cents: turn });
      if (turn % 7 === 0)
        await db('payments')
          .where('cents', '<', turn - 10)
          .del();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  try {
    return await work();
  } finally {
    isOver = true;
    await writer;
  }
}

/** Reads what the writers change, in every way that orders and cuts answers. */
async function readALot(crossfade: Crossfade, rounds: number): Promise<void> {
  const { knex: db, shadow } = crossfade;
  const random = new Random(Random.seedOfSuite());
  for (let round = 0; round < rounds; round++) {
    const id = random.between(1, 4);
    await Promise.all([
      db('accounts').where({ id }).first(),
      db('accounts').orderBy('balance').limit(3),
      db('accounts').where({ balance: 1 }).count('* as n'),
      db('accounts').select('id', 'balance').orderBy('id'),
      db('payments').sum('cents as total'),
      db('payments').orderBy('cents', 'desc').first(),
      db.raw('select a.id, p.cents from accounts a left join payments p on p.account_id = a.id where a.balance = 1'),
    ]);
    await until('some have been tried', () => shadow.inFlight < 20);
  }
}

test('under writes, in stages shadow and read, neither the other store nor the same one seems to differ', async (t) => {
  const { pair, crossfade } = await shadowed(t);
  const same = await pair.open({ shadow: { ...ALL, against: 'same' } });
  for (const stage of ['shadow', 'read'] as const) {
    await crossfade.cutover.moveTo(stage, { force: true });
    await until('both know the stage', () => same.cutover.stage === stage);
    await underWrites(crossfade.knex, () => Promise.all([readALot(crossfade, 15), readALot(same, 15)]));
    for (const side of [crossfade, same]) {
      await side.shadow.idle();
      const name = `in ${stage}, against ${side === same ? 'itself' : 'the other'}`;
      t.is(await metric(side, 'crossfade_shadow_reads_total{result="mismatch"}'), 0, name);
      t.is(await metric(side, 'crossfade_shadow_reads_total{result="error"}'), 0, name);
      t.true((await metric(side, 'crossfade_shadow_reads_total{result="match"}')) >= 50, name);
    }
  }
});

test('shadow reads take none of the application’s connections, and end in time when PostgreSQL does not answer', async (t) => {
  const { pair, crossfade, db } = await shadowed(t, { poolMax: 1, shadow: { sample: 1, timeoutMs: 1_500, queue: 3 } });
  await pair.postgres.query('BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE');
  const answers = await Promise.all(Array.from({ length: 12 }, () => db('accounts').where({ id: 1 }).first()));
  t.is(answers.length, 12);
  t.deepEqual(
    await crossfade.direct.postgres.raw('select 1 as one'),
    [{ one: 1 }],
    'the only connection of the application is free',
  );
  t.true((await metric(crossfade, 'crossfade_shadow_reads_dropped_total{reason="queue"}')) >= 7);
  await crossfade.shadow.idle();
  await pair.postgres.query('ROLLBACK');
  const [tally] = await seen(crossfade);
  t.deepEqual(Object.keys(tally?.errors ?? {}), ['57014'], 'what took too long is an error of the other store');
});

test.serial('a read that would write does not', async (t) => {
  const { pair, crossfade, db } = await shared(t);
  await pair.postgres.query(
    `CREATE SEQUENCE seen; CREATE FUNCTION changes() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('seen') $$`,
  );
  await db.raw('select changes() as n');
  const [tally] = await seen(crossfade);
  t.deepEqual(tally?.reasons, { 'the query would write': 1 });
  t.deepEqual((await pair.postgres.query('SELECT is_called FROM seen')).rows, [{ is_called: false }]);
});

test.serial('the sample is changed while it runs, and other stages try nothing', async (t) => {
  const { crossfade, db } = await shared(t);
  crossfade.shadow.sample = 0;
  await db('accounts').where({ id: 1 }).first();
  t.deepEqual(await seen(crossfade), []);
  crossfade.shadow.sample = 1;
  await db('accounts').where({ id: 1 }).first();
  t.is(sum(await seen(crossfade)).match, 1);
  t.throws(() => (crossfade.shadow.sample = 2), { code: 'CONFIG_INVALID' });
  await crossfade.cutover.moveTo('dual');
  await db('accounts').where({ id: 1 }).first();
  t.is(sum(await seen(crossfade)).match, 1);
  await crossfade.cutover.moveTo('shadow');
});

test('the record is one for all processes, and is kept across restarts', async (t) => {
  const { pair, crossfade, db } = await shared(t);
  const other = await pair.open({ shadow: ALL });
  await Promise.all([db('accounts').where({ id: 1 }), other.knex('accounts').where({ id: 2 })]);
  await Promise.all([seen(crossfade), seen(other)]);
  const [before] = await seen(other);
  t.is(before?.count, 2);
  await crossfade.close();
  await other.close();
  const later = await pair.open({ shadow: ALL });
  await later.knex('accounts').where({ id: 3 });
  const [after] = await seen(later);
  t.is(after?.count, 3);
  t.is(after?.firstSeen, before?.firstSeen);
  await later.shadow.forget();
  t.deepEqual(await later.shadow.shapes(), []);
});

test('the record may be a file, which several processes share and the audit reads', async (t) => {
  const pair = await makePair(t);
  const record = join(dirname(pair.path), 'shapes.jsonl');
  t.teardown(() => (existsSync(record) ? undefined : t.fail('the record is gone')));
  const options: Partial<CrossfadeOptions> = { shadow: { ...ALL, against: 'same', record } };
  const [some, other] = [await pair.open(options), await pair.open(options)];
  await some.knex('accounts').where({ email: 'secret' });
  await other.knex('accounts').where({ email: 'secret' });
  await other.knex('payments').select();
  await Promise.all([some, other].map((crossfade) => seen(crossfade)));
  const tallies = await seen(some);
  t.deepEqual(
    tallies.map(({ sql, count }) => ({ sql, count })).toSorted((a, b) => b.count - a.count),
    [
      { sql: 'select * from `accounts` where `email` = ?', count: 2 },
      { sql: 'select * from `payments`', count: 1 },
    ],
  );
  t.false(readFileSync(record, 'utf8').includes('secret'));
  t.is(recordedStatements(record).length, 2);
});

test('reads do not move while shadow reads differ, or before enough of them agree', async (t) => {
  const { pair, crossfade, db } = await shadowed(t, { minShadowReads: 2 });
  const gate = async () => (await crossfade.cutover.gates('read')).find(({ name }) => name === 'shadow-reads');
  await db('accounts').where({ id: 1 }).first();
  await crossfade.shadow.idle();
  t.like(await gate(), {
    passes: false,
    found: '0 shadow reads of 0 queries differ or were refused, 1 agree; 2 are asked for',
  });
  await db('accounts').where({ id: 2 }).first();
  await crossfade.shadow.idle();
  t.like(await gate(), { passes: true });
  await corrupt(pair, 'UPDATE accounts SET balance = 1000 WHERE id = 3');
  await db('accounts').where({ id: 3 }).first();
  await crossfade.shadow.idle();
  t.like(await gate(), { passes: false });
  await crossfade.shadow.forget();
  await Promise.all([1, 2].map((id) => db('accounts').where({ id }).first()));
  await crossfade.shadow.idle();
  t.like(await gate(), { passes: true });
});
