import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { applyMigrations } from '../migrations/sqlite/apply-migrations.ts';
import type { AppliedMigrations, MigrationOptions } from '../migrations/sqlite/apply-migrations.ts';
import { HistoryLint } from '../migrations/sqlite/history-lint.ts';
import { upPart } from '../migrations/sqlite/up-part.ts';
import { tempFolder } from './helpers/sqlite.ts';

type Files = Readonly<Record<string, string>>;

function folderOf(t: ExecutionContext, files: Files): string {
  const folder = tempFolder(t);
  for (const [name, sql] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), sql);
  }
  return folder;
}

function applied(t: ExecutionContext, files: Files, options: Partial<MigrationOptions> = {}): AppliedMigrations {
  const migrations = applyMigrations({ folder: folderOf(t, files), ...options });
  t.teardown(() => migrations.db.close());
  return migrations;
}

function lint(t: ExecutionContext, ...files: readonly string[]): readonly string[] {
  const history = new HistoryLint();
  applied(t, Object.fromEntries(files.map((sql, i) => [`${i + 1}.sql`, sql])), { onFile: history.afterFile });
  return history.findings().map(({ code, place }) => {
    const { file, index, trigger, constraint, column } = place;
    return [code, index ?? trigger ?? constraint ?? column ?? '', file ?? ''].filter(Boolean).join(' ');
  });
}

test('files are applied by their number, whatever tool named them', (t) => {
  const one = 'CREATE TABLE IF NOT EXISTS t (x); SELECT 1';
  const order = (...names: readonly string[]): readonly string[] =>
    applied(t, Object.fromEntries([...names].reverse().map((name) => [name, one]))).files;
  const cases = [
    ['1.sql', '2.sql', '10.sql', '10_b.sql'],
    ['0001_init.sql', '0002_more.sql', '0010_most.sql'],
    ['V1__a.sql', 'V1.2__b.sql', 'V1_10__c.sql', 'V2__d.sql', 'R__views.sql'],
    ['20200101120000_a.up.sql', '20200101120001_b.up.sql'],
    ['20230101_a/migration.sql', '20230102_b/migration.sql'],
    ['2023-01-01-000000_a/up.sql', '2023-01-02-000000_b/up.sql'],
    ['1_a.sql', 'a.sql', 'b.sql'],
    ['99999999999999999998_a.sql', '99999999999999999999_b.sql'],
  ];
  for (const names of cases) t.deepEqual(order(...names), names);
});

test('what undoes a migration is passed over and told, as is what is no SQL', (t) => {
  const { files, findings } = applied(t, {
    '1_a.up.sql': 'CREATE TABLE a (x)',
    '1_a.down.sql': 'DROP TABLE a',
    'U2__b.sql': 'DROP TABLE b',
    'b/up.sql': 'CREATE TABLE b (x)',
    'b/down.sql': 'DROP TABLE b',
    '3_c.ts': 'export function up() {}',
    'readme.md': '# Migrations',
    'meta/_journal.json': '{}',
  });
  t.deepEqual(files, ['1_a.up.sql', 'b/up.sql']);
  t.deepEqual(findings.map(({ code, place }) => `${code} ${place.file}`).sort(), [
    'migration-not-sql 3_c.ts',
    'migration-undoes 1_a.down.sql',
    'migration-undoes U2__b.sql',
    'migration-without-number b/up.sql',
  ]);
});

test('of a file for both ways only the way up is applied, with its lines as they were', (t) => {
  const both = (up: string, down: string): string =>
    `${up}\nCREATE TABLE kept (a); -- Down the road\n${down}\nDROP TABLE kept;\n`;
  const marks = [
    ['-- +goose Up\n-- +goose StatementBegin', '-- +goose StatementEnd\n-- +goose Down'],
    ['-- migrate:up', '-- migrate:down'],
    ['-- +migrate Up', '-- +migrate Down notransaction'],
    ['-- Up', '-- Down'],
    ['--------- Up ---------', '--------- Down ---------\r'],
    ['-- rambler up', '-- rambler down'],
  ] as const;
  for (const [up, down] of marks) {
    const { db } = applied(t, { '1.sql': both(up, down) });
    t.is(db.prepare('SELECT count(*) FROM kept').pluck().get(), 0, up);
  }
  const script = both('-- Up', '-- Down');
  t.is(upPart(script).length, script.length);
  t.is(upPart(script).split('\n').length, script.split('\n').length);
  const text = "INSERT INTO t VALUES ('\n-- Down\n');";
  t.is(upPart(text), text);
  const twice = upPart('-- Up\na;\n-- Down\nb;\n-- Up\nc;');
  t.regex(twice, /a;\s+-- Up\nc;$/);
});

