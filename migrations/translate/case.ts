import type { Expr } from '../sqlite/schema.ts';
import { compareFragments } from './compare-fragments.ts';
import { asCondition } from './convert.ts';
import { NULL_FRAGMENT } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { unifiedValue, unify } from './unify.ts';

/** CASE with or without a base: https://sqlite.org/lang_expr.html#the_case_expression */
export function translateCase(ast: Extract<Expr, { type: 'CaseExpr' }>, setting: Setting): Fragment {
  const { emission } = setting;
  const base = ast.base === undefined ? undefined : translateNode(ast.base, setting);
  const conditions = ast.whenThenPairs.map(({ when }) => {
    const condition = translateNode(when, setting);
    return base === undefined ? asCondition(condition, emission) : compareFragments('=', base, condition, emission).sql;
  });
  const otherwise = ast.elseExpr === undefined ? NULL_FRAGMENT : translateNode(ast.elseExpr, setting);
  return chooseFirst(
    conditions,
    [...ast.whenThenPairs.map(({ then }) => translateNode(then, setting)), otherwise],
    setting,
  );
}

/** The value that belongs to the first condition that holds; the last value is for when none does. */
export function chooseFirst(
  conditions: readonly string[],
  values: readonly Fragment[],
  { emission }: Setting,
): Fragment {
  const unified = unify(values, emission, 'CASE');
  const branches = conditions.map((condition, index) => `WHEN ${condition} THEN ${unified.parts[index]?.sql}`);
  return unifiedValue(`(CASE ${branches.join(' ')} ELSE ${unified.parts.at(-1)?.sql} END)`, unified);
}
