import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import pg from 'pg';
import type { RouterReport } from './bench/commands/router.ts';
import type { StoresReport } from './bench/commands/stores.ts';
import type { SampleRaceReport } from './bench/sample-race.ts';
import type { WritesReport } from './bench/writes-report.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { tempFolder } from './helpers/sqlite.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('./bench/main.js', import.meta.url));

test('a quick bench measures every variant in every case and leaves nothing behind', async (t) => {
  const url = await freshDatabase(t);
  const folder = tempFolder(t);
  const running = run(process.execPath, [MAIN, '--quick', '--json'], {
    env: { ...process.env, DATABASE_URL: url, TMPDIR: folder },
  });
  const { stdout } = await running;
  const { machine, results, rounds, drained, switched }: WritesReport = JSON.parse(stdout);
  t.deepEqual(
    drained.map(({ kind, changesPerSecond }) => [kind, changesPerSecond > 0]),
    [
      ['insert', true],
      ['update', true],
    ],
  );
  t.true(switched !== null && switched.medianPauseMs > 0 && switched.failedWrites === 0);
  t.true(rounds >= 2);
  t.true(machine.cores >= 1);
  for (const version of [machine.node, machine.postgres, machine.sqlite]) t.regex(version, /^\d+\.\d+/);
  t.regex(machine.fsync, /^(on|off)$/);

  const cases = new Set(results.map((result) => result.case));
  t.is(cases.size, 7);
  for (const each of cases) {
    const measured = results.filter((result) => result.case === each).map((result) => result.variant);
    t.deepEqual(measured.toSorted(), ['by-hand', 'dual', 'postgres', 'read', 'sqlite', 'write'], each);
  }
  for (const result of results) {
    const { to, medianMs, p95Ms, perSecond, settleMs } = result;
    const ratios = [to.postgres.latency, to.postgres.throughput, to.sqlite.latency, to.sqlite.throughput];
    for (const number of [...ratios, medianMs, perSecond])
      t.true(Number.isFinite(number) && number > 0, JSON.stringify(result));
    t.true(p95Ms >= medianMs && settleMs >= 0, JSON.stringify(result));
    // Within a round a database is exactly once itself.
    const own = result.variant === 'postgres' ? to.postgres : result.variant === 'sqlite' ? to.sqlite : undefined;
    if (own !== undefined) t.deepEqual(own, { latency: 1, throughput: 1 });
  }

  t.deepEqual(readdirSync(folder), []);
  t.deepEqual(await databasesOf(running.child, url), []);
});

test('quick benches of backfill, comparison, router and both stores measure what is here, and clean up', async (t) => {
  const url = await freshDatabase(t);
  const folder = tempFolder(t);
  const env = { ...process.env, DATABASE_URL: url, TMPDIR: folder };
  const bench = async <R>(...words: readonly string[]): Promise<R> => {
    const running = run(process.execPath, [MAIN, ...words, '--quick', '--json'], { env });
    const report: R = JSON.parse((await running).stdout);
    t.deepEqual(await databasesOf(running.child, url), []);
    return report;
  };

  const filled = await bench<SampleRaceReport>('backfill', '--rows', '1200');
  const [read, , , crossfade] = filled.results;
  t.is(crossfade?.name, 'crossfade');
  t.true((crossfade?.peakMemoryMb ?? 0) > 10 && (crossfade?.times['read'] ?? 0) > 0);
  t.true((read?.seconds ?? 0) > 0);
  for (const { missing, seconds } of filled.results) t.true(missing === null || seconds === null);

  const compared = await bench<SampleRaceReport>('compare', '--rows', '1200');
  for (const { name, seconds } of compared.results) t.true((seconds ?? 0) > 0, name);
  t.deepEqual(
    compared.results.map(({ times }) => Object.keys(times).length),
    [2, 2, 2, 3, 3, 3],
  );

  const { results } = await bench<StoresReport>('stores', '--only', 'point,transaction', '--concurrency', '4');
  t.is(results.length, 2);
  for (const { perSecond } of results) t.true(perSecond.sqlite > 0 && perSecond.postgres > 0);

  const routed = await bench<RouterReport>('router', '--only', 'read-sqlite');
  t.is(routed.results.length, 3);
  for (const { toPlain } of routed.results) t.true(toPlain.median > 0 && toPlain.mean > 0);

  // The large table is kept, to be used again; nothing else is.
  t.deepEqual(readdirSync(folder), ['crossfade-bench-data']);
});

test('a bench that is interrupted removes what it made and exits as interrupted', async (t) => {
  const url = await freshDatabase(t);
  const folder = tempFolder(t);
  const child = execFile(process.execPath, [MAIN, '--only', 'by-hand'], {
    env: { ...process.env, DATABASE_URL: url, TMPDIR: folder },
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  const deadline = performance.now() + 30_000;
  while ((await databasesOf(child, url)).length < 3) {
    if (child.exitCode !== null || performance.now() > deadline) return t.fail('it made no databases');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGINT');
  t.is(await ended, 130);
  t.deepEqual(readdirSync(folder), []);
  t.deepEqual(await databasesOf(child, url), []);
});

test('a variant that does not exist is named, and nothing is measured', async (t) => {
  const error = await t.throwsAsync<Error & { code: number; stderr: string }>(
    run(process.execPath, [MAIN, '--only', 'fast']),
  );
  t.is(error?.code, 2);
  t.regex(error?.stderr ?? '', /there is nothing called "fast"/);
});

/** The databases that this bench has made and not dropped. */
async function databasesOf({ pid }: ChildProcess, url: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database WHERE datname ^@ $1', [
      `crossfade_bench_${pid}_`,
    ]);
    return rows.map(({ datname }) => datname);
  } finally {
    await client.end();
  }
}
