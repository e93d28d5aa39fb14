import type { Expr } from '../sqlite/schema.ts';
import { isAggregateFunction, translateAggregate } from './aggregate.ts';
import { callPack } from './call-pack.ts';
import { chooseFirst } from './case.ts';
import { sessionValue } from './bound.ts';
import { compareFragments } from './compare-fragments.ts';
import { asCondition } from './convert.ts';
import { NULL_FRAGMENT } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { matchText } from './like.ts';
import { nativeFunction } from './native-function.ts';
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
  return SPECIAL[name]?.(args, setting) ?? nativeFunction(name, args, setting) ?? packFunction(name, args, setting);
}

/** Functions under the names that the pack has them by. */
const SAME: Readonly<Record<string, string>> = { json_extract: 'json_extract_value', format: 'printf' };

/** A function of the pack, and what is known of its result. */
function packFunction(name: string, given: readonly Fragment[], setting: Setting): Fragment {
  const args = name === 'printf' || name === 'format' ? printed(given) : given;
  const call = callPack(SAME[name] ?? name, args, setting);
  if (name === 'date' || name === 'time' || name === 'datetime') return { ...call, isNeverNumber: true };
  const [format] = args;
  const isDigits =
    name === 'strftime' && format?.constant?.kind === 'text' && /^(%[dHjmMSsYw])+$/.test(format.constant.value);
  if (isDigits) return { ...call, isDigits };
  const isDated = name === 'strftime' && format?.constant?.kind === 'text' && DATED.test(format.constant.value);
  return isDated ? { ...call, isNeverNumber: true } : call;
}

/** Formats of `strftime` that set a sign between digits where no number has one: `%Y-%m-%d`, `%H:%M`, `%F`. */
const DATED = /%[FRT]|%[a-zA-Z][^e]*[-:/]/;

/** What `printf` takes for a number, it converts itself: whether it is whole or not makes no difference then. */
function printed(args: readonly Fragment[]): readonly Fragment[] {
  const [format] = args;
  if (format?.constant?.kind !== 'text') return args;
  const uses = [...format.constant.value.matchAll(CONVERSION)].flatMap(([, width, precision, letter = '']) => [
    ...(width === '*' ? ['d'] : []),
    ...(precision === '*' ? ['d'] : []),
    ...(letter === '%' ? [] : [letter]),
  ]);
  return args.map((arg, index) => {
    if (!'diufFeEgGxXo'.includes(uses[index - 1] ?? 's')) return arg;
    const { isMixed: _, ...plain } = arg;
    return plain;
  });
}

/** A conversion of a format: flags, width, precision, length, letter. */
const CONVERSION = /%[-+ 0,!#]*(\*|\d+)?(?:\.(\*|\d+))?l{0,2}([a-zA-Z%])/g;

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
    // A function sees values only, and converts none.
    const equal = compareFragments('=', { ...one, affinity: null }, { ...two, affinity: null }, setting.emission);
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
  like: ([pattern, text, escape], setting) => likeCall('like', pattern, text, escape, setting),
  glob: ([pattern, text], setting) => likeCall('glob', pattern, text, undefined, setting),
  last_insert_rowid: (_args, { emission }) => {
    if (emission.running !== undefined) return sessionValue('last_insert_rowid', emission);
    throw new Untranslatable(
      'last-insert-rowid',
      'last_insert_rowid() asks for what the connection did before',
      'add RETURNING to the INSERT',
    );
  },
  changes: (_args, { emission }) => {
    if (emission.running !== undefined) return sessionValue('changes', emission);
    throw new Untranslatable(
      'changes',
      'changes() asks for what the connection did before',
      "take the driver's row count",
    );
  },
  total_changes: (_args, { emission }) => {
    if (emission.running !== undefined) return sessionValue('total_changes', emission);
    throw new Untranslatable(
      'changes',
      'total_changes() asks for what the connection did before',
      "take the driver's row count",
    );
  },
  if: (args, setting) => SPECIAL['iif']?.(args, setting) ?? NULL_FRAGMENT,
};

function likeCall(
  name: 'like' | 'glob',
  pattern: Fragment | undefined,
  text: Fragment | undefined,
  escape: Fragment | undefined,
  setting: Setting,
): Fragment {
  if (pattern === undefined || text === undefined)
    throw new Untranslatable('arguments', `${name}() wants two arguments`, 'add them');
  return matchText(name, { text, pattern, escape }, setting);
}

function firstNotNull(args: readonly Fragment[], { emission }: Setting): Fragment {
  const unified = unify(args, emission, 'coalesce()');
  return unifiedValue(`COALESCE(${unified.parts.map((part) => part.sql).join(', ')})`, unified);
}
