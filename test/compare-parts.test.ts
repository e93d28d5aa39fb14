import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Crossfade } from '../adapter/index.ts';
import { isCrossfadeError } from '../adapter/errors.ts';
import { compareDatabases } from '../compare/compare.ts';
import type { CompareOptions } from '../compare/compare.ts';
import { divergenceReport } from '../compare/divergence-report.ts';
import { repair, repairResult } from '../compare/repair.ts';
import type { ComparisonReport } from '../compare/report.ts';
import { parseWhere } from '../compare/where.ts';
import { behindTheFence } from './helpers/behind-the-fence.ts';
import { goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

const ROWS = 20_000;

const NUMBERS = (count: number): string =>
  `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n)`;

const TABLES = {
  sqlite: `
    CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
    CREATE TABLE rates (country TEXT NOT NULL, year INTEGER NOT NULL, rate REAL, PRIMARY KEY (country, year));
    CREATE TABLE words (word TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, meaning TEXT);
    INSERT INTO orders SELECT i, 'note ' || i FROM ${NUMBERS(ROWS)};
    INSERT INTO rates SELECT CASE i % 3 WHEN 0 THEN 'de' WHEN 1 THEN 'fr' ELSE 'it''s' END, 2000 + i, i / 7.0 FROM ${NUMBERS(90)};
    INSERT INTO words SELECT 'word ' || i, 'meaning' FROM ${NUMBERS(30)};`,
  postgres: `
    CREATE TABLE orders (id bigint PRIMARY KEY, note text);
    CREATE TABLE rates (country text COLLATE "C" NOT NULL, year bigint NOT NULL, rate double precision, PRIMARY KEY (country, year));
    CREATE TABLE words (word text COLLATE "C" PRIMARY KEY, meaning text);`,
};
const ALL = ROWS + 90 + 30;

type Primary = 'sqlite' | 'postgres';

async function mirrored(
  t: ExecutionContext,
  primary: Primary = 'sqlite',
  options: Parameters<Pair['open']>[0] = {},
): Promise<{ pair: Pair; crossfade: Crossfade }> {
  t.timeout(180_000);
  const pair = await makePair(t, { tables: TABLES });
  const crossfade = await pair.open({ backfillRows: 10_000, ...options });
  await goTo(crossfade, 'dual');
  if (primary === 'postgres') for (const stage of ['shadow', 'read', 'write'] as const) await goTo(crossfade, stage);
  return { pair, crossfade };
}

/** As somebody would who gets round everything. */
async function silently(pair: Pair, store: Primary, sql: string): Promise<void> {
  await behindTheFence(store === 'sqlite' ? { sqlite: pair.path } : { postgres: pair.url }, sql);
}

async function write(pair: Pair, store: Primary, sql: string): Promise<void> {
  if (store === 'sqlite') pair.sqlite.exec(sql);
  else await pair.postgres.query(sql);
}

function found({
  differences,
}: {
  readonly differences: readonly { readonly table: string; readonly key: string | null; readonly class: string }[];
}): readonly string[] {
  const rows = differences.filter(({ class: kind }) => kind !== 'schema drift');
  return rows.map(({ table, key, class: kind }) => `${table} ${key ?? ''} ${kind}`).sort();
}

const CONDITIONS: readonly { where: string; rows: number; finds: readonly string[] }[] = [
  { where: 'orders:id>=100 and id<200', rows: 100, finds: ['orders [100] differing', 'orders [199] differing'] },
  { where: 'orders: id > 100 AND id <= 200', rows: 100, finds: ['orders [199] differing', 'orders [200] differing'] },
  { where: 'orders:"id"=200', rows: 1, finds: ['orders [200] differing'] },
  { where: "rates:country='it''s'", rows: 30, finds: ['rates ["it\'s", 2002] differing'] },
  { where: "rates:country='de' and year>2010 and year<2050", rows: 13, finds: ['rates ["de", 2048] missing'] },
  { where: "rates:country>='fr'", rows: 60, finds: ['rates ["fr", 3000] extra', 'rates ["it\'s", 2002] differing'] },
];

test('of a table only the rows of a range of keys are compared', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  await silently(
    pair,
    'postgres',
    `UPDATE orders SET note = 'other' WHERE id IN (100, 199, 200); DELETE FROM rates WHERE (country, year) = ('de', 2048);
     INSERT INTO rates VALUES ('fr', 3000, 1); UPDATE rates SET rate = 0 WHERE (country, year) = ('it''s', 2002)`,
  );
  for (const { where, rows, finds } of CONDITIONS) {
    const report = await compareDatabases(crossfade, { where: [where], record: false });
    t.deepEqual(found(report), finds, where);
    t.is(report.totals.rowsCompared, rows, where);
    t.is(report.mode, 'where');
    t.false(report.isFull);
  }
  const both = await compareDatabases(crossfade, { where: ['orders:id<101', "rates:country='fr'"], record: false });
  t.deepEqual(found(both), ['orders [100] differing', 'rates ["fr", 3000] extra']);
});

