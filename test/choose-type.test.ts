import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { isCrossfadeError } from '../adapter/errors.ts';
import { readSchema } from '../migrations/sqlite/read-schema.ts';
import { takeCensuses } from '../migrations/types/census.ts';
import { chooseTypes, findingsOf } from '../migrations/types/choose-types.ts';
import type { TypesOptions } from '../migrations/types/choose-types.ts';
import { sqliteFile } from './helpers/sqlite.ts';

interface Chosen {
  /** `type` or `type/form`, by `table.column`. */
  readonly types: Readonly<Record<string, string>>;
  /** `severity code table.column`, notes of plain choices left out. */
  readonly findings: readonly string[];
}

async function choose(
  t: ExecutionContext,
  sql: string,
  { withData = true, ...options }: TypesOptions & { readonly withData?: boolean } = {},
): Promise<Chosen> {
  const db = new Database(sqliteFile(t, sql), { readonly: true });
  t.teardown(() => db.close());
  const schema = readSchema(db);
  const chosen = chooseTypes(schema, { ...options, ...(withData ? { censuses: await takeCensuses(db, schema) } : {}) });
  return {
    types: Object.fromEntries(
      [...chosen].flatMap(([table, columns]) =>
        [...columns].map(([column, { type, form }]) => [
          `${table}.${column}`,
          form === null ? type : `${type}/${form}`,
        ]),
      ),
    ),
    findings: findingsOf(chosen)
      .filter(({ code }) => code !== 'type')
      .map(({ severity, code, place }) => `${severity} ${code} ${place.table ?? ''}.${place.column ?? ''}`),
  };
}

/** The types of the columns of one table `t`, whose key is left out. */
async function columnsOf(
  t: ExecutionContext,
  columns: string,
  options: TypesOptions = {},
): Promise<Record<string, string>> {
  const { types } = await choose(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, ${columns})`, {
    ...options,
    withData: false,
  });
  return Object.fromEntries(
    Object.entries(types).flatMap(([name, type]) => (name === 't.id' ? [] : [[name.slice(2), type]])),
  );
}

test('without data the declaration decides', async (t) => {
  t.deepEqual(
    await columnsOf(
      t,
      `a INTEGER, b BIGINT UNSIGNED, c REAL, d FLOAT, e DOUBLE PRECISION, f DECIMAL(10,2), g NUMERIC, h BLOB, i TEXT,
       j VARCHAR(20), k CHAR(3), l CLOB, m BOOLEAN, n BOOL, o JSON, p UUID, q STRING, r FLOATING POINT, s Number,
       u VARBINARY(16), v DECIMAL(2,5), w tinyint(1)`,
    ),
    {
      a: 'bigint',
      b: 'bigint',
      c: 'double precision',
      d: 'double precision',
      e: 'double precision',
      f: 'numeric(10,2)',
      g: 'numeric',
      h: 'bytea',
      i: 'text',
      j: 'text',
      k: 'text',
      l: 'text',
      m: 'boolean',
      n: 'boolean',
      o: 'text',
      p: 'text',
      q: 'numeric',
      r: 'bigint',
      s: 'numeric',
      u: 'bytea',
      v: 'numeric',
      w: 'bigint',
    },
  );
});

test('a date without data is what its default stores, and else text with a warning', async (t) => {
  const { types, findings } = await choose(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, a DATETIME DEFAULT CURRENT_TIMESTAMP, b TIMESTAMP DEFAULT (datetime('now')),
       c DATETIME DEFAULT (strftime('%s', 'now')), d DATE DEFAULT (unixepoch()), e DATETIME, f DATETIME DEFAULT '2024', g DATETIME DEFAULT (julianday('now')))`,
    { withData: false },
  );
  t.deepEqual(types, {
    't.id': 'bigint',
    't.a': 'text',
    't.b': 'text',
    't.c': 'bigint',
    't.d': 'bigint',
    't.e': 'text',
    't.f': 'bigint',
    't.g': 'double precision',
  });
  t.deepEqual(findings, ['warning doubtful-type t.e']);
});

