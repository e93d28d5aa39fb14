import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { columnTypeFor, toPostgres, ValueRefused } from '../adapter/codec.ts';
import type { ColumnCoding } from '../adapter/codec.ts';
import { binaryColumn, copyColumn } from '../adapter/codec/binary.ts';
import { ByteWriter } from '../adapter/codec/byte-writer.ts';
import { formsOf } from '../adapter/codec/form.ts';
import { Unholdable } from '../adapter/codec/unholdable.ts';
import { clientConfig } from '../adapter/postgres/connection.ts';
import { encodeKey } from '../adapter/spec.ts';
import type { SqlValue } from '../adapter/spec.ts';
import { BLOBS, INTEGERS, REALS, TEXTS } from './helpers/nasty-values.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { serverVersion } from './helpers/server-version.ts';

/** Every type of the codec, with and without a modifier. */
const TYPES = [
  'smallint',
  'integer',
  'bigint',
  'double precision',
  'real',
  'numeric',
  'numeric(10,2)',
  'numeric(5)',
  'numeric(30,12)',
  'numeric(5,-2)',
  'numeric(3,5)',
  'numeric(4,4)',
  'boolean',
  'text',
  'character varying',
  'character varying(5)',
  'character(3)',
  'character(12)',
  'json',
  'jsonb',
  'timestamp with time zone',
  'timestamp(3) with time zone',
  'timestamp without time zone',
  'timestamp(0) without time zone',
  'date',
  'time without time zone',
  'time(3) without time zone',
  'uuid',
  'bytea',
] as const;

/** Scales below zero or above the precision, which PostgreSQL takes since version 15. */
const SINCE_15 = new Set<string>(['numeric(5,-2)', 'numeric(3,5)']);

const SQLITE_TYPES = [undefined, '', 'INTEGER', 'REAL', 'NUMERIC', 'TEXT'] as const;

const MOMENTS = [
  '2024-05-17 08:09:10',
  '2024-05-17 08:09:10.123',
  '2024-05-17 08:09:10.120',
  '2024-05-17 08:09:10.123456',
  '2024-05-17 08:09:10.000000',
  '2024-05-17 08:09:10.120 +00:00',
  '2024-05-17 08:09:10+00:00',
  '2024-05-17 08:09:10.123456+00:00',
  '2024-05-17T08:09:10Z',
  '2024-05-17T08:09:10.123Z',
  '2024-05-17T08:09:10.123456Z',
  '2024-05-17T08:09:10',
  '2024-05-17T08:09:10+02:00',
  '2024-05-17t08:09:10Z',
  '2024-05-17 08:09',
  '2024-05-17',
  '2024-02-29',
  '2023-02-29',
  '2023-02-29 00:00:00',
  '1900-02-29',
  '2000-02-29 23:59:59',
  '2024-13-01',
  '2024-00-10',
  '2024-04-31 00:00:00',
  '2024-1-1',
  '0000-01-01',
  '0001-01-01',
  '0001-01-01 00:00:00',
  '1714-12-31 23:59:59',
  '1715-01-01 00:00:00.000001',
  '1969-12-31 23:59:59.999999',
  '1999-12-31T23:59:59.999Z',
  '2000-01-01 00:00:00',
  '2262-04-11 23:47:16.854775',
  '2300-01-01 00:00:00',
  '9999-12-31 23:59:59',
  '9999-12-31T23:59:59.999999Z',
  '2024-05-17 24:00:00',
  '2024-05-17 08:60:00',
  '2024-05-17 08:09:60',
  '2024-05-17 0a:09:10',
  '2024-05-17 08:09:1a',
  '2024-05-17 08.09.10',
  '2O24-05-17 08:09:10',
  '2024-05-17 08:09:10.12a',
  '2024-05-17 08:09:10,123',
  '2024-05-17 08:09:10.１２３',
  '00:00',
  '09:30',
  '23:59:59',
  '24:00:00',
  '24:00:01',
  '09:30:00.125',
  '09:30:00.000001',
];