test('a range is read strictly: nothing but conditions on the key gets through', async (t) => {
  const { crossfade } = await mirrored(t);
  const wrong = [
    'orders',
    'orders:',
    'nothing:id=1',
    'orders:note=1',
    'orders:id=1; DROP TABLE orders',
    'orders:id=1 or id=2',
    'orders:id>1 and id>2',
    'orders:id=1 and id<3',
    'orders:id=(SELECT 1)',
    "orders:id='1' --",
    'orders:id>=100 and id<',
    'rates:year>2000',
    "rates:country>'a' and year=1",
    'words:word=1 and',
  ];
  for (const where of wrong) {
    const error = t.throws(() => parseWhere(where, crossfade.tables), undefined, where);
    t.true(isCrossfadeError(error, 'CONFIG_INVALID'), where);
  }
  await t.throwsAsync(compareDatabases(crossfade, { where: ["words:word='word 1'"] }), {
    message: /"words" cannot be compared in part/,
  });
  await t.throwsAsync(compareDatabases(crossfade, { where: ['orders:id=1'], sample: 0.5 }), {
    message: /more than one of/,
  });
  await t.throwsAsync(compareDatabases(crossfade, { sample: 0 }), { message: /a sample of 0/ });
});

test('a sample compares some ranges and says so; a budget is kept to', async (t) => {
  const { crossfade } = await mirrored(t);
  const options = { tables: ['orders'], record: false } as const;
  const sampled = await compareDatabases(crossfade, { ...options, sample: 0.2 });
  t.is(sampled.outcome, 'match', JSON.stringify(sampled));
  t.is(sampled.mode, 'sample');
  t.false(sampled.isFull);
  t.true(sampled.totals.ranges >= 1 && sampled.totals.rowsCompared < ROWS, JSON.stringify(sampled.totals));
  const everywhere = await compareDatabases(crossfade, { sample: 0.01, record: false });
  t.is(everywhere.outcome, 'match', JSON.stringify(everywhere));
  t.is(everywhere.tables.find(({ table }) => table === 'words')?.rowsCompared, 30, 'one range, which cannot be cut');
  const startedAt = performance.now();
  const slow = await compareDatabases(crossfade, { ...options, rowsPerSecond: ROWS / 2 });
  t.is(slow.totals.rowsCompared, ROWS);
  t.true(performance.now() - startedAt > 1_900);
});

for (const primary of ['sqlite', 'postgres'] as const) {
  const secondary = primary === 'sqlite' ? 'postgres' : 'sqlite';
  test(`with ${primary} as primary an incremental comparison looks at what has changed, and at what was not the same`, async (t) => {
    const { pair, crossfade } = await mirrored(t, primary);
    const compare = (options: CompareOptions = {}): Promise<ComparisonReport> =>
      compareDatabases(crossfade, { incremental: true, rollingShare: 0, record: false, ...options });
    const first = await compare();
    t.deepEqual(
      [first.outcome, first.mode, first.fullBecause, first.totals.rowsCompared],
      ['match', 'full', 'nothing has been compared incrementally before', ALL],
      JSON.stringify(first),
    );
    const second = await compare();
    t.deepEqual(
      [second.outcome, second.mode, second.totals.rowsCompared],
      ['match', 'incremental', 0],
      JSON.stringify(second),
    );

    await write(
      pair,
      primary,
      `UPDATE orders SET note = 'new' WHERE id IN (5, 15000); DELETE FROM rates WHERE year = 2001`,
    );
    await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
    await silently(pair, secondary, `UPDATE orders SET note = 'wrong' WHERE id IN (5, 7777)`);
    const third = await compare();
    t.deepEqual(found(third), ['orders [5] differing'], 'the other one has not changed as far as anybody can know');
    t.is(third.totals.rowsCompared, 3);
    const again = await compare();
    t.deepEqual(found(again), ['orders [5] differing'], 'it is looked at until it is mended');
    t.is(again.totals.rowsCompared, 1);

    const rolling = await compare({ rollingShare: 1 });
    t.deepEqual(found(rolling), ['orders [5] differing', 'orders [7777] differing']);
    const [orders] = crossfade.tables;
    if (orders === undefined) throw new Error('no table');
    await crossfade.mirror.repair(orders, [[5n], [7777n]]);
    const mended = await compare();
    t.deepEqual([mended.outcome, mended.mode], ['match', 'incremental'], JSON.stringify(mended));
  });
}

