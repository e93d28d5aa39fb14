import { traverse } from './parser.ts';
import type { Expr, IndexPart, SqliteExpression, SqliteTable } from './schema.ts';

/** A text that two trees share if they say the same, however they are written; names count in any case. */
export function textOf(tree: unknown): string {
  return (
    JSON.stringify(tree, (key, value: unknown) => {
      if (key === 'span') return undefined;
      // As in the lists of CHECK (x IN (…)), literals stay as they are.
      if (isName(value)) return { ...value, ...lowered(value) };
      return value;
    }) ?? ''
  );
}

/** The same for the parts of a key. */
export function partsText(parts: readonly IndexPart[]): string {
  return parts
    .map(({ column, expression, collation, descending }) =>
      [column?.toLowerCase() ?? textOf(expression?.ast), collation, descending ? 'DESC' : ''].join(' '),
    )
    .join(', ');
}

/** The table's columns that an expression names, in lower case. */
export function columnsNamed(table: SqliteTable, expression: SqliteExpression | null): readonly string[] {
  if (expression === null) return [];
  const own = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  const named = new Set<string>();
  const note = (name: string): void => {
    if (own.has(name.toLowerCase())) named.add(name.toLowerCase());
  };
  traverse(expression.ast satisfies Expr, {
    nodes: { Id: ({ name }) => note(name), QualifiedExpr: ({ column }) => note(column.text) },
  });
  return [...named];
}

type Named = { readonly type: 'Id'; readonly name: string } | { readonly type: 'Name'; readonly text: string };

function isName(value: unknown): value is Named {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  return value.type === 'Id' || value.type === 'Name';
}

function lowered(node: Named): { name: string } | { text: string } {
  return node.type === 'Id' ? { name: node.name.toLowerCase() } : { text: node.text.toLowerCase() };
}
