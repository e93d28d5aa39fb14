import test from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { matchTables } from '../adapter/match-tables.ts';
import { encodeKey, keyOf } from '../adapter/spec.ts';
import type { Key, Row, TableSpec } from '../adapter/spec.ts';
import { describeTables } from '../adapter/sqlite/describe.ts';
import { bookkeepingSql, keyNames, quote } from '../adapter/sqlite/sql.ts';
import { Triggers } from '../adapter/sqlite/triggers.ts';

/**
 * Tables in which one row can push another out, or drag another along, in every way that SQLite knows. Each has the
 * columns k, a, b and c to be written, and perhaps more.
 */
const SCHEMAS = {
  'an integer key and two unique columns': `CREATE TABLE t (k INTEGER PRIMARY KEY, a UNIQUE, b UNIQUE, c)`,
  'a key of its own name that is not the rowid': `CREATE TABLE t (k INT PRIMARY KEY NOT NULL, a UNIQUE, b, c, UNIQUE (b, c))`,
  'no rowid': `CREATE TABLE t (k PRIMARY KEY NOT NULL, a UNIQUE, b UNIQUE, c) WITHOUT ROWID`,
  'a composite key': `CREATE TABLE t (k NOT NULL, a NOT NULL, b UNIQUE, c UNIQUE, PRIMARY KEY (k, a))`,
  'a composite key without rowid': `CREATE TABLE t (k NOT NULL, a NOT NULL, b UNIQUE, c, PRIMARY KEY (a, k)) WITHOUT ROWID`,
  'a natural key': `CREATE TABLE t (k NOT NULL UNIQUE, a UNIQUE, b, c)`,
  'a key under NOCASE': `CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, a UNIQUE COLLATE NOCASE, b, c)`,
  'a key under RTRIM without rowid': `CREATE TABLE t (k TEXT COLLATE RTRIM PRIMARY KEY NOT NULL, a, b UNIQUE COLLATE RTRIM, c) WITHOUT ROWID`,
  'affinities that convert': `CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT UNIQUE, b NUMERIC UNIQUE, c REAL UNIQUE)`,
  'conflict clauses in the table': `CREATE TABLE t (k INTEGER PRIMARY KEY ON CONFLICT REPLACE, a UNIQUE ON CONFLICT REPLACE,
    b NOT NULL ON CONFLICT REPLACE DEFAULT 1 UNIQUE ON CONFLICT IGNORE, c)`,
  'defaults that replace NULL': `CREATE TABLE t (k INTEGER PRIMARY KEY, a NOT NULL DEFAULT 'x' UNIQUE, b NOT NULL DEFAULT (1 + 1) UNIQUE, c)`,
  'partial indexes': `CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c);
    CREATE UNIQUE INDEX t_a ON t (a) WHERE b IS NOT NULL; CREATE UNIQUE INDEX t_b ON t (b) WHERE c > 1;`,
  'indexes over expressions': `CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c);
    CREATE UNIQUE INDEX t_a ON t (lower(a) DESC, b); CREATE UNIQUE INDEX t_c ON t (c + 1) WHERE c IS NOT NULL;`,
  'indexes over another collation than the column': `CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT, b TEXT COLLATE NOCASE, c);
    CREATE UNIQUE INDEX t_a ON t (a COLLATE NOCASE); CREATE UNIQUE INDEX t_b ON t (b COLLATE BINARY);`,
  'generated columns in unique indexes': `CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c,
    g AS (a || '/' || b) STORED UNIQUE, v AS (lower(c)) VIRTUAL); CREATE UNIQUE INDEX t_v ON t (v);`,
  'generated columns over generated columns': `CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c /* , d */, v TEXT GENERATED ALWAYS AS ("s" || ')') VIRTUAL UNIQUE,
    [s] VARCHAR(9) NOT NULL CHECK (1) AS (coalesce(a, 0) || ',' || coalesce(b, 0)) STORED, w AS (c) UNIQUE);
    CREATE UNIQUE INDEX t_s ON t (upper(s), v);`,
  'children that follow their parents': `CREATE TABLE t (k INTEGER PRIMARY KEY, a UNIQUE, b, c REFERENCES t (a) ON DELETE CASCADE ON UPDATE CASCADE)`,
  'children that let go': `CREATE TABLE t (k INTEGER PRIMARY KEY, a UNIQUE, b REFERENCES t (a) ON DELETE SET NULL ON UPDATE SET NULL,
    c DEFAULT 1 REFERENCES t (k) ON DELETE SET DEFAULT ON UPDATE SET DEFAULT)`,
  'triggers of the user': `CREATE TABLE t (k INTEGER PRIMARY KEY, a UNIQUE, b UNIQUE, c);
    CREATE TRIGGER t_first BEFORE INSERT ON t WHEN NEW.c = 3 BEGIN DELETE FROM t WHERE b = NEW.c; END;
    CREATE TRIGGER t_ignored BEFORE UPDATE ON t WHEN NEW.c = 4 BEGIN SELECT RAISE(IGNORE); END;
    CREATE TRIGGER t_last AFTER INSERT ON t WHEN NEW.c = 2 BEGIN UPDATE OR REPLACE t SET b = NEW.a WHERE k < NEW.k; END;
    CREATE TRIGGER t_gone AFTER DELETE ON t WHEN OLD.c = 1 BEGIN INSERT OR REPLACE INTO t VALUES (OLD.k + 1, OLD.a, OLD.b, 0); END;`,
} as const;

