import type { Expr } from '../sqlite/schema.ts';
import { comparablePair, compareFragments } from './compare-fragments.ts';
import { logical } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** `x IN (a, b)`, which is `x = +a OR x = +b`: https://sqlite.org/lang_expr.html#the_in_and_not_in_operators */
export function translateInList(ast: Extract<Expr, { type: 'InListExpr' }>, setting: Setting): Fragment {
  const { emission } = setting;
  const items = ast.rhs ?? [];
  // Nothing is in an empty list, not even NULL.
  if (items.length === 0) return logical(ast.not ? 'true' : 'false');
  const operand = translateNode(ast.lhs, setting);
  const values = items.map((item) => ({ ...translateNode(item, setting), affinity: null, collation: null }));
  const pairs = values.map((value) => comparablePair(operand, value, emission));
  const left = pairs[0]?.left.sql;
  const isUniform = pairs.every((pair) => pair.outcome === undefined && pair.left.sql === left);
  const sql = isUniform
    ? `(${left} ${ast.not ? 'NOT IN' : 'IN'} (${pairs.map((pair) => pair.right.sql).join(', ')}))`
    : `(${ast.not ? 'NOT ' : ''}(${values.map((value) => compareFragments('=', operand, value, emission).sql).join(' OR ')}))`;
  return logical(sql);
}

export function translateInSelect(_ast: Extract<Expr, { type: 'InSelectExpr' }>, _setting: Setting): Fragment {
  throw new Untranslatable('subquery', 'a subquery stands in an expression', 'rewrite it');
}

export function translateInTable(_ast: Extract<Expr, { type: 'InTableExpr' }>, _setting: Setting): Fragment {
  throw new Untranslatable('subquery', 'a subquery stands in an expression', 'rewrite it');
}
