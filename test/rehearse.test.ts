import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import pg from 'pg';
import { applyMigrations } from '../migrations/sqlite/apply-migrations.ts';
import type { Rehearsal } from '../server/rehearsal/rehearsal.ts';
import { createLedgerFile } from '../server/ledger-file.ts';
import { rehearsalText } from '../server/rehearsal/rehearsal-text.ts';
import { rehearse } from '../server/rehearsal/rehearse.ts';
import { runCommand, startCommand } from './helpers/command.ts';
import { makePair, until } from './helpers/pair.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { sqliteFile, tempFolder } from './helpers/sqlite.ts';

const LEDGER = fileURLToPath(new URL('../../test/examples/ledger-migrations', import.meta.url));

/** The example's ledger as a file, as its migrations make and fill it. */
function ledgerFile(t: ExecutionContext): string {
  const path = join(tempFolder(t), 'ledger.sqlite');
  const { db } = applyMigrations({ folder: LEDGER });
  try {
    db.prepare('VACUUM INTO ?').run(path);
  } finally {
    db.close();
  }
  return path;
}

/** Everything that could tell that a file was touched: its bytes, and what lies beside it. */
function traces(path: string): readonly string[] {
  return readdirSync(dirname(path))
    .toSorted()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(dirname(path), name)))
          .digest('hex')}`,
    );
}

async function databases(url: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT datname AS name FROM pg_database WHERE datname LIKE 'crossfade\\_rehearsal%'`,
    );
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

test('a sound file is rehearsed on an embedded PostgreSQL, and nothing stays of it', async (t) => {
  const path = join(tempFolder(t), 'ledger.sqlite');
  const rows = await createLedgerFile(path, { scale: 0.002 });
  const workFolder = tempFolder(t);
  const before = traces(path);
  const run = await runCommand(t, ['rehearse', '--sqlite', path, '--work-folder', workFolder, '--json']);
  const rehearsal = JSON.parse(run.stdout) as Rehearsal;
  t.is(run.status, 0, run.stdout);
  t.like(rehearsal, { version: 1, outcome: 'clean', postgres: { kind: 'embedded' }, comparison: { outcome: 'match' } });
  t.like(rehearsal.backfill, { rows, quarantined: [], brokenForeignKeys: [] });
  t.is(rehearsal.comparison?.totals.rowsCompared, rows);
  t.deepEqual(Object.keys(rehearsal.seconds).toSorted(), ['audit', 'backfill', 'comparison', 'schema', 'snapshot']);
  t.true((rehearsal.expected?.seconds ?? 0) > 0 && (rehearsal.expected?.assumptions.length ?? 0) > 1);
  t.regex(rehearsalText(rehearsal), /^the rehearsal went through[^]*backfill .* rows\/s[^]*the real run: about/);
  t.deepEqual(traces(path), before);
  t.deepEqual(readdirSync(workFolder), []);
});

test('what of a schema is rejected ends a rehearsal with 1, and nothing is copied', async (t) => {
  const run = await runCommand(t, ['rehearse', '--sqlite', ledgerFile(t), '--postgres', await freshDatabase(t)]);
  t.is(run.status, 1, run.stderr);
  t.regex(run.stdout, /table "offerings_fts": is a virtual table of the module fts5/);
  t.regex(run.stdout, /nothing was copied: the schema must be accepted first/);
});

test('the example ledger, mended as the report says, is copied whole but for what cannot be mirrored', async (t) => {
  const path = ledgerFile(t);
  const db = new Database(path);
  db.exec(
    `UPDATE payment_webhooks SET signature = CAST(signature AS BLOB); UPDATE feature_flags SET config = CAST(config AS TEXT)`,
  );
  db.close();
  const omit = ['table:offerings_fts', 'table:site_locations'];
  for (const event of ['insert', 'delete', 'update']) omit.push(`trigger:offerings_fts_${event}`);
  for (const table of ['email_suppressions', 'usage_daily']) omit.push(`conflict-clause:${table}`);
  const rehearsal = await rehearse({
    sqlite: path,
    postgres: await freshDatabase(t),
    workFolder: tempFolder(t),
    schema: { columns: { 'notifications.created_at': { type: 'timestamptz', form: 'epoch-ms mixed' } }, omit },
  });
  t.like(rehearsal, { outcome: 'findings', comparison: { outcome: 'match' } });
  t.deepEqual(rehearsal.backfill?.quarantined, []);
  t.false(rehearsal.backfill?.tables.some(({ table }) => table === 'login_attempts'));
  t.like(rehearsal.backfill?.brokenForeignKeys[0], { table: 'coupon_redemptions', parent: 'coupons' });
  const text = rehearsalText(rehearsal);
  t.regex(
    text,
    /mend before the move:[^]*table "login_attempts": the table has no primary key[^]*foreign key coupon_redemptions_coupon_code_fkey: \d+ rows have no row in "coupons"/,
  );
});