const OTHERS = [
  '0a1b2c3d-4e5f-6789-abcd-ef0123456789',
  '0A1B2C3D-4E5F-6789-ABCD-EF0123456789',
  '0a1b2c3d4e5f6789abcdef0123456789',
  '{0a1b2c3d-4e5f-6789-abcd-ef0123456789}',
  '0a1b2c3d-4e5f-6789-abcd-ef012345678g',
  'a\0b',
  '\ud800',
  'a\udfffb',
  'é'.repeat(30),
  'a'.repeat(39) + 'é',
  'a'.repeat(40),
  'a'.repeat(41),
  'x'.repeat(70_000),
  '😀'.repeat(5),
  '😀'.repeat(6),
  '😀'.repeat(3),
  '[1, 2.50, 1e3, {"b": null, "a": "é\\u0041"}]',
  '{"b": 1, "aa": 2, "a": 3}',
  '{"a": 1, "a": 2}',
  '"\\u0000"',
  '[1,]',
  'abc ',
  'ab ',
  '            ',
];

const MORE_INTEGERS = [
  32_767n,
  32_768n,
  -32_768n,
  -32_769n,
  12_345n,
  100_000n,
  1_000_000n,
  99_999_999n,
  100_000_000n,
  123_400n,
  1_715_933_350n,
  1_715_933_350_123n,
  1_715_933_350_123_456n,
  -62_135_596_800_000n,
  9_007_199_254_740_991n,
  253_402_300_799_999n,
];

const MORE_REALS = [
  0.01, 0.001, 0.0001, 0.00012345, 1234.5678, 99.99, 99_999_999.99, 999_999_999.99, 1e-6, 12.3e-7, 1e15, 1.5e15, 1e20,
  0.00001, 16_777_217, 3.4e38, 1.401298464324817e-45, 2_460_448.839_699_074, 1_715_933_350.123, 0.5e-5,
];

const BLOB_KEYS = [Buffer.from('0a1b2c3d4e5f6789abcdef0123456789', 'hex'), Buffer.alloc(100_000, 7)];

const NOT_UTF8 = Unholdable.inSqlite(Buffer.from([0xff]));

const ALL: readonly SqlValue[] = [
  null,
  ...INTEGERS,
  ...MORE_INTEGERS,
  ...REALS,
  ...MORE_REALS,
  ...TEXTS,
  ...MOMENTS,
  ...OTHERS,
  ...BLOBS,
  ...BLOB_KEYS,
];

/** Every column that differs for the codec. */
function columns(): ColumnCoding[] {
  return TYPES.flatMap((postgresType) => {
    const type = columnTypeFor(postgresType);
    if (type === undefined) throw new Error(`no codec for ${postgresType}`);
    const forms = [undefined, ...formsOf(postgresType)].map((form) => (form === undefined ? {} : { form }));
    const isOfNumbers = ['double', 'real', 'numeric', 'boolean', 'integer'].includes(type);
    const sqliteTypes = isOfNumbers ? SQLITE_TYPES : type === 'timestamptz' ? [undefined, 'REAL'] : [undefined];
    const declared = sqliteTypes.map((sqliteType) => (sqliteType === undefined ? {} : { sqliteType }));
    return forms.flatMap((form) => declared.map((as) => ({ type, postgresType, ...form, ...as })));
  });
}

async function session(t: ExecutionContext): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(await freshDatabase(t), 'test'));
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

function refusalOf(carry: () => unknown): string | undefined {
  try {
    carry();
    return undefined;
  } catch (error) {
    if (error instanceof ValueRefused) return error.message;
    throw error;
  }
}

function written(column: ColumnCoding, value: SqlValue, how = binaryColumn): Buffer {
  const out = new ByteWriter(16);
  how(column)?.(value, out);
  return Buffer.from(out.take());
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);
const ONE_COLUMN = Buffer.from([0, 1]);

/** What PostgreSQL sends for each of these texts in a column of a type. */
async function sent(client: pg.Client, type: string, texts: readonly (string | null)[]): Promise<Buffer[]> {
  await client.query(`DROP TABLE IF EXISTS held; CREATE TEMPORARY TABLE held (place bigint, v ${type})`);
  const base = type.startsWith('char') ? 'text' : type.replace(/\(.*\)/, '');
  for (let from = 0; from < texts.length; from += 500) {
    const some = texts.slice(from, from + 500);
    const marks = some.map((_, index) => `(${from + index}, $${index + 1}::${base})`).join(', ');
    await client.query(`INSERT INTO held VALUES ${marks}`, [...some]);
  }
  const all = await buffer(client.query(copyTo('COPY (SELECT v FROM held ORDER BY place) TO STDOUT (FORMAT binary)')));
  const values: Buffer[] = [];
  for (let at = SIGNATURE.length; all.readInt16BE(at) === 1;) {
    const end = at + 6 + Math.max(0, all.readInt32BE(at + 2));
    values.push(all.subarray(at + 2, end));
    at = end;
  }
  return values;
}

