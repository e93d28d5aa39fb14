import test from 'ava';
import Database from 'better-sqlite3';
import pg from 'pg';
import { Jenkins } from '../adapter/codec/jenkins.ts';
import { newSalt } from '../adapter/digest.ts';
import type { RangeDigest } from '../adapter/digest.ts';
import { rangeDigests } from '../adapter/postgres/digest-sql.ts';
import { RangeHasher } from '../adapter/sqlite/digest-range.ts';
import { atOnce } from '../adapter/sqlite/interruptible.ts';
import type { Interruptible } from '../adapter/sqlite/interruptible.ts';
import type { ColumnSpec, Key, TableSpec } from '../adapter/spec.ts';
import { SpelledInteger } from '../adapter/sqlite/spelled-integer.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { Random } from './helpers/random.ts';

async function connect(t: { teardown: (end: () => Promise<void>) => void }, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, options: '-c timezone=UTC' });
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

function signed({ high, low }: Jenkins): string {
  return String(BigInt.asIntN(64, (BigInt(high) << 32n) ^ BigInt.asUintN(32, BigInt(low))));
}

test('the hashes are those of PostgreSQL, for texts of every length, integers of every size, doubles', async (t) => {
  const client = await connect(t, await freshDatabase(t));
  const random = new Random(Random.seedOfSuite());
  const hash = new Jenkins();
  const seeded = (seed: bigint): Jenkins => {
    hash.high = Number(BigInt.asIntN(32, seed >> 32n));
    hash.low = Number(BigInt.asIntN(32, seed));
    return hash;
  };
  for (let length = 0; length < 60; length += 1) {
    const seed = length === 0 ? 0n : BigInt.asIntN(64, BigInt(random.between(1, 2 ** 31)) * 0x9e37_79b9_7f4a_7c15n);
    const text = Array.from({ length }, () => random.pick(['a', 'é', '🦀', ' '])).join('');
    const integer = BigInt.asIntN(64, (seed * 7_919n) >> BigInt(length));
    const double = (random.next() - 0.5) * 10 ** random.between(-300, 300);
    const { rows } = await client.query<string[]>({
      text: `SELECT hashtextextended($1 COLLATE "C", $2), hashint8extended($3, $2 # $3), hashfloat8extended($4, $2)`,
      values: [text, seed, integer, double],
      rowMode: 'array',
    });
    const bytes = new TextEncoder().encode(text);
    seeded(seed).bytes(new DataView(bytes.buffer), 0, bytes.length);
    const found = [signed(hash)];
    const amidst = new Uint8Array(bytes.length + 19).fill(0xa5);
    amidst.set(bytes, 7);
    seeded(seed).bytes(new DataView(amidst.buffer), 7, 7 + bytes.length);
    t.deepEqual([signed(hash)], found, 'what stands around it is none of it');
    seeded(seed).bigint(integer);
    found.push(signed(hash));
    seeded(seed).double(double, 0);
    t.deepEqual([...found, signed(hash)], rows[0], `seed ${seed}, text of ${length}, ${integer}, ${double}`);
  }
});

test('integers are read from their digits, exactly', (t) => {
  const random = new Random(Random.seedOfSuite());
  const integer = new SpelledInteger();
  const powers = Array.from({ length: 19 }, (_, digits) => 10n ** BigInt(digits));
  const near = [...powers, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n].flatMap((value) => [value - 1n, value]);
  const any = Array.from({ length: 2_000 }, () => {
    const bits = (BigInt(random.between(0, 2 ** 31)) << 32n) | BigInt(random.between(0, 2 ** 31) * 2);
    return BigInt.asIntN(63, bits) >> BigInt(random.between(0, 62));
  });
  for (const value of [...near, ...near.map((one) => -one), -(2n ** 63n), ...any]) {
    const bytes = new TextEncoder().encode(`x${value}\0`);
    t.is(integer.read(bytes, 1), bytes.length - 1, String(value));
    t.is((BigInt(integer.high) << 32n) + BigInt(integer.low >>> 0), value);
  }
  t.is(integer.read(new TextEncoder().encode('12a'), 0), 2);
});

const column = (
  name: string,
  sqliteType: string,
  spec: Pick<ColumnSpec, 'type' | 'postgresType' | 'form'>,
): ColumnSpec => ({
  name,
  sqliteType,
  collation: 'BINARY',
  sequence: null,
  ...spec,
});

