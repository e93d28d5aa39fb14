import test from 'ava';
import { Client } from 'pg';
import Database from 'better-sqlite3';
import { installPack } from '../migrations/pack/install-pack.ts';
import type { Expr } from '../migrations/sqlite/schema.ts';
import { translateExpression } from '../migrations/translate/translate-expression.ts';
import type { ExpressionOptions } from '../migrations/translate/translate-expression.ts';
import { Untranslatable } from '../migrations/translate/translation.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { column, parsed } from './helpers/translated.ts';

const TABLE = {
  name: 't',
  columns: [
    column('i', 'INTEGER', 'bigint', 'integer'),
    column('s', 'TEXT', 'text', 'text'),
    column('n', 'TEXT COLLATE NOCASE', 'text', 'text', { collation: 'NOCASE' }),
    column('f', 'BOOLEAN', 'boolean', 'boolean', { affinity: 'NUMERIC' }),
    column('on', 'DATE', 'text', 'text', { affinity: 'NUMERIC' }),
    column('until', 'DATE', 'text', 'text', { affinity: 'NUMERIC' }),
    column('wild', 'INTEGER', 'text', 'text', { affinity: 'INTEGER' }),
    column('at', 'DATETIME', 'timestamp with time zone', 'timestamptz', { form: 'epoch-ms' }),
    column('u', 'UUID', 'uuid', 'uuid'),
  ],
} as const;

function ast(sql: string): Expr {
  const statement = parsed(`SELECT ${sql}`);
  if (statement.type !== 'SelectStmt' || statement.body.select.type !== 'SelectFrom') throw new Error('one SELECT');
  const [only] = statement.body.select.columns;
  if (only?.type !== 'ExprResultColumn') throw new Error('one expression');
  return only.expr;
}

function translated(sql: string, options: Partial<ExpressionOptions> = {}) {
  return translateExpression(ast(sql), {
    catalog: { table: () => undefined },
    table: TABLE,
    purpose: 'query',
    ...options,
  });
}

for (const [sql, check] of [
  ['f IN (0, 1)', '("f" IN (false, true))'],
  ["s IN ('a', 'b')", `("s" IN ('a', 'b'))`],
  ['i > 0', '("i" > 0)'],
  ['f', '"f"'],
  ['f = 1', '("f" = true)'],
  ["n = 'ABC'", `(lower("n" COLLATE "C") = 'abc')`],
  ['"on" >= until', '("on" >= "until" COLLATE "C")'],
  ['"on" > \'2024-01-01\'', `("on" > '2024-01-01' COLLATE "C")`],
  ['length(s) > 3 AND i BETWEEN 1 AND 5', '((length("s") > 3) AND (("i" >= 1) AND ("i" <= 5)))'],
  ["typeof(i) = 'integer'", `((CASE WHEN "i" IS NULL THEN 'null'::text ELSE 'integer'::text END) = 'integer')`],
  ["u = '0b0e7a3c-5a3e-4d62-9a4e-2f6f0f6b8f10'", `("u" = '0b0e7a3c-5a3e-4d62-9a4e-2f6f0f6b8f10'::uuid)`],
  ['at IS NOT NULL', '("at" IS NOT NULL)'],
  ['i / 100 = 1', '(("i" / 100) = 1)'],
] as const) {
  test(`makes a condition of PostgreSQL's own of CHECK (${sql})`, (t) => {
    const result = translated(sql, { purpose: 'check' });
    t.is(result.sql, check);
    t.false(result.usesPack);
    t.true(result.immutable);
    t.is(result.type, 'boolean');
  });
}

for (const [sql, code] of [
  ['"on" > 2024', 'mixed-classes'],
  ['"on" > \'2024\'', 'mixed-classes'],
  ['wild > 5', 'mixed-classes'],
  ['at > 5', 'native-comparison'],
  ["at > '2024-01-01'", 'native-comparison'],
  ['at + 1', 'no-such-conversion'],
  ['mine(i)', 'unknown-function'],
  ['nope > 1', 'unknown-column'],
  ["datetime('now') > s", 'clock'],
  ["s REGEXP 'a'", 'regexp'],
] as const) {
  test(`refuses CHECK (${sql}), which has no sure counterpart: ${code}`, (t) => {
    const error = t.throws(() => translated(sql, { purpose: 'check' }), { instanceOf: Untranslatable });
    t.is(error?.code, code);
  });
}

