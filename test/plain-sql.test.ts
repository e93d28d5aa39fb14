import test from 'ava';
import { inParentheses, plainDefault } from '../migrations/plan/plain-sql.ts';

const DEFAULTS: readonly (readonly [sql: string, type: string, plain: string])[] = [
  ["''::text", 'text', "''"],
  ["'it''s'::text", 'text', "'it''s'"],
  ["'a'::text || 'b'::text", 'text', "'a'::text || 'b'::text"],
  ["'{}'::jsonb", 'jsonb', "'{}'::jsonb"],
  ['(-1)', 'bigint', '-1'],
  ["'-1.5'::double precision", 'double precision', '-1.5'],
  ['0::double precision::numeric', 'numeric(10,2)', '0'],
  ['1.23456789012345678::double precision::numeric', 'numeric', '1.23456789012345678::double precision::numeric'],
  ["'Infinity'::double precision", 'double precision', "'Infinity'::double precision"],
  ['(1 + 2)', 'bigint', '(1 + 2)'],
];

for (const [sql, type, plain] of DEFAULTS) {
  test(`the default ${sql} of a ${type} is written ${plain}`, (t) => {
    t.is(plainDefault(sql, type), plain);
  });
}

test('parentheses are put around what has none around all of it', (t) => {
  t.is(inParentheses('(a > 1)'), '(a > 1)');
  t.is(inParentheses('(a > 1) AND (b > 1)'), '((a > 1) AND (b > 1))');
  t.is(inParentheses(`("a)" > '(')`), `("a)" > '(')`);
  t.is(inParentheses(`('(' = a) OR (b = ')')`), `(('(' = a) OR (b = ')'))`);
  t.is(inParentheses('f(x)'), '(f(x))');
});
