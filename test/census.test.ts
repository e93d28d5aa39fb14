import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { readSchema } from '../migrations/sqlite/read-schema.ts';
import { takeCensus } from '../migrations/types/census.ts';
import type { CensusOptions } from '../migrations/types/census.ts';
import type { ColumnCensus, TableCensus } from '../migrations/types/column-census.ts';
import { textForm } from '../migrations/types/text-form.ts';
import { formsOf } from '../adapter/codec/form.ts';
import { toPostgres, ValueRefused } from '../adapter/codec.ts';
import { sqliteFile } from './helpers/sqlite.ts';

async function census(
  t: ExecutionContext,
  sql: string,
  options: CensusOptions = {},
): Promise<{ readonly table: TableCensus; readonly column: (name: string) => ColumnCensus }> {
  const db = new Database(sqliteFile(t, sql), { readonly: true });
  t.teardown(() => db.close());
  const [declared] = readSchema(db).tables;
  if (declared === undefined) throw new Error('no table');
  const table = await takeCensus(db, declared, options);
  return {
    table,
    column(name) {
      const found = table.columns.get(name);
      if (found === undefined) throw new Error(`no column ${name}`);
      return found;
    },
  };
}

test('each storage class is counted with the keys of its rows, whatever the column declares', async (t) => {
  const { table, column } = await census(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, c INTEGER);
     INSERT INTO t VALUES (1, 7), (2, 'abc'), (3, 1.5), (4, x'00ff'), (5, NULL), (6, '8'), (7, 2.0);`,
  );
  const c = column('c');
  t.deepEqual([table.rows, table.isComplete], [7, true]);
  t.deepEqual(c.integers, { count: 3, keys: ['[1]', '[6]', '[7]'] }, 'SQLite stores 8 and 2.0 as integers here');
  t.deepEqual(c.texts, { count: 1, keys: ['[2]'] });
  t.deepEqual(c.fractions, { count: 1, keys: ['[3]'] });
  t.deepEqual(c.blobs, { count: 1, keys: ['[4]'] });
  t.deepEqual(c.nulls, { count: 1, keys: ['[5]'] });
  t.deepEqual([c.minInteger, c.maxInteger, c.notZeroOrOne.count], [2n, 8n, 3]);
});

test('integers past 2^53 are exact, and those that no double equals are told apart', async (t) => {
  const { column } = await census(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, c INTEGER);
     INSERT INTO t VALUES (1, 9223372036854775807), (2, -9223372036854775808), (3, 9007199254740992), (4, 9007199254740993), (5, 9007199254740991);`,
  );
  const c = column('c');
  t.deepEqual([c.minInteger, c.maxInteger], [-(2n ** 63n), 2n ** 63n - 1n]);
  t.deepEqual(c.beyondSafe, { count: 4, keys: ['[1]', '[2]', '[3]', '[4]'] });
  t.deepEqual(c.beyondDouble, { count: 3, keys: ['[1]', '[2]', '[4]'] });
});

test('NUL characters, bytes that are not UTF-8, lengths in characters and in bytes', async (t) => {
  const { column } = await census(
    t,
    `CREATE TABLE t (k TEXT PRIMARY KEY, c TEXT);
     INSERT INTO t VALUES ('nul', 'a' || char(0) || 'b'), ('bad', CAST(x'61ff62' AS TEXT)), ('half', CAST(x'eda080' AS TEXT)),
       ('overlong', CAST(x'c080' AS TEXT)), ('real', char(65533)), ('wide', '😀é'), ('empty', '');`,
  );
  const c = column('c');
  t.deepEqual(c.nulTexts, { count: 1, keys: ['["nul"]'] });
  t.deepEqual(c.invalidUtf8, { count: 3, keys: ['["bad"]', '["half"]', '["overlong"]'] }, 'a true U+FFFD is valid');
  t.deepEqual([c.maxCharacters, c.maxBytes], [3, 6]);
  t.deepEqual(c.forms.get('empty'), { count: 1, keys: ['["empty"]'] });
});

test('rows without a key are named by their rowid, and of the blobs only the length is read', async (t) => {
  const { column } = await census(
    t,
    `CREATE TABLE t (rowid TEXT, b BLOB);
     INSERT INTO t VALUES (CAST(x'ff' AS TEXT), randomblob(16)), ('fine', zeroblob(20)), (NULL, 'text');`,
  );
  t.deepEqual(column('rowid').invalidUtf8, { count: 1, keys: ['[1]'] });
  t.deepEqual(column('b').blobs16, { count: 1, keys: ['[1]'] });
  t.deepEqual([column('b').blobs.count, column('b').maxBytes, column('b').texts.count], [2, 20, 1]);
});

