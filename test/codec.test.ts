import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import pg from 'pg';
import { canonical, CODECS, columnTypeFor, sameValue, toPostgres, ValueRefused } from '../adapter/codec.ts';
import type { ColumnCoding, ColumnType } from '../adapter/codec.ts';
import { Unholdable } from '../adapter/codec/unholdable.ts';
import { clientConfig } from '../adapter/postgres/connection.ts';
import { decodeKey, encodeKey } from '../adapter/spec.ts';
import type { SqlValue } from '../adapter/spec.ts';
import { encodeArray } from '../adapter/postgres/rows.ts';
import { freshDatabase } from './helpers/postgres.ts';

type Value = Exclude<SqlValue, null | Unholdable>;

/** The types whose values SQLite holds in one form only; `codec-forms.test.ts` has the others. */
type PlainType = Exclude<ColumnType, 'jsonb' | 'timestamptz' | 'timestamp' | 'date' | 'time' | 'uuid'>;

const POSTGRES_TYPES = {
  smallint: 'smallint',
  integer: 'integer',
  bigint: 'bigint',
  real: 'real',
  double: 'double precision',
  numeric: 'numeric',
  boolean: 'boolean',
  text: 'text',
  character: 'character(30)',
  json: 'json',
  blob: 'bytea',
} as const satisfies Record<PlainType, string>;

const TYPES = Object.keys(POSTGRES_TYPES) as PlainType[];

function coding(type: PlainType, postgresType: string = POSTGRES_TYPES[type]): ColumnCoding {
  return { type, postgresType };
}

/** Integers that SQLite holds, the edges of every width among them. */
const integers = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(...[15n, 16n, 31n, 32n, 53n, 63n].flatMap((bits) => around(2n ** bits))),
  fc.bigInt({ min: -3n, max: 3n }),
);

function around(edge: bigint): bigint[] {
  const near = [edge - 1n, edge, edge + 1n, -edge - 1n, -edge, -edge + 1n];
  return near.filter((value) => value >= -(2n ** 63n) && value < 2n ** 63n);
}

/** Doubles by their bits, so that subnormals, both zeros and both infinities come up; NaN is none that SQLite holds. */
const doubles = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, Infinity, -Infinity, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308),
  fc.integer({ min: 50, max: 70 }).map((exponent) => 2 ** exponent),
  fc.integer({ min: 50, max: 70 }).map((exponent) => -(2 ** exponent) * (1 + Number.EPSILON)),
  fc.double({ noNaN: true, min: -1e20, max: 1e20 }).map(Math.round),
);

/** Text over every plane, unlike the default units not favouring ASCII. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', "'", '{', '}', ',', ' ', '\n', '\r', '\t', '\u{FFFD}', '\u{10FFFF}', 'NULL', '$1'),
  }),
);

const blobs = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

const values: fc.Arbitrary<Value> = fc.oneof(integers, doubles, texts, blobs);

/** The same number, or the same bits, characters or bytes. */
function isSameNumber(a: SqlValue, b: SqlValue): boolean {
  if (typeof a === 'number' && typeof b === 'bigint') return Number.isInteger(a) && BigInt(a) === b;
  if (typeof a === 'bigint' && typeof b === 'number') return isSameNumber(b, a);
  return sameValue(a, b);
}

/** What became of a value, or `undefined` where it was refused. */
function unlessRefused<T>(carry: () => T): T | undefined {
  try {
    return carry();
  } catch (error) {
    if (error instanceof ValueRefused) return undefined;
    throw error;
  }
}

