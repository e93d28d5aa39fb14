import test from 'ava';
import { getPriority } from 'node:os';
import type { BackfillStatus } from '../adapter/index.ts';
import { runCommand, startCommand } from './helpers/command.ts';
import { differences, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

const ROWS = 4_000;

const TABLES = {
  sqlite: `CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) INSERT INTO words SELECT i, 'word ' || i FROM n;`,
  postgres: 'CREATE TABLE words (id bigint PRIMARY KEY, word text NOT NULL);',
};

function on({ path, url }: Pair): string[] {
  return ['--sqlite', path, '--postgres', url];
}

test('a backfill that the API does is limited, paused, watched and resumed from other processes', async (t) => {
  const pair = await makePair(t, { tables: TABLES });
  const api = await pair.open();
  await t.throwsAsync(api.limitBackfill({ rowsPerSecond: 20 }), { code: 'NOT_INSTALLED' });
  await api.install();
  await api.limitBackfill({ rowsPerSecond: 20 });
  await api.cutover.step('dual');
  await until('it has begun', () => (api.mirror.backfill?.rowsCopied ?? 0) > 0);
  const paused = await runCommand(t, ['backfill', '--pause', ...on(pair), '--json']);
  t.deepEqual([paused.status, JSON.parse(paused.stdout)], [0, { isPaused: true }]);
  await until('the API has seen it', () => api.mirror.backfill?.isPaused === true);
  // A piece may still have been under way.
  await api.mirror.caughtUp({ timeoutMs: 10_000 });

  const { rowsCopied } = (await api.status()).backfill ?? { rowsCopied: -1 };
  t.true(rowsCopied > 0 && rowsCopied < ROWS, String(rowsCopied));
  pair.sqlite.exec(`UPDATE words SET word = 'changed' WHERE id = 1; INSERT INTO words VALUES (${ROWS + 1}, 'new')`);
  await api.mirror.caughtUp({ timeoutMs: 10_000 });
  t.is((await pair.postgres.query(`SELECT FROM words WHERE word = 'changed'`)).rowCount, 1, 'changes go on');
  const status = await runCommand(t, ['status', ...on(pair)]);
  t.regex(status.stdout, /backfill +copying rows, \d+ of about 4000 rows copied, 0 of 1 tables done; paused/);
  t.regex(status.stdout, /it is paused; go on: crossfade backfill --resume/);
  t.is((await api.status()).backfill?.rowsCopied, rowsCopied);
  const metrics = await api.metrics.metrics();
  t.regex(metrics, /crossfade_backfill_paused 1\n/);
  t.regex(metrics, /crossfade_backfill_expected_rows 4000\n/);
  t.regex(metrics, /crossfade_backfill_phase\{phase="copying"\} 1\n/);

  const resumed = await runCommand(t, ['backfill', '--resume', '--rows-per-second', 'none', ...on(pair), '--json']);
  t.is(resumed.status, 0, resumed.stderr);
  const result = JSON.parse(resumed.stdout) as BackfillStatus;
  t.like(result, { isDone: true, phase: 'done', rowsCopied: ROWS + 1, limits: { rowsPerSecond: null } });
  const lines = resumed.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { progress: BackfillStatus });
  t.true(lines.every(({ progress }) => typeof progress.phase === 'string'));
  t.true(api.mirror.isRunningHere, 'the API did it');
  t.deepEqual(await differences(api), []);
  t.regex(await api.metrics.metrics(), /crossfade_backfill_phase\{phase="done"\} 1\n/);
});

test('a backfill shows how far it is, how fast, how long it takes and what holds it back', async (t) => {
  const pair = await makePair(t, { tables: TABLES });
  const command = startCommand(t, ['backfill', '--rows-per-second', '50', ...on(pair)]);
  const line =
    /copying rows: \d+\/4000 rows, \d+ %, \d+ rows\/s, [\d.]+ k?(B|bytes)\/s, about [\d.]+ (s|min) left, at the limit of rows a second/;
  await until('a line that says it all', () => line.test(command.stderr()));
  t.true(getPriority(command.pid) > getPriority(), 'an API on the same machine comes first');
  command.kill('SIGINT');
  t.is((await command.ended).status, 130);
  const eager = startCommand(t, ['backfill', '--full-speed', ...on(pair)]);
  await until('it goes on where the other one was', () => /rows/.test(eager.stderr()));
  t.is(getPriority(eager.pid), getPriority());
  eager.kill('SIGINT');
  t.is((await eager.ended).status, 130);

  const rest = await runCommand(t, ['backfill', '--resume', '--rows-per-second', 'none', ...on(pair)]);
  t.is(rest.status, 0, rest.stderr);
  t.regex(rest.stdout, /^backfill done: 4000 rows copied/);
  const again = await runCommand(t, ['backfill', '--resume', ...on(pair), '--json']);
  t.is(again.status, 2);
  t.like(JSON.parse(again.stdout), { error: { code: 'NO_BACKFILL' } });
  t.regex(again.stderr, /it is done/);
});

test('there is nothing to pause or to resume before a backfill, and a table with rows of its own is refused', async (t) => {
  const pair = await makePair(t, { tables: TABLES });
  for (const flag of ['--resume', '--pause']) {
    const refused = await runCommand(t, ['backfill', flag, ...on(pair), '--json']);
    t.is(refused.status, 2);
    t.like(JSON.parse(refused.stdout), { error: { code: 'NO_BACKFILL' } });
  }
  await pair.postgres.query(`INSERT INTO words VALUES (1, 'whose?')`);
  const refused = await runCommand(t, ['backfill', ...on(pair), '--json']);
  t.is(refused.status, 2);
  const { error } = JSON.parse(refused.stdout) as { error: { code: string; message: string; hint: string } };
  t.is(error.code, 'TABLE_NOT_EMPTY');
  t.regex(error.message, /"words"/);
  t.regex(error.hint, /--restart/);
  t.is((await runCommand(t, ['backfill', '--rows-per-second', 'many', ...on(pair)])).status, 2);
});
