import type { Select } from '../sqlite/schema.ts';
import { quoteName } from './fragment.ts';
import { orderTerm } from './order-by.ts';
import type { SortedColumn } from './order-by.ts';
import { outputColumns } from './query.ts';
import type { Query, QueryUse } from './query.ts';
import { orderFragment } from './select-core.ts';
import { queryTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { unifiedValue, unify } from './unify.ts';

type Values = Extract<Select['select'], { type: 'SelectValues' }>;

/** VALUES, whose columns are called column1, column2… in both databases. */
export function translateValues(
  values: Values,
  orderBy: readonly SortedColumn[],
  setting: Setting,
  use: QueryUse,
): Query {
  const { emission } = setting;
  const rows = values.values.map((row) => row.values.map((value) => translateNode(value, setting)));
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, index) =>
    unify(
      rows.flatMap((row) => row[index] ?? []),
      emission,
      `column ${index + 1} of VALUES`,
    ),
  );
  const lines = rows.map((_, row) => `(${columns.map(({ parts }) => parts[row]?.sql).join(', ')})`);
  const name = emission.freshName();
  const named = columns.map((column, index) => ({ name: `column${index + 1}`, fragment: unifiedValue('', column) }));
  const table = queryTable(named, null, name);
  const output = outputColumns(table.columns, use, emission);
  const terms = orderBy.map((term) =>
    orderTerm(orderFragment(term, table.columns, { ...setting, scope: { ...setting.scope, tables: [table] } }), term),
  );
  const aliases = named.map((column) => quoteName(column.name)).join(', ');
  const sql = `SELECT ${output.sql} FROM (VALUES ${lines.join(', ')}) AS ${quoteName(name)} (${aliases})`;
  return { sql: terms.length === 0 ? sql : `${sql} ORDER BY ${terms.join(', ')}`, columns: output.columns };
}
