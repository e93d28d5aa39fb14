import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import Database from 'better-sqlite3';
import { demoText, runDemo } from '../server/demo.ts';
import type { DemoResult } from '../server/demo.ts';
import { checkJournal } from '../server/demo/check-journal.ts';
import { Journal } from '../server/demo/journal.ts';
import { createLedgerFile } from '../server/ledger-file.ts';
import { migratePostgres } from '../server/migrate-databases.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { tempFolder } from './helpers/sqlite.ts';

const MAIN = fileURLToPath(new URL('../server/main.js', import.meta.url));

test('a small demo plays the whole road under traffic, loses nothing, and leaves nothing', async (t) => {
  const folder = tempFolder(t);
  const postgres = await freshDatabase(t);
  const result = await runDemo({ folder, postgres, scale: 0.01, stageMs: 300, progress: 'none' });
  t.deepEqual(result.problems, []);
  t.true(result.isClean);
  t.deepEqual(result.stages, ['sqlite', 'dual', 'shadow', 'read', 'write', 'read']);
  t.deepEqual(
    result.switches.map(({ to }) => to),
    ['postgres', 'sqlite'],
  );
  t.true(result.rowsCopied >= 2_200);
  t.true(result.writes > 100, `${result.writes} writes`);
  t.true(result.reads > 50, `${result.reads} reads`);
  t.true(result.acknowledgedRows > 100, `${result.acknowledgedRows} rows`);
  t.like(result, { writesFailed: 0, readsFailed: 0, staleReads: 0, divergentRows: 0, acknowledgedWritesLost: 0 });
  t.regex(demoText(result), /^Nothing was lost, no write failed, both databases hold the same rows\./);
  t.deepEqual(readdirSync(join(folder, 'demo')), []);
});

test('the journal finds a write that is missing, undone or changed in either database', async (t) => {
  const sqlite = join(tempFolder(t), 'ledger.sqlite');
  const postgres = await freshDatabase(t);
  await createLedgerFile(sqlite, { scale: 0.001 });
  await migratePostgres(postgres);
  const database = new Database(sqlite);
  database.exec('update settings set updated_at = 7 where key = (select min(key) from settings)');
  const key = database.prepare('select min(key) from settings').pluck().get() as string;
  database.close();

  const journal = new Journal();
  journal.acknowledge({ table: 'accounts', keyColumn: 'id', key: 1, expected: null });
  journal.acknowledge({ table: 'accounts', keyColumn: 'id', key: 2, expected: { is_active: 1, name: 'not this' } });
  journal.acknowledge({ table: 'accounts', keyColumn: 'id', key: 3, expected: { name: 'forgotten' } });
  journal.acknowledge({ table: 'settings', keyColumn: 'key', key, expected: { updated_at: 6 } });
  journal.acknowledge({ table: 'settings', keyColumn: 'key', key, expected: { updated_at: 7 } });
  journal.forget([{ table: 'accounts', keyColumn: 'id', key: 3 }]);

  t.deepEqual(await checkJournal(journal, { sqlite, postgres }), [
    { store: 'sqlite', table: 'accounts', key: 1, found: 'not deleted' },
    { store: 'sqlite', table: 'accounts', key: 2, found: 'other values' },
    { store: 'postgres', table: 'accounts', key: 2, found: 'missing' },
    { store: 'postgres', table: 'settings', key, found: 'missing' },
  ]);
});

test('a demo whose result is not clean says so first', (t) => {
  const result: DemoResult = {
    isClean: false,
    stages: ['sqlite'],
    seconds: 1,
    rowsCopied: 0,
    backfillSeconds: 0,
    writes: 1,
    reads: 1,
    writesFailed: 1,
    readsFailed: 0,
    staleReads: 0,
    longestWriteMs: 1,
    longestWriteDuring: 'stage dual',
    longestReadMs: 1,
    switches: [],
    acknowledgedRows: 1,
    acknowledgedWritesLost: 0,
    divergentRows: 0,
    comparison: 'match',
    rowsCompared: 1,
    problems: ['failed 1 times: write: no'],
  };
  const text = demoText(result);
  t.regex(text, /^This did not go as it should:\n {2}✗ failed 1 times: write: no/);
  t.notRegex(text, /Nothing was lost/);
});

test('an aborted demo ends with the reason and leaves nothing', async (t) => {
  const folder = tempFolder(t);
  const postgres = await freshDatabase(t);
  const controller = new AbortController();
  const playing = runDemo({
    folder,
    postgres,
    scale: 0.01,
    stageMs: 300,
    progress: 'none',
    signal: controller.signal,
    onStage: () => controller.abort(new Error('enough')),
  });
  await t.throwsAsync(playing, { message: 'enough' });
  t.deepEqual(readdirSync(join(folder, 'demo')), []);
});

test('npm start explains itself, and refuses what it does not know with status 2', async (t) => {
  const cwd = tempFolder(t);
  const run = async (
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number; text: string }> => {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
        cwd,
        env: { ...process.env, ...env },
      });
      return { code: 0, text: stdout };
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string };
      return { code, text: stderr };
    }
  };
  const help = await run(['--help']);
  t.is(help.code, 0);
  t.regex(help.text, /--demo/);
  const wrong: readonly [readonly string[], Record<string, string>, RegExp][] = [
    [['--dmeo'], {}, /--dmeo.*\nhint: npm start -- --help/],
    [['--json'], {}, /--json goes with --demo/],
    [['extra'], {}, /extra.*\nhint/],
    [[], { PORT: 'http' }, /PORT is "http"/],
    [['--demo'], { DATABASE_URL: 'nonsense' }, /\(CONFIG_INVALID\)\nhint: .*postgresql:\/\//],
  ];
  for (const [args, env, expected] of wrong) {
    const { code, text } = await run(args, env);
    t.is(code, 2, text);
    t.regex(text, expected);
  }
  t.false(existsSync(join(cwd, '.crossfade', 'ledger.sqlite')));
});
