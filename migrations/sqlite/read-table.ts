import { affinityOf } from './affinity.ts';
import { collationName, conflictOf, declarationOf } from './declaration.ts';
import type { ColumnConstraint, ColumnDefinition, Declaration, TableConstraint } from './declaration.ts';
import type { ColumnInfo, TableFacts } from './introspection.ts';
import { tryParseExpression } from './parser.ts';
import { readForeignKeys } from './read-foreign-keys.ts';
import { readIndex } from './read-index.ts';
import { columnPart, readUniques } from './read-uniques.ts';
import { cutExpression, expressionOf, isSameTree } from './schema-expression.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { SqliteCheck, SqliteColumn, SqliteExpression, SqliteTable } from './schema.ts';

/**
 * A table from what SQLite says of it and from its stored statement.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR` when the two disagree.
 */
export function readTable(facts: TableFacts, tables: ReadonlyMap<string, TableFacts>): SqliteTable {
  const declared = declarationOf(facts);
  const strict = facts.strict === 1;
  const withoutRowid = facts.withoutRowid === 1;
  const keyColumns = facts.columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const keyIndex = facts.indexes.find(({ origin }) => origin === 'pk');
  const declaredKey = declared.constraints.filter(({ constraint }) => isPrimaryKey(constraint));
  if (declaredKey.length !== (keyColumns.length > 0 ? 1 : 0))
    throw schemaUnclear(declared.what, `its statement has ${declaredKey.length} primary keys, not as SQLite says`);
  const [key] = declaredKey;
  const keyConstraint = key !== undefined && isPrimaryKey(key.constraint) ? key.constraint : undefined;
  const collations = new Map(declared.columns.map((column) => [column.colName.text, collationOf(column)]));
  const columns = facts.columns.map((column, index) => {
    const definition = declared.columns[index];
    if (definition?.colName.text !== column.name)
      throw schemaUnclear(
        declared.what,
        `SQLite's column ${index + 1} is "${column.name}", its statement's is "${definition?.colName.text ?? ''}"`,
      );
    const isRowid = keyIndex === undefined && keyColumns.length === 1 && column.pk === 1;
    return readColumn({ column, definition, declared, strict, withoutRowid, isRowid });
  });
  if (declared.columns.length !== columns.length)
    throw schemaUnclear(
      declared.what,
      `SQLite has ${columns.length} columns, its statement ${declared.columns.length}`,
    );
  return {
    name: facts.name,
    columns,
    primaryKey:
      keyIndex === undefined
        ? keyColumns.map(({ name }) => ({ column: name, expression: null, collation: 'BINARY', descending: false }))
        : keyIndex.parts.map((part) => columnPart(part, declared.what)),
    primaryKeyName: key?.name ?? null,
    primaryKeyConflict: conflictOf(keyConstraint?.conflictClause),
    autoIncrement: keyConstraint?.autoIncrement ?? false,
    withoutRowid,
    strict,
    checks: readChecks(declared),
    foreignKeys: readForeignKeys(facts.foreignKeys, declared, tables),
    uniques: readUniques(facts.indexes, declared, collations),
    indexes: facts.indexes.filter(({ origin }) => origin === 'c').map((index) => readIndex(index, declared)),
    sql: declared.sql,
  };
}

function isPrimaryKey(
  constraint: ColumnConstraint | TableConstraint,
): constraint is Extract<
  ColumnConstraint | TableConstraint,
  { type: 'PrimaryKeyColumnConstraint' | 'PrimaryKeyTableConstraint' }
> {
  return constraint.type === 'PrimaryKeyColumnConstraint' || constraint.type === 'PrimaryKeyTableConstraint';
}

function readColumn({
  column,
  definition,
  declared,
  strict,
  withoutRowid,
  isRowid,
}: {
  readonly column: ColumnInfo;
  readonly definition: ColumnDefinition;
  readonly declared: Declaration;
  readonly strict: boolean;
  readonly withoutRowid: boolean;
  readonly isRowid: boolean;
}): SqliteColumn {
  const own = definition.constraints.map(({ constraint }) => constraint);
  const notNulls = own.filter((constraint) => constraint.type === 'NotNullColumnConstraint' && !constraint.nullable);
  const implied = column.pk > 0 && (strict || withoutRowid);
  if ((column.notnull === 1) !== (notNulls.length > 0 || (implied && column.notnull === 1)))
    throw schemaUnclear(declared.what, `whether column "${column.name}" is NOT NULL cannot be told`);
  const [notNull] = notNulls;
  const generated = own.findLast((constraint) => constraint.type === 'GeneratedColumnConstraint');
  if ((generated !== undefined) !== column.hidden >= 2)
    throw schemaUnclear(declared.what, `whether column "${column.name}" is generated cannot be told`);
  return {
    name: column.name,
    declaredType: column.type,
    affinity: affinityOf(column.type, { strict }),
    notNull: column.notnull === 1 || isRowid,
    notNullConflict: notNull?.type === 'NotNullColumnConstraint' ? conflictOf(notNull.conflictClause) : null,
    default: generated === undefined ? readDefault(column, definition, declared) : null,
    generated:
      generated === undefined
        ? null
        : {
            expression: cutExpression({ ...declared, node: generated.expr }),
            stored: column.hidden === 3,
          },
    collation: collationOf(definition),
    isRowid,
  };
}

function readDefault(column: ColumnInfo, definition: ColumnDefinition, declared: Declaration): SqliteExpression | null {
  const constraint = definition.constraints
    .map((named) => named.constraint)
    .findLast((found) => found.type === 'DefaultColumnConstraint');
  const sql = column.dflt_value;
  const place = `the default of column "${column.name}"`;
  if (constraint === undefined || sql === null) {
    if (constraint === undefined && sql === null) return null;
    throw schemaUnclear(declared.what, `SQLite and its statement disagree about ${place}`);
  }
  const parsed = tryParseExpression(sql);
  const { expr } = constraint;
  const written = expr.type === 'ParenthesizedExpr' && expr.exprs.length === 1 ? expr.exprs[0] : undefined;
  if (!parsed.ok || !(isSameTree(parsed.value, expr) || isSameTree(parsed.value, written)))
    throw schemaUnclear(declared.what, `SQLite and its statement disagree about ${place}`);
  const ast = parsed.value;
  // A bare name is a text, TRUE and FALSE apart: https://sqlite.org/lang_createtable.html#the_default_clause
  if (expr.type === 'Id' && ast.type === 'Id' && !/^(true|false)$/i.test(sql.trim()))
    return { sql, ast: { type: 'StringLiteral', value: ast.name, span: ast.span }, quotedAsNames: [ast.name] };
  return expressionOf(sql, ast, () => false);
}

/** The last one counts. */
function collationOf(definition: ColumnDefinition): string {
  const collate = definition.constraints
    .map(({ constraint }) => constraint)
    .findLast((constraint) => constraint.type === 'CollateColumnConstraint');
  return collate === undefined ? 'BINARY' : collationName(collate.collationName.text);
}

function readChecks(declared: Declaration): readonly SqliteCheck[] {
  return declared.constraints.flatMap(({ name, column, constraint }) =>
    constraint.type === 'CheckColumnConstraint' || constraint.type === 'CheckTableConstraint'
      ? [{ name, column, expression: cutExpression({ ...declared, node: constraint.expr }) }]
      : [],
  );
}