/** A handful, so that values meet; some equal under a collation or an affinity, some NULL. */
const VALUES = ['1', '2', '3', '4', '5', '1.0', "'1'", "'a'", "'A'", "'a '", "'b'", "'x'", "x'31'", 'NULL', "''"];

const value = fc.constantFrom(...VALUES);
const column = fc.constantFrom('k', 'a', 'b', 'c');
const number = fc.constantFrom('1', '2', '3', '4', '5', '6', '7', 'NULL');
const conflict = fc.constantFrom(
  '',
  ' OR REPLACE',
  ' OR REPLACE',
  ' OR IGNORE',
  ' OR FAIL',
  ' OR ABORT',
  ' OR ROLLBACK',
);
const row = fc.tuple(fc.oneof(number, value), value, value, value).map((values) => `(${values.join(', ')})`);
const rows = fc.array(row, { minLength: 1, maxLength: 3 }).map((list) => list.join(', '));
const assignments = fc
  .array(fc.tuple(column, value), { minLength: 1, maxLength: 2 })
  .map((pairs) => pairs.map(([name, to]) => `${name} = ${to}`).join(', '));
const condition = fc.oneof(
  fc.constant('1'),
  fc.tuple(column, value).map(([name, to]) => `${name} IS ${to}`),
  fc.tuple(column, value).map(([name, to]) => `${name} > ${to}`),
);
const upsert = fc.oneof(
  fc.constant('ON CONFLICT DO NOTHING'),
  assignments.map((set) => `ON CONFLICT DO UPDATE SET ${set}`),
  fc
    .tuple(column, condition)
    .map(
      ([name, where]) =>
        `ON CONFLICT DO UPDATE SET ${name} = excluded.${name} WHERE ${where.replace(/^(\w+) /, 't.$1 ')}`,
    ),
);

