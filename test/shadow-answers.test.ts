import test from 'ava';
import { answerRows } from '../adapter/shadow/answer-rows.ts';
import { candidateError } from '../adapter/shadow/candidate-error.ts';
import { compareAnswers } from '../adapter/shadow/compare-answers.ts';
import type { Verdict } from '../adapter/shadow/compare-answers.ts';
import { addLatency, latencyOf, quantile } from '../adapter/shadow/latency.ts';
import { queryFacts, withLimit } from '../adapter/shadow/query-facts.ts';
import { queryShape } from '../adapter/shadow/query-shape.ts';

/** What the comparison of two answers to this SQL says. */
function verdictOn(sql: string, control: unknown, candidate: unknown, bindings: readonly unknown[] = []): Verdict {
  const [some, other] = [answerRows(control, 1_000), answerRows(candidate, 1_000)];
  if (some === undefined || other === undefined) throw new Error('too many rows');
  return compareAnswers({ control: some, candidate: other, facts: queryFacts(sql, bindings) });
}

const says = (verdict: Verdict): string =>
  verdict.says === 'match'
    ? 'match'
    : `${verdict.says} ${verdict.says === 'tied' ? verdict.by : verdict.difference.kind}`;

// ── The shape ───────────────────────────────────────────────────────────────────────────────────────────────────

const SHAPES: readonly (readonly [sql: string, shape: string])[] = [
  ['select * from `users` where `id` = ? limit ?', 'select * from `users` where `id` = ? limit ?'],
  ["select  a\n from t -- it's\n where b = 'it''s' and c=17", 'select a from t where b = ? and c = ?'],
  ['select * from t where id in (1, 2,3)', 'select * from t where id in (?)'],
  ['select * from t where id in (?, ?, ?, ?)', 'select * from t where id in (?)'],
  ["select * from t where id not in ('a')", 'select * from t where id not in (?)'],
  ['values (1, 2), (3, 4)', 'values (?)'],
  [
    "select strftime('%Y-%m', at), datetime('now', '-7 days') from t",
    "select strftime('%Y-%m', at), datetime('now', '-7 days') from t",
  ],
  [
    "select json_extract(d, '$.a[0].b') from t where e = 'ann@example.org'",
    "select json_extract(d, '$.a[0].b') from t where e = ?",
  ],
  ['select a, b from t order by 2, 1 limit 10', 'select a, b from t order by 2, 1 limit ?'],
  ["select coalesce(a, 'none', 3) from t;", 'select coalesce(a, ?, ?) from t'],
  ['select x\'00ff\', 1.5e3, "weird "" name", [b c] from t', 'select ?, ?, "weird "" name", [b c] from t'],
  ['select count(*) as `n` from `a` where `x` is not null', 'select count(*) as `n` from `a` where `x` is not null'],
];

for (const [sql, shape] of SHAPES) {
  test(`the shape of ${JSON.stringify(sql)} holds no value`, (t) => {
    t.is(queryShape(sql).sql, shape);
    t.is(queryShape(shape).id, queryShape(sql).id, 'the shape of a shape is itself');
  });
}

test('a shape names the tables that are read, not the expressions that have names', (t) => {
  t.deepEqual(queryShape('select * from `b` as `x` inner join main.a on a.id = x.id').tables, ['a', 'b']);
  t.deepEqual(
    queryShape('with c as (select 1 from "d e") select * from c, f where exists (select 1 from g h)').tables,
    ['d e', 'f', 'g'],
  );
  t.deepEqual(queryShape("select value from json_each('[1]'), t").tables, []);
});

// ── What the query leaves open ──────────────────────────────────────────────────────────────────────────────────

test('the outermost ORDER BY and LIMIT are read, not those of subqueries', (t) => {
  const facts = queryFacts(
    'select * from (select * from t order by a limit 3) order by x.`b` desc, 2, lower(c) limit ? offset 4',
    [7],
  );
  t.deepEqual(facts.order, [{ column: 'b' }, { position: 2 }, {}]);
  t.deepEqual(facts.limit, { rows: 7, skipsRows: true });
  t.deepEqual(queryFacts('select row_number() over (order by a) from t', []).order, undefined);
  t.deepEqual(queryFacts('select * from t limit 5, 10', []).limit, { rows: 10, skipsRows: true });
  t.deepEqual(queryFacts('select * from t where a = ? limit ?', [1, 20]).limit, { rows: 20, skipsRows: false });
});

test('queries that depend on the clock or on chance are known', (t) => {
  const isWhim = (sql: string): boolean => queryFacts(sql, []).whim !== undefined;
  for (const sql of [
    'select random()',
    "select datetime('now')",
    'select CURRENT_TIMESTAMP',
    'select date()',
    'select now()',
  ])
    t.true(isWhim(sql), sql);
  for (const sql of ["select date('2024-01-01')", 'select random from t', 'select now from t'])
    t.false(isWhim(sql), sql);
});

test('a LIMIT is taken off with its values, in both dialects', (t) => {
  t.deepEqual(withLimit({ sql: 'select * from `t` where `a` = ? limit ? offset ?', bindings: [1, 2, 3] }, 50), {
    sql: 'select * from `t` where `a` = ? limit 50',
    bindings: [1],
  });
  t.deepEqual(withLimit({ sql: 'select * from "t" where "a" = $1 limit $2', bindings: [1, 2] }, 50), {
    sql: 'select * from "t" where "a" = $1 limit 50',
    bindings: [1],
  });
  t.is(withLimit({ sql: 'select * from (select 1 limit 3)' }, 50), undefined);
});

