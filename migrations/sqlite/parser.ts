import { tokenName, traverse, withOptions } from 'sqlite3-parser';
import type { AstNode, Expr, ParseDiagnostic, Select, Span, Stmt } from 'sqlite3-parser';
import { CrossfadeError } from '../../adapter/errors.ts';

/**
 * The grammar of SQLite 3.53, and the only use of `sqlite3-parser` at run time. Its tree holds names without their quotes
 * and calls TRUE and FALSE names, as SQLite does; a node's span gives the place in the text that was parsed. Spans of
 * expressions, names and literals are exact, those of clauses can begin too early.
 */
const grammar = withOptions({ digitSeparator: '_' });

/** What was found where the grammar had no place for it. Line and column count from 1. */
export interface SyntaxProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
  /** The parser's guess at the cause, if it has one. */
  readonly hint: string | null;
}

/** What became of a text: a tree, or the first problem in it. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: SyntaxProblem };

/** One token of SQLite's; `kind` is SQLite's name of it: `SELECT`, `ID`, `STRING`, `LP`, `SEMI`, `ILLEGAL`… */
export interface SqlToken {
  readonly kind: string;
  /** As it stands, with its quotes. */
  readonly text: string;
  readonly span: Span;
}

/** One statement of a script. */
export interface ScriptStatement {
  /** Without the comments before it and without its semicolon. */
  readonly sql: string;
  /** Where {@link sql} begins in the script. */
  readonly offset: number;
  /** The line {@link sql} begins in, from 1. */
  readonly line: number;
}

/** Visits the nodes of a tree, depth first: https://www.npmjs.com/package/sqlite3-parser. */
export { traverse };
export type { AstNode };

/** Parses one statement; a semicolon after it is allowed, a second statement is not. */
export function tryParseStatement(sql: string): Parsed<Stmt> {
  const result = grammar.parseStmt(sql);
  return result.status === 'ok' ? { ok: true, value: result.root } : { ok: false, problem: problemOf(result.errors) };
}

/** Parses one expression. The spans of its nodes are places in `sql`. */
export function tryParseExpression(sql: string): Parsed<Expr> {
  // In parentheses, so that a comment at its end ends there too.
  const before = 'SELECT (';
  const result = grammar.parseStmt(`${before}${sql}\n)`);
  if (result.status === 'error') {
    const found = problemOf(result.errors);
    return {
      ok: false,
      problem: { ...found, column: found.line === 1 ? Math.max(1, found.column - before.length) : found.column },
    };
  }
  const expression = onlyExpression(result.root);
  if (expression === undefined)
    return { ok: false, problem: { message: 'it is not one expression', line: 1, column: 1, hint: null } };
  return { ok: true, value: shifted(expression, before.length) };
}

/**
 * Parses one statement.
 *
 * @throws CrossfadeError `SQL_INVALID`
 */
export function parseStatement(sql: string): Stmt {
  return orThrow('statement', sql, tryParseStatement(sql));
}

/**
 * Parses one expression. The spans of its nodes are places in `sql`.
 *
 * @throws CrossfadeError `SQL_INVALID`
 */
export function parseExpression(sql: string): Expr {
  return orThrow('expression', sql, tryParseExpression(sql));
}

/**
 * Parses one query.
 *
 * @throws CrossfadeError `SQL_INVALID`
 */
export function parseSelect(sql: string): Select {
  const statement = parseStatement(sql);
  if (statement.type === 'SelectStmt') return statement.body;
  return orThrow('query', sql, {
    ok: false,
    problem: { message: `it is no query (${statement.type})`, line: 1, column: 1, hint: null },
  });
}

/** The tokens of a text, without comments and white space. It never fails: what is no token is one of kind `ILLEGAL`. */
export function tokensOf(sql: string): readonly SqlToken[] {
  return Array.from(grammar.tokenize(sql), ({ type, text, span }) => ({
    kind: tokenName(type) ?? 'ILLEGAL',
    text,
    span,
  }));
}

