import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import Database from 'better-sqlite3';
import { readSchema } from '../migrations/sqlite/read-schema.ts';
import type { SqliteSchema, SqliteTable } from '../migrations/sqlite/schema.ts';
import { applyMigrations } from '../migrations/sqlite/apply-migrations.ts';

function schemaOf(sql: string): SqliteSchema {
  const db = new Database(':memory:');
  try {
    db.exec(sql);
    return readSchema(db);
  } finally {
    db.close();
  }
}

function tableOf(sql: string, name = 't'): SqliteTable {
  const table = schemaOf(sql).tables.find((one) => one.name === name);
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}

/** A schema as another program left it, one whose SQLite takes string literals in double quotes. */
function writtenElsewhere(
  sql: string,
  edits: readonly { readonly name: string; readonly from: string; readonly to: string }[],
): Database.Database {
  const db = new Database(':memory:');
  db.exec(sql);
  db.unsafeMode();
  db.pragma('writable_schema = ON');
  for (const { name, from, to } of edits)
    db.prepare('UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?').run(from, to, name);
  db.pragma('writable_schema = RESET');
  db.unsafeMode(false);
  return db;
}

test('names are read in all four quotings, with quotes and line breaks in them', (t) => {
  const table = tableOf(
    `CREATE TABLE "t ""1""" ([a b] INT, \`c\`\`d\` TEXT, 'e''f' REAL, "g
h" BLOB, select_ CHECK ([a b] > 1 AND "c\`d" <> ''), UNIQUE ("e'f", \`a b\`))`,
    't "1"',
  );
  t.deepEqual(
    table.columns.map(({ name }) => name),
    ['a b', 'c`d', "e'f", 'g\nh', 'select_'],
  );
  t.is(table.checks[0]?.expression.sql, `[a b] > 1 AND "c\`d" <> ''`);
  t.deepEqual(table.checks[0]?.expression.quotedAsNames, []);
  t.deepEqual(
    table.uniques[0]?.parts.map(({ column }) => column),
    ["e'f", 'a b'],
  );
});

test('only INTEGER PRIMARY KEY is the rowid', (t) => {
  const isRowid = (sql: string): boolean => tableOf(`CREATE TABLE t (${sql})`).columns.some((column) => column.isRowid);
  t.true(isRowid('id INTEGER PRIMARY KEY'));
  t.true(isRowid('id integer PRIMARY KEY AUTOINCREMENT'));
  t.true(isRowid('id "INTEGER", PRIMARY KEY (id DESC)'));
  t.true(isRowid('id INTEGER PRIMARY KEY ASC'));
  t.false(isRowid('id INTEGER PRIMARY KEY DESC'));
  t.false(isRowid('id INT PRIMARY KEY'));
  t.false(isRowid('id BIGINT PRIMARY KEY'));
  t.false(isRowid('id INTEGER, b, PRIMARY KEY (id, b)'));
  t.false(tableOf('CREATE TABLE t (id INTEGER PRIMARY KEY) WITHOUT ROWID').columns[0]?.isRowid);
});

test('a key keeps its order, directions, collations, name and conflict clause', (t) => {
  const table = tableOf(
    `CREATE TABLE t (a TEXT COLLATE NOCASE, b INT NOT NULL ON CONFLICT REPLACE DEFAULT 1, c UNIQUE ON CONFLICT IGNORE,
      CONSTRAINT "the key" PRIMARY KEY (b DESC, a) ON CONFLICT FAIL, CONSTRAINT u UNIQUE (c, a COLLATE RTRIM) ON CONFLICT ROLLBACK)`,
  );
  t.deepEqual(
    table.primaryKey.map(({ column, descending, collation }) => [column, descending, collation]),
    [
      ['b', true, 'BINARY'],
      ['a', false, 'NOCASE'],
    ],
  );
  t.is(table.primaryKeyName, 'the key');
  t.is(table.primaryKeyConflict, 'FAIL');
  t.is(table.columns[1]?.notNullConflict, 'REPLACE');
  t.deepEqual(
    table.uniques.map(({ name, onConflict, parts }) => [name, onConflict, parts.map((part) => part.collation)]),
    [
      [null, 'IGNORE', ['BINARY']],
      ['u', 'ROLLBACK', ['BINARY', 'RTRIM']],
    ],
  );
});