test('a default is judged as SQLite stores it', async (t) => {
  const columns = `a DATETIME DEFAULT '007', b DATETIME DEFAULT 'now', c DATETIME DEFAULT -1, d DATETIME DEFAULT 1.0, e DATETIME DEFAULT 1.5,
    f DATETIME DEFAULT x'00', g DATETIME DEFAULT (strftime('%Y-%m-%d', '2024-01-01')), h DATETIME DEFAULT (strftime('%s', 0)), i DATETIME DEFAULT TRUE`;
  const db = new Database(
    sqliteFile(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, ${columns}); INSERT INTO t (id) VALUES (1);`),
  );
  t.teardown(() => db.close());
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const stored = db
    .prepare(`SELECT ${names.map((name) => `typeof(${name})`).join(', ')} FROM t`)
    .raw()
    .get() as string[];
  const chosen = await columnsOf(t, columns);
  const byClass: Record<string, string> = { integer: 'bigint', real: 'double precision', text: 'text', blob: 'bytea' };
  names.forEach((name, index) => t.is(chosen[name], byClass[stored[index] ?? ''], `${name}: ${stored[index] ?? ''}`));
});

test('a CHECK that allows 0 and 1 only makes a boolean, in every spelling; one that allows more does not', async (t) => {
  const yes = [
    'c IN (0, 1)',
    '"c" IN (1,0)',
    'c = 0 OR c = 1',
    'c IS NULL OR c IN (0,1)',
    '(c IN (0,1)) AND d > 3',
    't.c in (0,1)',
    'c IN (FALSE, TRUE)',
  ];
  const no = [
    'c IN (0, 1, 2)',
    'c IN (0, 1, NULL)',
    'c NOT IN (0, 1)',
    'c IN (0, 1) OR d = 1',
    'd IN (0, 1)',
    'c BETWEEN 0 AND 1',
    'c >= 0',
    'c = 0 OR c = NULL',
  ];
  for (const check of yes) t.is((await columnsOf(t, `d INTEGER, c INTEGER, CHECK (${check})`))['c'], 'boolean', check);
  for (const check of no) t.is((await columnsOf(t, `d INTEGER, c INTEGER, CHECK (${check})`))['c'], 'bigint', check);
  t.is((await columnsOf(t, `c TEXT CHECK (c IN (0, 1))`))['c'], 'text', 'holds the texts 0 and 1');
});

test('integers that are only 0 and 1 are proposed as booleans, and not made booleans', async (t) => {
  const { types, findings } = await choose(
    t,
    'CREATE TABLE t (id INTEGER PRIMARY KEY, is_paid INTEGER, zero INTEGER); INSERT INTO t VALUES (1, 0, 0), (2, 1, 0);',
  );
  t.is(types['t.is_paid'], 'bigint');
  t.deepEqual(findings, ['note could-be-boolean t.is_paid']);
});

test('where the declared type cannot hold the data, one that holds all of it is taken, with a warning', async (t) => {
  const { types, findings } = await choose(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, half INTEGER, huge INTEGER, flag BOOLEAN, price DECIMAL(4,2), bytes TEXT, name INTEGER, rows STRING);
     INSERT INTO t VALUES (1, 1, 9007199254740993, 2, 9.999, x'00', 'a', x'01'), (2, 1.5, 0.5, 1, 1, x'01', 'b', x'02');`,
  );
  t.deepEqual(types, {
    't.id': 'bigint',
    't.half': 'double precision',
    't.huge': 'numeric',
    't.flag': 'bigint',
    't.price': 'numeric',
    't.bytes': 'bytea',
    't.name': 'text',
    't.rows': 'bytea',
  });
  t.deepEqual(findings, [
    'warning real-in-integer t.half',
    'warning real-in-integer t.huge',
    'warning not-zero-or-one t.flag',
    'note beyond-decimal t.price',
    'warning unexpected-blob t.bytes',
    'warning text-in-number t.name',
    'warning unexpected-blob t.rows',
  ]);
});

