import type { Select } from '../sqlite/schema.ts';
import { contains } from './ast.ts';
import type { AstNode } from './ast.ts';
import { combine, translatePart } from './compound.ts';
import { castTo, quoteName } from './fragment.ts';
import { translateLimit } from './limit.ts';
import type { Fragment } from './fragment.ts';
import { translateQuery } from './query.ts';
import type { Query } from './query.ts';
import type { NamedQuery, QueryColumn } from './scope.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

type With = NonNullable<Select['with']>;
type CommonTable = With['ctes'][number];

/** Common table expressions: https://sqlite.org/lang_with.html */
export function translateWith(
  { ctes }: With,
  outer: Setting,
): { readonly sql: string; readonly ctes: ReadonlyMap<string, NamedQuery> } {
  const known = new Map<string, NamedQuery>();
  const setting: Setting = { ...outer, scope: { tables: [], ctes: known, parent: outer.scope } };
  // SQLite lets one refer to another that comes later; here each comes after those it refers to.
  const sql = new Map<string, string>();
  const visit = (cte: CommonTable, path: readonly CommonTable[]) => {
    const name = cte.tblName.text.toLowerCase();
    if (sql.has(name)) return;
    if (path.includes(cte))
      throw new Untranslatable(
        'circular-cte',
        `"${cte.tblName.text}" refers to itself by way of others`,
        'make it one',
      );
    for (const other of ctes)
      if (other !== cte && refersTo(cte.select, other.tblName.text)) visit(other, [...path, cte]);
    const query = translateCommonTable(cte, setting, known);
    known.set(name, { name: cte.tblName.text, columns: query.columns });
    sql.set(name, query.sql);
  };
  for (const cte of ctes) visit(cte, []);
  const isRecursive = ctes.some((cte) => cte.select.limit === undefined && refersTo(cte.select, cte.tblName.text));
  return { sql: `WITH ${isRecursive ? 'RECURSIVE ' : ''}${[...sql.values()].join(', ')} `, ctes: known };
}

/** The WITH of a statement that is no query, and where its tables are in reach. */
export function withCommonTables(
  ast: With | undefined,
  outer: Setting,
): { readonly prefix: string; readonly setting: Setting } {
  if (ast === undefined) return { prefix: '', setting: outer };
  const { sql, ctes } = translateWith(ast, outer);
  return { prefix: sql, setting: { ...outer, scope: { tables: [], ctes, parent: outer.scope } } };
}

/** Whether a table of this name is read anywhere in a query. */
export function refersTo(select: AstNode, name: string): boolean {
  return contains(select, {
    into: 'subqueries',
    is: (node) =>
      (node.type === 'TableSelectTable' || node.type === 'InTableExpr') && tableNameOf(node) === name.toLowerCase(),
  });
}

function tableNameOf(node: AstNode): string {
  const named = node as { tblName?: { objName: { text: string } }; rhs?: { objName: { text: string } } };
  return (named.tblName ?? named.rhs)?.objName.text.toLowerCase() ?? '';
}

function translateCommonTable(cte: CommonTable, setting: Setting, known: Map<string, NamedQuery>): Query {
  const isRecursive = refersTo(cte.select, cte.tblName.text);
  const query = isRecursive ? recursive(cte, setting, known) : translateQuery(cte.select, setting, { isNested: true });
  const columns = renamed(cte, query.columns);
  const { limit } = cte.select;
  if (isRecursive && limit !== undefined)
    return limited(cte, { sql: query.sql, columns }, translateLimit(limit, setting));
  const hint = cte.materialized === 'Any' ? '' : cte.materialized === 'Yes' ? ' MATERIALIZED' : ' NOT MATERIALIZED';
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  return { sql: `${quoteName(cte.tblName.text)} (${names}) AS${hint} (${query.sql})`, columns };
}

/**
 * A recursion that ends with LIMIT: PostgreSQL goes on with one only as long as rows are asked for, so that the rows are
 * taken from one that has no end of its own.
 */
