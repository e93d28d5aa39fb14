import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { prepare } from '../migrations/audit/sql/prepare.ts';
import { placeText } from '../migrations/finding.ts';
import type { Finding } from '../migrations/schema.ts';
import { audited } from './helpers/audited.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { tempFolder } from './helpers/sqlite.ts';

const TABLES = `
  CREATE TABLE people (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL COLLATE NOCASE, nick TEXT, active BOOLEAN NOT NULL,
    born TEXT, height REAL NOT NULL, balance DECIMAL(10,2) NOT NULL, age INTEGER NOT NULL, code TEXT COLLATE RTRIM
  );
  CREATE TABLE posts (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES people (id), title TEXT NOT NULL, data JSON);
`;

/** What an audit says of each statement: its codes, notes among them with a tilde before. */
async function codes(
  t: ExecutionContext,
  statements: readonly string[],
  request: Parameters<typeof audited>[2] = {},
): Promise<ReadonlyMap<string, readonly string[]>> {
  const file = join(tempFolder(t), 'statements.jsonl');
  writeFileSync(file, statements.map((sql) => `${JSON.stringify({ sql, count: 2 })}\n`).join(''));
  const { findings } = await audited(t, TABLES, {
    columns: { 'posts.data': 'jsonb' },
    ...request,
    statements: file,
    readsData: false,
  });
  const found = new Map<string, string[]>(statements.map((sql) => [sql, []]));
  for (const { severity, code, place, statement } of findings) {
    if (place.file === undefined || statement === undefined) continue;
    found.get(statements[(place.line ?? 0) - 1] ?? '')?.push(`${severity === 'note' ? '~' : ''}${code}`);
  }
  return found;
}

async function expect(t: ExecutionContext, cases: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const found = await codes(t, Object.keys(cases));
  for (const [sql, expected] of Object.entries(cases))
    t.deepEqual(found.get(sql)?.toSorted(), expected.toSorted(), sql);
}

test('statements that do the same on both databases give nothing', async (t) => {
  await expect(
    t,
    Object.fromEntries(
      [
        'SELECT id, name FROM people WHERE id = ?',
        'SELECT * FROM people WHERE id IN (?, ?, ?) ORDER BY id DESC LIMIT 10 OFFSET 20',
        'SELECT p.id, p.name, q.title FROM people p JOIN posts q ON q.person_id = p.id ORDER BY q.title, p.name',
        'SELECT nick FROM people WHERE nick IS NOT NULL ORDER BY nick',
        'SELECT nick FROM people WHERE nick > ? ORDER BY nick',
        'SELECT nick FROM people ORDER BY nick NULLS FIRST',
        'SELECT id FROM people ORDER BY coalesce(nick, name)',
        "SELECT id FROM people WHERE lower(name) LIKE 'ann%'",
        "SELECT id FROM people WHERE name LIKE '%1%'",
        'SELECT id FROM people WHERE active = ?',
        'SELECT age / 2 AS half, age % 10 AS last, height / 2.5 AS part FROM people',
        'SELECT age / NULLIF(?, 0) AS part FROM people',
        "SELECT name || ' ' || id AS label FROM people",
        'SELECT substr(name, 1, 3) AS start, length(name) AS size, upper(name) AS loud FROM people',
        'SELECT CAST(age AS TEXT) AS age, CAST(id AS BIGINT) AS id FROM people',
        'SELECT round(balance) AS whole FROM people',
        'SELECT p.id, p.name, max(q.id) AS latest FROM people p JOIN posts q ON q.person_id = p.id GROUP BY p.id',
        "INSERT INTO posts (person_id, title) VALUES (?, 'x') RETURNING id",
        'UPDATE people SET age = age + 1 WHERE id = ?',
        'DELETE FROM posts WHERE person_id IN (SELECT id FROM people WHERE age > ?)',
        'INSERT INTO people (id, name, email, active, height, balance, age) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name',
        'WITH old AS (SELECT id, name FROM people WHERE age > 70) SELECT name FROM old ORDER BY name',
        'SELECT 1 FROM people WHERE EXISTS (SELECT 1 FROM posts WHERE person_id = people.id)',
        'BEGIN',
        'COMMIT',
        'SAVEPOINT one',
      ].map((sql) => [sql, []]),
    ),
  );
});

