import type { Expr, Select } from '../sqlite/schema.ts';
import { collated, collationOf } from './compare-fragments.ts';
import { asValue, classOf, refuseMixed } from './convert.ts';
import type { Fragment } from './fragment.ts';
import { PACK_SCHEMA } from '../pack/define.ts';
import { Untranslatable } from './translation.ts';

export type SortedColumn = NonNullable<Select['orderBy']>[number];

/** One term of ORDER BY: NULL is less than all else, and texts are in the order of their bytes. */
export function orderTerm(fragment: Fragment, { order, nulls }: SortedColumn): string {
  const direction = order === 'Desc' ? ' DESC' : '';
  const first = nulls === undefined ? order !== 'Desc' : nulls === 'First';
  // PostgreSQL's own place for NULL is the end of an ascending order; what is never NULL needs no word of it.
  const place = fragment.isNotNull === true || first === (order === 'Desc') ? '' : ` NULLS ${first ? 'FIRST' : 'LAST'}`;
  return sortKeys(fragment)
    .map((key) => `${key}${direction}${place}`)
    .join(', ');
}

/** Of a value whose type is only known at run time: numbers come first, then texts, then blobs. */
export function sortKeys(fragment: Fragment): readonly string[] {
  if (fragment.type !== 'any' || collationOf(fragment) !== 'BINARY') return [sortKey(fragment)];
  const value = `(${fragment.sql})`;
  return [
    `CASE ${value}.kind WHEN 1 THEN 1 WHEN 2 THEN 1 WHEN 4 THEN 3 ELSE 2 + 0 * ${value}.kind END`,
    `COALESCE(${value}.r, ${value}.i::double precision)`,
    `${value}.i`,
    `${value}.t COLLATE "C"`,
    `${value}.b`,
  ];
}

/** What PostgreSQL has to order by. */
export function sortKey(fragment: Fragment): string {
  const value = fragment.type === 'boolean' ? fragment : asValue(fragment);
  refuseMixedText(value);
  if (value.type === 'text') return `${collated(value, collationOf(fragment)).sql} COLLATE "C"`;
  refuseUnknownType(value);
  // A constant would be taken for the number of a column.
  return value.constant === undefined ? value.sql : `(SELECT ${value.sql})`;
}

/** What rows are equal by in GROUP BY, PARTITION BY and DISTINCT. */
export function equalityKey(fragment: Fragment): string {
  if (fragment.type === 'any') return settled(fragment).sql;
  const value = fragment.type === 'boolean' ? fragment : asValue(fragment);
  refuseMixedText(value);
  refuseUnknownType(value);
  if (value.constant !== undefined) return `(SELECT ${value.sql})`;
  return value.type === 'text' ? collated(value, collationOf(fragment)).sql : value.sql;
}

/** A value as it stands for all that are equal to it: of 1 and 1.0 it is 1. Only `any` has such ones. */
export function settled(fragment: Fragment): Fragment {
  if (fragment.type !== 'any' || fragment.isSettled === true) return fragment;
  if (collationOf(fragment) !== 'BINARY') refuseUnknownType(fragment);
  return { ...fragment, sql: `${PACK_SCHEMA}.settled(${fragment.sql})`, isSettled: true };
}

/** Values that PostgreSQL has no order for that is SQLite's. */
export function refuseUnknownType({ type }: Fragment): void {
  if (type !== 'any' && type !== 'jsonb') return;
  throw new Untranslatable(
    'order',
    'values whose types are only known at run time are put in order or made distinct',
    'state their type: CAST(… AS TEXT), CAST(… AS INTEGER) or CAST(… AS REAL)',
  );
}

function refuseMixedText(value: Fragment): void {
  if (classOf(value) === 'text') refuseMixed(value, 'an order');
}

/** The number of the result's column that a term means by a whole number. */
export function positionOf(ast: Expr): number | undefined {
  const bare = ast.type === 'CollateExpr' ? ast.expr : ast;
  return bare.type === 'NumericLiteral' && /^\d+$/.test(bare.value) ? Number(bare.value) : undefined;
}