function limited({ tblName }: CommonTable, { sql, columns }: Query, limit: string): Query {
  const name = quoteName(tblName.text);
  const names = columns.map((column) => quoteName(column.name)).join(', ');
  return {
    sql: `${name} (${names}) AS MATERIALIZED (WITH RECURSIVE ${name} (${names}) AS (${sql}) SELECT * FROM ${name}${limit})`,
    columns,
  };
}

function renamed(cte: CommonTable, columns: readonly QueryColumn[]): readonly QueryColumn[] {
  return columns.map((column, index) => ({ ...column, name: cte.columns?.[index]?.colName.text ?? column.name }));
}

/** The types of a recursive query's columns are those that hold what both of its halves give. */
function recursive(cte: CommonTable, setting: Setting, known: Map<string, NamedQuery>): Query {
  const { select } = cte;
  const name = cte.tblName.text;
  if (select.orderBy !== undefined) {
    throw new Untranslatable(
      'recursive-order',
      `the recursive query "${name}" has an ORDER BY of its own`,
      'order what is read from it',
    );
  }
  const compounds = select.compounds ?? [];
  const step = compounds.at(-1);
  const before = [select.select, ...compounds.slice(0, -1).map((compound) => compound.select)];
  if (step === undefined || before.some((core) => refersTo(core, name)) || !step.operator.startsWith('Union')) {
    throw new Untranslatable(
      'recursive-form',
      `the recursive query "${name}" refers to itself more than once`,
      'make it one reference, after UNION or UNION ALL',
    );
  }
  const operators = compounds.slice(0, -1).map(({ operator }) => operator);
  const anchor = combine(
    before.map((core) => translatePart(core, setting)),
    operators,
    setting,
  );
  let columns = anchor.columns;
  for (let round = 0; ; round += 1) {
    known.set(name.toLowerCase(), { name, columns: renamed(cte, columns) });
    const next = translatePart(step.select, setting);
    const both = combine([{ ...anchor, columns: sameTypes(anchor.columns, columns) }, next], [step.operator], setting);
    const isStable = both.columns.every(
      ({ fragment }, index) =>
        fragment.type === columns[index]?.fragment.type && fragment.isMixed === columns[index]?.fragment.isMixed,
    );
    columns = both.columns;
    if (!isStable && round < 8) continue;
    return {
      columns,
      sql: `${exact(anchor, columns, setting)} ${step.operator === 'Union' ? 'UNION' : 'UNION ALL'} ${exact(next, columns, setting)}`,
    };
  }
}

function sameTypes(anchor: readonly QueryColumn[], wanted: readonly QueryColumn[]): readonly QueryColumn[] {
  return anchor.map((column, index) => {
    const target = wanted[index]?.fragment;
    const { isMixed: _, ...fragment } = column.fragment;
    const isMixed = (target ?? column.fragment).isMixed === true;
    return {
      name: column.name,
      fragment: { ...fragment, type: target?.type ?? fragment.type, ...(isMixed ? { isMixed: true } : {}) },
    };
  });
}

/** PostgreSQL wants the very same type and collation from both halves. */
function exact(query: Query, columns: readonly QueryColumn[], { emission }: Setting): string {
  const name = emission.freshName();
  const parts = columns.map(({ fragment }, index) => {
    const column = `${quoteName(name)}.${quoteName(query.columns[index]?.name ?? '')}`;
    return `${castColumn(column, fragment, emission.pack.bind(emission))} AS ${quoteName(query.columns[index]?.name ?? '')}`;
  });
  return `SELECT ${parts.join(', ')} FROM (${query.sql}) AS ${quoteName(name)}`;
}

function castColumn(column: string, { type }: Fragment, pack: (name: string) => string): string {
  if (type === 'any') return `${column}::${pack('value')}`;
  const cast = castTo(column, type);
  return type === 'text' || type === 'null' ? `${cast} COLLATE "C"` : cast;
}