test('what runs on both and answers otherwise has a finding for each reason', async (t) => {
  await expect(t, {
    'SELECT id FROM people WHERE name LIKE ?': ['like-ignores-case'],
    "SELECT id FROM people WHERE name LIKE '10\\%'": ['like-backslash'],
    'SELECT id FROM people ORDER BY nick DESC': ['null-order'],
    'SELECT id, nick AS n FROM people ORDER BY 2': ['null-order'],
    'SELECT p.id FROM people p LEFT JOIN posts q ON q.person_id = p.id ORDER BY q.title': ['null-order'],
    'SELECT CAST(height AS INTEGER) AS h FROM people': ['cast-rounds'],
    'SELECT CAST(nick AS INTEGER) AS n FROM people': ['cast-of-text'],
    'SELECT CAST(age AS REAL) AS a FROM people': ['cast-to-single'],
    'SELECT CAST(age AS INTEGER) AS a FROM people': ['integer-overflow'],
    'SELECT CAST(name AS VARCHAR(3)) AS n FROM people': ['cast-cuts-text'],
    'SELECT substr(name, -3) AS tail FROM people': ['substr-start'],
    'SELECT substr(name, 0, 3) AS start FROM people': ['substr-start'],
    'SELECT round(height) AS h FROM people': ['round-halves'],
    "SELECT id FROM people WHERE name = upper('é')": ['case-beyond-ascii'],
    'SELECT id FROM people WHERE lower(name) = lower(?)': ['case-beyond-ascii'],
    'SELECT height / age AS h FROM people': ['division-by-zero'],
    'SELECT balance / 2 AS half FROM people': ['division-of-decimals'],
    'SELECT 60 * 60 * 24 * 365 * 100 AS century': ['integer-overflow'],
    "SELECT name || ':' || height AS label FROM people": ['text-of-number'],
    'SELECT CAST(balance AS TEXT) AS b FROM people': ['text-of-number'],
    'SELECT id FROM people WHERE email = ?': ['nocase-comparison'],
    'SELECT DISTINCT email FROM people': ['nocase-comparison'],
    "SELECT id FROM people WHERE code = 'x'": ['rtrim-comparison'],
    'SELECT date(born) AS day FROM people': ['date-is-a-type'],
    'UPDATE people SET born = CURRENT_TIMESTAMP': ['clock-is-no-text'],
    'SELECT random() AS r': ['random-is-a-fraction'],
    'SELECT id FROM people LIMIT -1': ['negative-limit'],
    "SELECT data ->> '$.a' AS a FROM posts": ['json-path'],
    'INSERT INTO posts (id, person_id, title) VALUES (NULL, ?, ?)': ['null-for-id'],
    'UPDATE people SET age = height * 2': ['stored-rounded'],
    "SELECT string_agg(name, ',') AS names FROM people": ['aggregate-order'],
    'SELECT count(*) FROM people': ['column-without-name', '~number-as-text'],
    'SELECT name AS fullName FROM people': ['name-folds-case'],
    'SELECT count(*) AS n FROM people': ['~number-as-text'],
    'SELECT age > 17 AS adult FROM people': ['~boolean-result'],
  });
});