const TABLE: TableSpec = {
  name: 'things',
  key: [0],
  autoIncrement: false,
  columns: [
    column('id', 'INTEGER', { type: 'bigint', postgresType: 'bigint' }),
    column('small', 'INTEGER', { type: 'smallint', postgresType: 'smallint' }),
    column('x', 'REAL', { type: 'double', postgresType: 'double precision' }),
    column('y', 'REAL', { type: 'double', postgresType: 'double precision' }),
    column('single', 'REAL', { type: 'real', postgresType: 'real' }),
    column('label', 'TEXT', { type: 'text', postgresType: 'text' }),
    column('note', 'TEXT', { type: 'text', postgresType: 'text' }),
    column('body', 'BLOB', { type: 'blob', postgresType: 'bytea' }),
    column('amount', 'NUMERIC', { type: 'numeric', postgresType: 'numeric' }),
    column('price', 'NUMERIC', { type: 'numeric', postgresType: 'numeric(10,2)' }),
    column('at', 'TEXT', { type: 'timestamptz', postgresType: 'timestamp with time zone', form: 'iso-ms' }),
    column('since', 'INTEGER', { type: 'timestamp', postgresType: 'timestamp without time zone', form: 'epoch-ms' }),
    column('day', 'TEXT', { type: 'date', postgresType: 'date' }),
    column('time', 'TEXT', { type: 'time', postgresType: 'time without time zone', form: 'time-ms' }),
    column('settings', 'TEXT', { type: 'jsonb', postgresType: 'jsonb' }),
    column('code', 'TEXT', { type: 'character', postgresType: 'character(4)' }),
    column('uuid', 'BLOB', { type: 'uuid', postgresType: 'uuid', form: 'uuid-blob' }),
  ],
};

const SQLITE = `CREATE TABLE things (id INTEGER PRIMARY KEY, small INTEGER, x REAL, y REAL, single REAL, label TEXT, note TEXT, body BLOB,
  amount NUMERIC, price NUMERIC, at TEXT, since INTEGER, day TEXT, time TEXT, settings TEXT, code TEXT, uuid BLOB)`;
const POSTGRES = `CREATE TABLE things (id bigint PRIMARY KEY, small smallint, x float8, y float8, single real, label text, note text, body bytea,
  amount numeric, price numeric(10, 2), at timestamptz, since timestamp, day date, time time, settings jsonb, code character(4), uuid uuid)`;

const ROWS = {
  sqlite: `INSERT INTO things VALUES
    (1, -5, 0.1, 0, 0.5, 'a', 'b', x'00ff', 1.5, 2.25, '2024-05-17T10:00:00.250Z', 1715940000001, '2024-02-29', '10:00:00.500',
     '{"b":1,"a":[1.50, "é"]}', 'ab', x'000102030405060708090a0b0c0d0e0f'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (-9223372036854775808, 0, 0, 5e-324, 0, '', '', x'', 1e21, 3, '0099-01-01T00:00:00.000Z', -1, '9999-12-31', '00:00:00.000', '[]', '', x'00000000000000000000000000000000'),
    (9007199254740993, 1, 1e308, -2, 1, 'é🦀', 'x', zeroblob(3000), 0.1, 0.1, '1969-12-31T23:59:59.999Z', 0, '1970-01-01', '23:59:59.999', '"x"', 'abcd', x'ffffffffffffffffffffffffffffffff')`,
  postgres: `INSERT INTO things VALUES
    (1, -5, 0.1, '-0', 0.5, 'a', 'b', '\\x00ff', 1.50, 2.25, '2024-05-17T10:00:00.250Z', '2024-05-17 10:00:00.001', '2024-02-29', '10:00:00.5',
     '{"a": [1.50, "é"], "b": 1}', 'ab', '00010203-0405-0607-0809-0a0b0c0d0e0f'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (-9223372036854775808, 0, 0, 5e-324, 0, '', '', '', 1e21, 3, '0099-01-01T00:00:00Z', '1969-12-31 23:59:59.999', '9999-12-31', '00:00', '[]', '', '00000000-0000-0000-0000-000000000000'),
    (9007199254740993, 1, 1e308, -2, 1, 'é🦀', 'x', decode(repeat('00', 3000), 'hex'), 0.1, 0.10, '1969-12-31T23:59:59.999Z', '1970-01-01', '1970-01-01', '23:59:59.999', '"x"', 'abcd', 'ffffffff-ffff-ffff-ffff-ffffffffffff')`,
};

/** Each makes PostgreSQL's rows others than SQLite's, whose digests must then be others too. */
const OTHERS = [
  'SET x = y, y = x WHERE id = -9223372036854775808',
  'SET label = note, note = label WHERE id = 1',
  'SET x = 0 WHERE id = 2',
  `SET label = '' WHERE id = 2`,
  `SET body = '' WHERE id = 2`,
  'SET single = 0.25 WHERE id = 1',
  'SET small = 2 WHERE id = 9007199254740993',
  `SET at = at + interval '1 microsecond' WHERE id = 1`,
  `SET since = since + interval '1 hour' WHERE id = 1`,
  'SET amount = amount + 1e-20 WHERE id = 1',
  `SET settings = '{"a": [1.5, "é"], "b": 1}' WHERE id = 1`,
  `SET code = 'abc' WHERE id = 1`,
  'SET id = 9007199254740992 WHERE id = 9007199254740993',
  `SET label = (SELECT label FROM things WHERE id = 1) WHERE id = 9007199254740993`,
];

