import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { placeText } from '../migrations/finding.ts';
import type { Finding } from '../migrations/finding.ts';
import { auditData } from '../migrations/audit/data.ts';
import type { DataAuditOptions } from '../migrations/audit/data.ts';
import { readSchema } from '../migrations/sqlite/read-schema.ts';
import { takeCensuses } from '../migrations/types/census.ts';
import { chooseTypes } from '../migrations/types/choose-types.ts';
import type { TypesOptions } from '../migrations/types/choose-types.ts';
import { sqliteFile } from './helpers/sqlite.ts';

async function audit(
  t: ExecutionContext,
  sql: string,
  options: TypesOptions & DataAuditOptions = {},
): Promise<readonly Finding[]> {
  const path = sqliteFile(t);
  const writer = new Database(path);
  // Without it nobody may write to the schema itself.
  writer.unsafeMode();
  writer.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
  writer.close();
  const db = new Database(path, { readonly: true });
  t.teardown(() => db.close());
  const schema = readSchema(db);
  const types = chooseTypes(schema, { censuses: await takeCensuses(db, schema), ...options });
  const findings: Finding[] = [];
  for await (const finding of auditData(db, schema, types, options)) findings.push(finding);
  return findings.filter(({ code }) => code !== 'table-size');
}

/** `severity code place ×count keys`. */
function lines(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, code, place, count, keys = [] }) =>
    [severity, code, placeText(place), ...(count === undefined ? [] : [`×${count}`]), ...keys].join(' '),
  );
}

test('values that the chosen type cannot hold are counted exactly, with their rows', async (t) => {
  const findings = await audit(
    t,
    String.raw`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT, b BOOLEAN, d DECIMAL(5,2), j TEXT, m TEXT, day TEXT, small INTEGER, v TEXT);
     INSERT INTO t VALUES
       (1, 'abc', 'a' || char(0), 2, 99999, '{', '2024-01-02 03:04:05', '2024-01-02', 32768, 'long'),
       (2, 1.5, CAST(x'ff' AS TEXT), 'yes', 0.125, '{"a":1}', '2024-02-30 00:00:00', '0000-00-00', -32768, '😀😀😀'),
       (3, x'00', 'fine', 1, 9e999, '', '2024-01-02T03:04:05Z', '2024-01-02', 1, NULL),
       (4, 7, x'01', 0, 12.5, '"\u0000"', '', '2024-01-02 00:00:00', NULL, 'ab');`,
    {
      columns: {
        't.n': 'bigint',
        't.s': 'text',
        't.b': 'boolean',
        't.d': 'numeric(5,2)',
        't.j': 'jsonb',
        't.m': { type: 'timestamptz', form: 'datetime' },
        't.day': { type: 'date', form: 'date' },
        't.small': 'smallint',
        't.v': 'varchar(3)',
      },
    },
  );
  t.deepEqual(lines(findings).toSorted(), [
    'rejection beyond-decimal table "t", column "d" ×1 [2]',
    'rejection beyond-decimal table "t", column "d" ×2 [1] [3]',
    'rejection impossible-date table "t", column "day" ×1 [2]',
    'rejection impossible-date table "t", column "m" ×1 [2]',
    'rejection integer-out-of-range table "t", column "small" ×1 [1]',
    'rejection invalid-json table "t", column "j" ×2 [1] [3]',
    'rejection invalid-utf8 table "t", column "s" ×1 [2]',
    'rejection json-beyond-jsonb table "t", column "j" ×1 [4]',
    'rejection mixed-forms table "t", column "day" ×1 [4]',
    'rejection mixed-forms table "t", column "m" ×1 [3]',
    'rejection mixed-forms table "t", column "m" ×1 [4]',
    'rejection not-zero-or-one table "t", column "b" ×1 [1]',
    'rejection nul-in-text table "t", column "s" ×1 [1]',
    'rejection real-in-integer table "t", column "n" ×1 [2]',
    'rejection text-in-number table "t", column "b" ×1 [2]',
    'rejection text-in-number table "t", column "n" ×1 [1]',
    'rejection text-too-long table "t", column "v" ×1 [1]',
    'rejection unexpected-blob table "t", column "n" ×1 [3]',
    'rejection unexpected-blob table "t", column "s" ×1 [4]',
  ]);
  t.false(JSON.stringify(findings).includes('abc'), 'no value of a row is told');
});

test('a database in order has no findings', async (t) => {
  const findings = await audit(
    t,
    `CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) > 0), b BLOB, r REAL, at DATETIME);
     CREATE TABLE c (p_id INTEGER REFERENCES p (id), k TEXT, PRIMARY KEY (p_id, k)) WITHOUT ROWID;
     INSERT INTO p VALUES (1, 'Ä', x'00', 1.0, '2024-01-01 00:00:00'), (2, 'ä', NULL, 9e999, NULL);
     INSERT INTO c VALUES (1, 'x'), (2, '');`,
  );
  t.deepEqual(lines(findings), []);
});

test('NULL where none may be: in primary keys, and in NOT NULL columns that got in before', async (t) => {
  const findings = await audit(
    t,
    `CREATE TABLE t (a TEXT, b TEXT, c TEXT, PRIMARY KEY (a, b));
     INSERT INTO t VALUES ('x', NULL, 1), (NULL, NULL, NULL), ('x', 'y', 'z');
     PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'c TEXT', 'c TEXT NOT NULL');`,
  );
  t.deepEqual(lines(findings), [
    'rejection null-in-key table "t", column "b" ×2 ["x", null] [null, null]',
    'rejection null-in-key table "t", column "a" ×1 [null, null]',
    'rejection null-in-not-null table "t", column "c" ×1 [null, null]',
  ]);
});

