import type { Expr } from '../sqlite/schema.ts';

/** A node of the parser's tree, as far as a walk needs to know it. */
export interface AstNode {
  readonly type: string;
}

/** Visits a node and, where `visit` says so, what it consists of, in no special order. */
export function walk(node: AstNode, visit: (node: AstNode) => boolean): void {
  if (!visit(node)) return;
  for (const child of Object.values(node)) {
    for (const one of Array.isArray(child) ? (child as readonly unknown[]) : [child]) {
      if (isNode(one)) walk(one, visit);
    }
  }
}

/** Whether any node of a tree is what is looked for; subqueries are looked into only if asked for. */
export function contains(
  node: AstNode,
  { is, into = 'expressions' }: { is: (node: AstNode) => boolean; into?: 'expressions' | 'subqueries' },
): boolean {
  let found = false;
  walk(node, (one) => {
    found ||= is(one);
    return !found && (into === 'subqueries' || one.type !== 'Select');
  });
  return found;
}

/** Whether two expressions are the same but for the case of names and what is around them. */
export function isSameExpression(one: Expr, two: Expr): boolean {
  return one === two || fingerprint(one) === fingerprint(two);
}

function fingerprint(ast: Expr): string {
  const bare = ast.type === 'ParenthesizedExpr' && ast.exprs.length === 1 ? ast.exprs[0] : ast;
  return JSON.stringify(bare, (key, value: unknown) => {
    if (key === 'span') return undefined;
    if ((key === 'name' || key === 'text') && typeof value === 'string') return value.toLowerCase();
    return value;
  });
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
