import test from 'ava';
import { copyColumn } from '../adapter/codec/binary.ts';
import { ByteWriter } from '../adapter/codec/byte-writer.ts';
import { ValueRefused } from '../adapter/codec/value-refused.ts';
import { encodeKey, keyOf } from '../adapter/spec.ts';
import type { ColumnSpec, Row, TableSpec } from '../adapter/spec.ts';
import { openConnection } from '../adapter/sqlite/connection.ts';
import { encodePiece } from '../adapter/sqlite/piece-encoder.ts';
import { PieceReader } from '../adapter/sqlite/piece-reader.ts';
import { SpelledPages } from '../adapter/sqlite/spelled-pages.ts';
import type { Cursor } from '../adapter/store.ts';
import { Random } from './helpers/random.ts';
import { sqliteFile } from './helpers/sqlite.ts';

type Bound = string | number | bigint | Buffer | null;

interface TestColumn extends ColumnSpec {
  /** Values as the column usually has them. */
  readonly usual: (random: Random) => Bound;
}

function column(name: string, sqliteType: string, coding: Partial<ColumnSpec>, usual: TestColumn['usual']): TestColumn {
  const type = coding.type ?? 'text';
  return { name, sqliteType, collation: 'BINARY', sequence: null, type, postgresType: type, ...coding, usual };
}

const TEXTS = [
  '',
  'a',
  'null:',
  'text3:abc;',
  '12;',
  'é🦀',
  '\uFFFD',
  'x'.repeat(63),
  'ü'.repeat(200),
  'tab\there',
  '-1',
];
const text = (random: Random): string => random.pick(TEXTS) + String(random.between(0, 999));

const COLUMNS: readonly TestColumn[] = [
  column('id', 'INTEGER', { type: 'bigint' }, () => null),
  column('n', 'INTEGER', { type: 'bigint' }, (random) =>
    random.pick([0n, -1n, 9_007_199_254_740_993n, -(2n ** 63n), 2n ** 63n - 1n, BigInt(random.between(-999, 999))]),
  ),
  column('small', 'INTEGER', { type: 'smallint' }, (random) => BigInt(random.between(-0x8000, 0x7fff))),
  column('flag', 'BOOLEAN', { type: 'boolean' }, (random) => BigInt(random.between(0, 1))),
  column('title', 'TEXT', { type: 'text' }, text),
  column('code', 'VARCHAR(8)', { type: 'text', postgresType: 'character varying(8)' }, (random) =>
    random.pick(['', 'abc', 'ü🦀xyz12', '12345678']),
  ),
  column('settings', 'JSON', { type: 'jsonb' }, (random) => random.pick(['{"a": [1, "é"]}', '[]', '{ "b":1.50 }'])),
  column('seen', 'INTEGER', { type: 'timestamptz', form: 'epoch-ms' }, (random) => BigInt(random.between(0, 2 ** 31))),
  column('at', 'TEXT', { type: 'timestamptz', form: 'iso-ms' }, (random) =>
    new Date(random.between(0, 2 ** 31) * 1_000).toISOString(),
  ),
  column('rate', 'REAL', { type: 'double', postgresType: 'double precision' }, (random) => random.next() / 3),
  column('price', 'NUMERIC', { type: 'numeric' }, (random) => random.between(-999, 999) / 4),
  column('body', 'BLOB', { type: 'blob', postgresType: 'bytea' }, (random) =>
    Buffer.from(random.pick(['', '00', 'ff00ff', '6e756c6c3a', 'c3'.repeat(100)]), 'hex'),
  ),
  column('mark', 'BLOB', { type: 'uuid', form: 'uuid-blob' }, () => Buffer.alloc(16, 0xa5)),
];

/** What a column may hold besides, since SQLite takes anything; most of it cannot be written to every column. */
const ODD: readonly Bound[] = [
  5n,
  1.5,
  1e300,
  '12',
  'twelve',
  '',
  'a\0b',
  Buffer.from('3132', 'hex'),
  Buffer.from('twelve;'),
  Buffer.alloc(0),
  '9'.repeat(30),
  'é'.repeat(10_000),
  Buffer.alloc(20_000, 7),
];

const TABLE: TableSpec = { name: 'things', columns: COLUMNS, key: [0], autoIncrement: false };
const ROWS = 700;

