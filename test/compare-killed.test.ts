import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Crossfade } from '../adapter/index.ts';
import { compareDatabases } from '../compare/compare.ts';
import type { DivergenceReport } from '../compare/divergence.ts';
import { behindTheFence } from './helpers/behind-the-fence.ts';
import { startCommand } from './helpers/command.ts';
import type { RunningCommand } from './helpers/command.ts';
import { goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

const ROWS = 24_000;
const WORDS = 300;

const NUMBERS = (count: number): string =>
  `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n)`;

const TABLES = {
  sqlite: `
    CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
    CREATE TABLE words (word TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, meaning TEXT);
    INSERT INTO orders SELECT i, 'note ' || i FROM ${NUMBERS(ROWS)};
    INSERT INTO words SELECT 'word ' || i, 'meaning' FROM ${NUMBERS(WORDS)};`,
  postgres: `
    CREATE TABLE orders (id bigint PRIMARY KEY, note text);
    CREATE TABLE words (word text COLLATE "C" PRIMARY KEY, meaning text);`,
};

/** Past capture, all over the table. */
const DAMAGE = `UPDATE orders SET note = 'wrong' WHERE id IN (3, 9999, ${ROWS}); DELETE FROM orders WHERE id = 12345;
  INSERT INTO orders VALUES (${ROWS + 7}, 'extra'); DELETE FROM words WHERE word = 'word 7'`;

const FOUND = [
  `orders [${ROWS + 7}] extra`,
  `orders [${ROWS}] differing`,
  'orders [12345] missing',
  'orders [3] differing',
  'orders [9999] differing',
  'words ["word 7"] missing',
].sort();

async function damaged(t: ExecutionContext): Promise<{ pair: Pair; crossfade: Crossfade }> {
  t.timeout(180_000);
  const pair = await makePair(t, { tables: TABLES });
  const crossfade = await pair.open({ backfillRows: 10_000 });
  await goTo(crossfade, 'dual');
  await behindTheFence({ postgres: pair.url }, DAMAGE);
  return { pair, crossfade };
}

function compare(t: ExecutionContext, { path, url }: Pair, rowsPerSecond: number): RunningCommand {
  const words = ['compare', '--json', '--resume', '--rows-per-second', String(rowsPerSecond)];
  return startCommand(t, words, { SQLITE_PATH: path, DATABASE_URL: url });
}

async function number(pair: Pair, sql: string): Promise<number> {
  try {
    const { rows } = await pair.postgres.query<{ count: string }>(sql);
    return Number(rows[0]?.count ?? 0);
  } catch {
    // The tables are made by the first run.
    return 0;
  }
}

/** Rows of which it is saved that they are done. */
function saved(pair: Pair): Promise<number> {
  return number(
    pair,
    `SELECT sum((findings::json -> 'counts' ->> 'rowsCompared')::int) AS count FROM crossfade.comparison_findings`,
  );
}

function assertFound(
  t: ExecutionContext,
  {
    differences,
    totals,
    isFull,
  }: Pick<DivergenceReport, 'isFull' | 'totals'> & {
    readonly differences: readonly { readonly table: string; readonly key: string | null; readonly class: string }[];
  },
): void {
  const rows = differences.filter(({ key }) => key !== null);
  t.deepEqual(rows.map(({ table, key, class: kind }) => `${table} ${key ?? ''} ${kind}`).sort(), FOUND);
  t.like(totals, { rowsCompared: ROWS + WORDS, missing: 2, extra: 1, differing: 3, inconclusive: 0 });
  t.true(isFull);
}

async function assertNothingIsLeft(t: ExecutionContext, pair: Pair): Promise<void> {
  for (const table of ['runs', 'fronts', 'ranges', 'findings']) {
    const { rows } = await pair.postgres.query(`SELECT * FROM crossfade.comparison_${table}`);
    t.deepEqual(rows, [], table);
  }
  const locks = await pair.postgres.query(
    `SELECT * FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()`,
  );
  t.deepEqual(locks.rows, []);
}

test('a comparison whose process is killed at random moments, again and again, is gone on with to the right end', async (t) => {
  const { pair } = await damaged(t);
  let before = 0;
  for (let round = 1; round <= 4; round += 1) {
    const running = compare(t, pair, 1_000);
    // The first ones are to leave something behind; the others die wherever they are.
    if (round <= 2) await until('something more is saved', async () => (await saved(pair)) > before);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 900));
    running.kill('SIGKILL');
    t.is((await running.ended).status, null, 'it was not done');
    const now = await saved(pair);
    t.true(now >= before && now < ROWS + WORDS, `${now} rows were done, ${before} before`);
    before = now;
  }
  const { status, stdout, stderr } = await compare(t, pair, 100_000).ended;
  t.is(status, 1, stderr);
  // What was done before is neither lost nor counted twice.
  assertFound(t, JSON.parse(stdout) as DivergenceReport);
  await assertNothingIsLeft(t, pair);
  t.is(await number(pair, 'SELECT count(*) FROM crossfade.comparisons'), 1);
});