for (const blobsInArrays of [false, true]) {
  const how = blobsInArrays ? 'as before version 18' : 'as from version 18 on';
  test(`equal rows have one digest in both databases, and others have another: blobs hashed ${how}`, async (t) => {
    const client = await connect(t, await freshDatabase(t));
    const file = new Database(':memory:');
    t.teardown(() => file.close());
    file.defaultSafeIntegers(true);
    file.exec(`${SQLITE}; ${ROWS.sqlite}`);
    await client.query(`${POSTGRES}; ${ROWS.postgres}`);
    const version = await client.query<{ old: boolean }>(
      `SELECT current_setting('server_version_num')::integer < 180000 AS old`,
    );
    const salt = newSalt(blobsInArrays || version.rows[0]?.old === true);
    const everything = { after: null, upTo: null };
    const postgres = async (): Promise<RangeDigest> => {
      const { rows } = await client.query<{ rows: string; sum: string }>(rangeDigests(TABLE, [everything], salt));
      return { rows: Number(rows[0]?.rows), sum: BigInt.asUintN(64, BigInt(rows[0]?.sum ?? 0)), refused: 0 };
    };
    const sqlite = atOnce(new RangeHasher(file, { table: TABLE, salt }).ofRange(everything));
    t.deepEqual(sqlite, await postgres());
    const keys = file.prepare('SELECT id FROM things ORDER BY abs(id + 5)').raw().all() as Key[];
    const ofKeys = (): RangeDigest => {
      return atOnce(new RangeHasher(file, { table: TABLE, salt }).ofKeys(everything, [...keys, [4_711n]]));
    };
    t.deepEqual(ofKeys(), sqlite, 'the rows by their keys');
    for (const other of OTHERS) {
      await client.query(`BEGIN; UPDATE things ${other}`);
      t.notDeepEqual(await postgres(), sqlite, other);
      await client.query('ROLLBACK');
    }
    for (const odd of [
      `small = 'text'`,
      `label = x'61'`,
      `label = CAST(x'ff' AS TEXT)`,
      `body = 'text'`,
      `price = 1.999`,
      `day = 'x'`,
    ]) {
      file.exec(`SAVEPOINT odd; UPDATE things SET ${odd} WHERE id = 1`);
      const digest = atOnce(new RangeHasher(file, { table: TABLE, salt }).ofRange(everything));
      t.deepEqual(ofKeys(), digest, `the rows by their keys: ${odd}`);
      t.true(digest.refused === 1 || digest.sum !== sqlite.sum, odd);
      file.exec('ROLLBACK TO odd');
    }
  });
}

/** Each makes long values of some rows, of which the rows before them say nothing. */
const LONG = {
  text: `note = replace(hex(zeroblob(30000)), '00', 'é')`,
  blob: 'body = zeroblob(70000 + id)',
  json: `settings = '["' || hex(zeroblob(200000)) || '"]'`,
} as const;
const LONG_ROWS = 100;

test('rows with long values are read few at a time, and have the digest that they have one by one', (t) => {
  const table: TableSpec = {
    name: 'notes',
    key: [0],
    autoIncrement: false,
    columns: [
      column('id', 'INTEGER', { type: 'bigint', postgresType: 'bigint' }),
      column('note', 'TEXT', { type: 'text', postgresType: 'text' }),
      column('body', 'BLOB', { type: 'blob', postgresType: 'bytea' }),
      column('settings', 'TEXT', { type: 'jsonb', postgresType: 'jsonb' }),
    ],
  };
  const salt = newSalt(false);
  const everything = { after: null, upTo: null };
  for (const [kind, change] of Object.entries(LONG)) {
    const file = new Database(':memory:');
    t.teardown(() => file.close());
    file.defaultSafeIntegers(true);
    file.exec(`CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT, body BLOB, settings TEXT);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
      INSERT INTO notes SELECT i, 'note ' || i, NULL, '{}' FROM n`);
    const hasher = new RangeHasher(file, { table, salt });
    const { pieces: few } = counted(hasher.ofRange(everything));
    file.exec(`UPDATE notes SET ${change} WHERE id BETWEEN 1001 AND ${1_000 + LONG_ROWS}`);
    const { pieces, value: whole } = counted(new RangeHasher(file, { table, salt }).ofRange(everything));
    t.true(pieces > few + LONG_ROWS / 16, `${kind}: ${few} pieces, then ${pieces}`);
    t.is(whole.rows, 1_500);
    let sum = 0n;
    for (let id = 1n; id <= 1_500n; id += 1n) {
      const one = atOnce(hasher.ofRange({ after: [id - 1n], upTo: [id] }));
      t.is(one.rows, 1);
      sum += one.sum;
    }
    t.is(whole.sum, BigInt.asUintN(64, sum), kind);
    const keys = Array.from({ length: 1_500 }, (_, index): Key => [BigInt(index + 1)]);
    t.deepEqual(atOnce(new RangeHasher(file, { table, salt }).ofKeys(everything, keys)), whole, kind);
  }
});

function counted<T>(work: Interruptible<T>): { readonly pieces: number; readonly value: T } {
  let pieces = 1;
  let next = work.next();
  for (; next.done !== true; next = work.next()) pieces += 1;
  return { pieces, value: next.value };
}