test('rows that SQLite spells out are written as those that are read value by value, whatever a column holds', (t) => {
  const random = new Random(Random.seedOfSuite());
  const declared = COLUMNS.map(({ name, sqliteType }) => `${name} ${sqliteType}${name === 'id' ? ' PRIMARY KEY' : ''}`);
  for (const odd of [0, 0.000_3, 0.01]) {
    const db = openConnection(sqliteFile(t, `CREATE TABLE things (${declared.join(', ')})`));
    t.teardown(() => db.close());
    const insert = db.prepare(`INSERT INTO things VALUES (${COLUMNS.map(() => '?').join(', ')})`);
    const notText = db.prepare(`UPDATE things SET title = CAST(x'61ff' AS TEXT) WHERE id = ?`);
    db.transaction(() => {
      for (let id = 1; id <= ROWS; id += 1) {
        insert.run(
          ...COLUMNS.map(({ name, usual }) => {
            if (name === 'id') return BigInt(id * 3);
            if (random.chance(odd)) return random.pick(ODD);
            return random.chance(0.1) ? null : usual(random);
          }),
        );
        if (random.chance(odd)) notText.run(id * 3);
      }
    })();
    const isRead = SpelledPages.of(db, TABLE)?.read([0n], ROWS) !== null;
    if (odd === 0) t.true(isRead);
    for (const limit of [{ rows: 10 ** 6 }, { rows: 97 }, { rows: 10 ** 6, bytes: 9_000 }]) {
      let before: Cursor | undefined;
      do {
        const expected = writtenOneByOne(new PieceReader(db, { table: TABLE, ...limit }, before));
        const piece = new PieceReader(db, { table: TABLE, ...limit }, before);
        const chunks = [...encodePiece(piece)];
        t.true(
          Buffer.concat(chunks.map(({ bytes }) => bytes)).equals(expected.bytes),
          `odd ${odd}, seed ${random.seed}`,
        );
        t.deepEqual(
          chunks.flatMap(({ refused }) => refused.map(({ key }) => encodeKey(key))),
          expected.refused,
        );
        t.deepEqual(piece.cursor, expected.cursor);
        before = piece.cursor ?? undefined;
      } while (before?.isDone === false);
      t.is(before?.rowsCopied, ROWS);
    }
  }
});

/** As `encodePiece`, the long way. */
function writtenOneByOne(piece: PieceReader): { bytes: Buffer; refused: readonly string[]; cursor: Cursor | null } {
  const writers = COLUMNS.map((each) => copyColumn(each));
  const out = new ByteWriter();
  const refused: string[] = [];
  for (const row of piece.rows()) {
    const start = out.end;
    try {
      out.int16(writers.length);
      writers.forEach((write, index) => write?.(row[index] ?? null, out));
    } catch (error) {
      if (!(error instanceof ValueRefused)) throw error;
      out.end = start;
      refused.push(encodeKey(keyOf(TABLE, row)));
    }
  }
  return { bytes: Buffer.from(out.take()), refused, cursor: piece.cursor };
}

test('a page is read again by value where it holds what is no text, a key with a NULL, or another class of values', (t) => {
  const path = sqliteFile(t, 'CREATE TABLE things (id TEXT PRIMARY KEY, n INTEGER)');
  const db = openConnection(path);
  t.teardown(() => db.close());
  const table: TableSpec = {
    name: 'things',
    columns: [
      column('id', 'TEXT', { type: 'text' }, () => null),
      column('n', 'INTEGER', { type: 'bigint' }, () => null),
    ],
    key: [0],
    autoIncrement: false,
  };
  const read = (): readonly (Row | null)[] | null => {
    const page = SpelledPages.of(db, table)?.read([''], 10) ?? null;
    if (page === null) return null;
    return Array.from({ length: page.found }, (_, row) => {
      page.begin(row);
      return page.row();
    });
  };
  db.exec(`INSERT INTO things VALUES ('a', 1), ('b', NULL)`);
  t.deepEqual(read(), [
    ['a', 1n],
    ['b', null],
  ]);
  db.exec(`INSERT INTO things VALUES ('c', x'31')`);
  t.deepEqual(read()?.at(-1), null);
  db.exec(`UPDATE things SET id = CAST(x'63ff' AS TEXT), n = 3 WHERE id = 'c'`);
  t.is(read(), null);
  db.exec(`UPDATE things SET id = 'c' || char(0) WHERE n = 3`);
  t.is(read(), null);

  db.exec(`DELETE FROM things; INSERT INTO things VALUES ('a', 1), (NULL, 2)`);
  const piece = new PieceReader(db, { table, rows: 10 }, undefined);
  t.throws(() => [...encodePiece(piece)], { code: 'KEY_HOLDS_NULL' });
});
