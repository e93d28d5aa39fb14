import type { Expr, Stmt } from '../sqlite/schema.ts';
import { assignedSql, columnOf } from './assignment.ts';
import type { CatalogTable } from './catalog.ts';
import { asCondition } from './convert.ts';
import { quoteName } from './fragment.ts';
import { catalogTable, translateFrom } from './from.ts';
import { translateQuery } from './query.ts';
import type { Query } from './query.ts';
import { refuseReadingItself } from './reads-itself.ts';
import { withReturning } from './returning.ts';
import { isRow } from './row-value.ts';
import { queryTable, scopeTable } from './scope.ts';
import { firstRow } from './subquery.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { withCommonTables } from './with.ts';

type Update = Extract<Stmt, { type: 'UpdateStmt' }>;

/** UPDATE, with or without FROM. */
export function translateUpdate(statement: Update, outer: Setting): Query {
  if (statement.orConflict !== undefined && statement.orConflict !== 'Abort') {
    throw new Untranslatable(
      'update-or',
      `UPDATE OR ${statement.orConflict.toUpperCase()} goes on after a conflict`,
      'look for the conflicting rows first, and delete or leave them out',
    );
  }
  const { prefix, setting } = withCommonTables(statement.with, outer);
  const table = catalogTable(statement.tblName, setting.emission);
  const alias = statement.tblName.alias?.text;
  const target = scopeTable(table, alias ?? table.name, alias ?? table.name);
  refuseReadingItself(statement, alias ?? table.name, setting.emission);
  const from = statement.from === undefined ? undefined : translateFrom(statement.from, setting);
  if (from !== undefined) {
    setting.emission.remark({
      severity: 'note',
      code: 'update-from',
      message: 'where several rows of FROM match one row, both databases take one of them, and not the same',
      remedy: 'see that at most one matches',
    });
  }
  const inner: Setting = {
    ...setting,
    scope: { tables: [target, ...(from?.tables ?? [])], parent: setting.scope },
  };
  const where =
    statement.whereClause === undefined
      ? ''
      : ` WHERE ${asCondition(translateNode(statement.whereClause, inner), setting.emission)}`;
  const sql = [
    `${prefix}UPDATE ${quoteName(table.name)}${alias === undefined ? '' : ` AS ${quoteName(alias)}`}`,
    ` SET ${assignments(statement.sets, table, inner)}`,
    from === undefined ? '' : ` FROM ${from.sql}`,
    where,
  ].join('');
  return withReturning(sql, statement.returning, target, setting);
}

/** `(a, b) = (SELECT …)`. */
function setRow(
  colNames: Update['sets'][number]['colNames'],
  { select }: Extract<Expr, { type: 'SubqueryExpr' }>,
  table: CatalogTable,
  setting: Setting,
): string {
  const { emission } = setting;
  const query = translateQuery(select, setting, { isNested: true });
  const name = emission.freshName();
  const inner = queryTable(query.columns, null, name).columns;
  const columns = colNames.map(({ text }) => columnOf(table, text));
  if (inner.length !== columns.length) {
    throw new Untranslatable('row-value', 'SET gives columns another number of values', 'give each column one');
  }
  const values = columns.map((column, index) => {
    const value = inner[index]?.fragment;
    if (value === undefined) throw new Error('as many values as columns');
    return query.columns[index]?.fragment.constant?.kind === 'null' ? 'NULL' : assignedSql(value, column, emission);
  });
  const names = columns.map((column) => quoteName(column.name)).join(', ');
  return `(${names}) = (SELECT ${values.join(', ')} FROM (${query.sql}${firstRow(select, setting)}) AS ${quoteName(name)})`;
}

/** What stands after SET. */
export function assignments(sets: Update['sets'], table: CatalogTable, setting: Setting): string {
  return sets
    .flatMap(({ colNames, expr }) => {
      if (colNames.length > 1 && expr.type === 'SubqueryExpr') return setRow(colNames, expr, table, setting);
      const values = colNames.length === 1 ? [expr] : isRow(expr) ? expr.exprs : [];
      if (values.length !== colNames.length) {
        throw new Untranslatable('row-value', 'SET gives columns another number of values', 'give each column one');
      }
      return colNames.map(({ text }, index) => {
        const column = columnOf(table, text);
        const value = values[index];
        if (value === undefined) throw new Error('as many values as columns');
        return `${quoteName(column.name)} = ${assignedSql(translateNode(value, setting), column, setting.emission)}`;
      });
    })
    .join(', ');
}
