import type { Remark } from '../../../translate/translation.ts';
import type { Expr } from '../../../sqlite/schema.ts';
import type { Facts } from './facts.ts';

/** Why a statement that PostgreSQL takes as it is answers otherwise there. */
export type Difference = Remark;

/** What a rule knows of an expression's surroundings. */
export interface RuleContext {
  readonly facts: (expr: Expr) => Facts;
  /** What stands in the statement, to quote it. */
  readonly text: (expr: Expr) => string;
}

/** A difference that deserves a look. */
export function warning(code: string, message: string, remedy: string): Difference {
  return { severity: 'warning', code, message, remedy };
}

/** An expression without parentheses around it. */
export function bare(expr: Expr): Expr {
  const only = expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1 ? expr.exprs[0] : undefined;
  return only === undefined ? expr : bare(only);
}