test('where no type holds all values, each kind of misfit is a rejection with its rows and a remedy', async (t) => {
  const db = new Database(
    sqliteFile(
      t,
      `CREATE TABLE t (id INTEGER PRIMARY KEY, c INTEGER);
       INSERT INTO t VALUES (1, 1), (2, 'abc'), (3, x'00'), (4, 'def'), (5, 2), (6, 3);`,
    ),
  );
  t.teardown(() => db.close());
  const schema = readSchema(db);
  const chosen = chooseTypes(schema, { censuses: await takeCensuses(db, schema) });
  const found = findingsOf(chosen).filter(({ severity }) => severity === 'rejection');
  t.deepEqual(
    found.map(({ code, count, keys, place }) => ({ code, count, keys, place })),
    [
      { code: 'text-in-number', count: 2, keys: ['[2]', '[4]'], place: { table: 't', column: 'c' } },
      { code: 'unexpected-blob', count: 1, keys: ['[3]'], place: { table: 't', column: 'c' } },
    ],
  );
  t.true(found.every(({ remedy }) => remedy !== undefined));
  t.is(chosen.get('t')?.get('c')?.type, 'bigint');
});

test('1 and 1.0 in a column without a type are two values, which no type tells apart', async (t) => {
  const { types, findings } = await choose(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, whole, mixed, texts, fractions);
     INSERT INTO t VALUES (1, 1, 1, 'a', 1), (2, 2, 1.0, 'b', 2.5);`,
  );
  t.like(types, { 't.whole': 'bigint', 't.texts': 'text', 't.fractions': 'numeric' });
  t.true(findings.includes('rejection real-in-integer t.mixed'), findings.join('\n'));
});

test('dates are what the column holds: text, integers, or a rejection that names the type which takes both', async (t) => {
  const sql = `CREATE TABLE t (id INTEGER PRIMARY KEY, texts DATETIME, ms DATETIME, mixed DATETIME, day DATE, bad DATETIME);
     INSERT INTO t VALUES (1, '2024-01-02 03:04:05', 1700000000123, 1700000000123, '2024-02-29', '2024-02-30'),
       (2, '2024-01-02 03:04:06', 1700000000124, '2024-01-02 03:04:05', '2024-02-28', '2024-01-01');`;
  const faithful = await choose(t, sql);
  t.like(faithful.types, { 't.texts': 'text', 't.ms': 'bigint', 't.day': 'text', 't.bad': 'text' });
  t.true(faithful.findings.includes('rejection text-in-number t.mixed'));
  t.false(faithful.findings.some((finding) => finding.startsWith('rejection') && !finding.endsWith('t.mixed')));
  const native = await choose(t, sql, { profile: 'native' });
  t.like(native.types, {
    't.texts': 'timestamp with time zone/datetime',
    't.ms': 'timestamp with time zone/epoch-ms',
    't.mixed': 'timestamp with time zone/epoch-ms mixed',
    't.day': 'date/date',
    't.bad': 'text',
  });
  t.deepEqual(
    native.findings.filter((finding) => !finding.startsWith('note')),
    ['warning doubtful-type t.mixed'],
  );
});

test('UUIDs and JSON become native types where the data allows it, and are proposed where nothing declares them', async (t) => {
  const sql = String.raw`CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID, up UUID, b BINARY(16), bad UUID, j JSON, j2 JSON, k CHAR(36), free TEXT);
     INSERT INTO t VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', randomblob(16), 'x', '{"a": 1}', '"\u0000"',
       'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1]'),
       (2, '11111111-1111-1111-1111-111111111111', '11111111-1111-1111-1111-111111111111', NULL, NULL, '[]', NULL, NULL, NULL);`;
  const native = await choose(t, sql, { profile: 'native' });
  t.like(native.types, {
    't.u': 'uuid/uuid',
    't.up': 'uuid/uuid-upper',
    't.b': 'bytea',
    't.bad': 'text',
    't.j': 'jsonb/json',
    't.j2': 'text',
    't.k': 'text',
    't.free': 'text',
  });
  t.true(native.findings.includes('note could-be-uuid t.k'));
  t.true(native.findings.includes('note could-be-uuid t.b'));
  t.true(native.findings.includes('note could-be-json t.free'));
  const faithful = await choose(t, sql);
  t.like(faithful.types, { 't.u': 'text', 't.up': 'text', 't.j': 'text', 't.j2': 'text' });
});

test('STRICT tables go by their declarations, and ANY by what it holds', async (t) => {
  const { types } = await choose(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b REAL, c TEXT, d BLOB, e ANY, f ANY) STRICT;
     INSERT INTO t VALUES (1, 1, 1.0, 'a', x'00', '7', 7);`,
  );
  t.deepEqual(types, {
    't.id': 'bigint',
    't.a': 'bigint',
    't.b': 'double precision',
    't.c': 'text',
    't.d': 'bytea',
    't.e': 'text',
    't.f': 'bigint',
  });
});