test('a UNIQUE that repeats another, or the key, is no second one', (t) => {
  const table = tableOf('CREATE TABLE t (a TEXT UNIQUE PRIMARY KEY, b UNIQUE, UNIQUE (b), UNIQUE (b COLLATE NOCASE))');
  t.is(table.uniques.length, 2);
  t.is(tableOf('CREATE TABLE t (a INTEGER PRIMARY KEY UNIQUE)').uniques.length, 1);
});

test('NOT NULL is what SQLite enforces: in keys of STRICT and WITHOUT ROWID tables, and not for NULL', (t) => {
  const notNulls = (sql: string): readonly boolean[] => tableOf(sql).columns.map(({ notNull }) => notNull);
  t.deepEqual(notNulls('CREATE TABLE t (a TEXT PRIMARY KEY, b NOT NULL, c NULL)'), [false, true, false]);
  t.deepEqual(notNulls('CREATE TABLE t (a TEXT PRIMARY KEY, b) WITHOUT ROWID'), [true, false]);
  t.deepEqual(notNulls('CREATE TABLE t (a INTEGER PRIMARY KEY, b)'), [true, false]);
});

test('affinities follow the declared type, ANY of a STRICT table included', (t) => {
  const affinities = tableOf(
    'CREATE TABLE t (a, b STRING, c "FLOATING POINT", d VARCHAR(10), e CHARINT, f DATETIME, g "DOUBLE PRECISION", h BLOBBY, i ANY)',
  ).columns.map(({ affinity }) => affinity);
  t.deepEqual(affinities, ['BLOB', 'NUMERIC', 'INTEGER', 'TEXT', 'INTEGER', 'NUMERIC', 'REAL', 'BLOB', 'NUMERIC']);
  t.is(tableOf('CREATE TABLE t (a ANY) STRICT').columns[0]?.affinity, 'BLOB');
});

test('defaults keep their text, and bare names in them are texts', (t) => {
  const { columns } = tableOf(
    `CREATE TABLE t (a DEFAULT active, b DEFAULT "two words", c DEFAULT -  5, d DEFAULT (1 + /* one */ 2), e DEFAULT TRUE,
      f DEFAULT NULL, g DEFAULT x'00ff', h DEFAULT 'it''s' DEFAULT 'last', i DEFAULT CURRENT_TIMESTAMP, j DEFAULT ((strftime('%s', 'now'))), k DEFAULT "true", l)`,
  );
  t.deepEqual(
    columns.map((column) => column.default?.sql ?? null),
    [
      'active',
      '"two words"',
      '-  5',
      '1 + /* one */ 2',
      'TRUE',
      'NULL',
      "x'00ff'",
      "'last'",
      'CURRENT_TIMESTAMP',
      "(strftime('%s', 'now'))",
      '"true"',
      null,
    ],
  );
  t.deepEqual(
    columns.map((column) => column.default?.ast.type ?? null),
    [
      'StringLiteral',
      'StringLiteral',
      'UnaryExpr',
      'BinaryExpr',
      'Id',
      'NullLiteral',
      'BlobLiteral',
      'StringLiteral',
      'CurrentTimestampLiteral',
      'ParenthesizedExpr',
      'StringLiteral',
      null,
    ],
  );
  t.deepEqual(columns[1]?.default?.quotedAsNames, ['two words']);
});

