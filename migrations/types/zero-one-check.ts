import type { Expr, SqliteTable } from '../sqlite/schema.ts';

/** Whether one of a table's CHECKs allows a column nothing but 0, 1 and NULL: `c IN (0, 1)`, in any of its usual spellings. */
export function allowsOnlyZeroAndOne(table: SqliteTable, column: string): boolean {
  const name = column.toLowerCase();
  return table.checks.some((check) => implies(check.expression.ast, name));
}

function implies(expression: Expr, column: string): boolean {
  switch (expression.type) {
    case 'ParenthesizedExpr': {
      const [only] = expression.exprs;
      return only !== undefined && expression.exprs.length === 1 && implies(only, column);
    }
    case 'InListExpr':
      return (
        !expression.not &&
        isColumn(expression.lhs, column) &&
        (expression.rhs ?? []).every((value) => isZeroOrOne(value))
      );
    case 'IsNullExpr':
      return isColumn(expression.expr, column);
    case 'BinaryExpr':
      return impliesOperation(expression, column);
    default:
      return false;
  }
}

function impliesOperation({ left, op, right }: Extract<Expr, { type: 'BinaryExpr' }>, column: string): boolean {
  if (op === 'Or') return implies(left, column) && implies(right, column);
  if (op === 'And') return implies(left, column) || implies(right, column);
  if (op === 'Equals') return isPair(left, right, column) || isPair(right, left, column);
  if (op === 'Is') return isColumn(left, column) && (right.type === 'NullLiteral' || isZeroOrOne(right));
  return false;
}

function isPair(side: Expr, value: Expr, column: string): boolean {
  return isColumn(side, column) && isZeroOrOne(value);
}

function isColumn(expression: Expr, column: string): boolean {
  if (expression.type === 'Id') return expression.name.toLowerCase() === column;
  if (expression.type === 'NameExpr') return expression.name.text.toLowerCase() === column;
  if (expression.type === 'QualifiedExpr') return expression.column.text.toLowerCase() === column;
  const only =
    expression.type === 'ParenthesizedExpr' && expression.exprs.length === 1 ? expression.exprs[0] : undefined;
  return only !== undefined && isColumn(only, column);
}

function isZeroOrOne(expression: Expr): boolean {
  // NULL in a list is no third value: it makes the CHECK unknown for every other one, and unknown passes.
  if (expression.type === 'NumericLiteral') return expression.value === '0' || expression.value === '1';
  return expression.type === 'Id' && ['true', 'false'].includes(expression.name.toLowerCase());
}
