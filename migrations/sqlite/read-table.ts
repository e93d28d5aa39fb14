import { affinityOf } from './affinity.ts';
import type { ColumnInfo, ForeignKeyInfo, IndexInfo, IndexPartInfo, TableFacts } from './introspection.ts';
import { parseStatement, tokensOf, tryParseExpression } from './parser.ts';
import { cutExpression, expressionOf, isSameTree } from './schema-expression.ts';
import type { IsColumn } from './schema-expression.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type {
  ConflictAction,
  Expr,
  ForeignKeyAction,
  IndexPart,
  Span,
  SqliteCheck,
  SqliteColumn,
  SqliteExpression,
  SqliteForeignKey,
  SqliteIndex,
  SqliteTable,
  SqliteUnique,
  Stmt,
} from './schema.ts';

type CreateTable = Extract<Stmt, { type: 'CreateTableStmt' }>;
type Body = Extract<CreateTable['body'], { type: 'ColumnsAndConstraintsCreateTableBody' }>;
type Definition = Body['columns'][number];
type TableConstraint = NonNullable<Body['constraints']>[number]['constraint'];
type ColumnConstraint = Definition['constraints'][number]['constraint'];
type References = Extract<ColumnConstraint, { type: 'ForeignKeyColumnConstraint' }>['clause'];
type Resolve = Extract<ColumnConstraint, { type: 'UniqueColumnConstraint' }>['conflictClause'];
type Deferral = Extract<ColumnConstraint, { type: 'DeferColumnConstraint' }>['clause'];

/** A table's declaration as it was written: each constraint with its name and the column it stands at. */
interface Declared {
  readonly what: string;
  readonly sql: string;
  readonly isColumn: IsColumn;
  readonly columns: readonly Definition[];
  readonly constraints: readonly {
    readonly name: string | null;
    /** Null for a table's constraint. */
    readonly column: string | null;
    readonly constraint: ColumnConstraint | TableConstraint;
  }[];
}

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