test('CHECKs are told apart by name and place, and a name without a constraint is nobody else’s', (t) => {
  const { checks, uniques } = tableOf(
    `CREATE TABLE t (a INT CONSTRAINT positive CHECK (a > 0) CHECK (a < 10) CONSTRAINT dangling, b CHECK (b), -- a comment, (
      CONSTRAINT both /* , */ CHECK (a <> b), CHECK ((a) IN (1, 2)), CONSTRAINT x, UNIQUE (b))`,
  );
  t.deepEqual(
    checks.map(({ name, column, expression }) => [name, column, expression.sql]),
    [
      ['positive', 'a', 'a > 0'],
      [null, 'a', 'a < 10'],
      [null, 'b', 'b'],
      ['both', null, 'a <> b'],
      [null, null, '(a) IN (1, 2)'],
    ],
  );
  t.is(uniques[0]?.name, null);
});

test('spans of an expression are places in its own text', (t) => {
  const expression = tableOf('CREATE TABLE t (a, CHECK (a IS NULL OR\n length(a) > 3))').checks[0]?.expression;
  t.is(expression?.ast.type, 'BinaryExpr');
  if (expression?.ast.type !== 'BinaryExpr') return;
  const { span } = expression.ast.right;
  t.is(expression.sql.slice(span.offset, span.offset + span.length), 'length(a) > 3');
});

test('foreign keys find the parent’s key and spelling, and keep actions, MATCH and DEFERRABLE', (t) => {
  const { foreignKeys } = tableOf(
    `CREATE TABLE Parent (X INT, y INT, PRIMARY KEY (y, X));
     CREATE TABLE t (a INT CONSTRAINT one REFERENCES parent (x) MATCH full ON DELETE SET NULL ON UPDATE CASCADE, b INT REFERENCES nowhere,
       c INT REFERENCES gone (q) NOT DEFERRABLE INITIALLY DEFERRED, d INT REFERENCES parent, e INT DEFERRABLE INITIALLY DEFERRED, up INT REFERENCES t (a) DEFERRABLE,
       CONSTRAINT two FOREIGN KEY (a, "b") REFERENCES PARENT ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED)`,
  );
  t.deepEqual(
    foreignKeys.map(({ name, columns, parent, parentColumns, deferrable }) => [
      name,
      columns,
      parent,
      parentColumns,
      deferrable,
    ]),
    [
      ['one', ['a'], 'Parent', ['X'], 'no'],
      [null, ['b'], 'nowhere', [], 'no'],
      [null, ['c'], 'gone', ['q'], 'no'],
      // SQLite gives a lone DEFERRABLE to the foreign key before it, though another column carries it.
      [null, ['d'], 'Parent', [], 'initially deferred'],
      [null, ['up'], 't', ['a'], 'initially immediate'],
      ['two', ['a', 'b'], 'Parent', ['y', 'X'], 'initially deferred'],
    ],
  );
  t.is(foreignKeys[0]?.match, 'FULL');
  t.is(foreignKeys[0]?.onDelete, 'SET NULL');
  t.is(foreignKeys[0]?.onUpdate, 'CASCADE');
  t.is(foreignKeys[5]?.onDelete, 'RESTRICT');
});

test('indexes keep expressions, collations, directions and WHERE; constraints’ own indexes are not among them', (t) => {
  const { indexes } = tableOf(
    `CREATE TABLE t (a TEXT COLLATE NOCASE UNIQUE, b, c);
     CREATE UNIQUE INDEX i ON t (a, b DESC, lower(c) COLLATE RTRIM DESC, (b + 1), c COLLATE nocase) WHERE b IS NOT NULL -- no comma, here
       AND c GLOB '[a-z]*';`,
  );
  t.is(indexes.length, 1);
  t.deepEqual(
    indexes[0]?.parts.map(({ column, expression, collation, descending }) => [
      column,
      expression?.sql ?? null,
      collation,
      descending,
    ]),
    [
      ['a', null, 'NOCASE', false],
      ['b', null, 'BINARY', true],
      [null, 'lower(c)', 'RTRIM', true],
      [null, '(b + 1)', 'BINARY', false],
      ['c', null, 'NOCASE', false],
    ],
  );
  t.regex(indexes[0]?.where?.sql ?? '', /^b IS NOT NULL -- no comma, here\s+AND c GLOB '\[a-z\]\*'$/);
});