test('what PostgreSQL refuses is told with a form that works, and without the lesser differences', async (t) => {
  const failing = [
    'SELECT id FROM people WHERE active = 1 ORDER BY nick',
    'INSERT OR IGNORE INTO people (id, name, email, active, height, balance, age) VALUES (1, ?, ?, 1, 0, 0, 0)',
    "SELECT ifnull(nick, 'x') AS n FROM people",
    "SELECT id FROM people WHERE born < datetime('now', '-1 month')",
    'SELECT group_concat(name) AS names FROM people GROUP BY age',
    'SELECT max(age, 3) AS a FROM people',
    'SELECT `id` FROM [people]',
    "SELECT instr(name, 'a') AS at FROM people",
    'SELECT id FROM people WHERE nick IS ?1 AND name GLOB ?2',
    "SELECT json_extract(data, '$.a') AS a FROM posts",
    'SELECT id FROM people LIMIT 5, 10',
  ];
  const file = join(tempFolder(t), 'statements.jsonl');
  writeFileSync(file, failing.map((sql) => JSON.stringify({ sql })).join('\n'));
  const { findings } = await audited(t, TABLES, { statements: file, readsData: false });
  const own = findings.filter(({ statement }) => statement !== undefined);
  t.deepEqual(
    own.map(({ severity, code, place }) => [severity, code, place.line]),
    failing.map((_, index) => ['rejection', 'fails-on-postgres', index + 1]),
  );
  for (const { remedy } of own) t.regex(remedy ?? '', /^in PostgreSQL's words: (SELECT|INSERT)/);
});

test('what has no translation is told with the reason; PRAGMA, DDL and transactions of SQLite by name', async (t) => {
  await expect(t, {
    'SELECT person_id, title, count(*) AS n FROM posts GROUP BY person_id': ['cannot-be-translated'],
    'SELECT last_insert_rowid() AS id': ['cannot-be-translated'],
    'PRAGMA user_version': ['pragma'],
    'CREATE TABLE more (id INTEGER)': ['schema-statement'],
    VACUUM: ['schema-statement'],
    'BEGIN IMMEDIATE': ['fails-on-postgres'],
    'SELECT id FROM nowhere': ['~not-valid-on-sqlite'],
    'SELECT slug(name) AS s FROM people': ['~not-valid-on-sqlite'],
  });
  const withFunction = await codes(t, ['SELECT slug(name) AS s FROM people'], {
    functions: { slug: (text) => String(text).toLowerCase() },
  });
  t.deepEqual([...withFunction.values()], [['cannot-be-translated']]);
});

test('of suspected GROUP BY errors only those are told that PostgreSQL refuses', async (t) => {
  await expect(t, {
    'SELECT people.*, count(posts.id) AS n FROM people LEFT JOIN posts ON posts.person_id = people.id GROUP BY people.id':
      ['~number-as-text'],
    'SELECT age, count(*) AS n FROM people GROUP BY age': ['~number-as-text'],
    'SELECT age + 1 AS next FROM people GROUP BY age + 1': [],
    'SELECT age AS a FROM people GROUP BY a HAVING count(*) > 1': [],
    'SELECT name FROM people GROUP BY age': ['cannot-be-translated'],
  });
});

test('a text of two statements is refused as a whole, and nothing of it is run', async (t) => {
  const client = new pg.Client({ connectionString: await freshDatabase(t) });
  await client.connect();
  t.teardown(() => client.end());
  await client.query('BEGIN');
  const refusal = await prepare(client, 'SELECT 1; CREATE TABLE made ()');
  t.regex(refusal?.message ?? '', /multiple commands/);
  t.is(await prepare(client, 'SELECT $1::text AS a'), undefined);
  const { rows } = await client.query("SELECT to_regclass('made') AS made");
  t.deepEqual(rows, [{ made: null }]);
});

function places(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ place }) => place.file !== undefined)
    .map(({ code, place, count = 1, places: others = [] }) =>
      [
        code,
        [place, ...others]
          .map((one) => placeText({ ...one, file: (one.file ?? '').split('/').at(-1) ?? '' }))
          .join(' '),
        `×${count}`,
      ].join(' '),
    );
}

