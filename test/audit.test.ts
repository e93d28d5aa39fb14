import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Finding } from '../migrations/schema.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { sqliteFile, tempFolder } from './helpers/sqlite.ts';

const CLI = fileURLToPath(new URL('../server/cli.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../test/examples/api-source', import.meta.url));
const SCHEMA = readFileSync(join(EXAMPLE, 'schema.sql'), 'utf8');

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run wrote with `--json`. */
interface Report {
  readonly version: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly (Finding & { readonly known?: true })[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** Runs `crossfade audit` in a folder. */
async function run(folder: string, url: string, words: readonly string[]): Promise<Run> {
  return await new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], DATABASE_URL: url };
    execFile(
      process.execPath,
      [CLI, 'audit', ...words],
      { cwd: folder, env, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

async function json(
  folder: string,
  url: string,
  words: readonly string[],
): Promise<{ status: number; report: Report }> {
  const { status, stdout, stderr } = await run(folder, url, [...words, '--json']);
  if (!/^\{.*\}\n$/.test(stdout)) throw new Error(`no JSON from audit ${words.join(' ')}: ${stderr}`);
  return { status, report: JSON.parse(stdout) as Report };
}

/** A folder with the example's source in it, and its database. */
async function project(t: ExecutionContext, sql = ''): Promise<{ folder: string; sqlite: string; url: string }> {
  const folder = tempFolder(t);
  cpSync(EXAMPLE, join(folder, 'api'), { recursive: true });
  return { folder, sqlite: sqliteFile(t, SCHEMA + sql), url: await freshDatabase(t) };
}

const ORDER = "INSERT INTO orders (customer_id, placed_at, total) VALUES (1, '2024-01-01 00:00:00', 1.5);";

test('the SQL of a whole API: what fails, what answers otherwise, and nothing of what does the same', async (t) => {
  const { folder, sqlite, url } = await project(t);
  const { status, report } = await json(folder, url, ['--sqlite', sqlite, '--src', 'api/src', '--src', 'api/lib']);
  t.is(status, 1);
  t.is(report.version, 1);
  const counted = report.findings.filter(({ severity, statement }) => severity !== 'note' && statement !== undefined);
  t.deepEqual(counted.map(({ code, place }) => `${place.file} ${code}`).toSorted(), [
    'api/lib/store.mjs clock-is-no-text',
    'api/lib/store.mjs fails-on-postgres',
    'api/lib/store.mjs fails-on-postgres',
    'api/lib/store.mjs like-backslash',
    'api/lib/store.mjs like-ignores-case',
    'api/lib/store.mjs null-for-id',
    'api/lib/store.mjs pragma',
    'api/lib/store.mjs schema-statement',
    'api/src/customers.ts fails-on-postgres',
    'api/src/customers.ts fails-on-postgres',
    'api/src/customers.ts fails-on-postgres',
    'api/src/customers.ts like-ignores-case',
    'api/src/customers.ts nocase-comparison',
    'api/src/customers.ts null-order',
    'api/src/reports.js cannot-be-translated',
    'api/src/reports.js cast-rounds',
    'api/src/reports.js column-without-name',
    'api/src/reports.js division-by-zero',
    'api/src/reports.js fails-on-postgres',
    'api/src/reports.js fails-on-postgres',
    'api/src/reports.js name-folds-case',
    'api/src/reports.js null-order',
    'api/src/reports.js round-halves',
    'api/src/reports.js substr-start',
    'api/src/reports.js text-of-number',
  ]);
  const text = await run(folder, url, ['--sqlite', sqlite, '--src', 'api']);
  t.is(text.status, 1);
  t.regex(
    text.stdout,
    /api\/src\/customers\.ts:\d+: PostgreSQL refuses it: .* \[fails-on-postgres\]\n {4}\| .*\n {4}→ in PostgreSQL's words: /,
  );
});

test('the schema and the data are looked at too: rejections and values that do not fit', async (t) => {
  const { folder, sqlite, url } = await project(
    t,
    `PRAGMA foreign_keys = OFF; ${ORDER} INSERT INTO settings VALUES ('a', 'x' || char(0));
     CREATE VIRTUAL TABLE words USING fts5 (word);`,
  );
  const { status, report } = await json(folder, url, ['--sqlite', sqlite]);
  t.is(status, 1);
  const codes = report.findings.filter(({ severity }) => severity !== 'note').map(({ code }) => code);
  t.true(codes.includes('virtual-table'), codes.join());
  t.true(codes.includes('nul-in-text'), codes.join());
  t.true(codes.includes('orphans'), codes.join());
  const withoutData = await json(folder, url, ['--sqlite', sqlite, '--no-data']);
  const others = withoutData.report.findings.map(({ code }) => code);
  t.false(others.includes('nul-in-text'));
  t.true(others.includes('virtual-table'));
});

test('nothing found is exit status 0, and neither database is changed', async (t) => {
  const { folder, sqlite, url } = await project(t);
  const before = readFileSync(sqlite);
  mkdirSync(join(folder, 'clean'));
  writeFileSync(join(folder, 'clean/a.js'), "db.prepare('SELECT id FROM orders WHERE customer_id = ?')");
  const { status, stdout } = await run(folder, url, ['--sqlite', sqlite, '--src', 'clean']);
  t.is(status, 0, stdout);
  t.regex(stdout, /nothing was found that would hurt/);
  t.deepEqual(readFileSync(sqlite), before);
  const again = await json(folder, url, ['--sqlite', sqlite, '--src', 'clean']);
  t.is(again.status, 0);
});

test('a baseline lets known findings be, however lines move; a new one, or a known one at a new place, counts', async (t) => {
  const { folder, sqlite, url } = await project(t);
  const words = ['--sqlite', sqlite, '--src', 'api', '--no-data'];
  const written = await run(folder, url, [...words, '--write-baseline', 'known.json']);
  t.is(written.status, 0);
  t.regex(written.stdout, /the baseline was written to known\.json/);
  t.is((await run(folder, url, [...words, '--baseline', 'known.json'])).status, 0);

  const file = join(folder, 'api/src/reports.js');
  writeFileSync(file, `// One line more.\n${readFileSync(file, 'utf8')}`);
  const moved = await json(folder, url, [...words, '--baseline', 'known.json']);
  t.is(moved.status, 0);
  t.true((moved.report.counts['known'] ?? 0) > 10);

  writeFileSync(join(folder, 'api/new.js'), "db.prepare('SELECT id FROM orders ORDER BY shipped_at')");
  const copied = await json(folder, url, [...words, '--baseline', 'known.json']);
  t.is(copied.status, 1);
  const fresh = copied.report.findings.filter(({ severity, known }) => severity !== 'note' && known !== true);
  t.deepEqual(
    fresh.map(({ code, places = [] }) => [code, places.length]),
    [['null-order', 1]],
  );
});

test('the statements of migrations have been applied, and are notes; those that were recorded count', async (t) => {
  const { folder, url } = await project(t);
  mkdirSync(join(folder, 'migrations'));
  writeFileSync(join(folder, 'migrations/001_all.sql'), SCHEMA);
  writeFileSync(join(folder, 'migrations/002_seed.sql'), "\nINSERT OR IGNORE INTO settings VALUES ('a', '1');");
  const words = ['--migrations', 'migrations'];
  const { status, report } = await json(folder, url, words);
  t.is(status, 0, JSON.stringify(report.findings));
  const seeds = report.findings.filter(({ code }) => code === 'fails-on-postgres');
  t.deepEqual(
    seeds.map(({ severity, place }) => [severity, place.file, place.line]),
    [['note', 'migrations/002_seed.sql', 2]],
  );
  writeFileSync(join(folder, 'recorded.jsonl'), '{"sql": "select * from `orders` where `id` = ?", "count": 12}\n');
  t.is((await json(folder, url, [...words, '--statements', 'recorded.jsonl'])).status, 1);
});

test('what cannot be looked at is exit status 2, and named', async (t) => {
  const { folder, sqlite, url } = await project(t);
  writeFileSync(join(folder, 'bad.json'), '{"version": 2}');
  for (const [words, code, says] of [
    [['--sqlite', sqlite, '--src', 'nowhere'], 'CONFIG_INVALID', /"nowhere"/],
    [['--sqlite', sqlite, '--statements', 'nowhere'], 'CONFIG_INVALID', /"nowhere"/],
    [['--sqlite', sqlite, '--baseline', 'bad.json'], 'CONFIG_INVALID', /no baseline of version 1/],
    [['--sqlite', sqlite, '--write-baseline', 'no/such/folder.json'], 'CONFIG_INVALID', /could not write/],
    [['--sqlite', 'nowhere.sqlite'], 'SQLITE_UNREADABLE', /nowhere/],
    [['--migrations', 'nowhere'], 'CONFIG_INVALID', /nowhere/],
    [['--sqlite', sqlite, '--migrations', 'x'], 'USAGE', /exclude each other/],
    [[], 'USAGE', /no schema was named/],
    [['--sqlite', sqlite, '--profile', 'best'], 'USAGE', /best/],
  ] as const) {
    const { status, report } = await json(folder, url, words);
    t.is(status, 2, words.join(' '));
    t.is(report.error?.code, code, words.join(' '));
    t.regex(report.error?.message ?? '', says);
  }
});

test('a file that may not be read is named, and the rest goes on', async (t) => {
  const { folder, sqlite, url } = await project(t);
  if (process.getuid?.() === 0) {
    t.pass('root may read everything');
    return;
  }
  chmodSync(join(folder, 'api/src/reports.js'), 0o000);
  const { status, report } = await json(folder, url, ['--sqlite', sqlite, '--src', 'api/src']);
  t.is(status, 1);
  t.deepEqual(
    report.findings.filter(({ code }) => code === 'source-unreadable').map(({ place }) => place.file),
    ['api/src/reports.js'],
  );
});
