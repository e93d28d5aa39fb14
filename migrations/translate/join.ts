import { compareFragments } from './compare-fragments.ts';
import { asCondition } from './convert.ts';
import type { Fragment } from './fragment.ts';
import type { From, FromClause, Table } from './from.ts';
import { nullable, resolveColumn } from './scope.ts';
import type { Scope, ScopeTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { unifiedValue, unify } from './unify.ts';

type Join = NonNullable<FromClause['joins']>[number];

/** The bits of a parsed join: https://sqlite.org/syntax/join-operator.html */
const NATURAL = 4;
const LEFT = 8;
const RIGHT = 16;
const OUTER = 32;

/** Joins one more table to those at its left; SQLite joins from left to right, whatever the operators are. */
export function joinTables(left: From, join: Join, right: Table, outer: Setting): From {
  const kind = joinKind(join);
  const shared = sharedColumns(left, join, right, (bitsOf(join) & NATURAL) !== 0, outer);
  const fillsLeft = kind === 'RIGHT JOIN' || kind === 'FULL JOIN';
  const fillsRight = kind === 'LEFT JOIN' || kind === 'FULL JOIN';
  const leftTables = fillsLeft ? left.tables.map(nullable) : left.tables;
  const rightTables = fillsRight ? right.tables.map(nullable) : right.tables;
  const condition = conditionOf(join, shared, [...leftTables, ...rightTables], left, outer);
  const merged = new Map(left.merged);
  for (const { name, one, two } of shared) merged.set(name, fillsLeft ? firstOf(one, two, outer) : one);
  const hidden = new Set(shared.map(({ name }) => name));
  return {
    sql:
      condition === undefined
        ? `${left.sql} ${kind === 'JOIN' ? `CROSS JOIN ${right.sql}` : `${kind} ${right.sql} ON true`}`
        : `${left.sql} ${kind} ${right.sql} ON ${condition}`,
    tables: [
      ...leftTables.map((table) => withMerged(table, merged)),
      ...rightTables.map((table) => withoutColumns(table, hidden)),
    ],
    merged,
  };
}

/** What a join does with rows that have no partner. */
export function joinKind(join: Join): 'JOIN' | 'LEFT JOIN' | 'RIGHT JOIN' | 'FULL JOIN' {
  const bits = bitsOf(join);
  const isLeft = (bits & LEFT) !== 0;
  const isRight = (bits & RIGHT) !== 0;
  if (isLeft && isRight) return 'FULL JOIN';
  if (isRight) return 'RIGHT JOIN';
  return isLeft || (bits & OUTER) !== 0 ? 'LEFT JOIN' : 'JOIN';
}

function bitsOf({ operator }: Join): number {
  return operator.type === 'CommaJoinOperator' ? 0 : (operator.joinType ?? 0);
}

interface Shared {
  /** In lower case. */
  readonly name: string;
  readonly one: Fragment;
  readonly two: Fragment;
}

function sharedColumns(left: From, join: Join, right: Table, isNatural: boolean, outer: Setting): Shared[] {
  const rightColumns = right.tables.flatMap((table) => table.columns);
  const leftNames = new Set(left.tables.flatMap((table) => table.columns.map(({ name }) => name.toLowerCase())));
  const names = isNatural
    ? rightColumns.map(({ name }) => name).filter((name) => leftNames.has(name.toLowerCase()))
    : join.constraint?.type === 'UsingJoinConstraint'
      ? join.constraint.columns.map(({ text }) => text)
      : [];
  const scope: Scope = { tables: left.tables, merged: left.merged, parent: outer.scope };
  return names.map((name) => {
    const one = resolveColumn(scope, name)?.fragment;
    const two = rightColumns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.fragment;
    if (one === undefined || two === undefined) {
      throw new Untranslatable(
        'unknown-column',
        `a join uses the column "${name}", which one side does not have`,
        'use ON',
      );
    }
    return { name: name.toLowerCase(), one, two };
  });
}

function conditionOf(
  join: Join,
  shared: readonly Shared[],
  tables: readonly ScopeTable[],
  left: From,
  outer: Setting,
): string | undefined {
  if (shared.length > 0) {
    return shared.map(({ one, two }) => compareFragments('=', one, two, outer.emission).sql).join(' AND ');
  }
  if (join.constraint?.type !== 'OnJoinConstraint') return undefined;
  const scope: Scope = { tables, merged: left.merged, parent: outer.scope };
  return asCondition(translateNode(join.constraint.expr, { ...outer, scope }), outer.emission);
}

function firstOf(one: Fragment, two: Fragment, { emission }: Setting): Fragment {
  const unified = unify([one, two], emission, 'USING');
  const value = unifiedValue(`COALESCE(${unified.parts.map((part) => part.sql).join(', ')})`, unified);
  return { ...value, affinity: one.affinity, collation: one.collation };
}

function withMerged(table: ScopeTable, merged: ReadonlyMap<string, Fragment>): ScopeTable {
  return {
    ...table,
    columns: table.columns.map((column) => {
      const fragment = merged.get(column.name.toLowerCase());
      return fragment === undefined || column.isMerged === true ? column : { ...column, mergedAs: fragment };
    }),
  };
}

function withoutColumns(table: ScopeTable, names: ReadonlySet<string>): ScopeTable {
  return {
    ...table,
    columns: table.columns.map((column) =>
      names.has(column.name.toLowerCase()) ? { ...column, isMerged: true } : column,
    ),
  };
}