/** A folder of source code. */
function source(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = tempFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

test('SQL is found in literals, constants, choices, joined parts and texts that grow', async (t) => {
  const folder = source(t, {
    'a.ts': [
      "const FIELDS = 'id, nick' as const;",
      'const SQL = { all: `SELECT ${FIELDS} FROM people ORDER BY nick` };',
      'export const all = (db: Database): unknown => db.prepare<[]>(SQL.all).all();',
      "export const one = (db: Database, up: boolean) => db.prepare(`SELECT id FROM people ORDER BY nick ${up ? 'ASC' : 'DESC'}`);",
      "export const two = (db: Database) => db.prepare(['SELECT id', 'FROM people', 'WHERE name LIKE ?'].join(' '));",
      "export const sum = (db: Database) => db.prepare('SELECT height / age AS h ' + 'FROM people');",
    ].join('\n'),
    'b.js': [
      'function find(db, nick) {',
      "  let sql = 'SELECT id FROM people';",
      "  if (nick) sql += ' WHERE nick LIKE ?';",
      '  return db.all(sql);',
      '}',
    ].join('\n'),
    'node_modules/x/index.js': "db.prepare('SELECT ifnull(1, 2)')",
    'c.jsx': "export const C = () => <div onClick={() => knex.raw('SELECT id FROM people ORDER BY nick')} />;",
  });
  const { findings, counts } = await audited(t, TABLES, { src: [folder], readsData: false });
  t.is(counts.files, 3);
  t.deepEqual(places(findings), [
    'null-order a.ts:2 ×1',
    'null-order a.ts:4 ×1',
    'null-order a.ts:4 ×1',
    'like-ignores-case a.ts:5 ×1',
    'division-by-zero a.ts:6 ×1',
    'like-ignores-case b.js:2 ×1',
    'null-order c.jsx:1 ×1',
  ]);
});

test("parts that Knex puts into a statement are judged with the builder's tables, or with those that have the columns", async (t) => {
  const folder = source(t, {
    'a.js': [
      "knex('people').whereRaw('active = 1');",
      "knex('people as p').join('posts as q', 'q.person_id', 'p.id').orderByRaw('p.nick, q.id');",
      "const a = q.whereRaw('height / age > ?', [1]);",
      "const b = q.whereRaw('unknown_column = ? AND ifnull(other, 0) = 1');",
      "const c = q.whereRaw('unknown_column = ?');",
      "knex('people').select('age', knex.raw('count(*) as n')).groupBy('age').havingRaw('count(*) > ?', [2]);",
      "knex('people').select(knex.raw('name, max(age) as oldest'));",
      "knex.raw('SELECT ?? FROM ?? ORDER BY ??', ['id', 'people', 'nick']);",
      "knex.raw('SELECT ?? FROM people', [column]);",
      "knex('people').update({ age: knex.raw('age + 1'), born: knex.raw(\"datetime('now')\") });",
      "knex('people').orderBy(knex.raw('nick'));",
      "knex('people').joinRaw('LEFT JOIN posts ON posts.person_id = people.id AND people.active = 1');",
    ].join('\n'),
  });
  const { findings } = await audited(t, TABLES, { src: [folder], readsData: false });
  t.deepEqual(places(findings), [
    'fails-on-postgres a.js:1 ×1',
    'null-order a.js:2 ×1',
    'division-by-zero a.js:3 ×1',
    'fails-on-postgres a.js:4 ×1',
    'null-order a.js:8 ×1',
    'put-together-at-run-time a.js:9 ×1',
    'fails-on-postgres a.js:10 ×1',
    'null-order a.js:11 ×1',
    'fails-on-postgres a.js:12 ×1',
  ]);
});

test('a statement in many places is one finding with all of them', async (t) => {
  const sql = 'SELECT id FROM people ORDER BY nick';
  const folder = source(t, {
    'a.js': `db.prepare('${sql}');\n\ndb.prepare('${sql}');`,
    'b.js': `db.prepare(\`SELECT id\n  FROM people -- all of them\n  ORDER BY nick\`)`,
  });
  const { findings } = await audited(t, TABLES, { src: [folder], readsData: false });
  t.deepEqual(places(findings), ['null-order a.js:1 a.js:3 b.js:1 ×3']);
});

test('a file that is no JavaScript is named, and the rest goes on', async (t) => {
  const folder = source(t, {
    'a.js': 'const = 3;',
    'b.js': "db.exec('SELECT 1;\\nVACUUM')",
    'c.ts': "const a: number = <number>b; db.query('SELECT ifnull(1, 2) AS a');",
  });
  const { findings } = await audited(t, TABLES, { src: [folder], readsData: false });
  t.deepEqual(places(findings), [
    'source-unreadable a.js:1 ×1',
    'schema-statement b.js:2 ×1',
    'fails-on-postgres c.ts:1 ×1',
  ]);
});

test('recorded statements may be plain SQL; a line that is something else is named', async (t) => {
  const folder = source(t, {
    'plain.sql': "SELECT id FROM people;\n-- ; no end\nSELECT ifnull(nick, ';') AS n FROM people;",
    'bad.jsonl': '{"sql": "SELECT 1"}\n{"sql": 1}\n',
  });
  const { findings, counts } = await audited(t, TABLES, { statements: join(folder, 'plain.sql'), readsData: false });
  t.is(counts.statements, 2);
  t.deepEqual(places(findings), ['fails-on-postgres plain.sql:3 ×1']);
  const bad = { statements: join(folder, 'bad.jsonl'), readsData: false };
  await t.throwsAsync(audited(t, TABLES, bad), { code: 'CONFIG_INVALID', message: /line 2 has no text "sql"/ });
});
