import type { Select } from '../sqlite/schema.ts';
import { isSameExpression } from './ast.ts';
import type { Fragment } from './fragment.ts';
import { quoteName } from './fragment.ts';
import { orderTerm, positionOf, settled } from './order-by.ts';
import type { SortedColumn } from './order-by.ts';
import { outputColumns } from './query.ts';
import type { Query, QueryUse } from './query.ts';
import { queryTable } from './scope.ts';
import { requireBinary, translateCore, withCollation } from './select-core.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { convertTo, unify } from './unify.ts';
import { translateValues } from './values.ts';

const OPERATOR = { Union: 'UNION', UnionAll: 'UNION ALL', Except: 'EXCEPT', Intersect: 'INTERSECT' } as const;

/** SELECTs put together, from left to right: https://sqlite.org/lang_select.html#compound_select_statements */
export function translateCompound(select: Select, setting: Setting, use: QueryUse): Query {
  const compounds = select.compounds ?? [];
  const operators = compounds.map(({ operator }) => operator);
  const queries = [select.select, ...compounds.map((compound) => compound.select)].map((core) =>
    translatePart(core, setting),
  );
  const joined = combine(queries, operators, setting);
  const orderBy = select.orderBy ?? [];
  if (orderBy.length === 0) {
    const output = outputColumns(joined.columns, use, setting.emission);
    if (output.columns.every(({ fragment }, index) => fragment.type === joined.columns[index]?.fragment.type))
      return joined;
  }
  return wrapped(joined, orderBy, select, setting, use);
}

/** One SELECT or VALUES of a compound. */
export function translatePart(core: Select['select'], setting: Setting): Query {
  return core.type === 'SelectValues'
    ? translateValues(core, [], setting, { isNested: true })
    : translateCore(core, [], setting, { isNested: true });
}

/** Several queries as one, their columns of one type each. */
export function combine(
  queries: readonly Query[],
  operators: readonly (keyof typeof OPERATOR)[],
  setting: Setting,
): Query {
  const [first] = queries;
  if (first === undefined) throw new Error('a compound has parts');
  const width = first.columns.length;
  const unified = Array.from({ length: width }, (_, index) =>
    unify(
      queries.flatMap((query) => query.columns[index]?.fragment ?? []),
      setting.emission,
      `column ${index + 1} of a compound`,
    ),
  );
  const columns = first.columns.map(({ name, fragment }, index) => {
    const {
      constant: _,
      isNotNull: __,
      parameter: ___,
      isMixed: ____,
      bound: _____,
      uniqueUnder: ______,
      ...kept
    } = fragment;
    const column = unified[index];
    const type = column?.type ?? kept.type;
    return {
      name,
      fragment: {
        ...kept,
        sql: quoteName(name),
        type,
        ...(column?.isMixed === true ? { isMixed: true as const } : {}),
      },
    };
  });
  const isDistinct = operators.some((operator) => operator !== 'UnionAll');
  if (isDistinct) {
    for (const query of queries) for (const { fragment } of query.columns) requireBinary(fragment);
  }
  const types = columns.map(({ fragment }) => fragment.type);
  const parts = queries.map((query) => converted(query, types, { setting, isDistinct }));
  const sql = parts.reduce((all, part, index) => {
    const operator = operators[index - 1];
    if (operator === undefined) return part;
    // SQLite's operators bind equally; PostgreSQL's INTERSECT binds more.
    const left = index > 1 && operators[index - 2] !== operator ? `(${all})` : all;
    return `${left} ${OPERATOR[operator]} ${part}`;
  });
  return { sql, columns };
}

function converted(
  query: Query,
  types: readonly Fragment['type'][],
  { setting: { emission }, isDistinct }: { readonly setting: Setting; readonly isDistinct: boolean },
): string {
  const isSame = query.columns.every(
    ({ fragment }, index) =>
      fragment.type === types[index] && fragment.isLogical !== true && !(isDistinct && fragment.type === 'any'),
  );
  if (isSame) return query.sql;
  const name = emission.freshName();
  const table = queryTable(query.columns, null, name);
  const columns = table.columns.map(({ name: column, fragment }, index) => {
    const original = query.columns[index]?.fragment;
    const source = original?.constant?.kind === 'null' ? { ...fragment, constant: original.constant } : fragment;
    const value = convertTo(source, types[index] ?? fragment.type, emission);
    return `${(isDistinct ? settled(value) : value).sql} AS ${quoteName(column)}`;
  });
  return `SELECT ${columns.join(', ')} FROM (${query.sql}) AS ${quoteName(name)}`;
}

function wrapped(
  joined: Query,
  orderBy: readonly SortedColumn[],
  select: Select,
  setting: Setting,
  use: QueryUse,
): Query {
  const { emission } = setting;
  const name = emission.freshName();
  const table = queryTable(joined.columns, null, name);
  const output = outputColumns(table.columns, use, emission);
  const terms = orderBy.map((term) => {
    const index = columnNumber(term, joined, select);
    const column = table.columns[index]?.fragment;
    if (column === undefined)
      throw new Untranslatable('compound-order', 'a compound is ordered by what it does not return', 'return it');
    return orderTerm(withCollation(column, term.expr), term);
  });
  const order = terms.length === 0 ? '' : ` ORDER BY ${terms.join(', ')}`;
  return { sql: `SELECT ${output.sql} FROM (${joined.sql}) AS ${quoteName(name)}${order}`, columns: output.columns };
}

/** The column that a term means: by number, by name, or by an expression that one of the SELECTs has there. */
function columnNumber({ expr }: SortedColumn, joined: Query, select: Select): number {
  const position = positionOf(expr);
  if (position !== undefined) return position - 1;
  const bare = expr.type === 'CollateExpr' ? expr.expr : expr;
  const name = bare.type === 'Id' ? bare.name.toLowerCase() : undefined;
  const byName = joined.columns.findIndex((column) => column.name.toLowerCase() === name);
  if (byName >= 0) return byName;
  for (const core of [select.select, ...(select.compounds ?? []).map((compound) => compound.select)]) {
    if (core.type !== 'SelectFrom') continue;
    const index = core.columns.findIndex(
      (column) =>
        column.type === 'ExprResultColumn' &&
        (column.alias?.name.text.toLowerCase() === name || isSameExpression(column.expr, bare)),
    );
    if (index >= 0) return index;
  }
  return -1;
}
