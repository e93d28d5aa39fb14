import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { behindTheFence } from './helpers/behind-the-fence.ts';
import { goTo, makePair } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { tempFolder } from './helpers/sqlite.ts';

const CLI = fileURLToPath(new URL('../server/cli.js', import.meta.url));

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `crossfade compare` on both databases. */
function compare(pair: Pair, ...words: readonly string[]): Promise<Run> {
  const { PATH } = process.env;
  const environment = { PATH, SQLITE_PATH: pair.path, DATABASE_URL: pair.url };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI, 'compare', ...words],
      { env: environment, timeout: 60_000 },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}

test('compare writes a page, says what a repair would do, repairs, and shows what was before', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec("INSERT INTO accounts (email, settings) VALUES ('a', 'private'), ('b', NULL), ('c', NULL)");
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  const none = await compare(pair, '--history');
  t.is(none.status, 0, none.stderr);
  t.regex(none.stdout, /^no comparison has been recorded yet/);
  await behindTheFence(
    { postgres: pair.url },
    "UPDATE accounts SET settings = 'other' WHERE id = 1; DELETE FROM accounts WHERE id = 2; INSERT INTO settings VALUES ('extra', NULL)",
  );

  const noReplica = await compare(pair, '--postgres-replica', pair.url);
  t.is(noReplica.status, 2);
  t.regex(noReplica.stderr, /standby.*\(CONFIG_INVALID\)/);
  const page = join(tempFolder(t), 'report.html');
  const shown = await compare(pair, '--show-values', '--html', page);
  t.is(shown.status, 1, shown.stderr);
  t.regex(shown.stdout, /^MISMATCH: 1 missing, 1 extra, 1 differing\n/);
  t.regex(shown.stdout, /settings: sqlite "private", postgres "other"/);
  t.regex(shown.stdout, /UPDATE "accounts" SET "settings" = 'private' WHERE "id" = 1/);
  t.true(readFileSync(page, 'utf8').includes('&quot;private&quot;'));

  const planned = await compare(pair, '--repair', '--json');
  t.is(planned.status, 1, planned.stderr);
  const plan = JSON.parse(planned.stdout) as {
    report: { outcome: string };
    repair: { isDryRun: boolean; result: string };
  };
  t.like(plan, { report: { outcome: 'mismatch' }, repair: { isDryRun: true, result: 'dry run' } });

  const repaired = await compare(pair, '--repair', '--yes');
  t.is(repaired.status, 0, repaired.stdout + repaired.stderr);
  t.regex(
    repaired.stdout,
    /accounts +2 +– +– +– +–\nsettings +– +1 +– +– +–\n\nrepaired: every one of these rows is the same/,
  );
  const clean = await compare(pair, '--full', '--concurrency', '1', '--rows-per-second', '100000');
  t.is(clean.status, 0, clean.stdout + clean.stderr);
  t.regex(clean.stdout, /^match: no difference\n3 rows in 4 tables/);

  const history = await compare(pair, '--history');
  t.is(history.status, 0, history.stderr);
  t.deepEqual(
    history.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/)[1]),
    ['outcome', 'match', 'mismatch', 'mismatch', 'mismatch'],
  );
  const json = JSON.parse((await compare(pair, '--history', '--json')).stdout) as { runs: { mode: string }[] };
  t.deepEqual(
    json.runs.map(({ mode }) => mode),
    ['full', 'full', 'full', 'full'],
  );
});

test('flags that contradict each other, or make no sense, are mistakes in the call', async (t) => {
  const pair = await makePair(t);
  for (const [words, reason] of [
    [['--incremental', '--full'], /--incremental and --full exclude each other/],
    [['--yes'], /--yes goes with --repair only/],
    [['--sample', '0'], /--sample is "0"/],
    [['--sample', '150%'], /--sample is "150%"/],
    [['--concurrency', '0'], /--concurrency is "0"/],
    [['--rows-per-second', 'fast'], /--rows-per-second is "fast"/],
    [['--html', '/no/such/folder/report.html'], /could not write .*\(CONFIG_INVALID\)/],
    [['--postgres-replica', 'nonsense'], /the PostgreSQL URL is not of the form/],
  ] as const) {
    const run = await compare(pair, ...words);
    t.is(run.status, 2);
    t.regex(run.stderr, reason);
    t.is(run.stdout, '');
  }
});