const statement = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(conflict, rows).map(([or, list]) => `INSERT${or} INTO t (k, a, b, c) VALUES ${list}`),
  },
  { weight: 1, arbitrary: fc.tuple(value, value).map(([a, b]) => `REPLACE INTO t (a, b) VALUES (${a}, ${b})`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(conflict, assignments, condition)
      .map(([or, set, where]) => `UPDATE${or} t SET ${set} WHERE ${where}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(conflict, rows, upsert)
      .map(([or, list, clause]) => `INSERT${or} INTO t (k, a, b, c) VALUES ${list} ${clause}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(conflict, condition)
      .map(([or, where]) => `INSERT${or} INTO t (k, a, b, c) SELECT b, c, a, k FROM t WHERE ${where} ORDER BY k, a`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(conflict, column, column)
      .map(([or, to, from]) => `UPDATE${or} t SET ${to} = other.${from} FROM t other WHERE other.k = t.a`),
  },
  { weight: 1, arbitrary: fc.tuple(conflict, column).map(([or, name]) => `UPDATE${or} t SET ${name} = ${name} + 1`) },
  { weight: 1, arbitrary: condition.map((where) => `DELETE FROM t WHERE ${where}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'DELETE FROM t',
      'BEGIN',
      'COMMIT',
      'ROLLBACK',
      'SAVEPOINT s',
      'ROLLBACK TO s',
      'RELEASE s',
    ),
  },
);

function open(schema: string, recursive: boolean): { db: Database.Database; table: TableSpec } {
  const db = new Database(':memory:');
  db.defaultSafeIntegers(true);
  db.pragma('foreign_keys = ON');
  db.pragma(`recursive_triggers = ${recursive ? 'ON' : 'OFF'}`);
  db.exec(schema);
  const shapes = describeTables(db);
  const asInPostgres = shapes.map((shape) => ({
    ...shape,
    columns: shape.columns.map((one) => ({ ...one, type: 'text' })),
  }));
  const tables = matchTables({ sqlite: shapes, postgres: asInPostgres }, { include: undefined, exclude: [] });
  const [table] = tables;
  if (table === undefined) throw new Error('there is one table');
  db.exec(bookkeepingSql(table.key.length));
  db.exec(`INSERT INTO _crossfade_state (id, version, role, epoch, stage) VALUES (1, 1, 'primary', 1, 'dual')`);
  new Triggers(db).installCapture(tables);
  return { db, table };
}

/** Histories for each kind of table. A thousand find what is rare. */
const RUNS = 60 * Number(process.env['CROSSFADE_HISTORIES'] ?? 1);

/** 1 and 1.0 are one key, and either finds the row. */
function identity(key: Key): string {
  return encodeKey(key.map((part) => (typeof part === 'number' && Number.isInteger(part) ? BigInt(part) : part)));
}

function rowsOf(db: Database.Database, table: TableSpec): Map<string, string> {
  const columns = table.columns.map(({ name }) => quote(name)).join(', ');
  const found = db
    .prepare(`SELECT ${columns} FROM ${quote(table.name)}`)
    .raw()
    .all() as Row[];
  return new Map(found.map((values) => [identity(keyOf(table, values)), encodeKey(values)]));
}

/** Keys of rows that are not what they were. */
function changedKeys(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
}

function recordedKeys(db: Database.Database, table: TableSpec, after: bigint): Set<string> {
  const found = db
    .prepare(`SELECT ${keyNames(table.key.length).join(', ')} FROM _crossfade_changes WHERE seq > ?`)
    .raw()
    .all(after) as Key[];
  return new Set(found.map(identity));
}

/** Runs a history, and @throws Error at the first statement that changes a row unseen. Resolves to how many rows changed. */
function changesSeen(schema: string, recursive: boolean, history: readonly string[]): number {
  const { db, table } = open(schema, recursive);
  let changes = 0;
  try {
    let before = rowsOf(db, table);
    let seq = 0n;
    for (const sql of history) {
      try {
        db.exec(sql);
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error;
      }
      // What is still in a transaction is no more than a promise.
      if (db.inTransaction) continue;
      const after = rowsOf(db, table);
      const recorded = recordedKeys(db, table, seq);
      const changed = changedKeys(before, after);
      changes += changed.length;
      const missed = changed.filter((key) => !recorded.has(key));
      if (missed.length > 0) throw new Error(`${sql} changed ${missed.join(', ')} unseen`);
      before = after;
      seq = db.prepare('SELECT coalesce(max(seq), 0) FROM _crossfade_changes').pluck().get() as bigint;
    }
    return changes;
  } finally {
    db.close();
  }
}

for (const [name, schema] of Object.entries(SCHEMAS)) {
  for (const recursive of [false, true]) {
    test(`${name}: no statement changes a row without recording its key, recursive_triggers ${recursive ? 'on' : 'off'}`, (t) => {
      let changes = 0;
      fc.assert(
        fc.property(fc.array(statement, { minLength: 5, maxLength: 40 }), (history) => {
          changes += changesSeen(schema, recursive, history);
        }),
        { numRuns: RUNS },
      );
      t.true(changes > 5, `${changes} rows changed`);
    });
  }
}

/** Rows that went unseen once, and the smallest way to each. */
const FOUND: readonly (readonly [keyof typeof SCHEMAS, readonly string[]])[] = [
  [
    'partial indexes',
    [`INSERT INTO t VALUES (1, 'a', 1, 'x'), (5, 1, 1, 1)`, `UPDATE OR REPLACE t SET c = 3 WHERE k = 5`],
  ],
  [
    'generated columns in unique indexes',
    [`INSERT INTO t (k, a, b, c) VALUES (1, 4, 1, 'x'), (2, 5, 1, 'y')`, `UPDATE OR REPLACE t SET a = 5 WHERE k = 1`],
  ],
  [
    'generated columns in unique indexes',
    [`INSERT INTO t (k, a, b, c) VALUES (1, 4, 1, 'x'), (2, 5, 1, 'y')`, `UPDATE OR REPLACE t SET c = 'Y' WHERE k = 1`],
  ],
  [
    'generated columns over generated columns',
    [`INSERT INTO t (k, a, b, c) VALUES (1, 4, 1, 'x'), (2, 5, 1, 'y')`, `UPDATE OR REPLACE t SET a = 5 WHERE k = 1`],
  ],
  [
    'children that follow their parents',
    [`INSERT INTO t VALUES (1, 2, 1, 1), (4, 1, 1, 1)`, `UPDATE OR REPLACE t SET k = 4 WHERE k = 1`],
  ],
];

test('rows that are pushed out by what an update does not name are recorded', (t) => {
  for (const [name, history] of FOUND) {
    for (const recursive of [false, true]) {
      t.true(changesSeen(SCHEMAS[name], recursive, history) > 2, `${name}: ${history.at(-1)}`);
    }
  }
});