test('generated columns are read, stored or not', (t) => {
  const { columns } = tableOf(
    "CREATE TABLE t (a, b AS (a || 'x'), c INT GENERATED ALWAYS AS (length(a)) STORED NOT NULL)",
  );
  t.deepEqual(
    columns.map(({ generated, declaredType }) => [
      generated?.expression.sql ?? null,
      generated?.stored ?? null,
      declaredType,
    ]),
    [
      [null, null, ''],
      ["a || 'x'", false, ''],
      ['length(a)', true, 'INT'],
    ],
  );
});

test('what ALTER TABLE does to the stored statement is read', (t) => {
  const table = tableOf(
    `CREATE TABLE parent (id INTEGER PRIMARY KEY, old);
     CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), gone INT, CHECK (length(a) < 9));
     CREATE INDEX ix ON u (a) WHERE a > 'a';
     ALTER TABLE u ADD COLUMN b INT NOT NULL DEFAULT 3 REFERENCES parent (id);
     ALTER TABLE u RENAME COLUMN a TO "a 2";
     ALTER TABLE u DROP COLUMN gone;
     ALTER TABLE parent RENAME TO "the parent";
     ALTER TABLE u RENAME TO t;`,
  );
  t.deepEqual(
    table.columns.map(({ name }) => name),
    ['id', 'a 2', 'b'],
  );
  t.deepEqual(
    table.checks.map(({ expression }) => expression.sql),
    [`"a 2" <> ''`, 'length("a 2") < 9'],
  );
  t.is(table.foreignKeys[0]?.parent, 'the parent');
  t.is(table.indexes[0]?.where?.sql, `"a 2" > 'a'`);
});

test('CREATE TABLE AS SELECT gives columns without constraints', (t) => {
  const table = tableOf(
    'CREATE TABLE s (a INTEGER PRIMARY KEY, b TEXT NOT NULL); CREATE TABLE t AS SELECT *, a + 1 AS "c d" FROM s',
  );
  t.deepEqual(
    table.columns.map(({ name, notNull, default: byDefault }) => [name, notNull, byDefault]),
    [
      ['a', false, null],
      ['b', false, null],
      ['c d', false, null],
    ],
  );
  t.deepEqual(table.primaryKey, []);
});

test('string literals in double quotes are found in CHECKs, indexes and generated columns of files written elsewhere', (t) => {
  const db = writtenElsewhere(
    `CREATE TABLE t (s TEXT CHECK (s IN ('a', 'b')), g AS (s || 'x'), "b" INT); CREATE INDEX i ON t (coalesce(s, 'none')) WHERE s <> 'q';`,
    [
      { name: 't', from: `('a', 'b')`, to: `("a", "b", "zz")` },
      { name: 't', from: `'x'`, to: `"x"` },
      { name: 'i', from: `'none'`, to: `"none"` },
      { name: 'i', from: `'q'`, to: `"q"` },
    ],
  );
  const [table] = readSchema(db).tables;
  db.close();
  // "b" is a column.
  t.deepEqual(table?.checks[0]?.expression.quotedAsNames, ['a', 'zz']);
  t.deepEqual(table?.columns[1]?.generated?.expression.quotedAsNames, ['x']);
  t.deepEqual(table?.indexes[0]?.parts[0]?.expression?.quotedAsNames, ['none']);
  t.deepEqual(table?.indexes[0]?.where?.quotedAsNames, ['q']);
});

