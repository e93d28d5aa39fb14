import type { Expr } from '../sqlite/schema.ts';
import type { Fragment } from './fragment.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

export function translateExists(_ast: Extract<Expr, { type: 'ExistsExpr' }>, _setting: Setting): Fragment {
  throw new Untranslatable('subquery', 'a subquery stands in an expression', 'rewrite it');
}

export function translateSubquery(_ast: Extract<Expr, { type: 'SubqueryExpr' }>, _setting: Setting): Fragment {
  throw new Untranslatable('subquery', 'a subquery stands in an expression', 'rewrite it');
}
