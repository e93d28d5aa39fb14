import type { Expr, Select } from '../sqlite/schema.ts';
import { isAggregateCall } from './aggregate.ts';
import { contains } from './ast.ts';
import { logical } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateQuery } from './query.ts';
import { columnOfQuery } from './scope.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** EXISTS (SELECT …). */
export function translateExists(ast: Extract<Expr, { type: 'ExistsExpr' }>, setting: Setting): Fragment {
  return logical(`(EXISTS (${translateQuery(ast.select, setting, { isNested: true }).sql}))`);
}

/** A subquery as a value: its first row's. */
export function translateSubquery(ast: Extract<Expr, { type: 'SubqueryExpr' }>, setting: Setting): Fragment {
  const query = translateQuery(ast.select, setting, { isNested: true });
  const [column, another] = query.columns;
  if (column === undefined || another !== undefined) {
    throw new Untranslatable(
      'row-value',
      'a subquery of several columns stands as a value',
      'select its columns one by one',
    );
  }
  const {
    isNotNull: _,
    column: __,
    ...value
  } = columnOfQuery(column, `(${query.sql}${firstRow(ast.select, setting)})`);
  // As an expression it has its column's affinity, but no collation.
  return { ...value, collation: null };
}

/** Where SQLite takes the first of several rows by an order, PostgreSQL must be told to. */
export function firstRow(select: Select, { emission }: Setting): string {
  if (select.limit !== undefined) {
    return '';
  }
  if (select.orderBy !== undefined) return ' LIMIT 1';
  const core = select.select;
  const isOneRow =
    core.type === 'SelectValues'
      ? core.values.length === 1
      : core.from === undefined ||
        (core.groupBy === undefined && core.columns.some((column) => contains(column, { is: isAggregateCall })));
  if (!isOneRow || select.compounds !== undefined) {
    emission.remark({
      severity: 'note',
      code: 'rows-of-a-value',
      message:
        'a subquery that stands for one value is an error in PostgreSQL if it finds several rows; SQLite takes any',
      remedy: 'add ORDER BY and LIMIT 1 where several can be found',
    });
  }
  return '';
}
