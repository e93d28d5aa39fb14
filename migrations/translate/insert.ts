import type { Stmt } from '../sqlite/schema.ts';
import { assignedSql, columnOf } from './assignment.ts';
import type { CatalogColumn, CatalogTable } from './catalog.ts';
import { quoteName } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { catalogTable } from './from.ts';
import { translateQuery } from './query.ts';
import type { Query } from './query.ts';
import { withReturning } from './returning.ts';
import { queryTable, scopeTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { replaceClause, upsertClause } from './upsert.ts';
import { withCommonTables } from './with.ts';

type Insert = Extract<Stmt, { type: 'InsertStmt' }>;

/** INSERT and REPLACE: https://sqlite.org/lang_insert.html */
export function translateInsert(statement: Insert, outer: Setting): Query {
  const { prefix, setting } = withCommonTables(statement.with, outer);
  const table = catalogTable(statement.tblName, setting.emission);
  const alias = statement.tblName.alias?.text;
  const target = scopeTable(table, alias ?? table.name, alias ?? table.name);
  const into = `${prefix}INSERT INTO ${quoteName(table.name)}${alias === undefined ? '' : ` AS ${quoteName(alias)}`}`;
  const columns = statement.columns?.map(({ text }) => columnOf(table, text)) ?? table.columns;
  const body = translateBody(statement, columns, setting);
  const clause = conflictClause(statement, table, alias, body.columns, setting);
  return withReturning(`${into}${body.sql}${clause}`, statement.returning, target, setting);
}

interface Body {
  readonly sql: string;
  /** The columns that are given values. */
  readonly columns: readonly CatalogColumn[];
}

function translateBody({ body }: Insert, columns: readonly CatalogColumn[], setting: Setting): Body {
  if (body.type === 'DefaultValuesInsertBody') return { sql: ' DEFAULT VALUES', columns: [] };
  const { select } = body;
  const list = (given: readonly CatalogColumn[]) => ` (${given.map(({ name }) => quoteName(name)).join(', ')})`;
  if (select.select.type === 'SelectValues' && select.with === undefined && select.compounds === undefined) {
    const rows = select.select.values.map(({ values }) => values.map((value) => translateNode(value, setting)));
    const lines = rows.map((row) => `(${valuesOf(row, columns, setting).join(', ')})`);
    const isGiven = (column: CatalogColumn, index: number) =>
      column.isRowid !== true || rows.some((row) => row[index]?.constant?.kind !== 'null');
    return { sql: `${list(columns)} VALUES ${lines.join(', ')}`, columns: columns.filter(isGiven) };
  }
  const query = translateQuery(select, setting, { isNested: true });
  return { ...fromQuery(query, columns, setting, list) };
}

function valuesOf(
  row: readonly Fragment[],
  columns: readonly CatalogColumn[],
  { emission }: Setting,
): readonly string[] {
  if (row.length !== columns.length) {
    throw new Untranslatable(
      'arguments',
      `${row.length} values for ${columns.length} columns`,
      'give each column one value',
    );
  }
  return row.map((value, index) => {
    const column = columns[index];
    if (column === undefined) throw new Error('as many columns as values');
    // NULL for the rowid asks for the next number.
    return column.isRowid === true && value.constant?.kind === 'null'
      ? 'DEFAULT'
      : assignedSql(value, column, emission);
  });
}

function fromQuery(
  query: Query,
  columns: readonly CatalogColumn[],
  { emission }: Setting,
  list: (given: readonly CatalogColumn[]) => string,
): Body {
  const name = emission.freshName();
  const inner = queryTable(query.columns, null, name).columns;
  const pairs = columns.map((column, index) => {
    const fragment = inner[index]?.fragment;
    const constant = query.columns[index]?.fragment.constant;
    if (fragment === undefined || inner.length !== columns.length) {
      throw new Untranslatable(
        'arguments',
        `${inner.length} values for ${columns.length} columns`,
        'give each column one value',
      );
    }
    return { column, isNull: constant?.kind === 'null', value: fragment };
  });
  const given = pairs.filter(({ column, isNull }) => !(column.isRowid === true && isNull));
  const values = given.map(({ column, isNull, value }) => (isNull ? 'NULL' : assignedSql(value, column, emission)));
  const isPlain = given.length === inner.length && values.every((sql, index) => sql === inner[index]?.fragment.sql);
  const sql = isPlain ? query.sql : `SELECT ${values.join(', ')} FROM (${query.sql}) AS ${quoteName(name)}`;
  const kept = given.map(({ column }) => column);
  return { sql: `${list(kept)} ${sql}`, columns: kept };
}

function conflictClause(
  { orConflict, body }: Insert,
  table: CatalogTable,
  alias: string | undefined,
  given: readonly CatalogColumn[],
  setting: Setting,
): string {
  const upsert = body.type === 'SelectInsertBody' ? body.upsert : undefined;
  switch (orConflict) {
    case undefined:
    case 'Abort':
      return upsert === undefined ? '' : upsertClause(upsert, table, alias, setting);
    case 'Ignore':
      if (upsert !== undefined) break;
      setting.emission.remark({
        severity: 'warning',
        code: 'insert-or-ignore',
        message: 'INSERT OR IGNORE also passes over rows that break NOT NULL or CHECK; in PostgreSQL those are errors',
        remedy: 'check such values before',
      });
      return ' ON CONFLICT DO NOTHING';
    case 'Replace':
      if (upsert !== undefined) break;
      return replaceClause(table, given, setting);
    case 'Fail':
    case 'Rollback':
      break;
  }
  throw new Untranslatable(
    'insert-or',
    `INSERT OR ${orConflict.toUpperCase()}${upsert === undefined ? '' : ' with ON CONFLICT'} has no counterpart`,
    'use INSERT with ON CONFLICT',
  );
}
