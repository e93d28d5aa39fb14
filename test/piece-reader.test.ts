import test from 'ava';
import { Unholdable } from '../adapter/codec/unholdable.ts';
import { encodeKey } from '../adapter/spec.ts';
import type { ColumnSpec, Row, TableSpec } from '../adapter/spec.ts';
import { openConnection } from '../adapter/sqlite/connection.ts';
import { PieceReader } from '../adapter/sqlite/piece-reader.ts';
import type { RowTaker } from '../adapter/sqlite/piece-reader.ts';
import type { Cursor } from '../adapter/store.ts';
import { sqliteFile } from './helpers/sqlite.ts';

const ROWS = 1_500;

/** Texts of every length; some hold U+FFFD, some bytes that are no text, and keys of every kind come in their own order. */
const TABLES = `
  CREATE TABLE words (k, word TEXT, size REAL, picture BLOB, PRIMARY KEY (k));
  CREATE TABLE pairs (a TEXT COLLATE NOCASE NOT NULL, b INTEGER NOT NULL, word TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
  INSERT INTO words SELECT
    CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i + 0.5 WHEN 2 THEN 'k' || i ELSE CAST('b' || i AS BLOB) END,
    CASE WHEN i % 211 = 0 THEN CAST(x'61ff62' AS TEXT) WHEN i % 173 = 0 THEN 'a' || char(65533) ELSE substr(hex(zeroblob(200)), 1, i % 90) END,
    i / 3.0, CASE i % 5 WHEN 0 THEN zeroblob(i % 60) END FROM n;
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
  INSERT INTO pairs SELECT substr('aBcD', 1 + i % 4, 1) || (i % 7), i, 'w' || i FROM n;`;

const TYPES: Readonly<Record<string, ColumnSpec['type']>> = { INTEGER: 'bigint', REAL: 'double', BLOB: 'blob' };

function column(name: string, sqliteType: string, collation: ColumnSpec['collation'] = 'BINARY'): ColumnSpec {
  const type = TYPES[sqliteType] ?? 'text';
  return { name, type, sqliteType, postgresType: type, collation, sequence: null };
}

const SPECS: readonly TableSpec[] = [
  {
    name: 'words',
    columns: [column('k', ''), column('word', 'TEXT'), column('size', 'REAL'), column('picture', 'BLOB')],
    key: [0],
    autoIncrement: false,
  },
  {
    name: 'pairs',
    columns: [column('a', 'TEXT', 'NOCASE'), column('b', 'INTEGER'), column('word', 'TEXT')],
    key: [0, 1],
    autoIncrement: false,
  },
];

function spelled(row: Row): string {
  return encodeKey(row.map((value) => (value instanceof Unholdable ? `unholdable ${String(value.original)}` : value)));
}

test('rows that are handed over are those that are read one by one, and a piece ends at the same one', (t) => {
  const db = openConnection(sqliteFile(t, TABLES));
  t.teardown(() => db.close());
  const limits = [
    { rows: 1 },
    { rows: 333 },
    { rows: 10 ** 6 },
    { rows: 10 ** 6, bytes: 5_000 },
    { rows: 90, bytes: 4_000 },
  ];
  let unholdable = 0;
  let rowsOfPages = 0;
  for (const table of SPECS) {
    for (const limit of limits) {
      let before: Cursor | undefined;
      for (let piece = 0; piece < 12 && before?.isDone !== true; piece += 1) {
        const reader = new PieceReader(db, { table, ...limit }, before);
        const read = [...reader.rows()].map(spelled);
        const { cursor } = reader;
        const taken: Row[] = [];
        const taker: RowTaker = {
          take: (row) => void taken.push(row),
          takeSpelled: (page) => {
            const row = page.row();
            if (row === null) return null;
            taken.push(row);
            rowsOfPages += 1;
            return page.size;
          },
          mark: () => {
            const { length } = taken;
            return () => void (taken.length = length);
          },
        };
        for (const _ of reader.handOver(taker)) t.true(taken.length > 0);
        t.deepEqual(taken.map(spelled), read);
        t.deepEqual(reader.cursor, cursor);
        unholdable += taken.filter((row) => row.some((value) => value instanceof Unholdable)).length;
        before = cursor ?? undefined;
      }
    }
  }
  t.true(unholdable > 0);
  t.true(rowsOfPages > ROWS);
});
