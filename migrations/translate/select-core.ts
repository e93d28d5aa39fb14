import type { Expr, Select } from '../sqlite/schema.ts';
import { isAggregateCall } from './aggregate.ts';
import { contains } from './ast.ts';
import { asCondition } from './convert.ts';
import type { Fragment } from './fragment.ts';
import { translateFrom } from './from.ts';
import { groupingOf } from './grouping.ts';
import { equalityKey, orderTerm, positionOf, settled } from './order-by.ts';
import type { SortedColumn } from './order-by.ts';
import { outputColumns } from './query.ts';
import type { Query, QueryUse } from './query.ts';
import { quoteName } from './fragment.ts';
import { resultColumns } from './result-columns.ts';
import type { ResultColumn } from './result-columns.ts';
import { queryTable, resolveColumn } from './scope.ts';
import type { Scope } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { translateWindows } from './window.ts';

type Core = Extract<Select['select'], { type: 'SelectFrom' }>;

/** SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW … ORDER BY. */
export function translateCore(core: Core, sorting: readonly SortedColumn[], outer: Setting, use: QueryUse): Query {
  const { emission } = outer;
  const from = core.from === undefined ? undefined : translateFrom(core.from, outer);
  const rows: Scope = {
    ...outer.scope,
    tables: from?.tables ?? [],
    ...(from === undefined ? {} : { merged: from.merged }),
  };
  const asts = aliasedExpressions(core);
  const plain: Setting = { ...outer, scope: { ...rows, aliases: aliasesIn(asts, () => plain) } };
  const where =
    core.whereClause === undefined ? '' : ` WHERE ${asCondition(translateNode(core.whereClause, plain), emission)}`;
  const keys = (core.groupBy ?? []).map((term) => groupKey(term, core, asts, rows));
  const keyFragments = keys.map((key) => translateNode(key, plain));
  const isGrouped = keys.length > 0 || core.having !== undefined || isAggregate(core, sorting);
  // One row has no order.
  const orderBy = isGrouped && keys.length === 0 ? [] : sorting;
  const group = isGrouped ? groupingOf({ keys, keyFragments, core, orderBy, plain }) : undefined;
  const scope: Scope = group === undefined ? rows : { ...rows, group };
  const setting: Setting = { ...outer, scope: { ...scope, aliases: aliasesIn(asts, () => setting) } };
  const windows = translateWindows(core.windowClause ?? [], setting);
  const final: Setting = { ...setting, windows: windows.names };
  const isDistinct = core.distinctness === 'Distinct';
  const found = resultColumns(core.columns, from?.tables ?? [], final);
  const columns = isDistinct ? found.map((column) => ({ ...column, fragment: settled(column.fragment) })) : found;
  const having = core.having === undefined ? '' : ` HAVING ${asCondition(translateNode(core.having, final), emission)}`;
  if (isDistinct) for (const { fragment } of columns) requireBinary(fragment);
  // Last of all, as the other clauses add to what is grouped by.
  const tail = (): string => {
    const all = [
      ...keyFragments.map((key) => (isUniqueText(key) ? key.sql : equalityKey(key))),
      ...(group?.further ?? []),
    ];
    const groupBy = keys.length === 0 ? '' : ` GROUP BY ${all.join(', ')}`;
    return `${from === undefined ? '' : ` FROM ${from.sql}`}${where}${groupBy}${having}${windows.sql}`;
  };
  if (isDistinct && orderBy.length > 0) {
    return orderedDistinct({ columns, tail: tail(), orderBy, final, use, core });
  }
  const output = outputColumns(columns, use, emission);
  const terms = orderBy.map((term) => orderTerm(orderFragment(term, columns, final), term));
  const order = terms.length === 0 ? '' : ` ORDER BY ${terms.join(', ')}`;
  return { sql: `SELECT ${isDistinct ? 'DISTINCT ' : ''}${output.sql}${tail()}${order}`, columns: output.columns };
}

/** A text that no other row's is equal to under its collation, so that its bytes decide as well. */
function isUniqueText({ type, collation, uniqueUnder }: Fragment): boolean {
  return type === 'text' && uniqueUnder !== undefined && uniqueUnder === collation?.name;
}

/** The expressions that have an alias, by it in lower case; the first of a name counts. */
function aliasedExpressions(core: Core): ReadonlyMap<string, Expr> {
  const found = new Map<string, Expr>();
  for (const column of core.columns) {
    if (column.type !== 'ExprResultColumn' || column.alias === undefined) continue;
    const name = column.alias.name.text.toLowerCase();
    if (!found.has(name)) found.set(name, column.expr);
  }
  return found;
}

