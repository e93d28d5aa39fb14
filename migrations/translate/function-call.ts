import type { Expr } from '../sqlite/schema.ts';
import { isAggregateFunction, translateAggregate } from './aggregate.ts';
import { callPack } from './call-pack.ts';
import { chooseFirst } from './case.ts';
import { compareFragments } from './compare-fragments.ts';
import { asCondition } from './convert.ts';
import { NULL_FRAGMENT } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import { unifiedValue, unify } from './unify.ts';
import { translateWindowFunction } from './window.ts';

/** A call of a function: https://sqlite.org/lang_corefunc.html */
export function translateCall(ast: Extract<Expr, { type: 'FunctionCallExpr' }>, setting: Setting): Fragment {
  const windowed = translateWindowFunction(ast, setting);
  if (windowed !== undefined) return windowed;
  if (isAggregateFunction(ast)) return translateAggregate(ast, setting);
  const name = ast.name.name.toLowerCase();
  const args = (ast.args ?? []).map((arg) => translateNode(arg, setting));
  return SPECIAL[name]?.(args, setting) ?? callPack(name, args, setting);
}

/** `count(*)`. */
export function translateCallStar(ast: Extract<Expr, { type: 'FunctionCallStarExpr' }>, setting: Setting): Fragment {
  return translateAggregate(ast, setting);
}

/** Functions that are syntax in PostgreSQL. */
const SPECIAL: Readonly<Record<string, (args: readonly Fragment[], setting: Setting) => Fragment>> = {
  coalesce: firstNotNull,
  ifnull: firstNotNull,
  nullif: ([one, two], setting) => {
    if (one === undefined || two === undefined) throw new Untranslatable('arguments', 'nullif() wants two', 'add them');
    const equal = compareFragments('=', one, two, setting.emission);
    return chooseFirst([equal.sql], [NULL_FRAGMENT, one], setting);
  },
  iif: (args, setting) => {
    const conditions: string[] = [];
    const values: Fragment[] = [];
    for (let index = 0; index + 1 < args.length; index += 2) {
      const [condition, value] = args.slice(index, index + 2);
      if (condition === undefined || value === undefined) break;
      conditions.push(asCondition(condition, setting.emission));
      values.push(value);
    }
    const otherwise = args.length % 2 === 1 ? args.at(-1) : undefined;
    return chooseFirst(conditions, [...values, otherwise ?? NULL_FRAGMENT], setting);
  },
  if: (args, setting) => SPECIAL['iif']?.(args, setting) ?? NULL_FRAGMENT,
};

function firstNotNull(args: readonly Fragment[], { emission }: Setting): Fragment {
  const unified = unify(args, emission, 'coalesce()');
  return unifiedValue(`COALESCE(${unified.parts.map((part) => part.sql).join(', ')})`, unified);
}