/** What each type takes of SQLite's values; all else is refused. */
const TAKES: Readonly<Record<PlainType, (value: Value) => boolean>> = {
  smallint: (value) => typeof value === 'bigint' && value >= -(2n ** 15n) && value < 2n ** 15n,
  integer: (value) => typeof value === 'bigint' && value >= -(2n ** 31n) && value < 2n ** 31n,
  bigint: (value) => typeof value === 'bigint',
  double: (value) => typeof value === 'number' || (typeof value === 'bigint' && BigInt(Number(value)) === value),
  real: (value) =>
    Math.fround(Number(value)) === value || (typeof value === 'bigint' && BigInt(Math.fround(Number(value))) === value),
  numeric: (value) => typeof value === 'number' || typeof value === 'bigint',
  boolean: (value) => value === 0n || value === 1n,
  text: (value) => typeof value === 'string' && !value.includes('\0') && value.isWellFormed(),
  character: (value) =>
    typeof value === 'string' &&
    [...value].length <= 30 &&
    !value.endsWith(' ') &&
    !value.includes('\0') &&
    value.isWellFormed(),
  json: (value) => typeof value === 'string' && isJson(value),
  blob: (value) => value instanceof Uint8Array,
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

for (const type of TYPES) {
  test(`${type}: what is taken of SQLite's values comes back as it was, and the rest is refused`, (t) => {
    fc.assert(
      fc.property(values, (value) => {
        const carried = unlessRefused(() => canonical(coding(type), value));
        t.is(carried !== undefined, TAKES[type](value));
        if (carried !== undefined)
          t.true(isSameNumber(value, carried), `${typeof value} came back as ${typeof carried}`);
      }),
      { numRuns: 1_000 },
    );
  });
}

test('doubles keep their bits, the sign of zero included', (t) => {
  fc.assert(
    fc.property(doubles, (value) => t.true(Object.is(canonical(coding('double'), value), value))),
    { numRuns: 2_000 },
  );
});

test('every byte, and every character but NUL, survives', (t) => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  t.true(sameValue(canonical(coding('blob'), everyByte), everyByte));
  t.true(
    sameValue(canonical(coding('blob'), everyByte.subarray(7, 9)), Buffer.from([7, 8])),
    'a view of a larger buffer',
  );
  for (let plane = 0; plane <= 16; plane += 1) {
    const codes = Array.from({ length: 0x1_0000 }, (_, code) => plane * 0x1_0000 + code);
    const text = String.fromCodePoint(...codes.filter((code) => code !== 0 && !(code >= 0xd800 && code <= 0xdfff)));
    t.true(canonical(coding('text'), text) === text, `plane ${plane}`);
  }
  t.throws(() => toPostgres(coding('text'), 'a\0'), { instanceOf: ValueRefused, message: /NUL/ });
  t.throws(() => toPostgres(coding('text'), 'a\uD800'), { instanceOf: ValueRefused, message: /surrogate/ });
});

test('NULL is NULL in every type', (t) => {
  for (const type of TYPES) t.is(canonical(coding(type), null), null);
});

/** Decimals as PostgreSQL writes them: never with an exponent, perhaps with zeros at the end. */
const decimals = fc
  .tuple(
    fc.boolean(),
    fc.bigInt({ min: 0n, max: 10n ** 40n }),
    fc.integer({ min: 0, max: 45 }),
    fc.integer({ min: 0, max: 5 }),
  )
  .map(([isNegative, digits, scale, zeros]) => {
    const text = digits.toString().padStart(scale + 1, '0');
    const point = text.length - scale;
    const fraction = text.slice(point) + '0'.repeat(zeros);
    return `${isNegative && digits > 0n ? '-' : ''}${text.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`;
  });

/** A decimal as a fraction over 10^60, exactly. */
function exactly(decimal: string): bigint {
  const [, sign, whole = '', fraction = '', power = '0'] = /^(-?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/.exec(decimal) ?? [];
  const scaled = BigInt(whole + fraction) * 10n ** BigInt(60 - fraction.length + Number(power));
  return sign === '-' ? -scaled : scaled;
}

test('a numeric of PostgreSQL comes back as the same number, or is known to be one that SQLite cannot hold', (t) => {
  let held = 0;
  let unholdable = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        decimals,
        fc.double({ noNaN: true, min: 1e-9, max: 1e9 }).map((value) => value.toFixed(20)),
      ),
      (text) => {
        const value = CODECS.numeric.fromPostgres(text);
        const back = toPostgres(coding('numeric'), value) ?? '';
        t.is(exactly(back), exactly(text));
        if (value instanceof Unholdable) unholdable += 1;
        else held += 1;
      },
    ),
    { numRuns: 3_000 },
  );
  t.true(held > 100 && unholdable > 100, `${held} held, ${unholdable} not`);
});

test('numbers at the edge of what SQLite holds are told apart', (t) => {
  const held = [
    '9223372036854775807',
    '-9223372036854775808',
    '0.1',
    '1.50',
    '5.000',
    '0.00',
    '123456789.123456',
    '1' + '0'.repeat(300),
  ];
  const not = [
    '9223372036854775808',
    '0.12345678901234567',
    '9007199254740993.5',
    '1' + '0'.repeat(400),
    `0.${'0'.repeat(400)}1`,
    'NaN',
  ];
  for (const text of held) t.false(CODECS.numeric.fromPostgres(text) instanceof Unholdable, text);
  for (const text of not) {
    const value = CODECS.numeric.fromPostgres(text);
    t.true(value instanceof Unholdable, text);
    t.is(toPostgres(coding('numeric', 'numeric(40,2)'), value), text, 'PostgreSQL may be asked for it as it is');
    if (value instanceof Unholdable) t.notRegex(value.reason, /\d/, 'the reason holds no value');
  }
  t.true(CODECS.double.fromPostgres('NaN') instanceof Unholdable);
});