test('views with string literals in double quotes are read, and views over them', (t) => {
  const { views, findings } = schemaOf(
    `CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT);
     CREATE TABLE p (q);
     CREATE VIEW outer_name AS SELECT id FROM t WHERE EXISTS (SELECT 1 FROM p WHERE q = "s" AND q <> "lit");
     CREATE VIEW above AS SELECT *, "tail" FROM v WHERE "l" <> "no";
     CREATE VIEW v AS SELECT "id", "lit" AS l, "plain" FROM t AS x WHERE s = "q" OR EXISTS (SELECT 1 FROM t WHERE "s" = x."s" AND "s" <> "z") ORDER BY "l";
     CREATE VIEW w AS WITH c (n) AS (SELECT "s" FROM t) SELECT "n", "m" AS k FROM c JOIN json_each('[]') ON "value" = "n" GROUP BY "k" UNION SELECT 1, "two" ORDER BY "k";`,
  );
  t.deepEqual(findings, []);
  t.deepEqual(
    views.map(({ name, columns, quotedAsNames }) => [name, columns, quotedAsNames]),
    [
      ['outer_name', ['id'], ['lit']],
      ['above', ['id', 'l', '"plain"', '"tail"'], ['tail', 'no']],
      ['v', ['id', 'l', '"plain"'], ['lit', 'plain', 'q', 'z']],
      ['w', ['n', 'k'], ['m', 'two']],
    ],
  );
});

test('the reading leaves no temporary views behind', (t) => {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t (a); CREATE VIEW v AS SELECT "x" FROM t');
  readSchema(db);
  t.is(db.prepare('SELECT count(*) FROM sqlite_temp_schema').pluck().get(), 0);
  db.close();
});

test('triggers are read with their conditions, columns and statements', (t) => {
  const { triggers } = schemaOf(
    `CREATE TABLE t (a, b); CREATE VIEW v AS SELECT a FROM t; CREATE TABLE log (what);
     CREATE TRIGGER one AFTER UPDATE OF a, b ON t WHEN NEW.a IS NOT OLD.a AND NEW.b = "on" BEGIN
       INSERT INTO log VALUES ("changed; END;"); UPDATE t SET b = "x" || "b" WHERE rowid = NEW.rowid; SELECT CASE WHEN 1 THEN 2 END;
     END;
     CREATE TRIGGER two INSTEAD OF INSERT ON v BEGIN INSERT INTO t (a) VALUES (NEW.a); END;`,
  );
  t.deepEqual(
    triggers.map(({ name, table, statement }) => [
      name,
      table,
      statement.time ?? null,
      statement.event.type,
      statement.commands.length,
    ]),
    [
      ['one', 't', 'After', 'UpdateOfTriggerEvent', 3],
      ['two', 'v', 'InsteadOf', 'InsertTriggerEvent', 1],
    ],
  );
  t.deepEqual(triggers[0]?.quotedAsNames, ['on', 'changed; END;', 'x']);
});

test('a view or trigger over something that is missing is a finding', (t) => {
  const { views, triggers, findings } = schemaOf(
    `CREATE TABLE t (a); CREATE TABLE gone (b);
     CREATE VIEW over_table AS SELECT * FROM gone; CREATE VIEW over_view AS SELECT * FROM over_table; CREATE VIEW fine AS SELECT a FROM t;
     CREATE VIEW over_column AS SELECT missing FROM t; CREATE VIEW over_function AS SELECT my_function(a) FROM t;
     CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM gone WHERE b IN (SELECT x FROM other); END;
     DROP TABLE gone;`,
  );
  t.deepEqual(
    views.map(({ name }) => name),
    ['fine'],
  );
  t.is(triggers.length, 1);
  t.deepEqual(
    findings.map(({ severity, code, place, message }) => [
      severity,
      code,
      place.view ?? place.trigger,
      /"(.*?)"/.exec(message)?.[1],
    ]),
    [
      ['rejection', 'view-over-missing-table', 'over_table', 'gone'],
      ['rejection', 'view-over-missing-table', 'over_view', 'gone'],
      ['rejection', 'view-over-missing-column', 'over_column', 'missing'],
      ['rejection', 'view-over-missing-function', 'over_function', 'my_function'],
      ['warning', 'trigger-over-missing-table', 'tr', 'gone'],
      ['warning', 'trigger-over-missing-table', 'tr', 'other'],
    ],
  );
});

