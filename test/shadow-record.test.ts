import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Gathering } from '../adapter/shadow/gathering.ts';
import { shapeReport } from '../adapter/shadow/shape-report.ts';
import type { ShapeReport } from '../adapter/shadow/shape-report.ts';
import { tallyOf } from '../adapter/shadow/shape-tally.ts';
import type { ShapeTally } from '../adapter/shadow/shape-tally.ts';
import { recordedStatements } from '../migrations/audit/sql/recorded-statements.ts';
import { createRewriter } from '../migrations/schema.ts';
import { goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

const CLI = fileURLToPath(new URL('../server/cli.js', import.meta.url));

async function command(pair: Pair, ...words: string[]): Promise<{ status: unknown; output: string }> {
  const child = spawn(process.execPath, [CLI, ...words, '--sqlite', pair.path, '--postgres', pair.url], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [status]: unknown[] = await once(child, 'close');
  return { status, output };
}

function lines(path: string): readonly Record<string, unknown>[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A tally as a shadow read would leave it. */
function tally(
  id: string,
  results: Partial<ShapeTally['results']>,
  seconds = { sqlite: 0.001, postgres: 0.001 },
): ShapeTally {
  const one = tallyOf({
    shape: { id, sql: `select ${id}`, tables: [] },
    at: new Date(),
    result: 'match',
    control: { store: 'sqlite', seconds: seconds.sqlite },
    candidate: { store: 'postgres', seconds: seconds.postgres },
  });
  return { ...one, results: { ...one.results, ...results } };
}

test('the report lists the worst first: mismatches, errors, what is slower', (t) => {
  const report = shapeReport([
    tally('fine', {}),
    tally('open', { inconclusive: 3 }),
    tally('slow', {}, { sqlite: 0.01, postgres: 0.1 }),
    tally('twice-as-slow-but-fast', {}, { sqlite: 0.0005, postgres: 0.005 }),
    tally('refused', { error: 2 }),
    tally('wrong', { mismatch: 1 }),
  ]);
  t.deepEqual(
    report.shapes.slice(0, 4).map(({ id }) => id),
    ['wrong', 'refused', 'slow', 'open'],
  );
  t.is(report.outcome, 'differs');
  t.is(shapeReport([tally('fine', {})]).outcome, 'agrees');
  t.is(shapeReport([tally('open', { match: 0, inconclusive: 1 })]).outcome, 'unknown');
});

test('memory between two flushes is bounded, and what could not be written is kept', async (t) => {
  const written: string[] = [];
  let fails = true;
  const gathering = new Gathering<{ key: string; count: number }>({
    keyOf: ({ key }) => key,
    merge: (before, added) => ({ ...added, count: before.count + added.count }),
    write: (entries) => {
      if (fails) return Promise.reject(new Error('away'));
      written.push(...entries.map(({ key, count }) => `${key}${count}`));
      return Promise.resolve();
    },
    holds: 3,
    onFailure: () => {},
  });
  for (const key of ['a', 'b', 'c', 'b']) gathering.add({ key, count: 1 });
  await t.throwsAsync(gathering.flush());
  gathering.add({ key: 'c', count: 1 });
  gathering.add({ key: 'd', count: 1 });
  fails = false;
  await gathering.flush();
  t.deepEqual(written.toSorted(), ['b2', 'c2', 'd1'], 'the one added longest ago made room');
});

test('the router records the shapes of all queries, for the audit', async (t) => {
  const pair = await makePair(t);
  const path = join(dirname(pair.path), 'statements.jsonl');
  const { knex: db, close } = await pair
    .open({ record: { path } })
    .then((opened) => ({ knex: opened.knex, close: () => opened.close() }));
  for (const id of [1, 2, 3]) await db('accounts').insert({ id, email: `secret${id}@example.org` });
  await db.transaction(async (trx) => {
    await trx('accounts').where({ id: 1 }).update({ balance: 5 });
  });
  await db.raw(
    `select strftime('%Y', 'now') as y, ifnull(rate, 7) from accounts where email = 'secret' or id in (1, 2)`,
  );
  await db('accounts').whereIn('id', [1, 2, 3]);
  await db('accounts').where((inner) => void inner.whereRaw('ifnull(rate, 0) > 1'));
  await db('accounts').where((inner) => void inner.where('id', 1).orWhere('rate', 2));
  await close();
  t.deepEqual(
    lines(path).map(({ sql, count }) => `${String(count)} ${String(sql)}`),
    [
      '3 insert into `accounts` (`email`, `id`) values (?)',
      '1 update `accounts` set `balance` = ? where `id` = ?',
      `1 select strftime('%Y', 'now') as y, ifnull(rate, ?) from accounts where email = ? or id in (?)`,
      '1 select * from `accounts` where `id` in (?)',
      '1 select * from `accounts` where (ifnull(rate, ?) > ?)',
      '1 select * from `accounts` where (`id` = ? or `rate` = ?)',
    ],
  );
  // What Knex writes for PostgreSQL too is not for the audit.
  t.deepEqual(
    recordedStatements(path).map(({ sql }) => sql.slice(0, 40)),
    [`select strftime('%Y', 'now') as y, ifnull`, 'select * from "accounts" where (ifnull(r'].map((sql) =>
      sql.slice(0, 40),
    ),
  );
  t.false(readFileSync(path, 'utf8').includes('secret'));

  const again = await pair.open({ record: { path } });
  await again.knex('accounts').whereIn('id', [9]);
  await again.close();
  t.is(
    lines(path).find(({ sql }) => sql === 'select * from `accounts` where `id` in (?)')?.['count'],
    2,
    'a restart adds to it',
  );
});

test('recorded reads are run on both databases again, and the command tells what differs', async (t) => {
  const pair = await makePair(t);
  const path = join(dirname(pair.path), 'reads.jsonl');
  const api = await pair.open({ record: { path, bindings: true }, shadow: { sample: 1, timeoutMs: 60_000 } });
  const { knex: db } = api;
  for (const id of [1, 2, 3])
    await db('accounts').insert({ id, email: `user${id}@example.org`, avatar: Buffer.from([id]) });
  await goTo(api, 'shadow');
  await db('accounts').where({ id: 1 }).first();
  await db('accounts')
    .where({ avatar: Buffer.from([2]) })
    .select('id');
  await db('accounts').where('email', 'like', 'USER%').orderBy('id').pluck('email');
  await db('accounts').where('id', 1).orWhere('is_active', false).count();
  await api.shadow.idle();
  await api.shadow.shapes();
  const clean = await command(pair, 'report', '--json');
  t.is(clean.status, 0, clean.output);
  t.is((JSON.parse(clean.output) as ShapeReport).totals.match, 4);
  await api.close();

  const same = await command(pair, 'replay', path, '--json');
  t.is(same.status, 0, same.output);
  t.is((JSON.parse(same.output) as ShapeReport).totals.match, 4);

  await pair.postgres.query(`SET crossfade.mirroring = 'on'; UPDATE accounts SET email = 'elsewhere' WHERE id = 1`);
  const other = await command(pair, 'replay', path);
  t.is(other.status, 1, other.output);
  t.regex(other.output, /email \(text of 17 \/ text of 9\)/);
  t.false(other.output.includes('user1'));

  const later = await pair.open({ shadow: { sample: 1, timeoutMs: 60_000 } });
  await later.knex('accounts').where({ id: 1 }).first();
  await later.shadow.idle();
  await later.close();
  const page = join(dirname(pair.path), 'report.html');
  const bad = await command(pair, 'report', '--html', page, '--forget');
  t.is(bad.status, 1, bad.output);
  t.regex(readFileSync(page, 'utf8'), /<tr class="bad">/);
  t.is((await command(pair, 'report')).status, 2, 'nothing is known any more');
});

test('a record that is not there, or not to be replayed, is said to be so', async (t) => {
  const pair = await makePair(t);
  const path = join(dirname(pair.path), 'statements.jsonl');
  for (const wrong of [{ file: path }, { path: '' }]) {
    await t.throwsAsync(pair.open({ record: wrong as never }), { code: 'CONFIG_INVALID', message: /record\.path/ });
  }
  for (const call of [
    ['replay', path],
    ['report', '--record', path],
  ]) {
    t.is((await command(pair, ...call)).status, 2);
  }
  const api = await pair.open({ record: { path } });
  await api.knex('accounts').where({ id: 1 });
  await api.close();
  const empty = await command(pair, 'replay', path);
  t.is(empty.status, 2, empty.output);
  t.regex(empty.output, /no read that could be run again: record with `bindings: true`/);
});

test('raw SQL is tried as it is rewritten for PostgreSQL, and what may not be sent there is an error', async (t) => {
  const pair = await makePair(t);
  const rewrite = createRewriter({ untranslatable: 'refuse' });
  const crossfade = await pair.open({ rewrite, shadow: { sample: 1, timeoutMs: 60_000 } });
  const { knex: db, shadow } = crossfade;
  await db('accounts').insert({ id: 1, email: 'a@example.org' });
  await goTo(crossfade, 'shadow');
  await until('the first try has told of PostgreSQL’s tables', async () => {
    await db.raw('select 1 as one');
    await shadow.idle();
    return (await shadow.shapes()).length > 0;
  });
  await shadow.forget();
  await db.raw('select ifnull(`rate`, 0) + 7/2 as r from `accounts` where `id` = ?', [1]);
  await db.raw('select sqlite_version() is not null as v from accounts');
  await shadow.idle();
  const results = (await shadow.shapes()).map(({ sql, results: { match }, errors }) => [
    sql.includes('ifnull'),
    match,
    ...Object.keys(errors),
  ]);
  t.deepEqual(
    results.toSorted((a, b) => Number(a[0]) - Number(b[0])),
    [
      [false, 0, 'SQL_UNTRANSLATABLE'],
      [true, 1],
    ],
  );
});

test('closing does not wait for a PostgreSQL that does not answer', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ shadow: { sample: 1, timeoutMs: 600_000 } });
  await goTo(crossfade, 'shadow');
  await pair.postgres.query('BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE');
  await crossfade.knex('accounts').select();
  await until('it is being tried', () => crossfade.shadow.inFlight === 1);
  const started = performance.now();
  await crossfade.shadow.close();
  t.true(performance.now() - started < 30_000);
  await pair.postgres.query('ROLLBACK');
});