/** Waits until the Mirror has forgotten what it may, and has not taken anything else for that. */
async function untilPruned({ records }: Crossfade): Promise<void> {
  let looks = 0;
  const held = records.heldPosition.bind(records);
  const counted = async (captureId: string): Promise<string | null> => {
    looks += 1;
    return held(captureId);
  };
  Object.assign(records, { heldPosition: counted });
  await until('the Mirror has pruned twice', () => looks >= 3);
}

test('the changelog is kept for the next incremental comparison, and forgotten when nobody needs it any more', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  const entries = (): number => Number(pair.sqlite.prepare('SELECT count(*) FROM _crossfade_changes').pluck().get());
  await compareDatabases(crossfade, { incremental: true });
  pair.sqlite.exec('UPDATE orders SET note = note || 1 WHERE id <= 300');
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  pair.sqlite.exec(`INSERT INTO words VALUES ('another', 'change')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await untilPruned(crossfade);
  t.true(entries() >= 301);
  const increment = await compareDatabases(crossfade, { incremental: true, rollingShare: 0 });
  t.deepEqual([increment.outcome, increment.mode, increment.totals.rowsCompared], ['match', 'incremental', 301]);
  await until('what the comparison has looked at is forgotten', () => entries() < 10);

  pair.sqlite.exec('UPDATE orders SET note = note || 2 WHERE id <= 300');
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await crossfade.records.dropComparisonBase('somebody said so');
  await until('nothing is kept', () => entries() < 10);
  const full = await compareDatabases(crossfade, { incremental: true });
  t.deepEqual([full.outcome, full.mode, full.fullBecause], ['match', 'full', 'somebody said so']);
});

test('a changelog that grows large is not kept any longer; the next comparison is a full one, and says why', async (t) => {
  const { pair, crossfade } = await mirrored(t, 'sqlite', { maxChangelogBytes: 400_000 });
  await compareDatabases(crossfade, { incremental: true });
  pair.sqlite.exec('UPDATE orders SET note = note || 1 WHERE id <= 6000');
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await until('the base is dropped', async () => (await crossfade.records.comparisonBase())?.base === null);
  const report = await compareDatabases(crossfade, { incremental: true });
  t.deepEqual([report.outcome, report.mode], ['match', 'full']);
  t.regex(report.fullBecause ?? '', /had grown to \d+ bytes/);
  t.is((await crossfade.stores.sqlite.state())?.captureId === null, false, 'capture goes on');
});

for (const primary of ['sqlite', 'postgres'] as const) {
  const secondary = primary === 'sqlite' ? 'postgres' : 'sqlite';
  test(`with ${primary} as primary a table whose keys the databases order differently is compared as a whole, then row by row`, async (t) => {
    const { pair, crossfade } = await mirrored(t, primary);
    const compare = (options: CompareOptions = {}): Promise<ComparisonReport> =>
      compareDatabases(crossfade, { tables: ['words'], record: false, ...options });
    const clean = await compare();
    t.deepEqual([clean.outcome, clean.totals.ranges, clean.totals.rowsCompared], ['match', 1, 30]);
    const budgeted = await compare({ rowsPerSecond: 10_000 });
    t.deepEqual([budgeted.outcome, budgeted.totals.ranges, budgeted.totals.rowsCompared], ['match', 0, 30]);
    for (let round = 0; round < 30; round += 1) {
      await write(
        pair,
        primary,
        `UPDATE words SET meaning = 'meaning ${round}'; DELETE FROM words WHERE word = 'word ${round}';
         INSERT INTO words VALUES ('word ${round}', 'again')`,
      );
      const beside = await compare();
      t.not(beside.outcome, 'mismatch', JSON.stringify(beside));
    }
    await crossfade.mirror.caughtUp({ timeoutMs: 45_000 });
    await silently(
      pair,
      secondary,
      `UPDATE words SET meaning = 'wrong' WHERE word = 'word 5'; DELETE FROM words WHERE word = 'word 7';
       INSERT INTO words VALUES ('word 99', NULL)`,
    );
    const differences = ['words ["word 5"] differing', 'words ["word 7"] missing', 'words ["word 99"] extra'];
    t.deepEqual(found(await compare()), differences);
  });
}

test('a process that was opened before the tables were installed compares and mends what is mirrored now', async (t) => {
  const pair = await makePair(t, { tables: TABLES });
  const early = await pair.open();
  const crossfade = await pair.open({ backfillRows: 10_000 });
  await goTo(crossfade, 'dual');
  t.deepEqual(early.tables, []);
  await silently(pair, 'postgres', `UPDATE orders SET note = 'wrong' WHERE id = 5`);
  const report = await divergenceReport(early);
  t.deepEqual(found(report), ['orders [5] differing']);
  t.is(report.totals.rowsCompared, ALL);
  t.is(repairResult(await repair(early, report, { yes: true })), 'repaired');
  t.is((await compareDatabases(early)).outcome, 'match');
});

test('after a write switch everything is compared again', async (t) => {
  const { crossfade } = await mirrored(t);
  await compareDatabases(crossfade, { incremental: true });
  for (const stage of ['shadow', 'read', 'write'] as const) await goTo(crossfade, stage);
  const report = await compareDatabases(crossfade, { incremental: true });
  t.deepEqual([report.outcome, report.mode, report.primary], ['match', 'full', 'postgres'], JSON.stringify(report));
  t.regex(report.fullBecause ?? '', /the writes have moved/);
  t.is((await compareDatabases(crossfade, { incremental: true })).mode, 'incremental');
});

test('a comparison that was broken off is gone on with, and what it had found is not lost', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  await silently(
    pair,
    'postgres',
    `UPDATE orders SET note = 'wrong' WHERE id IN (3, 19999); DELETE FROM words WHERE word = 'word 7'`,
  );
  const broken = new AbortController();
  // Slow enough that some of it is saved, and some is not.
  const breaking = compareDatabases(crossfade, {
    resume: true,
    rowsPerSecond: 3_000,
    concurrency: 1,
    signal: broken.signal,
  });
  await until('a part was saved', async () => {
    const { rows } = await pair.postgres
      .query<{ saved: string }>(
        `SELECT count(*) AS saved FROM crossfade.comparison_findings WHERE findings LIKE '%orders%'`,
      )
      .catch(() => ({ rows: [] }));
    return Number(rows[0]?.saved ?? 0) > 0;
  });
  broken.abort(new Error('killed'));
  await t.throwsAsync(breaking, { message: 'killed' });
  const report = await compareDatabases(crossfade, { resume: true });
  t.deepEqual(found(report), ['orders [19999] differing', 'orders [3] differing', 'words ["word 7"] missing']);
  t.is(report.totals.rowsCompared, ALL);
  t.true(report.isFull);
  const next = await compareDatabases(crossfade, { resume: true });
  t.true(Date.parse(next.startedAt) >= Date.parse(report.finishedAt), 'a finished one is not gone on with');
});

test('two processes share a comparison: each row is compared once, and both report all that was found', async (t) => {
  const { pair, crossfade } = await mirrored(t);
  const other = await pair.open();
  await silently(
    pair,
    'postgres',
    `UPDATE orders SET note = 'wrong' WHERE id IN (3, 9999, 19999); DELETE FROM rates WHERE year = 2001`,
  );
  const reports = await Promise.all(
    [crossfade, other].map((one) => compareDatabases(one, { resume: true, rowsPerSecond: 20_000 })),
  );
  for (const report of reports) {
    t.deepEqual(found(report), [
      'orders [19999] differing',
      'orders [3] differing',
      'orders [9999] differing',
      'rates ["fr", 2001] missing',
    ]);
    t.is(report.totals.rowsCompared, ALL);
    t.true(report.isFull);
  }
  const { rows } = await pair.postgres.query<{ runs: string }>('SELECT count(*) AS runs FROM crossfade.comparisons');
  t.is(Number(rows[0]?.runs), 1, 'one of them has recorded it');
});
