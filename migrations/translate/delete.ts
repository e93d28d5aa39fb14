import type { Stmt } from '../sqlite/schema.ts';
import { asCondition } from './convert.ts';
import { quoteName } from './fragment.ts';
import { catalogTable } from './from.ts';
import type { Query } from './query.ts';
import { withReturning } from './returning.ts';
import { scopeTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { withCommonTables } from './with.ts';

/** DELETE. */
export function translateDelete(statement: Extract<Stmt, { type: 'DeleteStmt' }>, outer: Setting): Query {
  const { prefix, setting } = withCommonTables(statement.with, outer);
  const table = catalogTable(statement.tblName, setting.emission);
  const alias = statement.tblName.alias?.text;
  const target = scopeTable(table, alias ?? table.name, alias ?? table.name);
  const inner: Setting = { ...setting, scope: { tables: [target], parent: setting.scope } };
  const where =
    statement.whereClause === undefined
      ? ''
      : ` WHERE ${asCondition(translateNode(statement.whereClause, inner), setting.emission)}`;
  const sql = `${prefix}DELETE FROM ${quoteName(table.name)}${alias === undefined ? '' : ` AS ${quoteName(alias)}`}${where}`;
  return withReturning(sql, statement.returning, target, setting);
}
