import { column } from './translated.ts';
import type { TableOfBoth } from './translated.ts';

/** Tables with columns of all kinds and rows that are unpleasant for a translation. */
export const NASTY_TABLES: readonly TableOfBoth[] = [
  {
    name: 't',
    primaryKey: ['id'],
    columns: [
      column('id', 'INTEGER PRIMARY KEY', 'bigint', 'integer', { isRowid: true, notNull: true }),
      column('i', 'INTEGER', 'bigint', 'integer'),
      column('j', 'INTEGER', 'integer', 'integer'),
      column('r', 'REAL', 'double precision', 'real'),
      column('s', 'TEXT', 'text', 'text'),
      column('n', 'TEXT COLLATE NOCASE', 'text', 'text', { collation: 'NOCASE' }),
      column('p', 'VARCHAR(20) COLLATE RTRIM', 'text', 'text', { collation: 'RTRIM' }),
      column('f', 'BOOLEAN', 'boolean', 'boolean', { affinity: 'NUMERIC' }),
      column('d', 'DECIMAL(10,2)', 'numeric(10,2)', 'numeric', { affinity: 'NUMERIC' }),
      column('b', 'BLOB', 'bytea', 'blob'),
      column('w', 'TEXT NOT NULL', 'text', 'text', { notNull: true }),
    ],
    rows: [
      [1n, 0n, 1n, 0.5, 'abc', 'ABC', 'abc', 0n, 1.5, Buffer.from('00ff', 'hex'), 'a'],
      [2n, 1n, 2n, -1.5, 'ABC', 'abc', 'abc  ', 1n, 2n, Buffer.from('abc'), 'b'],
      [3n, -1n, 0n, 2.0, '', 'Abd', '', null, -3.25, Buffer.alloc(0), 'b'],
      [4n, 7n, -2n, 1e15, '12', '12', ' 12', 1n, 0n, null, 'C'],
      [5n, -7n, 2n, 1e-7, ' 5', 'É', 'é ', 0n, 100n, Buffer.from('12'), 'é'],
      [6n, 42n, 42n, 2.5, '5.0', 'é', 'x', 1n, 0.01, Buffer.from('ff', 'hex'), 'É'],
      [7n, null, null, null, null, null, null, null, null, null, ''],
      [8n, 2n, 5n, 123456.789, '12abc', 'zz_%', '%', 0n, 12345678.91, Buffer.from('é'), 'z'],
      [9n, 9007199254740993n, -1n, -0.1, 'é', "it's", 'a_b', 1n, -0.5, Buffer.from('abc'), 'aa'],
      [10n, 100n, 3n, 0.1, 'a\tb', 'B', 'B ', 0n, 1n, Buffer.from('zz'), 'A'],
      [11n, 5n, 5n, 100.0, '-3', 'b', '5', 1n, 5n, Buffer.from('5'), '5'],
      [12n, 1n, 1n, 3.25e2, '0x10', '1e2', 'b', null, 2.5, null, '1e2'],
    ],
  },
  {
    name: 'Users',
    primaryKey: ['id'],
    uniques: [['id'], ['email']],
    columns: [
      column('id', 'INTEGER PRIMARY KEY', 'bigint', 'integer', { isRowid: true, notNull: true }),
      column('Name', 'TEXT NOT NULL', 'text', 'text', { notNull: true }),
      column('email', 'TEXT COLLATE NOCASE', 'text', 'text', { collation: 'NOCASE' }),
      column('t_id', 'INTEGER', 'bigint', 'integer'),
      column('active', 'BOOLEAN NOT NULL DEFAULT 1', 'boolean', 'boolean', {
        default: 'true',
        notNull: true,
        affinity: 'NUMERIC',
      }),
      column('data', 'TEXT', 'text', 'text'),
      column('made', 'TEXT', 'text', 'text'),
    ],
    rows: [
      [1n, 'Ann', 'ann@x', 1n, 1n, '{"a":1,"b":[1,2,{"c":"x"}],"n":null}', '2024-01-31 10:00:00'],
      [2n, 'bob', 'BOB@x', 1n, 0n, '{"a":"1","b":[],"t":true}', '2023-02-28'],
      [3n, 'Émile', null, 3n, 1n, '[1,2.5,"three",null,false]', '2024-02-29 23:59:59'],
      [4n, 'ann', 'z@x', null, 0n, null, null],
      [5n, 'Zoe', 'A@x', 99n, 1n, '{"a":2.5,"b":"text"}', '1999-12-31T00:00:00'],
    ],
  },
  {
    name: 'orders',
    columns: [
      column('id', 'INTEGER PRIMARY KEY', 'bigint', 'integer', { isRowid: true, notNull: true }),
      column('user_id', 'INTEGER', 'bigint', 'integer'),
      column('amount', 'REAL', 'double precision', 'real'),
      column('qty', 'INTEGER NOT NULL', 'integer', 'integer', { notNull: true }),
      column('status', "TEXT DEFAULT 'new'", 'text', 'text', { default: "'new'" }),
    ],
    primaryKey: ['id'],
    uniques: [['id']],
    rows: [
      [1n, 1n, 10.5, 1n, 'new'],
      [2n, 1n, 20.25, 2n, 'paid'],
      [3n, 2n, 0.1, 3n, 'new'],
      [4n, 2n, 0.2, 3n, null],
      [5n, 3n, null, 5n, 'paid'],
      [6n, null, 7.0, 0n, 'NEW'],
      [7n, 5n, 0.3, 1n, 'lost'],
    ],
  },
];