test('a column with a modifier refuses what PostgreSQL would cut or round in silence', (t) => {
  const refused: [ColumnCoding, Value][] = [
    [coding('text', 'character varying(3)'), 'abc '],
    [coding('text', 'character varying(1)'), '\u{1F600}\u{1F600}'],
    [coding('numeric', 'numeric(10,2)'), 1.005],
    [coding('numeric', 'numeric(10,2)'), 1e-7],
    [coding('numeric', 'numeric(5)'), 0.5],
    [coding('numeric', 'numeric(5,-2)'), 1250n],
    [coding('numeric', 'numeric(5,-2)'), 10_000_000n],
    [coding('numeric', 'numeric(5,2)'), 1000n],
    [coding('numeric', 'numeric(5,2)'), -1e300],
    [coding('numeric', 'numeric(5,2)'), Infinity],
    [coding('numeric', 'numeric(2,3)'), 0.1],
  ];
  const taken: [ColumnCoding, Value][] = [
    [coding('text', 'character varying(1)'), '\u{1F600}'],
    [coding('numeric', 'numeric(10,2)'), 1.5],
    [coding('numeric', 'numeric(10,2)'), 12n],
    [coding('numeric', 'numeric(5,-2)'), 1200n],
    [coding('numeric', 'numeric(5,-2)'), 9_999_900n],
    [coding('numeric', 'numeric(5,2)'), 999.99],
    [coding('numeric', 'numeric(5,2)'), -0.01],
    [coding('numeric', 'numeric(2,3)'), 0.012],
    [coding('numeric', 'numeric'), -Infinity],
  ];
  for (const [column, value] of refused) t.throws(() => toPostgres(column, value), { instanceOf: ValueRefused });
  for (const [column, value] of taken) t.true(isSameNumber(canonical(column, value), value), column.postgresType);
});

test('what PostgreSQL would not take as json is refused', async (t) => {
  const { postgres } = await databases(t);
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const jsons = [
    '',
    'x',
    '{"a":1,}',
    '[1 2]',
    '01',
    '"\t"',
    'NaN',
    '{"a":1,"a":2}',
    '"\\u0000"',
    ' [1e5]\n',
    nested(1_000),
    `["${'['.repeat(2_000)}\\""]`,
  ];
  for (const text of jsons) {
    const isTaken = unlessRefused(() => toPostgres(coding('json'), text)) !== undefined;
    const inPostgres = await postgres.query<{ v: string }>('SELECT $1::json AS v', [text]).catch(() => undefined);
    t.is(isTaken ? text : undefined, inPostgres?.rows[0]?.v);
  }
  t.throws(() => toPostgres(coding('json'), nested(1_001)), { instanceOf: ValueRefused, message: /deep/ });
});

test('a number that SQLite would have back as an integer for a real, or the other way round, is refused', (t) => {
  const sqlite = new Database(':memory:');
  t.teardown(() => sqlite.close());
  sqlite.defaultSafeIntegers(true);
  const types: [string, ColumnCoding['form']][] = [
    ...TYPES.map((type): [string, undefined] => [POSTGRES_TYPES[type], undefined]),
    ['timestamp with time zone', 'epoch-ms'],
    ['timestamp with time zone', 'epoch-s-real'],
    ['date', 'julian-day'],
  ];
  const edges = [
    0n,
    1n,
    -5n,
    86_400_000n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 62n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    1n - 2n ** 63n,
  ];
  const reals = [
    0,
    1,
    1.5,
    0.1,
    86_400_000,
    2 ** 53,
    2 ** 62,
    2 ** 63,
    -(2 ** 63),
    -(2 ** 62),
    1e300,
    Infinity,
    2_460_447.5,
  ];
  const numbers: Value[] = [...edges, ...reals];
  let taken = 0;
  let refused = 0;
  for (const sqliteType of ['INTEGER', 'NUMERIC', 'DATETIME', 'REAL', 'FLOAT', '', 'BLOB']) {
    sqlite.exec(`CREATE TABLE "in ${sqliteType}" (v ${sqliteType})`);
    const store = sqlite.prepare(`INSERT INTO "in ${sqliteType}" VALUES (?) RETURNING v`).pluck();
    for (const [postgresType, form] of types) {
      const type = columnTypeFor(postgresType) ?? 'text';
      for (const number of numbers) {
        const held = store.get(number) as SqlValue;
        const known: ColumnCoding = { type, postgresType, ...(form === undefined ? {} : { form }) };
        const back = unlessRefused(() => canonical({ ...known, sqliteType }, held));
        const otherwise = unlessRefused(() => canonical(known, held));
        if (back === undefined) refused += 1;
        else {
          taken += 1;
          t.true(
            sameValue(store.get(back) as SqlValue, held),
            `${encodeKey([held])} in ${sqliteType} by ${postgresType} ${form}`,
          );
        }
        if (back === undefined && otherwise !== undefined) t.false(sameValue(store.get(otherwise) as SqlValue, held));
      }
    }
  }
  t.true(taken > 200 && refused > 200, `${taken} taken, ${refused} refused`);
});