/**
 * Splits a script into its statements, by the rule of https://sqlite.org/c3ref/complete.html: a semicolon ends a
 * statement, but within CREATE TRIGGER only one that follows on `; END`. It goes by tokens alone, so that a statement
 * that SQLite will refuse is still a statement with a line.
 */
export function splitStatements(script: string): readonly ScriptStatement[] {
  const statements: ScriptStatement[] = [];
  let first: SqlToken | undefined;
  let last: SqlToken | undefined;
  /** The kinds of the first tokens, until it is known whether they begin a trigger. */
  let opening: string[] = [];
  let inTrigger = false;
  /** Within a trigger: 1 after a semicolon, 2 after an END that follows on one. */
  let closing = 0;
  const finish = (): void => {
    if (first !== undefined && last !== undefined)
      statements.push({
        sql: script.slice(first.span.offset, last.span.offset + last.span.length),
        offset: first.span.offset,
        line: first.span.line,
      });
    first = last = undefined;
    opening = [];
    inTrigger = false;
    closing = 0;
  };
  for (const token of tokensOf(script)) {
    if (token.kind === 'SEMI' && (!inTrigger || closing === 2)) {
      finish();
      continue;
    }
    closing = token.kind === 'SEMI' ? 1 : token.kind === 'END' && closing === 1 ? 2 : 0;
    first ??= token;
    last = token;
    if (opening.length < LONGEST_OPENING) {
      opening.push(token.kind);
      inTrigger ||= TRIGGER_OPENING.test(opening.join(' '));
    }
  }
  finish();
  return statements;
}

/** Of EXPLAIN QUERY PLAN CREATE TEMP TRIGGER. */
const LONGEST_OPENING = 6;
const TRIGGER_OPENING = /^(EXPLAIN (QUERY PLAN )?)?CREATE (TEMP )?TRIGGER$/;

function onlyExpression(statement: Stmt): Expr | undefined {
  if (statement.type !== 'SelectStmt' || statement.body.select.type !== 'SelectFrom') return undefined;
  const { select, compounds, limit, orderBy } = statement.body;
  const [column, ...others] = select.columns;
  if (compounds !== undefined || limit !== undefined || orderBy !== undefined || others.length > 0) return undefined;
  if (select.from !== undefined || select.whereClause !== undefined || select.groupBy !== undefined) return undefined;
  if (column?.type !== 'ExprResultColumn' || column.alias !== undefined) return undefined;
  if (column.expr.type !== 'ParenthesizedExpr' || column.expr.exprs.length !== 1) return undefined;
  return column.expr.exprs[0];
}

/** The same tree, its spans moved back by what stood before the text on its first line. */
function shifted<T>(node: T, by: number): T {
  if (Array.isArray(node)) return node.map((item: unknown) => shifted(item, by)) as T;
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return node;
  const entries = Object.entries(node).map(([key, value]: [string, unknown]) => {
    if (key !== 'span') return [key, shifted(value, by)];
    const span = value as Span;
    return [key, { ...span, offset: span.offset - by, col: span.line === 1 ? span.col - by : span.col }];
  });
  return Object.fromEntries(entries) as T;
}

function problemOf(diagnostics: readonly ParseDiagnostic[]): SyntaxProblem {
  const [first] = diagnostics;
  if (first === undefined) return { message: 'it cannot be read', line: 1, column: 1, hint: null };
  return {
    message: first.message,
    line: first.span.line,
    column: first.span.col + 1,
    hint: first.hints?.[0]?.message ?? null,
  };
}

function orThrow<T>(kind: string, sql: string, parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  const { message, line, column, hint } = parsed.problem;
  throw new CrossfadeError(
    'SQL_INVALID',
    `could not read the ${kind} ${JSON.stringify(excerpt(sql))}: ${message} (line ${line}, column ${column})`,
    { hint: hint ?? 'check that SQLite itself takes it' },
  );
}

/** As much of a statement as fits in a message. */
function excerpt(sql: string): string {
  const plain = sql.replace(/\s+/g, ' ').trim();
  return plain.length > 120 ? `${plain.slice(0, 119)}…` : plain;
}
