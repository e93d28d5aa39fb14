import type { Select } from '../sqlite/schema.ts';
import { translateCompound } from './compound.ts';
import type { Emission } from './emission.ts';
import { quoteName } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateLimit } from './limit.ts';
import { resultFragment } from './result-fragment.ts';
import type { QueryColumn } from './scope.ts';
import { translateCore } from './select-core.ts';
import type { Setting } from './translate-node.ts';
import { translateValues } from './values.ts';
import { translateWith } from './with.ts';

/** A query in PostgreSQL's words. */
export interface Query {
  readonly sql: string;
  readonly columns: readonly QueryColumn[];
}

export interface QueryUse {
  /** Whether its columns are used by name: they get one each, and keep types that only the pack knows. */
  readonly isNested: boolean;
}

/** SELECT with all that can be before and after it. */
export function translateQuery(select: Select, outer: Setting, use: QueryUse): Query {
  const named = select.with === undefined ? undefined : translateWith(select.with, outer);
  const { windows: _, ...rest } = outer;
  const setting: Setting = {
    ...rest,
    scope: { tables: [], parent: outer.scope, ...(named === undefined ? {} : { ctes: named.ctes }) },
  };
  const body = translateBody(select, setting, use);
  const limit = select.limit === undefined ? '' : translateLimit(select.limit, setting);
  return { sql: `${named?.sql ?? ''}${body.sql}${limit}`, columns: body.columns };
}

function translateBody(select: Select, setting: Setting, use: QueryUse): Query {
  const orderBy = select.orderBy ?? [];
  if (select.compounds !== undefined && select.compounds.length > 0) return translateCompound(select, setting, use);
  if (select.select.type === 'SelectValues') return translateValues(select.select, orderBy, setting, use);
  return translateCore(select.select, orderBy, setting, use);
}

/** The columns of a result as they leave it, named so that each can be meant. */
export function outputColumns(
  columns: readonly { readonly name: string; readonly fragment: Fragment }[],
  { isNested }: QueryUse,
  emission: Emission,
): { readonly sql: string; readonly columns: readonly QueryColumn[] } {
  const used = new Set<string>();
  const named = columns.map(({ name, fragment }) => {
    const isUntyped = fragment.type === 'any' || fragment.constant?.kind === 'null';
    const output = isNested && isUntyped ? fragment : resultFragment(fragment, emission);
    // What leaves as text was more than texts.
    const mixed = fragment.type === 'any' && output.type === 'text' ? { isMixed: true as const } : {};
    return { name: isNested ? uniqueName(name, used) : name, fragment: { ...fragment, ...output, ...mixed } };
  });
  return { sql: named.map(({ name, fragment }) => aliased(fragment, name)).join(', '), columns: named };
}

/** As SQLite does it: a second `id` is `id:1`. */
function uniqueName(name: string, used: Set<string>): string {
  let unique = name;
  for (let count = 1; used.has(unique.toLowerCase()); count += 1) unique = `${name}:${count}`;
  used.add(unique.toLowerCase());
  return unique;
}

function aliased(fragment: Fragment, name: string): string {
  const { sql } = fragment;
  return sql === quoteName(name) || sql.endsWith(`.${quoteName(name)}`) ? sql : `${sql} AS ${quoteName(name)}`;
}
