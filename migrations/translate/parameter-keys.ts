import type { Expr, Select, Stmt } from '../sqlite/schema.ts';
import { walk } from './ast.ts';

/** What is translated as a whole. */
export type AstRoot = Stmt | Select | Expr;

/** The key of each parameter, numbered by its place in the text: https://sqlite.org/lang_expr.html#varparam */
export function parameterKeys(root: AstRoot): ReadonlyMap<Expr, string | number> {
  const found: Extract<Expr, { type: 'VariableExpr' }>[] = [];
  walk(root, (node) => {
    if (node.type === 'VariableExpr') found.push(node as Extract<Expr, { type: 'VariableExpr' }>);
    return true;
  });
  const keys = new Map<Expr, string | number>();
  // A name takes a number as well, and the next `?` counts on from the greatest so far.
  const named = new Map<string, number>();
  let greatest = 0;
  for (const variable of found.sort((a, b) => a.span.offset - b.span.offset)) {
    const { name } = variable;
    if (name === '?') greatest += 1;
    else if (name.startsWith('?')) greatest = Math.max(greatest, Number(name.slice(1)));
    else if (!named.has(name)) named.set(name, (greatest += 1));
    keys.set(variable, name === '?' ? greatest : name.startsWith('?') ? Number(name.slice(1)) : name);
  }
  return keys;
}