test('decimals beyond the declared precision and scale are counted', async (t) => {
  const { column } = await census(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, c DECIMAL(5,2));
     INSERT INTO t VALUES (1, 999.99), (2, 1000), (3, 0.125), (4, 0.1), (5, 1e300), (6, 9e999), (7, -999), (8, 0), (9, 1000.5);`,
  );
  t.deepEqual(column('c').beyondDecimal, { count: 5, keys: ['[2]', '[3]', '[5]', '[6]', '[9]'] });
  t.is(column('c').maxDecimals, 3);
});

test('JSON is read to the end where it is declared, and elsewhere up to the first text that is none', async (t) => {
  const { column } = await census(
    t,
    String.raw`CREATE TABLE t (id INTEGER PRIMARY KEY, j JSON, free TEXT, all_json TEXT);
     INSERT INTO t VALUES (1, '{"a":1}', 'x', '[1]'), (2, '{a:1}', '{}', '{}'), (3, '{"a":1,"a":2}', '{}', '{}'),
       (4, '"\u0000"', '{}', '{}'), (5, '', '{}', '{}');`,
  );
  t.deepEqual(column('j').json?.invalid, { count: 2, keys: ['[2]', '[5]'] });
  t.deepEqual(column('j').json?.beyondJsonb, { count: 2, keys: ['[3]', '[4]'] });
  t.is(column('free').json, null);
  t.is(column('all_json').json?.containers.count, 5);
});

test('integers are grouped by the unit in which they may count from 1970', async (t) => {
  const { column } = await census(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, c);
     INSERT INTO t (c) VALUES (1700000000), (1700000000000), (1700000000000000), (1700000000000000000), (5), (2460310.5);`,
  );
  t.deepEqual(column('c').magnitudes, { s: 1, ms: 1, us: 1, ns: 1, other: 1 });
  t.is(column('c').julianDays.count, 1);
});

test('a sample of a large table is taken all over it, and says that it is one', async (t) => {
  const { table, column } = await census(
    t,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, c);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, i FROM n;`,
    { sampleRows: 640 },
  );
  t.false(table.isComplete);
  t.is(table.rows, 640);
  t.true((column('c').maxInteger ?? 0n) > 19_000n);
  t.is(column('c').minInteger, 1n);
});

test('a census reports its progress, and stops when it is told to', async (t) => {
  const sql = `CREATE TABLE t (id INTEGER PRIMARY KEY);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) INSERT INTO t SELECT i FROM n;`;
  const seen: number[] = [];
  await census(t, sql, { onProgress: ({ rows }) => seen.push(rows) });
  t.deepEqual(seen, [5_000, 10_000, 12_000]);
  const controller = new AbortController();
  const stopped = census(t, sql, {
    onProgress: () => controller.abort(new Error('enough')),
    signal: controller.signal,
  });
  await t.throwsAsync(stopped, { message: 'enough' });
});

test('text forms are those of the codec: what it takes in a form is counted under that form, and nothing else is', (t) => {
  const texts = [
    '2024-01-02 03:04:05',
    '2024-01-02 03:04:05.678',
    '2024-01-02 03:04:05.678901',
    '2024-01-02 03:04:05+00:00',
    '2024-01-02 03:04:05.678+00:00',
    '2024-01-02 03:04:05.678901+00:00',
    '2024-01-02 03:04:05.678 +00:00',
    '2024-01-02T03:04:05Z',
    '2024-01-02T03:04:05.678Z',
    '2024-01-02T03:04:05.678901Z',
    '2024-01-02T03:04:05',
    '2024-01-02T03:04:05.678',
    '2024-01-02T03:04:05.678901',
    '2024-01-02T03:04:05+00:00',
    '2024-01-02T03:04:05.678+00:00',
    '2024-01-02T03:04:05.678901+00:00',
    '2024-01-02',
    '03:04:05',
    '03:04:05.678',
    '03:04:05.678901',
    '03:04',
    '2024-02-30',
    '2023-02-29',
    '2024-02-29',
    '1900-02-29',
    '2000-02-29',
    '0000-00-00',
    '0000-01-01',
    '0001-01-01',
    '9999-12-31 23:59:59',
    '2024-13-01',
    '2024-01-02 24:00:00',
    '2024-01-02 23:60:00',
    '2024-01-02 23:59:60',
    '24:00',
    '24:00:00',
    '2024-01-02 03:04',
    '2024-01-02T03:04:05+02:00',
    '2024-01-02T03:04:05.6',
    '2024-01-02 03:04:05 Z',
    '2024-01-02 03:04:05Z',
    '2024-1-2',
    '20240102',
    ' 2024-01-02',
    '2024-01-02 ',
    '',
    'N/A',
    '2024-01-02T03:04:05.678+0000',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    'a0eebc999c0b4ef8bb6d6bb9bd380a11',
    'A0EEBC999C0B4EF8BB6D6BB9BD380A11',
    '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
    'A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    '11111111-1111-1111-1111-111111111111',
    'a0eebc99-9c0b4ef8bb6d6bb9bd380a11',
    'g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  ] as const;
  const types = {
    timestamptz: 'timestamp with time zone',
    date: 'date',
    time: 'time without time zone',
    uuid: 'uuid',
  } as const;
  for (const text of texts) {
    const counted = textForm(text);
    for (const [type, postgresType] of Object.entries(types) as [keyof typeof types, string][]) {
      for (const form of formsOf(postgresType)) {
        if (form.includes(' ') || (type === 'date' && form !== 'date')) continue;
        const isTaken = takes(() => toPostgres({ type, postgresType, form }, text));
        const isCounted = counted === form || (counted === 'uuid-digits' && (form === 'uuid' || form === 'uuid-upper'));
        t.is(isTaken, isCounted, `"${text}" as ${form}, counted as ${counted}`);
      }
    }
  }
});

function takes(carry: () => unknown): boolean {
  try {
    carry();
    return true;
  } catch (error) {
    if (error instanceof ValueRefused) return false;
    throw error;
  }
}