/** What PostgreSQL's column holds, as text, after it was given these values in its binary format. */
async function taken(client: pg.Client, type: string, values: readonly Buffer[]): Promise<(string | null)[]> {
  await client.query(`DROP TABLE IF EXISTS given; CREATE TEMPORARY TABLE given (v ${type}, place bigserial)`);
  const stream = client.query(copyFrom('COPY given (v) FROM STDIN (FORMAT binary)'));
  stream.end(Buffer.concat([SIGNATURE, ...values.flatMap((value) => [ONE_COLUMN, value]), TRAILER]));
  await once(stream, 'finish');
  const { rows } = await client.query<{ v: string | null }>('SELECT v FROM given ORDER BY place');
  return rows.map(({ v }) => v);
}

test('a value is refused in the binary format exactly where its text is, and for the same reason', (t) => {
  for (const column of columns()) {
    for (const value of [...ALL, NOT_UTF8]) {
      const expected = refusalOf(() => toPostgres(column, value));
      if ([binaryColumn, copyColumn].some((how) => refusalOf(() => written(column, value, how)) !== expected))
        t.fail(`${JSON.stringify(column)} ${encodeKey([value]).slice(0, 50)}: ${expected ?? 'taken'}`);
    }
  }
  t.pass();
});

test('the bytes are those that PostgreSQL sends, and it takes them for the same value', async (t) => {
  const client = await session(t);
  const isOld = (await serverVersion(client)) < 150_000;
  for (const postgresType of TYPES) {
    if (isOld && SINCE_15.has(postgresType)) continue;
    const seen = new Map<string, { column: ColumnCoding; value: SqlValue; text: string | null }>();
    for (const column of columns().filter((other) => other.postgresType === postgresType)) {
      for (const value of ALL) {
        if (refusalOf(() => toPostgres(column, value)) !== undefined) continue;
        const text = toPostgres(column, value);
        const bytes = written(column, value).toString('latin1');
        // One text of PostgreSQL's may be written in several ways; each must be the same.
        seen.set(`${text === null} ${text} ${bytes}`, { column, value, text });
      }
    }
    const cases = [...seen.values()];
    t.true(cases.length > 1, postgresType);
    const bytes = cases.map(({ column, value }) => written(column, value));
    const texts = cases.map(({ text }) => text);
    const theirs = await sent(client, postgresType, texts);
    t.is(theirs.length, cases.length);
    cases.forEach(({ column, value }, index) => {
      const message = `${JSON.stringify(column)} ${encodeKey([value]).slice(0, 50)}`;
      const [ours, their] = [bytes[index]?.toString('hex'), theirs[index]?.toString('hex')];
      if (ours !== their) t.is(ours, their, message);
    });
    const { rows } = await client.query<{ v: string | null }>('SELECT v FROM held ORDER BY place');
    const held = rows.map(({ v }) => v);
    t.deepEqual(await taken(client, postgresType, bytes), held, postgresType);
  }
});

test('what only PostgreSQL can hold is written as PostgreSQL sends it', async (t) => {
  const client = await session(t);
  const own = {
    'double precision': ['NaN'],
    real: ['NaN'],
    numeric: [
      'NaN',
      'Infinity',
      '-Infinity',
      '0.000',
      '1.50',
      '-12345678901234567890.12345678901234567890',
      '100000000',
    ],
    'timestamp with time zone': [
      'infinity',
      '-infinity',
      '0044-03-15 12:00:00+00 BC',
      '294276-12-31 23:59:59.999999+00',
    ],
    'timestamp without time zone': ['infinity', '-infinity', '4713-01-01 00:00:00 BC'],
    date: ['infinity', '-infinity', '5874897-12-31', '4713-01-01 BC'],
    'time without time zone': ['24:00:00'],
  };
  for (const [postgresType, texts] of Object.entries(own)) {
    const type = columnTypeFor(postgresType);
    if (type === undefined) throw new Error(`no codec for ${postgresType}`);
    const bytes = texts.map((text) => written({ type, postgresType }, Unholdable.inPostgres(text)).toString('hex'));
    t.deepEqual(
      bytes,
      (await sent(client, postgresType, texts)).map((value) => value.toString('hex')),
    );
  }
});