test('Drizzle’s breakpoints end statements', (t) => {
  const { db } = applied(t, {
    '0000_x.sql':
      'CREATE TABLE `a` (`id` integer)\n--> statement-breakpoint\nCREATE TABLE `b` (`id` integer);--> statement-breakpoint\nCREATE INDEX `i` ON `b` (`id`);',
  });
  t.is(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get(), 3);
});

test('rows that migrations insert are there, and those of rebuilt tables’ children stay', (t) => {
  const { db } = applied(t, {
    '1.sql': `CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);`,
    '2.sql': `CREATE TABLE p2 (id INTEGER PRIMARY KEY, more); INSERT INTO p2 (id) SELECT id FROM p; DROP TABLE p; ALTER TABLE p2 RENAME TO p;`,
  });
  t.is(db.prepare('SELECT count(*) FROM c').pluck().get(), 1);
});

test('settings of one file do not reach the next', (t) => {
  const { db } = applied(
    t,
    {
      '1.sql': 'PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; CREATE TABLE t (x)',
      '2.sql': 'CREATE TABLE seen AS SELECT * FROM pragma_foreign_keys, pragma_legacy_alter_table',
    },
    { foreignKeys: true },
  );
  t.deepEqual(db.prepare('SELECT * FROM seen').raw().get(), [1, 0]);
});

test('functions of the application’s can be given', (t) => {
  const { db } = applied(
    t,
    {
      '1.sql': `CREATE TABLE t (a, b AS (slug(a)) STORED, CHECK (slug(a) <> '')); CREATE INDEX i ON t (slug(a)); INSERT INTO t (a) VALUES ('A B');`,
    },
    { functions: { slug: (text) => String(text).toLowerCase().replaceAll(' ', '-') } },
  );
  t.is(db.prepare('SELECT b FROM t').pluck().get(), 'a-b');
  t.throws(() => applied(t, { '1.sql': 'CREATE TABLE t (a); INSERT INTO t SELECT slug(1)' }), {
    code: 'MIGRATION_FAILED',
    message: /no such function: slug/,
  });
});