test('virtual tables carry their shadows; what tools keep for themselves is left out and told', (t) => {
  const { tables, virtualTables, leftOut, triggers } = schemaOf(
    `CREATE TABLE docs_extra (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE VIRTUAL TABLE docs USING FTS5(body); CREATE VIRTUAL TABLE docs_geo USING rtree(id, x0, x1);
     CREATE TABLE knex_migrations (id); CREATE TABLE knex_migrations_lock (id); CREATE TABLE _crossfade_state (x); CREATE TEMP TABLE passing (x);
     CREATE TRIGGER _crossfade_capture_1 AFTER INSERT ON docs_extra BEGIN SELECT 1; END; CREATE TEMP TRIGGER tt AFTER INSERT ON docs_extra BEGIN SELECT 1; END; ANALYZE;`,
  );
  t.deepEqual(
    tables.map(({ name }) => name),
    ['docs_extra'],
  );
  t.deepEqual(triggers, []);
  t.deepEqual(
    virtualTables.filter(({ shadowOf }) => shadowOf === null).map(({ name, module }) => [name, module]),
    [
      ['docs', 'fts5'],
      ['docs_geo', 'rtree'],
    ],
  );
  t.deepEqual(
    [
      ...new Set(virtualTables.flatMap(({ name, shadowOf }) => (shadowOf === null ? [] : [`${name} of ${shadowOf}`]))),
    ].sort(),
    [
      'docs_config of docs',
      'docs_content of docs',
      'docs_data of docs',
      'docs_docsize of docs',
      'docs_geo_node of docs_geo',
      'docs_geo_parent of docs_geo',
      'docs_geo_rowid of docs_geo',
      'docs_idx of docs',
    ],
  );
  const told = leftOut.map(({ kind, name, owner }) => `${owner}: ${kind} ${name}`);
  for (const one of [
    'knex: table knex_migrations',
    'knex: table knex_migrations_lock',
    'crossfade: table _crossfade_state',
    'crossfade: trigger _crossfade_capture_1',
    'sqlite: table sqlite_sequence',
  ])
    t.true(told.includes(one), one);
});

test('a virtual table whose module is missing is read all the same, with its shadows', (t) => {
  const db = writtenElsewhere(
    `CREATE VIRTUAL TABLE vec USING fts5(a); CREATE TABLE vec_rowids (id INTEGER PRIMARY KEY); CREATE TABLE vec_users (id INTEGER PRIMARY KEY)`,
    [{ name: 'vec', from: 'fts5(a)', to: 'vec0(a float[3])' }],
  );
  const { tables, virtualTables } = readSchema(db);
  db.close();
  t.true(tables.some(({ name }) => name === 'vec_users'));
  t.deepEqual(virtualTables.find(({ name }) => name === 'vec')?.module, 'vec0');
  t.is(virtualTables.find(({ name }) => name === 'vec_rowids')?.shadowOf, 'vec');
});

test('a stored statement that says other than SQLite is refused by the table’s name', (t) => {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE fine (a); CREATE TABLE broken (a INT NOT NULL, b UNIQUE)');
  db.unsafeMode();
  db.pragma('writable_schema = ON');
  // Without a reset SQLite goes on with what it read before.
  db.exec(`UPDATE sqlite_schema SET sql = 'CREATE TABLE broken (a INT, b UNIQUE)' WHERE name = 'broken'`);
  t.throws(() => readSchema(db), { message: /table "broken".*"a" is NOT NULL/ });
  db.exec(`UPDATE sqlite_schema SET sql = 'CREATE TABLE broken (a INT NOT NULL, c UNIQUE)' WHERE name = 'broken'`);
  t.throws(() => readSchema(db), { message: /table "broken".*"b".*"c"/ });
  db.exec(`UPDATE sqlite_schema SET sql = 'CREATE TABLE broken (a INT NOT NULL, b)' WHERE name = 'broken'`);
  t.throws(() => readSchema(db), { message: /table "broken".*UNIQUE/ });
  db.close();
});