function declarationOf(facts: TableFacts): Declared {
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

function statementOf(sql: string, what: string): Stmt {
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
  readonly definition: Definition;
  readonly declared: Declared;
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

function readDefault(column: ColumnInfo, definition: Definition, declared: Declared): SqliteExpression | null {
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
function collationOf(definition: Definition): string {
  const collate = definition.constraints
    .map(({ constraint }) => constraint)
    .findLast((constraint) => constraint.type === 'CollateColumnConstraint');
  return collate === undefined ? 'BINARY' : collationName(collate.collationName.text);
}

/** SQLite finds collations in any case; its own three are spelled one way here. */
function collationName(name: string): string {
  const upper = name.toUpperCase();
  return ['BINARY', 'NOCASE', 'RTRIM'].includes(upper) ? upper : name;
}

function conflictOf(resolve: Resolve): ConflictAction | null {
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

function readChecks(declared: Declared): readonly SqliteCheck[] {
  return declared.constraints.flatMap(({ name, column, constraint }) =>
    constraint.type === 'CheckColumnConstraint' || constraint.type === 'CheckTableConstraint'
      ? [{ name, column, expression: cutExpression({ ...declared, node: constraint.expr }) }]
      : [],
  );
}

interface DeclaredForeignKey {
  readonly name: string | null;
  readonly columns: readonly string[];
  readonly clause: References;
  deferral: Deferral | undefined;
}

function readForeignKeys(
  infos: readonly ForeignKeyInfo[],
  declared: Declared,
  tables: ReadonlyMap<string, TableFacts>,
): readonly SqliteForeignKey[] {
  const written: DeclaredForeignKey[] = [];
  for (const { name, column, constraint } of declared.constraints) {
    if (constraint.type === 'ForeignKeyColumnConstraint')
      written.push({ name, columns: [column ?? ''], clause: constraint.clause, deferral: constraint.deferClause });
    if (constraint.type === 'ForeignKeyTableConstraint')
      written.push({
        name,
        columns: constraint.columns.map(({ colName }) => colName.text),
        clause: constraint.clause,
        deferral: constraint.deferClause,
      });
    // It stands by itself, and means the foreign key before it, be that another column's.
    const latest = written.at(-1);
    if (constraint.type === 'DeferColumnConstraint' && latest !== undefined) latest.deferral = constraint.clause;
  }
  if (written.length !== infos.length)
    throw schemaUnclear(declared.what, `SQLite has ${infos.length} foreign keys, its statement ${written.length}`);
  return infos.map((info, index) => {
    const own = written[index];
    const columns = info.columns.map(({ from }) => from);
    if (own === undefined || !sameNames(own.columns, columns) || !sameNames([own.clause.tblName.text], [info.table]))
      throw schemaUnclear(declared.what, `SQLite and its statement disagree about foreign key ${index + 1}`);
    const parent = tables.get(info.table.toLowerCase());
    return {
      name: own.name,
      columns,
      parent: parent?.name ?? info.table,
      parentColumns: parentColumnsOf(info, parent),
      onUpdate: info.onUpdate as ForeignKeyAction,
      onDelete: info.onDelete as ForeignKeyAction,
      deferrable: deferrableOf(own.deferral),
      match:
        own.clause.args.flatMap((arg) => (arg.type === 'MatchRefArg' ? [arg.name.text.toUpperCase()] : [])).at(-1) ??
        null,
    };
  });
}

function parentColumnsOf(info: ForeignKeyInfo, parent: TableFacts | undefined): readonly string[] {
  const named = info.columns.flatMap(({ to }) => (to === null ? [] : [to]));
  if (named.length > 0)
    return named.map(
      (name) => parent?.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name,
    );
  const key = (parent?.columns ?? []).filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  return key.length === info.columns.length ? key.map(({ name }) => name) : [];
}

function deferrableOf(deferral: Deferral | undefined): SqliteForeignKey['deferrable'] {
  if (deferral?.deferrable !== true) return 'no';
  return deferral.initDeferred === 'InitiallyDeferred' ? 'initially deferred' : 'initially immediate';
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, i) => name.toLowerCase() === right[i]?.toLowerCase());
}

interface DeclaredUnique {
  readonly name: string | null;
  readonly conflict: Resolve;
  /** See {@link keyText}. */
  readonly key: string;
}

/**
 * SQLite makes one index for constraints on the same columns, and none beside the primary key's
 * (https://sqlite.org/lang_createtable.html#uniqueconst): what is written twice is one.
 */
function readUniques(
  indexes: readonly IndexInfo[],
  declared: Declared,
  collations: ReadonlyMap<string, string>,
): readonly SqliteUnique[] {
  const collationOfColumn = (name: string): string =>
    [...collations].find(([column]) => column.toLowerCase() === name.toLowerCase())?.[1] ?? 'BINARY';
  const written = declared.constraints.flatMap(({ name, column, constraint }): DeclaredUnique[] => {
    if (constraint.type === 'UniqueColumnConstraint' && column !== null)
      return [
        {
          name,
          conflict: constraint.conflictClause,
          key: keyText([{ name: column, coll: collationOfColumn(column) }]),
        },
      ];
    if (constraint.type !== 'UniqueTableConstraint') return [];
    const parts = constraint.columns.map(({ expr }) => {
      const named = expr.type === 'CollateExpr' ? expr.expr : expr;
      const part = nameOf(named) ?? '';
      return { name: part, coll: expr.type === 'CollateExpr' ? expr.collation : collationOfColumn(part) };
    });
    return [{ name, conflict: constraint.conflictClause, key: keyText(parts) }];
  });
  const left = [...written];
  const uniques = indexes
    .filter(({ origin }) => origin === 'u')
    .map((index) => {
      const key = keyText(index.parts);
      const found = left.findIndex((unique) => unique.key === key);
      const [unique] = found === -1 ? [] : left.splice(found, 1);
      if (unique === undefined)
        throw schemaUnclear(declared.what, `the UNIQUE of its index "${index.name}" is not in its statement`);
      return {
        name: unique.name,
        parts: index.parts.map((part) => columnPart(part, declared.what)),
        onConflict: conflictOf(unique.conflict),
      };
    });
  const made = new Set(indexes.filter(({ origin }) => origin !== 'c').map(({ parts }) => keyText(parts)));
  for (const { key } of left)
    if (!made.has(key)) throw schemaUnclear(declared.what, `SQLite has no index for the UNIQUE over ${key}`);
  return uniques;
}

function keyText(parts: readonly { readonly name: string | null; readonly coll: string }[]): string {
  return parts.map(({ name, coll }) => `"${(name ?? '').toLowerCase()}" ${coll.toUpperCase()}`).join(', ');
}

/** SQLite takes a string literal for a name where only a name can stand. */
function nameOf(expression: Expr): string | null {
  if (expression.type === 'Id') return expression.name;
  return expression.type === 'StringLiteral' ? expression.value : null;
}

function columnPart(part: IndexPartInfo, what: string): IndexPart {
  if (part.name === null) throw schemaUnclear(what, 'a key of it holds an expression');
  return { column: part.name, expression: null, collation: collationName(part.coll), descending: part.desc === 1 };
}

function readIndex(index: IndexInfo, declared: Declared): SqliteIndex {
  const what = `index "${index.name}" of ${declared.what}`;
  const sql = index.sql ?? '';
  const statement = statementOf(sql, what);
  if (statement.type !== 'CreateIndexStmt' || statement.columns.length !== index.parts.length)
    throw schemaUnclear(what, 'its stored statement does not fit what SQLite says of it');
  if ((statement.whereClause !== undefined) !== (index.partial === 1) || statement.unique !== (index.unique === 1))
    throw schemaUnclear(what, 'SQLite and its statement disagree on whether it is partial or unique');
  const { isColumn } = declared;
  return {
    name: index.name,
    unique: index.unique === 1,
    parts: index.parts.map((part, i) => {
      if (part.name !== null) return columnPart(part, what);
      const written = statement.columns[i]?.expr;
      if (part.cid !== -2 || written === undefined) throw schemaUnclear(what, `its part ${i + 1} is no column`);
      const node = written.type === 'CollateExpr' ? written.expr : written;
      return {
        column: null,
        expression: cutExpression({ node, sql, what, isColumn }),
        collation: collationName(part.coll),
        descending: part.desc === 1,
      };
    }),
    where:
      statement.whereClause === undefined ? null : cutExpression({ node: statement.whereClause, sql, what, isColumn }),
    sql,
  };
}
