import type { TableFacts } from './introspection.ts';
import { parseStatement, tokensOf } from './parser.ts';
import type { IsColumn } from './schema-expression.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { ConflictAction, Span, Stmt } from './schema.ts';

type CreateTable = Extract<Stmt, { type: 'CreateTableStmt' }>;
type Body = Extract<CreateTable['body'], { type: 'ColumnsAndConstraintsCreateTableBody' }>;
export type ColumnDefinition = Body['columns'][number];
export type ColumnConstraint = ColumnDefinition['constraints'][number]['constraint'];
export type TableConstraint = NonNullable<Body['constraints']>[number]['constraint'];
export type Resolve = Extract<ColumnConstraint, { type: 'UniqueColumnConstraint' }>['conflictClause'];

/** A table's declaration as it was written: each constraint with its name and the column it stands at. */
export interface Declaration {
  /** For errors: `table "orders"`. */
  readonly what: string;
  readonly sql: string;
  readonly isColumn: IsColumn;
  readonly columns: readonly ColumnDefinition[];
  readonly constraints: readonly {
    readonly name: string | null;
    /** Null for a table's constraint. */
    readonly column: string | null;
    readonly constraint: ColumnConstraint | TableConstraint;
  }[];
}

/**
 * Reads the stored CREATE TABLE.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function declarationOf(facts: TableFacts): Declaration {
  const what = `table "${facts.name}"`;
  const sql = facts.sql ?? '';
  const statement = statementOf(sql, what);
  if (statement.type !== 'CreateTableStmt' || statement.body.type !== 'ColumnsAndConstraintsCreateTableBody')
    throw schemaUnclear(what, 'its stored statement is no CREATE TABLE with columns');
  const names = new Set(facts.columns.map(({ name }) => name.toLowerCase()));
  if (facts.withoutRowid === 0) for (const name of ['rowid', 'oid', '_rowid_']) names.add(name);
  const { columns, constraints } = statement.body;
  return {
    what,
    sql,
    isColumn: (name) => names.has(name.toLowerCase()),
    columns,
    constraints: [
      ...columns.flatMap((column) =>
        column.constraints.map(({ name, constraint }) => ({
          name: ownName(name, constraint, sql),
          column: column.colName.text,
          constraint,
        })),
      ),
      ...(constraints ?? []).map(({ name, constraint }) => ({
        name: ownName(name, constraint, sql),
        column: null,
        constraint,
      })),
    ],
  };
}

/**
 * The stored statement of something, parsed.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function statementOf(sql: string, what: string): Stmt {
  try {
    return parseStatement(sql);
  } catch (error) {
    throw schemaUnclear(what, 'its stored statement cannot be parsed', error);
  }
}

/** `CONSTRAINT x` without a constraint is allowed; the parser then gives x to the next column's constraint. */
function ownName(
  name: { readonly text: string; readonly span: Span } | undefined,
  constraint: { readonly span: Span },
  sql: string,
): string | null {
  if (name === undefined) return null;
  const between = sql.slice(name.span.offset + name.span.length, constraint.span.offset);
  return tokensOf(between).some(({ kind }) => kind === 'COMMA') ? null : name.text;
}

/** What an ON CONFLICT clause means; null for ABORT, which is what SQLite does without one. */
export function conflictOf(resolve: Resolve): ConflictAction | null {
  switch (resolve) {
    case 'Rollback':
      return 'ROLLBACK';
    case 'Fail':
      return 'FAIL';
    case 'Ignore':
      return 'IGNORE';
    case 'Replace':
      return 'REPLACE';
    case 'Abort':
    case undefined:
      return null;
  }
}

/** SQLite finds collations in any case; its own three are spelled one way here. */
export function collationName(name: string): string {
  const upper = name.toUpperCase();
  return ['BINARY', 'NOCASE', 'RTRIM'].includes(upper) ? upper : name;
}