test('two hundred tables are read in under a second of work', (t) => {
  const db = new Database(':memory:');
  for (let i = 0; i < 200; i += 1)
    db.exec(
      `CREATE TABLE t${i} (id INTEGER PRIMARY KEY, a TEXT NOT NULL CHECK (length(a) > 2), b INT DEFAULT (1 + 2) REFERENCES t${(i + 1) % 200}, c REAL, d, e UNIQUE, CHECK (a <> b));
       CREATE INDEX i${i} ON t${i} (a, lower(b)) WHERE c > 2`,
    );
  const before = process.cpuUsage();
  t.is(readSchema(db).tables.length, 200);
  const { user, system } = process.cpuUsage(before);
  db.close();
  t.true((user + system) / 1_000 < 1_000, `${(user + system) / 1_000} ms`);
});

test('a second reading takes over what has not changed, and nothing else', (t) => {
  const db = new Database(':memory:');
  db.exec(
    `CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (x REFERENCES a, s); CREATE INDEX i ON b (x); CREATE VIEW v AS SELECT * FROM b; CREATE TRIGGER tr AFTER INSERT ON b BEGIN SELECT s FROM b WHERE s = "q"; END`,
  );
  const first = readSchema(db);
  t.deepEqual(readSchema(db, first), readSchema(db));
  t.is(readSchema(db, first).tables[0], first.tables[0]);
  for (const change of [
    'CREATE INDEX j ON b (s)',
    'ALTER TABLE b ADD COLUMN q',
    'ALTER TABLE a RENAME COLUMN id TO key',
    'DROP INDEX i; CREATE INDEX i ON b (s DESC)',
    'DROP VIEW v; CREATE VIEW v AS SELECT x FROM b',
  ]) {
    const before = readSchema(db);
    db.exec(change);
    t.deepEqual(readSchema(db, before), readSchema(db), change);
  }
  t.deepEqual(readSchema(db, first).tables[1]?.foreignKeys[0]?.parentColumns, ['key']);
  db.close();
});

function examples(): readonly { readonly name: string; readonly db: Database.Database }[] {
  const folder = fileURLToPath(new URL('../../test/examples', import.meta.url));
  const { db: ledger } = applyMigrations({ folder: join(folder, 'ledger-migrations') });
  const schemas = readdirSync(join(folder, 'schemas')).map((name) => {
    const db = new Database(':memory:');
    db.exec(readFileSync(join(folder, 'schemas', name), 'utf8'));
    return { name, db };
  });
  return [{ name: 'ledger', db: ledger }, ...schemas];
}

for (const { name: example, db } of examples())
  test(`the example ${example} is read whole`, (t) => {
    t.teardown(() => db.close());
    const { tables, views, triggers, virtualTables, findings, leftOut } = readSchema(db);
    const count = (type: string): number =>
      db
        .prepare(
          `SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = ? AND name <> 'sqlite_schema'`,
        )
        .pluck()
        .get(type) as number;
    t.is(tables.length + leftOut.length, count('table'));
    t.is(views.length, count('view'));
    t.is(virtualTables.length, count('virtual') + count('shadow'));
    const stored = db.prepare(`SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'`).pluck().get() as number;
    t.is(triggers.length, stored);
    const indexes = db
      .prepare(`SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`)
      .pluck()
      .get();
    t.is(
      tables.reduce((sum, table) => sum + table.indexes.length, 0),
      indexes as number,
    );
    t.deepEqual(findings, []);
    for (const { name, columns } of views) {
      const named = db.prepare(`SELECT * FROM "${name}"`).columns();
      t.deepEqual(
        named.map((column) => column.name),
        [...columns],
      );
    }
  });