test('CHECKs that rows break are found, text in double quotes and all; one that cannot be evaluated is named', async (t) => {
  const findings = await audit(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, c INTEGER CONSTRAINT positive CHECK (c > 0), j TEXT);
     PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (1, 0, 'x'), (2, NULL, 'x'), (3, 3, 'x'), (4, -1, 'y');
     CREATE TABLE u (j TEXT CHECK (json_extract(j, '$.a') = 1)); INSERT INTO u VALUES ('{"a":2}'), ('{"a":1}');
     CREATE TABLE bad (id INTEGER PRIMARY KEY, j TEXT CHECK (json_extract(j, '$.a') = 1)); INSERT INTO bad VALUES (1, '{');
     CREATE TABLE text (v TEXT CHECK (v)); INSERT INTO text VALUES ('a'), ('1');`,
  );
  t.deepEqual(lines(findings), [
    'rejection check-violated table "t", column "c", constraint "positive" ×2 [1] [4]',
    'rejection check-violated table "u", column "j" ×1 [1]',
    'warning check-not-evaluated table "bad", column "j"',
    'rejection check-violated table "text", column "v" ×1 [1]',
  ]);
});

test('orphans are found as SQLite would find them, with the affinity and collation of the parent', async (t) => {
  const findings = await audit(
    t,
    `CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, a INT, b INT, UNIQUE (a, b));
     CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p, code TEXT REFERENCES p (code), a INT, b INT,
       CONSTRAINT pair FOREIGN KEY (a, b) REFERENCES p (b, a));
     INSERT INTO p VALUES (1, 'abc', 1, 2), (2, 'É', 3, 4);
     INSERT INTO c VALUES (1, 1, 'ABC', 2, 1), (2, 9, 'abc', 1, 2), (3, NULL, 'é', NULL, 9), (4, 2, 'É', 4, 3);`,
  );
  t.deepEqual(lines(findings), [
    'warning orphans table "c", column "p_id" ×1 [2]',
    'warning orphans table "c", column "code" ×1 [3]',
    'warning foreign-key-differs-in-case table "c", column "code" ×1 [1]',
    'warning orphans table "c", constraint "pair" ×1 [2]',
  ]);
});

test('a foreign key to a table that is not there, or to columns that are no key, is rejected', async (t) => {
  const findings = await audit(
    t,
    `CREATE TABLE p (id INTEGER PRIMARY KEY, a INT);
     CREATE TABLE c (id INTEGER PRIMARY KEY, x INT REFERENCES gone (id), y INT REFERENCES p (a)); INSERT INTO c VALUES (1, 1, 1);`,
  );
  t.deepEqual(lines(findings), [
    'rejection foreign-key-without-parent table "c", column "x"',
    'rejection foreign-key-without-unique table "c", column "y"',
  ]);
});

test('duplicates that a type brings about are found, and those that stay apart are left alone', async (t) => {
  const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
  const findings = await audit(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, at TEXT, tenant INT, j TEXT UNIQUE, s TEXT UNIQUE);
     CREATE UNIQUE INDEX by_time ON t (tenant, at) WHERE tenant > 0;
     INSERT INTO t VALUES (1, '${uuid}', '2024-01-02 03:04:05', 1, '[1]', '${uuid}'), (2, '${uuid.toUpperCase()}', '2024-01-02T03:04:05Z', 1, '[ 1 ]', '${uuid.toUpperCase()}'),
       (3, NULL, '2024-01-02T03:04:05Z', 0, '[2]', NULL), (4, NULL, '2024-01-02 03:04:05', 0, NULL, NULL);`,
    {
      columns: {
        't.u': { type: 'uuid', form: 'uuid mixed' },
        't.at': { type: 'timestamptz', form: 'iso mixed' },
        't.j': 'jsonb',
      },
    },
  );
  t.deepEqual(lines(findings), [
    'rejection duplicates-by-type table "t" ×2 [1]',
    'rejection duplicates-by-type table "t" ×2 [1]',
    'rejection duplicates-by-type table "t", index "by_time" ×2 [1]',
  ]);
});

test('entries too long for an index, and integers that JavaScript rounds, are warned of', async (t) => {
  const findings = await audit(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT, n INTEGER); CREATE INDEX by_s ON t (s);
     INSERT INTO t VALUES (1, hex(randomblob(1400)), 9007199254740992), (2, hex(randomblob(1300)), 9007199254740991), (9007199254740993, 'x', 0);`,
  );
  t.deepEqual(lines(findings), [
    'warning integer-beyond-javascript table "t", column "n" ×1 [1]',
    'warning index-row-too-long table "t", index "by_s" ×1 [1]',
    'warning integer-beyond-javascript table "t", column "id" ×1 [9007199254740993]',
  ]);
});

test('names that PostgreSQL cuts are named, and those that collide then are rejected', async (t) => {
  const long = 'é'.repeat(40);
  const findings = await audit(
    t,
    `CREATE TABLE "${long}a" (id INTEGER PRIMARY KEY, "${long}1" TEXT, "${long}2" TEXT); CREATE TABLE "${long}b" (id INTEGER PRIMARY KEY);`,
  );
  t.deepEqual(
    findings.map(({ severity, code }) => `${severity} ${code}`),
    ['warning name-too-long', 'rejection name-collision', 'warning name-too-long', 'rejection name-collision'],
  );
});

test('an audit reports its progress and its tables, and stops when it is told to', async (t) => {
  const sql = `CREATE TABLE t (id INTEGER PRIMARY KEY);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) INSERT INTO t SELECT i FROM n;`;
  const seen: string[] = [];
  await audit(t, sql, { onProgress: ({ table, rows }) => seen.push(`${table} ${rows}`) });
  t.deepEqual(seen, ['t 5000', 't 6000']);
  await t.throwsAsync(audit(t, sql, { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' });
});