test('what only one database can hold equals nothing else, and keeps what it is as a key', (t) => {
  const bytes = Buffer.from([0x61, 0xff]);
  const inSqlite = Unholdable.inSqlite(bytes);
  const inPostgres = Unholdable.inPostgres('0.12345678901234567');
  t.true(sameValue(inSqlite, Unholdable.inSqlite(Buffer.from(bytes))));
  t.true(sameValue(inPostgres, Unholdable.inPostgres('0.12345678901234567', 'another reason')));
  for (const other of [
    'a\uFFFD',
    bytes,
    inPostgres,
    Unholdable.inSqlite(Buffer.from([0x61])),
    Number('0.12345678901234567'),
    null,
  ]) {
    t.false(sameValue(inSqlite, other));
  }
  t.false(sameValue(inPostgres, Number('0.12345678901234567')));
  t.throws(() => toPostgres(coding('text'), inSqlite), { instanceOf: ValueRefused, message: /UTF-8/ });
  for (const key of [[inSqlite], [inPostgres], [1n, inSqlite]]) {
    t.deepEqual(encodeKey(decodeKey(encodeKey(key))), encodeKey(key));
  }
  t.is(new Set([[inSqlite], [inPostgres], [bytes], ['a\uFFFD']].map(encodeKey)).size, 4);
});

test('only the types of PostgreSQL that are carried without loss have an entry', (t) => {
  for (const type of TYPES) t.is(columnTypeFor(POSTGRES_TYPES[type]), type);
  t.is(columnTypeFor('numeric(10,2)'), 'numeric');
  t.is(columnTypeFor('character varying(20)'), 'text');
  t.is(columnTypeFor('timestamp(3) with time zone'), 'timestamptz');
  t.is(columnTypeFor('time(0) without time zone'), 'time');
  for (const type of [
    'bpchar',
    '"char"',
    'time with time zone',
    'interval',
    'text[]',
    'numeric(3,1)[]',
    'constructor',
    'oid',
  ]) {
    t.is(columnTypeFor(type), undefined, type);
  }
});

/** A table in both databases with a column of every type; the value goes through both, as rows of the Mirror do. */
async function databases(t: ExecutionContext): Promise<{ sqlite: Database.Database; postgres: pg.Client }> {
  const sqlite = new Database(':memory:');
  t.teardown(() => sqlite.close());
  sqlite.defaultSafeIntegers(true);
  sqlite.exec('CREATE TABLE held (value)');
  const postgres = new pg.Client(clientConfig(await freshDatabase(t), 'test'));
  postgres.on('error', () => {});
  await postgres.connect();
  t.teardown(() => postgres.end());
  return { sqlite, postgres };
}

const ASKED_OF: Readonly<Record<PlainType, fc.Arbitrary<Value>>> = {
  smallint: integers.filter(TAKES.smallint),
  integer: integers.filter(TAKES.integer),
  bigint: integers,
  double: doubles,
  real: fc.oneof(fc.float({ noNaN: true }), doubles.map(Math.fround)),
  numeric: fc.oneof(integers, doubles),
  boolean: fc.constantFrom(0n, 1n),
  text: texts.filter(TAKES.text),
  character: texts.filter(TAKES.character),
  json: fc.json().filter(TAKES.json),
  blob: blobs,
};

test('values go through SQLite, PostgreSQL and SQLite again as they are', async (t) => {
  const { sqlite, postgres } = await databases(t);
  const held = (value: SqlValue): SqlValue => {
    sqlite.exec('DELETE FROM held');
    sqlite.prepare('INSERT INTO held VALUES (?)').run(value);
    return sqlite.prepare('SELECT value FROM held').pluck().get() as SqlValue;
  };
  for (const type of TYPES) {
    await fc.assert(
      fc.asyncProperty(fc.array(ASKED_OF[type], { minLength: 1, maxLength: 100 }), async (list) => {
        const before = list.map(held);
        const { rows } = await postgres.query<(string | null)[]>({
          text: `SELECT value FROM unnest($1::${POSTGRES_TYPES[type]}[]) WITH ORDINALITY AS v(value, place) ORDER BY place`,
          values: [encodeArray(before.map((value) => toPostgres(coding(type), value)))],
          rowMode: 'array',
        });
        const after = rows.map(([text = null]) =>
          held(text === null ? null : CODECS[type].fromPostgres(text, coding(type))),
        );
        t.is(after.length, list.length);
        for (const [index, value] of list.entries()) {
          const isSame =
            type === 'double' || type === 'real'
              ? Object.is(after[index], value)
              : isSameNumber(after[index] ?? null, value);
          t.true(isSame, `${type}: ${encodeKey([value])} became ${encodeKey([after[index] ?? null])}`);
        }
      }),
      { numRuns: 30 },
    );
  }
});