test('of two processes that share a comparison one is killed: the other compares what that one had in hand', async (t) => {
  const { pair } = await damaged(t);
  const [first, second] = [compare(t, pair, 3_000), compare(t, pair, 3_000)];
  const holders = `SELECT count(DISTINCT holder) FROM crossfade.comparison_ranges`;
  await until('both have ranges in hand', async () => (await number(pair, holders)) === 2);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 1_500));
  first.kill('SIGKILL');
  await first.ended;
  const { status, stdout, stderr } = await second.ended;
  t.is(status, 1, stderr);
  assertFound(t, JSON.parse(stdout) as DivergenceReport);
  await assertNothingIsLeft(t, pair);
});

test('what a process compares that others took for dead meanwhile is counted once', async (t) => {
  const { pair, crossfade } = await damaged(t);
  const other = await pair.open();
  const only = { resume: true, tables: ['orders'] } as const;
  const slow = compareDatabases(crossfade, { ...only, rowsPerSecond: 3_000 });
  const holders = 'SELECT DISTINCT holder FROM crossfade.comparison_ranges';
  await until('it has something in hand', async () => (await number(pair, `SELECT count(*) FROM (${holders}) h`)) > 0);
  const [first] = (await pair.postgres.query<{ holder: string }>(holders)).rows;
  const quick = compareDatabases(other, only);
  // As if it had stood still for long: what it compares now is not saved yet.
  await until('the other one has taken it over', async () => {
    const { rows } = await pair.postgres.query<{ id: string }>(
      `UPDATE crossfade.comparison_ranges SET expires = '-infinity' WHERE holder = $1 RETURNING id`,
      [first?.holder],
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    const taken = await pair.postgres.query(
      'SELECT FROM crossfade.comparison_ranges WHERE id = ANY ($1::bigint[]) AND holder <> $2',
      [rows.map(({ id }) => id), first?.holder],
    );
    return taken.rows.length > 0;
  });
  for (const { totals, differences } of await Promise.all([slow, quick])) {
    t.like(totals, { rowsCompared: ROWS, missing: 1, extra: 1, differing: 3, inconclusive: 0 });
    t.is(differences.length, 5);
  }
  await assertNothingIsLeft(t, pair);
});

test('a process whose connection breaks in a shared comparison takes its place again', async (t) => {
  const { pair, crossfade } = await damaged(t);
  const comparing = compareDatabases(crossfade, { resume: true, rowsPerSecond: 8_000, tables: ['orders'] });
  const sessions = `SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database
    WHERE locktype = 'advisory' AND datname = current_database() AND mode = 'ExclusiveLock' AND granted`;
  const present = async (): Promise<number | undefined> =>
    (await pair.postgres.query<{ pid: number }>(sessions)).rows[0]?.pid;
  await until('it is there', async () => (await present()) !== undefined);
  const before = await present();
  await pair.postgres.query('SELECT pg_terminate_backend($1)', [before]);
  await until('it is there again', async () => ![undefined, before].includes(await present()));
  const { totals } = await comparing;
  t.like(totals, { rowsCompared: ROWS, missing: 1, extra: 1, differing: 3, inconclusive: 0 });
  await assertNothingIsLeft(t, pair);
});