test('columns that foreign keys join get one type, through any number of tables', async (t) => {
  const { types, findings } = await choose(
    t,
    `CREATE TABLE a (id TEXT PRIMARY KEY);
     CREATE TABLE b (id VARCHAR(9) PRIMARY KEY REFERENCES a (id));
     CREATE TABLE c (id INTEGER PRIMARY KEY, b_id STRING REFERENCES b);
     CREATE TABLE p (k BOOLEAN PRIMARY KEY); CREATE TABLE q (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (k));
     INSERT INTO a VALUES ('x'); INSERT INTO b VALUES ('x'); INSERT INTO c VALUES (1, 'x');
     INSERT INTO p VALUES (1); INSERT INTO q VALUES (1, 1);`,
  );
  t.like(types, { 'a.id': 'text', 'b.id': 'text', 'c.b_id': 'text', 'p.k': 'boolean', 'q.p': 'boolean' });
  t.false(
    findings.some((finding) => finding.startsWith('rejection')),
    findings.join('\n'),
  );
});

test('text that refers to integers is rejected at the child, since PostgreSQL compares no text with integers', async (t) => {
  for (const withData of [true, false]) {
    const { types, findings } = await choose(
      t,
      `CREATE TABLE p (id INTEGER PRIMARY KEY);
       CREATE TABLE c (id INTEGER PRIMARY KEY, p_id TEXT REFERENCES p (id));
       INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, '1');`,
      { withData },
    );
    t.like(types, { 'p.id': 'bigint', 'c.p_id': 'text' });
    t.deepEqual(findings, ['rejection foreign-key-types-differ c.p_id']);
  }
});

test('a family of UUIDs turns native together or not at all', async (t) => {
  const sql = (
    child: string,
  ): string => `PRAGMA foreign_keys = OFF; CREATE TABLE p (id UUID PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p_id CHAR(36) REFERENCES p (id));
     INSERT INTO p VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'); INSERT INTO c VALUES (1, ${child});`;
  const both = await choose(t, sql("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"), { profile: 'native' });
  t.like(both.types, { 'p.id': 'uuid/uuid', 'c.p_id': 'uuid/uuid' });
  const neither = await choose(t, sql("'n/a'"), { profile: 'native' });
  t.like(neither.types, { 'p.id': 'text', 'c.p_id': 'text' });
});

test('what the user decides wins, form and all, and what does not fit it is still said', async (t) => {
  const sql = `CREATE TABLE orders (id INTEGER PRIMARY KEY, paid_at INTEGER, flag INTEGER, note TEXT);
     INSERT INTO orders VALUES (1, 1700000000123, 2, '[1]');`;
  const columns = {
    'Orders.paid_at': 'timestamptz',
    'orders.flag': 'bool',
    'orders.note': { type: 'jsonb', form: 'json-exact' },
  };
  const { types, findings } = await choose(t, sql, { columns });
  t.like(types, {
    'orders.paid_at': 'timestamp with time zone/epoch-ms',
    'orders.flag': 'boolean',
    'orders.note': 'jsonb/json-exact',
  });
  t.deepEqual(findings, ['rejection not-zero-or-one orders.flag']);
});

test('an override of what is not there, or of what is no type, is an error that says which', async (t) => {
  const sql = 'CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)';
  const wrong = [
    { 't.d': 'text' },
    { 'u.c': 'text' },
    { 't.c': 'tinyint' },
    { 't.c': 'text(3)' },
    { 't.c': { type: 'timestamptz', form: 'epoch' } },
    { 't.c': { type: 'text', form: 'iso' } },
  ];
  for (const columns of wrong) {
    const error = await t.throwsAsync(choose(t, sql, { columns }));
    t.true(isCrossfadeError(error, 'CONFIG_INVALID'), String(error));
  }
});
