import type { Expr, Select } from '../sqlite/schema.ts';
import { contains, walk } from './ast.ts';
import type { Fragment } from './fragment.ts';
import { joinKind } from './join.ts';
import type { ScopeTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';

type Core = Extract<Select['select'], { type: 'SelectFrom' }>;

/** Two columns that a join makes equal. */
type Equality = readonly [Fragment, Fragment];

export interface Determination {
  readonly core: Core;
  /** The SQL of what is grouped by. */
  readonly grouped: ReadonlySet<string>;
  /** Where single rows are looked at. */
  readonly plain: Setting;
}

/**
 * The tables of which each group holds one row at most: those whose primary key is grouped by, and those that are joined
 * to them by their primary key, one after the other. A group's value of any of their columns is then the value.
 */
export function determinedTables({ core, grouped, plain }: Determination): readonly ScopeTable[] {
  const { tables } = plain.scope;
  const found = tables.filter((table) => keyOf(table)?.every((key) => grouped.has(key.sql)) === true);
  const joins = core.from?.joins ?? [];
  // Where rows of the left are made up, nothing holds that a join says.
  if (joins.some((join) => ['RIGHT JOIN', 'FULL JOIN'].includes(joinKind(join)))) return found;
  const inner = joins.filter((join) => !isLeft(join)).flatMap((join) => equalities(onOf(join), plain));
  const everywhere = [...inner, ...equalities(core.whereClause, plain)];
  const isFixed = (fragment: Fragment): boolean =>
    fragment.constant !== undefined ||
    grouped.has(fragment.sql) ||
    found.some((table) => table.columns.some((column) => column.fragment.sql === fragment.sql));
  for (let before = -1; before !== found.length;) {
    before = found.length;
    for (const [index, table] of tables.entries()) {
      if (found.includes(table) || tables.length !== joins.length + 1) continue;
      const join = joins[index - 1];
      const own = new Set(table.columns.map(({ fragment }) => fragment.sql));
      const on = join !== undefined && isLeft(join) ? onOf(join) : undefined;
      // Whether a row is joined may then depend on what is fixed only.
      if (on !== undefined && contains(on, { is: ({ type }) => type === 'Select' })) continue;
      if (on !== undefined && !columnsIn(on, plain).every((column) => own.has(column.sql) || isFixed(column))) continue;
      const known = join !== undefined && isLeft(join) ? equalities(on, plain) : everywhere;
      const isOne = keyOf(table)?.every((key) =>
        known.some(
          ([one, two]) =>
            (one.sql === key.sql && isFixed(two) && areAlike(one, two)) ||
            (two.sql === key.sql && isFixed(one) && areAlike(one, two)),
        ),
      );
      if (isOne === true) found.push(table);
    }
  }
  return found;
}

/** The primary key's columns. */
function keyOf(table: ScopeTable): readonly Fragment[] | undefined {
  const names = table.base?.primaryKey ?? [];
  const key = names.flatMap((name) => table.columns.find((column) => column.name === name)?.fragment ?? []);
  return names.length > 0 && key.length === names.length ? key : undefined;
}

/** Whether their comparison is PostgreSQL's own, so that no two keys are equal to one value. */
function areAlike(one: Fragment, two: Fragment): boolean {
  const isBytewise = (fragment: Fragment) =>
    fragment.isMixed !== true && (fragment.type !== 'text' || (fragment.collation?.name ?? 'BINARY') === 'BINARY');
  return one.type === two.type && isBytewise(one) && isBytewise(two);
}

type Join = NonNullable<NonNullable<Core['from']>['joins']>[number];

function isLeft(join: Join): boolean {
  return joinKind(join) === 'LEFT JOIN';
}

function onOf({ constraint }: Join): Expr | undefined {
  return constraint?.type === 'OnJoinConstraint' ? constraint.expr : undefined;
}

/** What a condition makes equal, whatever else it asks for. */
function equalities(condition: Expr | undefined, plain: Setting): readonly Equality[] {
  if (condition === undefined) return [];
  if (condition.type === 'ParenthesizedExpr' && condition.exprs.length === 1)
    return equalities(condition.exprs[0], plain);
  if (condition.type !== 'BinaryExpr') return [];
  if (condition.op === 'And') return [...equalities(condition.left, plain), ...equalities(condition.right, plain)];
  if (condition.op !== 'Equals' || !isSimple(condition.left) || !isSimple(condition.right)) return [];
  return [[translateNode(condition.left, plain), translateNode(condition.right, plain)]];
}

function isSimple({ type }: Expr): boolean {
  return (
    type === 'Id' ||
    type === 'NameExpr' ||
    type === 'QualifiedExpr' ||
    type === 'NumericLiteral' ||
    type === 'StringLiteral'
  );
}

/** The columns that a condition without subqueries names. */
function columnsIn(condition: Expr, plain: Setting): readonly Fragment[] {
  const found: Fragment[] = [];
  walk(condition, (node) => {
    if (node.type === 'Id' || node.type === 'NameExpr' || node.type === 'QualifiedExpr')
      found.push(translateNode(node as Expr, plain));
    return true;
  });
  return found;
}