test('a migration that fails is named with its line and statement, and without its rows', (t) => {
  const fails = (files: Files, message: RegExp): void => {
    t.throws(() => applied(t, files), { code: 'MIGRATION_FAILED', message });
  };
  const good = 'CREATE TABLE t (a UNIQUE);\n\n';
  fails(
    { '1.sql': good, '2_bad.sql': '-- hm\n\nCREATE TABEL x (a);' },
    /"2_bad\.sql", line 3: near "TABEL": syntax error, in "CREATE TABEL x \(a\)"$/,
  );
  fails(
    { '1.sql': `${good}INSERT INTO t VALUES ('secret'), ('secret');` },
    /"1\.sql", line 3: UNIQUE constraint failed: t\.a, in "INSERT INTO t VALUES …"$/,
  );
  fails(
    { '1.sql': `-- Up\nSELECT 1;\n-- Down\nDROP TABLE t;\n-- Up\nSELECT * FROM none` },
    /line 6: no such table: none/,
  );
  fails({ '1.sql': `${good}.read other.sql\nSELECT 1;` }, /line 3: "\.read other\.sql" is a command of SQLite's shell/);
  fails({ '1.sql': `ATTACH 'x.db' AS x` }, /ATTACH reaches another file/);
  fails({ '1.sql': `${good}VACUUM INTO 'x.db'` }, /VACUUM INTO reaches another file/);
  fails({ '1.sql': `BEGIN;\nCREATE TABLE t (a);` }, /line 2: it ends in the midst of a transaction/);
  t.throws(() => applied(t, {}), { code: 'CONFIG_INVALID' });
  t.throws(() => applyMigrations({ folder: join(tempFolder(t), 'none') }), { code: 'CONFIG_INVALID' });
});

test('string literals in double quotes are applied as SQLite’s shell would, and told', (t) => {
  const { db, findings } = applied(t, {
    '1.sql': `CREATE TABLE t (a TEXT DEFAULT "x" CHECK ("a" IN ("x", "it's")), b);
CREATE INDEX i ON t ("b") WHERE a <> "it's";
ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'y' CHECK (c <> "no");
CREATE TRIGGER tr AFTER INSERT ON t
WHEN NEW.a = "x" BEGIN UPDATE t SET b = "set" WHERE "a" = NEW.a; END;
INSERT INTO t (a) VALUES ("x");
UPDATE t SET c = "upd" WHERE "b" = "set";`,
  });
  t.deepEqual(db.prepare('SELECT * FROM t').raw().get(), ['x', 'set', 'upd']);
  t.deepEqual(
    findings.map(({ code, place, count }) => [code, place.line, count]),
    [
      ['string-in-double-quotes', 1, 3],
      ['string-in-double-quotes', 2, 1],
      ['string-in-double-quotes', 5, 2],
      ['string-in-double-quotes', 6, 1],
      ['string-in-double-quotes', 7, 2],
    ],
  );
});

const T = `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'x' CHECK (a <> ''), b INT UNIQUE REFERENCES p, c TEXT COLLATE NOCASE);
CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE INDEX i ON t (c) WHERE a > 'a'; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;`;

function rebuild(columns: string, after = ''): string {
  return `CREATE TABLE new_t (${columns}); INSERT INTO new_t (id) SELECT id FROM t; DROP TABLE t; ALTER TABLE new_t RENAME TO t; ${after}`;
}

test('a rebuild that forgets things is told by each of them', (t) => {
  t.deepEqual(
    lint(t, T, rebuild('id INTEGER PRIMARY KEY, a TEXT, b INT, c TEXT, d')),
    [
      'lost-index i 2.sql',
      'lost-trigger tr 2.sql',
      'lost-check 2.sql',
      'lost-unique 2.sql',
      'lost-foreign-key 2.sql',
      'lost-not-null a 2.sql',
      'lost-default a 2.sql',
      'lost-collation c 2.sql',
    ].sort((x, y) => LOSSES.indexOf(x.split(' ')[0] ?? '') - LOSSES.indexOf(y.split(' ')[0] ?? '')),
  );
});

const LOSSES = [
  'lost-index',
  'lost-check',
  'lost-unique',
  'lost-foreign-key',
  'lost-not-null',
  'lost-default',
  'lost-collation',
  'lost-trigger',
];
const SAME = `id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'x' CHECK (a <> ''), b INT UNIQUE REFERENCES p, c TEXT COLLATE NOCASE`;
const AGAIN = `CREATE INDEX i ON t (c) WHERE a > 'a'; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;`;

test('a rebuild that makes everything again is silent, under other names and in other words too', (t) => {
  t.deepEqual(lint(t, T, rebuild(`${SAME}, d`, AGAIN)), []);
  t.deepEqual(
    lint(
      t,
      T,
      rebuild(
        `id INTEGER PRIMARY KEY, "A" TEXT NOT NULL DEFAULT ('x') CONSTRAINT filled CHECK ("A" <> ''), b INT REFERENCES "P", c TEXT COLLATE nocase, d, UNIQUE (b)`,
        `CREATE INDEX other ON t (C) WHERE "a" > 'a'; CREATE TRIGGER other AFTER INSERT ON t FOR EACH ROW BEGIN SELECT 1; END;`,
      ),
    ),
    [],
  );
});

test('the old table may be renamed away first', (t) => {
  t.deepEqual(lint(t, T, `ALTER TABLE t RENAME TO old_t; CREATE TABLE t (${SAME}, d); DROP TABLE old_t;`), [
    'lost-index i 2.sql',
    'lost-trigger tr 2.sql',
  ]);
});

test('what a rebuild is for is not lost', (t) => {
  // The only thing that changes.
  t.deepEqual(lint(t, T, rebuild(SAME.replace(' NOT NULL', ''), AGAIN)), []);
  t.deepEqual(lint(t, T, rebuild(SAME.replace(` CHECK (a <> '')`, ''), AGAIN)), []);
  // Changed, not lost.
  t.deepEqual(
    lint(
      t,
      T,
      rebuild(
        `${SAME.replace(`a <> ''`, 'length(a) > 1').replace(`DEFAULT 'x'`, `DEFAULT 'y'`).replace('REFERENCES p', 'REFERENCES p ON DELETE CASCADE')}, d`,
        AGAIN,
      ),
    ),
    [],
  );
  // Its column is gone.
  t.deepEqual(
    lint(
      t,
      T,
      rebuild(
        'id INTEGER PRIMARY KEY, b INT UNIQUE REFERENCES p, d',
        'CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;',
      ),
    ),
    [],
  );
});

test('what is dropped by name, or with its table, or is there again later, is not lost', (t) => {
  t.deepEqual(lint(t, T, 'DROP INDEX i; DROP TRIGGER tr;', rebuild(`${SAME}, d`)), []);
  t.deepEqual(lint(t, T, `DROP INDEX i; DROP TRIGGER tr; ${rebuild(`${SAME}, d`)}`), []);
  t.deepEqual(lint(t, T, rebuild(`${SAME}, d`), 'DROP INDEX IF EXISTS i; DROP TRIGGER IF EXISTS tr;'), []);
  t.deepEqual(lint(t, T, rebuild(`${SAME}, d`), AGAIN), []);
  t.deepEqual(lint(t, T, 'DROP TABLE t'), []);
  t.deepEqual(lint(t, T, rebuild(`${SAME}, d`), 'DROP TABLE t'), []);
  t.deepEqual(lint(t, T, 'ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME COLUMN a TO z;'), []);
});

test('a thing is lost once, in the file that lost it', (t) => {
  t.deepEqual(lint(t, T, rebuild(`${SAME}, d`), rebuild(`${SAME}, d, e`), 'CREATE TABLE q (a)'), [
    'lost-index i 2.sql',
    'lost-trigger tr 2.sql',
  ]);
});

test('triggers of a view that is made anew are lost', (t) => {
  const view = 'CREATE VIEW v AS SELECT a FROM t;';
  const trigger = 'CREATE TRIGGER vt INSTEAD OF INSERT ON v BEGIN SELECT 1; END;';
  t.deepEqual(lint(t, `${T} ${view} ${trigger}`, `DROP VIEW v; ${view}`), ['lost-trigger vt 2.sql']);
  t.deepEqual(lint(t, `${T} ${view} ${trigger}`, `DROP VIEW v; ${view} ${trigger}`), []);
  t.deepEqual(lint(t, `${T} ${view} ${trigger}`, 'DROP VIEW v'), []);
});

test('the ledger’s history lost what its authors forgot', (t) => {
  const history = new HistoryLint();
  const { db, files } = applyMigrations({
    folder: fileURLToPath(new URL('../../test/examples/ledger-migrations', import.meta.url)),
    onFile: history.afterFile,
  });
  db.close();
  t.is(files.length, 64);
  t.deepEqual(
    history.findings().map(({ code, place }) => [code, place.file, place.table]),
    [
      ['lost-index', '033_email_queue_rebuild.sql', 'email_queue'],
      ['lost-check', '033_email_queue_rebuild.sql', 'email_queue'],
      ['lost-trigger', '049_contracts_v2.sql', 'contracts'],
      ['lost-check', '058_accounts_rebuild.sql', 'accounts'],
      ['lost-trigger', '058_accounts_rebuild.sql', 'accounts'],
    ],
  );
  t.regex(
    history.findings()[0]?.message ?? '',
    /"email_queue_retry" of "email_queue", of 032_email_queue_kinds\.sql, vanished/,
  );
});