function aliasesIn(asts: ReadonlyMap<string, Expr>, setting: () => Setting): ReadonlyMap<string, () => Fragment> {
  return new Map(
    [...asts].map(([name, ast]) => [
      name,
      // An alias does not see itself, nor the other aliases.
      () => {
        const { aliases: _, ...scope } = setting().scope;
        return translateNode(ast, { ...setting(), scope });
      },
    ]),
  );
}

/** What a term of GROUP BY means: a column of the result by its number or its alias, or an expression. */
function groupKey(term: Expr, core: Core, aliases: ReadonlyMap<string, Expr>, rows: Scope): Expr {
  const position = positionOf(term);
  if (position !== undefined) {
    const column = core.columns[position - 1];
    if (column?.type === 'ExprResultColumn' && !core.columns.slice(0, position).some(isStar)) return column.expr;
    throw new Untranslatable('group-by-number', 'GROUP BY counts columns that * stands for', 'name the column');
  }
  if (term.type !== 'Id') return term;
  const alias = aliases.get(term.name.toLowerCase());
  const isColumn = resolveColumn({ ...rows, aliases: new Map() }, term.name) !== undefined;
  return alias === undefined || isColumn ? term : alias;
}

function isStar(column: Core['columns'][number]): boolean {
  return column.type !== 'ExprResultColumn';
}

function isAggregate(core: Core, orderBy: readonly SortedColumn[]): boolean {
  const parts = [...core.columns, ...orderBy];
  return parts.some((part) => contains(part, { is: isAggregateCall }));
}

/** What a term of ORDER BY means: a column of the result by its number or its alias, or an expression. */
export function orderFragment(term: SortedColumn, columns: readonly ResultColumn[], setting: Setting): Fragment {
  const column = outputColumnOf(term, columns);
  if (column === undefined) return translateNode(term.expr, setting);
  return withCollation(column.fragment, term.expr);
}

/** The column of the result that a term of ORDER BY names. */
export function outputColumnOf({ expr }: SortedColumn, columns: readonly ResultColumn[]): ResultColumn | undefined {
  const position = positionOf(expr);
  if (position !== undefined) {
    const column = columns[position - 1];
    if (column === undefined)
      throw new Untranslatable('order-by-number', 'ORDER BY counts beyond the columns', 'count again');
    return column;
  }
  const bare = expr.type === 'CollateExpr' ? expr.expr : expr;
  if (bare.type !== 'Id') return undefined;
  return columns.find(({ alias }) => alias?.toLowerCase() === bare.name.toLowerCase());
}

export function withCollation(fragment: Fragment, ast: Expr): Fragment {
  if (ast.type !== 'CollateExpr') return fragment;
  return { ...fragment, collation: { name: ast.collation.toUpperCase(), isExplicit: true } };
}

interface Distinct {
  readonly columns: readonly ResultColumn[];
  readonly tail: string;
  readonly orderBy: readonly SortedColumn[];
  readonly final: Setting;
  readonly use: QueryUse;
  readonly core: Core;
}

/** DISTINCT with an order: PostgreSQL orders by what it returns only, so that the order goes around it. */
function orderedDistinct({ columns, tail, orderBy, final, use }: Distinct): Query {
  const { emission } = final;
  const inner = outputColumns(columns, { isNested: true }, emission);
  const name = emission.freshName();
  const outside = queryTable(inner.columns, null, name).columns;
  const terms = orderBy.map((term) => {
    const named = outputColumnOf(term, columns);
    const wanted = named?.fragment.sql ?? settled(translateNode(term.expr, final)).sql;
    const index = columns.findIndex(({ fragment }) => fragment.sql === wanted);
    const column = outside[index]?.fragment;
    if (column === undefined) {
      throw new Untranslatable(
        'distinct-order',
        'DISTINCT is ordered by something that it does not return, so that any of several rows decides',
        'return what is ordered by, or use GROUP BY with min() or max()',
      );
    }
    return orderTerm(withCollation(column, term.expr), term);
  });
  const output = outputColumns(
    outside.map(({ fragment }, index) => ({ name: columns[index]?.name ?? '', fragment })),
    use,
    emission,
  );
  const sql = `SELECT ${output.sql} FROM (SELECT DISTINCT ${inner.sql}${tail}) AS ${quoteName(name)} ORDER BY ${terms.join(', ')}`;
  return { sql, columns: output.columns };
}

/** Rows that a collation calls equal are one of SQLite's choice. */
export function requireBinary(fragment: Fragment): void {
  const collation = fragment.collation?.name ?? 'BINARY';
  if (fragment.type === 'jsonb' || (fragment.type === 'text' && fragment.isMixed === true)) {
    equalityKey(fragment);
  }
  if (fragment.type !== 'text' || collation === 'BINARY' || isUniqueText(fragment)) return;
  throw new Untranslatable(
    'distinct-collation',
    `rows are made distinct under collation ${collation}, so that any of several texts is returned`,
    'use GROUP BY with min() or max(), or add COLLATE BINARY',
  );
}
