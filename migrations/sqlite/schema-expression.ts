import { schemaUnclear } from './schema-unclear.ts';
import { tryParseExpression } from './parser.ts';
import type { Expr, Span, SqliteExpression } from './schema.ts';

/** Whether a name means a column where it stands. */
export type IsColumn = (name: string) => boolean;

/**
 * Cuts an expression out of the statement it stands in. The parser is asked again, on the text that was cut: what it makes
 * of that must be the tree it made in place, or the cut was wrong.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function cutExpression({
  node,
  sql,
  what,
  isColumn,
}: {
  readonly node: Expr;
  readonly sql: string;
  /** Whose statement it is, for the error. */
  readonly what: string;
  readonly isColumn: IsColumn;
}): SqliteExpression {
  const text = sql.slice(node.span.offset, node.span.offset + node.span.length);
  const parsed = tryParseExpression(text);
  if (!parsed.ok || !isSameTree(parsed.value, node))
    throw schemaUnclear(what, `the parser misplaces the expression at ${JSON.stringify(text)}`);
  return expressionOf(text, parsed.value, isColumn);
}

/** An expression whose double-quoted names have become the string literals they are to SQLite. */
export function expressionOf(sql: string, ast: Expr, isColumn: IsColumn): SqliteExpression {
  const { node, strings } = withStrings(ast, sql, isColumn);
  return { sql, ast: node, quotedAsNames: strings };
}

/** Whether two trees say the same, wherever they stand. */
export function isSameTree(left: unknown, right: unknown): boolean {
  return withoutSpans(left) === withoutSpans(right);
}

function withoutSpans(node: unknown): string {
  return JSON.stringify(node, (key, value: unknown) => (key === 'span' ? undefined : value));
}

/** The same tree, in which each double-quoted name that is no column is a string literal. */
function withStrings(root: Expr, sql: string, isColumn: IsColumn): { node: Expr; strings: readonly string[] } {
  const strings: string[] = [];
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (!isNode(value)) return value;
    if (!isQuotedName(value, sql) || isColumn(value.name)) return mapNodes(value, visit);
    strings.push(value.name);
    return literalOf(value);
  };
  return { node: visit(root) as Expr, strings };
}

/** The same node, each of its parts replaced. */
export function mapNodes(
  node: Readonly<Record<string, unknown>>,
  map: (child: unknown, key: string) => unknown,
): Readonly<Record<string, unknown>> {
  if (node instanceof Uint8Array) return node;
  const isCall = node['type'] === 'FunctionCallExpr' || node['type'] === 'FunctionCallStarExpr';
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      // A function's name is a name, however it is quoted.
      key === 'span' || (isCall && key === 'name') ? value : map(value, key),
    ]),
  );
}

/** Whether a node is a name in double quotes that stands alone. */
export function isQuotedName(node: Readonly<Record<string, unknown>>, sql: string): node is QuotedName {
  return node['type'] === 'Id' && sql[(node['span'] as Span).offset] === '"';
}

/** The string literal that a name in double quotes is. */
export function literalOf({ name, span }: QuotedName): Expr {
  return { type: 'StringLiteral', value: name, span };
}

type QuotedName = Readonly<Record<string, unknown>> & {
  readonly type: 'Id';
  readonly name: string;
  readonly span: Span;
};

function isNode(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