test.serial(
  'what PostgreSQL refuses is counted with its reason and without values; the database it was found in is dropped',
  async (t) => {
    const path = sqliteFile(
      t,
      `CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
     CREATE INDEX parents_name ON parents (name);
     CREATE TABLE children (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parents (id), note TEXT);
     PRAGMA foreign_keys = OFF;
     INSERT INTO parents VALUES (1, 'one'), (2, 'two'), (3, 'secret' || hex(randomblob(8000))), (4, hex(randomblob(9000)));
     INSERT INTO children VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 77, 'orphan'), (4, 3, NULL);`,
    );
    const url = await freshDatabase(t);
    const rehearsal = await rehearse({ sqlite: path, postgres: url, workFolder: tempFolder(t) });
    t.is(rehearsal.outcome, 'findings');
    t.is(rehearsal.postgres.kind, 'database');
    t.deepEqual(
      rehearsal.backfill?.quarantined.map(({ table, rows }) => [table, rows]),
      [['parents', 2]],
    );
    t.like(rehearsal.backfill?.brokenForeignKeys[0], { table: 'children', parent: 'parents', orphans: 2 });
    t.is(rehearsal.comparison?.outcome, 'mismatch');
    t.notRegex(JSON.stringify(rehearsal), /secret|orphan"/);
    t.deepEqual(await databases(url), []);
  },
);

test('a file that Crossfade is at work on is rehearsed as it was before, and goes on being mirrored', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  pair.sqlite.exec(
    `INSERT INTO accounts (email) VALUES ('a'), ('b'); INSERT INTO payments (account_id, cents) VALUES (1, 5)`,
  );
  await crossfade.backfill();
  await crossfade.cutover.step('dual');
  const writing = setInterval(() => pair.sqlite.exec(`UPDATE accounts SET balance = balance + 1`), 2);
  t.teardown(() => clearInterval(writing));
  const triggers = (): unknown[] => pair.sqlite.prepare('SELECT sql FROM sqlite_schema ORDER BY name').all();
  const before = triggers();
  const rehearsal = await rehearse({ sqlite: pair.path, postgres: pair.url, workFolder: tempFolder(t) });
  t.is(rehearsal.outcome, 'clean', JSON.stringify(rehearsal.findings));
  t.deepEqual(
    rehearsal.backfill?.tables.filter(({ rows }) => rows > 0).map(({ table, rows }) => [table, rows]),
    [
      ['accounts', 2],
      ['payments', 1],
    ],
  );
  clearInterval(writing);
  t.deepEqual(triggers(), before);
  t.is((await crossfade.stores.sqlite.state())?.stage, 'dual');
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
});

test('writers of a file without WAL go on while it is copied, and it stays without WAL', async (t) => {
  const path = sqliteFile(t, `CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)`);
  const db = new Database(path, { timeout: 0 });
  t.teardown(() => db.close());
  db.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO words SELECT i, hex(randomblob(40)) FROM n`,
  );
  let writes = 0;
  const writing = setInterval(() => {
    try {
      db.exec(`UPDATE words SET word = 'changed' WHERE id = ${(writes % 1000) + 1}`);
      writes += 1;
    } catch {
      // It may be locked for the moment in which some pages are read.
    }
  }, 1);
  t.teardown(() => clearInterval(writing));
  const rehearsal = await rehearse({ sqlite: path, postgres: await freshDatabase(t), workFolder: tempFolder(t) });
  t.is(rehearsal.outcome, 'clean');
  t.is(rehearsal.backfill?.rows, 50_000);
  t.true(writes > 0);
  t.is(db.pragma('journal_mode', { simple: true }), 'delete');
});

test.serial('Ctrl-C takes everything away again', async (t) => {
  const path = ledgerFile(t);
  const url = await freshDatabase(t);
  const workFolder = tempFolder(t);
  const command = startCommand(t, ['rehearse', '--sqlite', path, '--postgres', url, '--work-folder', workFolder]);
  await until('it is at work', () => command.stderr().includes('snapshot'));
  t.is((await databases(url)).length, 1);
  command.kill('SIGINT');
  t.is((await command.ended).status, 130);
  t.deepEqual(await databases(url), []);
  t.deepEqual(readdirSync(workFolder), []);
});

test('a rehearsal is refused before it begins where the disk is too small, or the role may not create a database', async (t) => {
  const path = ledgerFile(t);
  const workFolder = join(tempFolder(t), 'work');
  mkdirSync(workFolder);
  const url = await freshDatabase(t);
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const role = `clerk_${createHash('sha256').update(url).digest('hex').slice(0, 8)}`;
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  t.teardown(async () => {
    await admin.query(`DROP ROLE ${role}`);
    await admin.end();
  });
  const clerk = new URL(url);
  clerk.username = role;
  clerk.password = 'secret';
  const error = await t.throwsAsync<Error & { hint: string }>(
    rehearse({ sqlite: path, postgres: clerk.href, workFolder }),
    {
      code: 'POSTGRES_RIGHTS',
    },
  );
  t.regex(error?.hint ?? '', /CREATEDB/);
  t.deepEqual(readdirSync(workFolder), []);

  // Of nothing but holes, and so no more than a name for its size.
  truncateSync(path, 2 ** 43);
  await t.throwsAsync(rehearse({ sqlite: path, postgres: url, workFolder }), {
    code: 'DISK_TOO_SMALL',
    message: /needs about .* GB; there are .* GB in /,
  });
  t.deepEqual(readdirSync(workFolder), []);
});
