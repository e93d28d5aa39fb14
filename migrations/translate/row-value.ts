import type { Expr } from '../sqlite/schema.ts';
import { compareFragments, comparablePair } from './compare-fragments.ts';
import type { Comparison } from './compare-fragments.ts';
import { logical } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** Whether an expression is several values in parentheses: https://sqlite.org/rowvalue.html */
export function isRow(ast: Expr): ast is Extract<Expr, { type: 'ParenthesizedExpr' }> {
  return ast.type === 'ParenthesizedExpr' && ast.exprs.length > 1;
}

const EQUALITY: Readonly<Record<string, Comparison>> = { Equals: '=', NotEquals: '<>', Is: 'IS', IsNot: 'IS NOT' };
const ORDER: Readonly<Record<string, string>> = { Less: '<', LessEquals: '<=', Greater: '>', GreaterEquals: '>=' };

/** A comparison of two row values. */
export function compareRows({ op, left, right }: Extract<Expr, { type: 'BinaryExpr' }>, setting: Setting): Fragment {
  const { emission } = setting;
  if (!isRow(left) || !isRow(right) || left.exprs.length !== right.exprs.length) {
    throw new Untranslatable(
      'row-value',
      'a row value is compared with something else',
      'compare its parts one by one',
    );
  }
  const pairs = left.exprs.map((one, index) => {
    const two = right.exprs[index];
    if (two === undefined) throw new Error('rows of one length have the same parts');
    return [translateNode(one, setting), translateNode(two, setting)] as const;
  });
  const equality = EQUALITY[op];
  if (equality !== undefined) {
    const parts = pairs.map(([one, two]) => compareFragments(equality, one, two, emission).sql);
    return logical(`(${parts.join(equality === '=' || equality === 'IS' ? ' AND ' : ' OR ')})`);
  }
  const order = ORDER[op];
  if (order === undefined) throw new Untranslatable('row-value', `${op} of row values`, 'use its parts one by one');
  const sides = pairs.map(([one, two]) => comparablePair(one, two, emission));
  if (sides.some(({ outcome, left: side }) => outcome !== undefined || side.type === 'boolean')) {
    throw new Untranslatable(
      'row-value',
      'row values of different types are ordered',
      'compare their parts one by one',
    );
  }
  const row = (side: 'left' | 'right') =>
    sides.map((pair) => (pair[side].type === 'text' ? `${pair[side].sql} COLLATE "C"` : pair[side].sql)).join(', ');
  return logical(`(ROW(${row('left')}) ${order} ROW(${row('right')}))`);
}