test('random numbers, moments and texts are written as PostgreSQL sends them', async (t) => {
  const client = await session(t);
  const moment = fc
    .integer({ min: -300_000_000, max: 300_000_000 })
    .map((minutes) => new Date(minutes * 60_000 + ((minutes * 7_919) % 60_000)).toISOString());
  const cases: readonly (readonly [ColumnCoding, fc.Arbitrary<SqlValue>])[] = [
    [{ type: 'bigint', postgresType: 'bigint' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    [{ type: 'double', postgresType: 'double precision' }, fc.double({ noNaN: true })],
    [{ type: 'numeric', postgresType: 'numeric' }, fc.double({ noNaN: true })],
    [{ type: 'numeric', postgresType: 'numeric' }, fc.integer({ min: -1e9, max: 1e9 }).map((cents) => cents / 100)],
    [{ type: 'numeric', postgresType: 'numeric(12,4)' }, fc.integer({ min: -1e9, max: 1e9 }).map((n) => n / 10_000)],
    [{ type: 'text', postgresType: 'text' }, fc.string({ unit: 'binary', maxLength: 60 })],
    [{ type: 'timestamptz', postgresType: 'timestamp with time zone', form: 'iso-ms' }, moment],
    [
      { type: 'timestamp', postgresType: 'timestamp without time zone', form: 'datetime-ms' },
      moment.map((iso) => iso.replace('T', ' ').slice(0, 23)),
    ],
    [
      { type: 'timestamptz', postgresType: 'timestamp with time zone', form: 'epoch-ms' },
      fc.bigInt({ min: -(10n ** 13n), max: 10n ** 14n }),
    ],
    [{ type: 'date', postgresType: 'date' }, moment.map((iso) => iso.slice(0, 10))],
  ];
  for (const [column, values] of cases) {
    const some = fc.sample(values, 400).filter((value) => refusalOf(() => toPostgres(column, value)) === undefined);
    t.true(some.length > 100, JSON.stringify(column));
    const bytes = some.map((value) => written(column, value).toString('hex'));
    const theirs = await sent(
      client,
      column.postgresType,
      some.map((value) => toPostgres(column, value)),
    );
    t.deepEqual(
      bytes,
      theirs.map((value) => value.toString('hex')),
    );
  }
});

test("JSON as JavaScript writes it becomes PostgreSQL's own spelling, its bytes as PostgreSQL sends them", async (t) => {
  const client = await session(t);
  const column: ColumnCoding = { type: 'jsonb', postgresType: 'jsonb' };
  const keys = fc.oneof(fc.constantFrom('a', 'b', 'aa', 'é', 'ab', '__proto__', '10', '9', ''), fc.string());
  const numbers = fc.constantFrom(0, -0, 1e21, 1e-7, 123_456_789.125, 2 ** 53, 1e20, -1.5, 1e308);
  const values = fc.jsonValue({ maxDepth: 3 });
  const texts = fc.oneof(fc.dictionary(keys, fc.oneof(values, numbers)), values).map((value) => JSON.stringify(value));
  const some = fc.sample(texts, 600).filter((text) => refusalOf(() => toPostgres(column, text)) === undefined);
  t.true(some.length > 400, String(some.length));
  const theirs = await sent(client, 'jsonb', some);
  t.deepEqual(
    some.map((text) => written(column, text).toString('latin1')),
    theirs.map((value) => value.toString('latin1')),
  );
  const held = await client.query<{ v: string }>('SELECT v FROM held ORDER BY place');
  t.deepEqual(
    await taken(
      client,
      'jsonb',
      some.map((text) => written(column, text, copyColumn)),
    ),
    held.rows.map(({ v }) => v),
  );
  for (const text of ['"\ud800"', '{"a":"\ud800"}', '"a\0"', '{"a":1,"a":2}', '[1,2', '[1,2] ,']) {
    const reason = refusalOf(() => toPostgres(column, text));
    t.not(reason, undefined, text);
    t.is(
      refusalOf(() => written(column, text, copyColumn)),
      reason,
    );
  }
});
