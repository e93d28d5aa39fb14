import type { Expr, SqliteExpression, SqliteTable } from '../sqlite/schema.ts';

/**
 * An expression with every generated column that it names replaced by what that column is computed from, cast as the
 * column would have held it. SQLite lets generated columns build on each other, and refuses circles.
 */
export function inlineGenerated(table: SqliteTable, expression: SqliteExpression): SqliteExpression {
  const generated = new Map(
    table.columns.flatMap(({ name, generated: own, declaredType }) =>
      own === null ? [] : [[name.toLowerCase(), { ast: own.expression.ast, declaredType }] as const],
    ),
  );
  if (generated.size === 0) return expression;
  const inline = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(inline);
    if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return node;
    const name = columnName(node as Expr);
    const own = name === undefined ? undefined : generated.get(name.toLowerCase());
    if (own !== undefined) return valueOf(inline(own.ast) as Expr, own.declaredType);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, inline(value)]));
  };
  return { ...expression, ast: inline(expression.ast) as Expr };
}

function columnName(node: Expr): string | undefined {
  switch (node.type) {
    case 'Id':
      return node.name;
    case 'NameExpr':
      return node.name.text;
    case 'QualifiedExpr':
      return node.column.text;
    default:
      return undefined;
  }
}

/** A column of a declared type holds its expression's value under that type's affinity. */
function valueOf(ast: Expr, declaredType: string): Expr {
  const { span } = ast;
  const inner: Expr = { type: 'ParenthesizedExpr', exprs: [ast], span };
  if (declaredType === '') return inner;
  return { type: 'CastExpr', expr: inner, typeName: { type: 'Type', name: declaredType, size: undefined, span }, span };
}
