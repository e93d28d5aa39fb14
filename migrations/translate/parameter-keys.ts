import type { Expr, Select, Stmt } from '../sqlite/schema.ts';
import { walk } from './ast.ts';

/** What is translated as a whole. */
export type AstRoot = Stmt | Select | Expr;

/** The parameters of a statement. */
export interface Parameters {
  /** As PostgreSQL's side names them: by number, or as written. */
  readonly keys: ReadonlyMap<Expr, string | number>;
  /** SQLite's number of each; those with a name have one, too. */
  readonly numbers: ReadonlyMap<Expr, number>;
}

/** The key of each parameter, numbered by its place in the text: https://sqlite.org/lang_expr.html#varparam */
export function parameterKeys(root: AstRoot): Parameters {
  const found: Extract<Expr, { type: 'VariableExpr' }>[] = [];
  walk(root, (node) => {
    if (node.type === 'VariableExpr') found.push(node as Extract<Expr, { type: 'VariableExpr' }>);
    return true;
  });
  const keys = new Map<Expr, string | number>();
  const numbers = new Map<Expr, number>();
  // A name takes a number as well, and the next `?` counts on from the greatest so far.
  const named = new Map<string, number>();
  let greatest = 0;
  for (const variable of found.sort((a, b) => a.span.offset - b.span.offset)) {
    const { name } = variable;
    if (name === '?') greatest += 1;
    else if (name.startsWith('?')) greatest = Math.max(greatest, Number(name.slice(1)));
    else if (!named.has(name)) named.set(name, (greatest += 1));
    const number = name === '?' ? greatest : name.startsWith('?') ? Number(name.slice(1)) : named.get(name);
    if (number !== undefined) numbers.set(variable, number);
    keys.set(variable, name.startsWith('?') ? (number ?? name) : name);
  }
  return { keys, numbers };
}
