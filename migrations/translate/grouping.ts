import type { Expr, Select } from '../sqlite/schema.ts';
import { isAggregateCall } from './aggregate.ts';
import { isSameExpression, walk } from './ast.ts';
import type { AstNode } from './ast.ts';
import { determinedTables } from './determined.ts';
import type { Fragment } from './fragment.ts';
import { settled, sortKeys } from './order-by.ts';
import type { SortedColumn } from './order-by.ts';
import { quoteName } from './fragment.ts';
import type { Grouping, ScopeTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

type Core = Extract<Select['select'], { type: 'SelectFrom' }>;

export interface GroupingOptions {
  readonly keys: readonly Expr[];
  readonly keyFragments: readonly Fragment[];
  readonly core: Core;
  readonly orderBy: readonly SortedColumn[];
  /** Where single rows are looked at. */
  readonly plain: Setting;
}

/**
 * What becomes of columns that are neither in GROUP BY nor in an aggregate. SQLite takes any row's, but for a single min()
 * or max(), whose row it takes: https://sqlite.org/lang_select.html#bareagg
 */
export function groupingOf({ keys, keyFragments, core, orderBy, plain }: GroupingOptions): Grouping {
  const exact = keyFragments.filter(
    ({ type, collation, uniqueUnder }) =>
      type !== 'text' || (collation?.name ?? 'BINARY') === 'BINARY' || collation?.name === uniqueUnder,
  );
  const grouped = new Set(exact.map(({ sql }) => sql));
  const known = plain.scope.tables.filter((table) => isDetermined(table, grouped));
  const isOf = (tables: readonly ScopeTable[], fragment: Fragment) =>
    tables.some((table) => table.columns.some((column) => column.fragment.sql === fragment.sql));
  // Without keys there is one group even of no rows, which one more key would take away.
  const joined = keys.length === 0 ? [] : determinedTables({ core, grouped, plain });
  const further = new Set<string>();
  return {
    // A key under NOCASE is any of the texts that are equal.
    keys: keys.filter((_, index) => exact.includes(keyFragments[index] as Fragment)),
    further,
    column: (fragment) => {
      if (grouped.has(fragment.sql) || isOf(known, fragment)) return settled(fragment);
      if (fragment.type !== 'json' && fragment.column !== undefined && isOf(joined, fragment)) {
        further.add(fragment.sql);
        return fragment;
      }
      const key = keyFragments.find(({ sql }) => sql === fragment.sql);
      return chosenRow(fragment, { core, orderBy, plain, collation: key?.collation?.name });
    },
  };
}

/** PostgreSQL knows itself that a primary key decides the other columns. */
function isDetermined(table: ScopeTable, grouped: ReadonlySet<string>): boolean {
  const key = table.base?.primaryKey ?? [];
  return (
    key.length > 0 &&
    key.every((name) => table.columns.some((column) => column.name === name && grouped.has(column.fragment.sql)))
  );
}

interface Choice extends Pick<GroupingOptions, 'core' | 'orderBy' | 'plain'> {
  /** What the column is grouped under; undefined if it is not grouped. */
  readonly collation: string | undefined;
}

function isExtreme(node: AstNode): boolean {
  if (!isAggregateCall(node) || node.type !== 'FunctionCallExpr') return false;
  const name = (node as Extract<Expr, { type: 'FunctionCallExpr' }>).name.name.toLowerCase();
  return name === 'min' || name === 'max';
}

function chosenRow(fragment: Fragment, { core, orderBy, plain, collation }: Choice): Fragment {
  const calls: AstNode[] = [];
  for (const part of [...core.columns, ...(core.having === undefined ? [] : [core.having]), ...orderBy]) {
    walk(part, (node) => {
      if (isExtreme(node) && !calls.some((call) => isSameExpression(call as Expr, node as Expr))) calls.push(node);
      return node.type !== 'Select';
    });
  }
  const [only, another] = calls as Extract<Expr, { type: 'FunctionCallExpr' }>[];
  const name = only?.type === 'FunctionCallExpr' ? only.name.name.toLowerCase() : '';
  const [argument] = only?.args ?? [];
  if (
    argument === undefined ||
    another !== undefined ||
    (name !== 'min' && name !== 'max') ||
    only?.filterOver !== undefined
  ) {
    if (collation !== undefined) {
      throw new Untranslatable(
        'bare-column',
        `column ${quoteName(fragment.column ?? '')} is grouped under the collation ${collation}, so that any of several texts stands for a group`,
        'return min() or max() of it with COLLATE BINARY, or group by it with COLLATE BINARY',
      );
    }
    throw new Untranslatable(
      'bare-column',
      `${fragment.column === undefined ? 'an expression' : `column ${quoteName(fragment.column)}`} is neither in GROUP BY nor in an aggregate, so that any row of a group gives it`,
      'add it to GROUP BY, or say which row is meant with min() or max()',
    );
  }
  plain.emission.remark({
    severity: 'warning',
    code: 'row-of-extreme',
    message: `columns beside ${name}() come from its row; among several such rows the choice is SQLite's own`,
    remedy: 'state an order that has no ties',
  });
  const keys = sortKeys(translateNode(argument, plain)).map(
    (key) => `${key}${name === 'max' ? ' DESC' : ''} NULLS LAST`,
  );
  // Among several such rows SQLite takes the one that it reads first, which is mostly that of the lowest rowid.
  const [table, other] = plain.scope.tables;
  const rowid = other === undefined && plain.emission.running !== undefined ? table?.rowid : undefined;
  const { isNotNull: _, ...rest } = fragment;
  return {
    ...rest,
    sql: `(array_agg(${fragment.sql} ORDER BY ${[...keys, ...(rowid === undefined ? [] : [rowid.sql])].join(', ')}))[1]`,
  };
}