// ── The comparison ──────────────────────────────────────────────────────────────────────────────────────────────

const A = { id: 1, name: 'a' };
const B = { id: 2, name: 'b' };
const C = { id: 3, name: 'b' };

test('without ORDER BY rows may come in any order, as often as they are there', (t) => {
  t.is(says(verdictOn('select * from t', [A, B], [B, A])), 'match');
  t.is(says(verdictOn('select * from t', [A, A, B], [A, B, B])), 'mismatch values');
  t.is(says(verdictOn('select * from t', [A, B], [A])), 'mismatch rows');
});

test('with ORDER BY only rows that tie may change places', (t) => {
  t.is(says(verdictOn('select * from t order by name', [A, B, C], [A, C, B])), 'match');
  t.is(says(verdictOn('select * from t order by name', [A, B], [B, A])), 'mismatch order');
  t.is(says(verdictOn('select * from t order by 2', [A, B], [B, A])), 'mismatch order');
  t.is(says(verdictOn('select * from t order by lower(name)', [A, B], [B, A])), 'tied order');
});

test('a LIMIT may pick any of the rows that tie where it cuts, and no others', (t) => {
  t.is(says(verdictOn('select * from t order by name limit 2', [A, B], [A, C])), 'tied limit');
  t.is(says(verdictOn('select * from t order by name limit 2', [A, B], [{ id: 1, name: 'x' }, B])), 'mismatch values');
  t.is(says(verdictOn('select * from t order by name limit 2', [A, B], [{ ...A, id: 9 }, C])), 'mismatch values');
  t.is(says(verdictOn('select * from t order by name limit 2 offset 1', [A, B], [{ ...A, id: 9 }, C])), 'tied limit');
  t.is(says(verdictOn('select * from t limit ?', [A], [B], [1])), 'tied limit');
  t.is(
    says(verdictOn('select * from t limit 10', [A], [B])),
    'mismatch values',
    'a limit that is not reached picks nothing',
  );
});

test('an answer is compared down to the type', (t) => {
  const sql = 'select * from t';
  t.is(says(verdictOn(sql, [{ a: 1 }], [{ a: '1' }])), 'mismatch values');
  t.is(says(verdictOn(sql, [{ a: 1 }], [{ a: true }])), 'mismatch values');
  t.is(says(verdictOn(sql, [{ a: null }], [{ a: '' }])), 'mismatch values');
  t.is(says(verdictOn(sql, [{ a: 1 }], [{ a: 1, b: null }])), 'mismatch values');
  t.is(says(verdictOn(sql, [{ a: 5n }], [{ a: 5 }])), 'mismatch values');
  t.is(says(verdictOn(sql, [{ a: Buffer.from('x') }], [{ a: Buffer.from('y') }])), 'mismatch values');
  t.is(says(verdictOn(sql, [{ a: 0, b: Buffer.from('x') }], [{ b: Buffer.from('x'), a: -0 }])), 'match');
  t.is(says(verdictOn(`${sql} limit 1`, undefined, undefined)), 'match');
});

test('what first and pluck give is compared as rows', (t) => {
  t.is(says(verdictOn('select * from t', A, { ...A })), 'match');
  t.is(says(verdictOn('select * from t', A, undefined)), 'mismatch rows');
  t.is(says(verdictOn('select name from t', ['a', 'b'], ['b', 'a'])), 'match');
});

test('a difference tells columns, types and lengths, and no value', (t) => {
  const verdict = verdictOn('select * from t', [{ id: 1, secret: 'abc' }], [{ id: 1, secret: 7 }]);
  if (verdict.says !== 'mismatch') return t.fail();
  t.deepEqual(verdict.difference, {
    kind: 'values',
    rows: [1, 1],
    columns: [{ column: 'secret', control: 'text of 3', candidate: 'integer' }],
  });
});

test('an answer that its caller changes is compared as it was given', (t) => {
  const row = { id: 1, list: { a: [1] } };
  const kept = answerRows([row], 10);
  row.id = 2;
  row.list.a.push(2);
  t.deepEqual(kept?.rows, [{ id: 1, list: { a: [1] } }]);
  t.is(answerRows([1, 2, 3], 2), undefined, 'a long one is not copied at all');
});

test('the message of an error keeps names of the query, and no values', (t) => {
  const error = Object.assign(new Error('invalid input syntax for type integer: "ann@example.org"'), { code: '22P02' });
  t.deepEqual(candidateError(error, 'select `a` from `t`'), {
    code: '22P02',
    message: 'invalid input syntax for type integer: "…"',
  });
  const missing = Object.assign(new Error('column "a" does not exist'), { code: '42703' });
  t.is(candidateError(missing, 'select `a` from `t`').message, 'column "a" does not exist');
});

test('quantiles of latency are right to a half, however the runs were counted', (t) => {
  let latency = latencyOf(0.001);
  for (let run = 0; run < 98; run++) latency = addLatency(latency, latencyOf(0.001));
  latency = addLatency(latency, latencyOf(2));
  const [median, most] = [quantile(latency, 0.5) ?? 0, quantile(latency, 1) ?? 0];
  t.true(median >= 0.001 && median <= 0.0015, String(median));
  t.true(most >= 2 && most <= 3, String(most));
  t.is(quantile([], 0.5), null);
});
