import type { Select } from '../sqlite/schema.ts';
import type { CatalogTable } from './catalog.ts';
import type { Emission } from './emission.ts';
import { quoteName } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { joinTables } from './join.ts';
import { translateQuery } from './query.ts';
import { queryTable, resolveQuery, scopeTable } from './scope.ts';
import type { Scope, ScopeTable } from './scope.ts';
import { translateTableFunction } from './table-function.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

type Core = Extract<Select['select'], { type: 'SelectFrom' }>;
export type FromClause = NonNullable<Core['from']>;
type SelectTable = NonNullable<FromClause['select']>;

/** Tables in reach and the SQL that brings them there. */
export interface From {
  readonly sql: string;
  readonly tables: readonly ScopeTable[];
  readonly merged: ReadonlyMap<string, Fragment>;
}

/** A FROM clause; `outer` is what its subqueries and functions see besides the tables to their left. */
export function translateFrom(from: FromClause, outer: Setting): From {
  if (from.select === undefined) throw new Untranslatable('from', 'FROM names no table', 'name one');
  let joined: From = { ...translateTable(from.select, outer), merged: new Map() };
  for (const join of from.joins ?? []) {
    const seen: Scope = { tables: joined.tables, merged: joined.merged, parent: outer.scope };
    joined = joinTables(joined, join, translateTable(join.table, { ...outer, scope: seen }, outer), outer);
  }
  return joined;
}

/** One table, subquery or function of a FROM clause. */
export interface Table {
  readonly sql: string;
  readonly tables: readonly ScopeTable[];
}

function translateTable(table: SelectTable, setting: Setting, outer: Setting = setting): Table {
  const alias = table.alias?.name.text;
  switch (table.type) {
    case 'TableSelectTable':
      return namedTable(table.tblName, alias, outer);
    case 'TableCallSelectTable':
      return translateTableFunction(table.tblName.objName.text, table.args ?? [], alias, setting);
    case 'SelectSelectTable': {
      const name = alias ?? setting.emission.freshName();
      const query = translateQuery(table.select, outer, { isNested: true });
      return {
        sql: `(${query.sql}) AS ${quoteName(name)}`,
        tables: [queryTable(query.columns, alias ?? null, name)],
      };
    }
    case 'SubSelectTable': {
      if (alias !== undefined) {
        throw new Untranslatable('join-alias', 'a join in parentheses has an alias', 'give aliases to its tables');
      }
      const inner = translateFrom(table.from, outer);
      if (inner.merged.size > 0) {
        throw new Untranslatable('join-using', 'a join in parentheses uses USING or NATURAL', 'use ON');
      }
      return { sql: `(${inner.sql})`, tables: inner.tables };
    }
  }
}

interface TableName {
  readonly dbName: { readonly text: string } | undefined;
  readonly objName: { readonly text: string };
}

function namedTable(tableName: TableName, alias: string | undefined, { scope, emission }: Setting): Table {
  const name = tableName.objName.text;
  const query = tableName.dbName === undefined ? resolveQuery(scope, name) : undefined;
  if (query !== undefined) {
    const qualifier = alias ?? query.name;
    const sql = alias === undefined ? quoteName(query.name) : `${quoteName(query.name)} AS ${quoteName(alias)}`;
    return { sql, tables: [queryTable(query.columns, alias ?? name, qualifier)] };
  }
  const table = catalogTable(tableName, emission);
  const sql = alias === undefined ? quoteName(table.name) : `${quoteName(table.name)} AS ${quoteName(alias)}`;
  return { sql, tables: [scopeTable(table, alias ?? name, alias ?? table.name)] };
}

/** The table of the catalog that a name means. */
export function catalogTable({ dbName, objName }: TableName, emission: Emission): CatalogTable {
  if (dbName !== undefined && dbName.text.toLowerCase() !== 'main') {
    throw new Untranslatable(
      'other-database',
      `"${dbName.text}"."${objName.text}" is in another database than main`,
      'move the table into the main database',
    );
  }
  return emission.table(objName.text);
}