test('takes a name in double quotes that is no column for a text, and says so', (t) => {
  const { sql, remarks } = translated('"new"', { purpose: 'default', expected: 'text' });
  t.is(sql, "'new'::text");
  t.deepEqual(
    remarks.map(({ code }) => code),
    ['double-quoted-text'],
  );
});

for (const [sql, expected, value] of [
  ['0', 'boolean', 'false'],
  ["'1'", 'boolean', 'true'],
  ["'5'", 'integer', '5'],
  ['5', 'text', '5'],
  ['1.50', 'text', '1.5'],
  ['2.0', 'integer', '2'],
  ["'1e2'", 'real', '100'],
  ["'x'", 'text', 'x'],
  ['NULL', 'integer', null],
  ["x'00ff'", 'blob', '\\x00ff'],
  ["strftime('%s', '2024-01-01')", 'integer', '1704067200'],
  ["strftime('%Y%m%d', '2024-01-01')", 'integer', '20240101'],
  ["strftime('%s', '2024-01-01') * 1000", 'integer', '1704067200000'],
  ["json_extract('{\"a\":5}', '$.a')", 'integer', '5'],
  ["json_extract('{\"a\":5}', '$.a')", 'text', '5'],
  ['json_extract(\'{"a":"x"}\', \'$.a\')', 'text', 'x'],
  ["lower('ÀB')", 'text', 'Àb'],
  ["'a' || 1.0", 'text', 'a1.0'],
  ['7 / 2', 'integer', '3'],
  ['7 / 2.0', 'real', '3.5'],
  ["'{}'", 'json', '{}'],
  ['-9223372036854775808', 'integer', '-9223372036854775808'],
  ['1 = 1', 'boolean', 'true'],
] as const) {
  test.serial(`gives a column of type ${expected} what SQLite gives it by DEFAULT (${sql})`, async (t) => {
    const result = translated(sql, { purpose: 'default', expected });
    t.is(result.type, expected);
    const postgres = await shared;
    const { rows } = await postgres.query<{ x: string | null }>(`SELECT (${result.sql})::text AS x`);
    t.is(rows[0]?.x, value);
  });
}

for (const sql of [
  'CURRENT_TIMESTAMP',
  'CURRENT_DATE',
  'CURRENT_TIME',
  "datetime('now')",
  "date('now')",
  'unixepoch()',
  "strftime('%s','now')",
]) {
  test.serial(`reads the clock as SQLite does: ${sql}`, async (t) => {
    const result = translated(sql, { purpose: 'default' });
    t.false(result.immutable);
    t.false(result.usesPack);
    const postgres = await shared;
    const sqlite = new Database(':memory:');
    const read = () => String(sqlite.prepare(`SELECT ${sql}`).pluck().get());
    // A second may begin between the two.
    const before = read();
    const { rows } = await postgres.query<{ x: string }>(`SELECT (${result.sql})::text AS x`);
    const after = read();
    sqlite.close();
    t.true(rows[0]?.x === before || rows[0]?.x === after, `${before} ${rows[0]?.x} ${after}`);
  });
}

test.serial('gives a timestamp of PostgreSQL to a column of such a type, in whole seconds', async (t) => {
  const { sql } = translated('CURRENT_TIMESTAMP', { purpose: 'default', expected: 'timestamptz' });
  const { rows } = await (
    await shared
  ).query<{ ok: boolean }>(`SELECT (${sql}) = date_trunc('second', now()) OR now() - (${sql}) < interval '2s' AS ok`);
  t.true(rows[0]?.ok);
});

test.serial('finds the index on lower() for a comparison under NOCASE', async (t) => {
  const postgres = await shared;
  await postgres.query('CREATE TABLE folded (n text COLLATE "C"); CREATE INDEX folded_n ON folded (lower(n))');
  const { sql } = translated("n = 'ABC'", { purpose: 'where' });
  await postgres.query('SET enable_seqscan = off');
  const { rows } = await postgres.query<Record<string, string>>(`EXPLAIN SELECT * FROM folded WHERE ${sql}`);
  await postgres.query('RESET enable_seqscan');
  t.regex(JSON.stringify(rows), /folded_n/);
});

let finish: (() => Promise<void> | void)[] = [];
const shared = connect();

async function connect(): Promise<Client> {
  const postgres = new Client({ connectionString: await freshDatabase({ teardown: (done) => finish.push(done) }) });
  await postgres.connect();
  await installPack(postgres);
  return postgres;
}

test.after.always(async () => {
  await (await shared).end();
  for (const done of finish.toReversed()) await done();
  finish = [];
});
