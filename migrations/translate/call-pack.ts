import type { PackFunction, PackType } from '../pack/pack-function.ts';
import { PACK } from '../pack/signatures.ts';
import { asAny, asCondition, asNumber, asReal, asText, asValue, typeParameter, wide } from './convert.ts';
import type { Emission } from './emission.ts';
import { castTo, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** The functions that depend on the clock if their arguments say so, and the forms that refuse to. */
const FIXED = new Set(['date', 'time', 'datetime', 'julianday', 'unixepoch', 'strftime', 'timediff']);

/** A call of a function of the pack, by the overload that fits the arguments best. */
export function callPack(name: string, args: readonly Fragment[], setting: Setting): Fragment {
  const { emission, isFixed } = setting;
  const wanted = isFixed && FIXED.has(name) ? `fixed_${name}` : name;
  const overload = chooseOverload(wanted, args);
  if (overload === undefined) throw noSuchFunction(name, args.length);
  if (overload.volatility !== 'immutable') emission.mutable();
  const sql = args.map((arg, index) => asArgument(arg, typeAt(overload, index), emission));
  const call = `${emission.pack(wanted)}(${sql.join(', ')})`;
  return resultOf(call, overload);
}

export function noSuchFunction(name: string, count: number): Untranslatable {
  return new Untranslatable(
    'unknown-function',
    `function ${name}() with ${count} argument${count === 1 ? '' : 's'} is not one that is translated`,
    'if the application registers it, make a function of that meaning in PostgreSQL and use it there; else rewrite the expression',
  );
}

function resultOf(call: string, { returns }: PackFunction): Fragment {
  if (returns === 'common')
    throw new Untranslatable('unknown-function', `${call} has no type`, 'rewrite the expression');
  if (returns === 'boolean') return valueOf(call, 'boolean', { isLogical: true });
  // JSON comes as text, and nests in what makes JSON because PostgreSQL knows it as json.
  return valueOf(call, returns, returns === 'integer' ? { isWide: true } : {});
}

function chooseOverload(name: string, args: readonly Fragment[]): PackFunction | undefined {
  const fitting = PACK.filter(
    (one) =>
      one.name === name &&
      one.kind === 'scalar' &&
      one.args.length <= args.length &&
      (one.variadic !== undefined || one.args.length === args.length),
  );
  const scored = fitting.map((one) => ({
    one,
    score: args.reduce((sum, arg, index) => sum + fit(arg, typeAt(one, index)), 0),
  }));
  return scored.sort((a, b) => a.score - b.score)[0]?.one;
}

function typeAt(overload: PackFunction, index: number): PackType {
  return overload.args[index] ?? overload.variadic ?? 'any';
}

/** How far an argument is from a parameter's type; 0 if it is of that type. */
function fit(arg: Fragment, wanted: PackType): number {
  const type = arg.isLogical === true ? 'boolean' : arg.type;
  if (arg.parameter !== undefined) return wanted === 'any' ? 3 : 1;
  if (type === wanted) return 0;
  if (type === 'json' && wanted === 'text') return 0.5;
  if (type === 'null') return 1;
  return wanted === 'any' || wanted === 'common' ? 1 : 10;
}

/** An argument with the conversion and the cast that make the overload plain. */
function asArgument(arg: Fragment, wanted: PackType, emission: Emission): string {
  if (wanted === 'any' || wanted === 'common') return arg.type === 'json' ? arg.sql : asAny(arg, emission);
  const typed = typeParameter(arg, wanted, emission);
  if (typed.constant?.kind === 'null') return castTo('NULL', wanted);
  switch (wanted) {
    case 'text':
      return asText(typed, emission).sql;
    case 'real':
      return asReal(asNumber(typed, emission)).sql;
    case 'integer':
      return asInteger(typed, emission);
    case 'boolean':
      return asCondition(typed, emission);
    default:
      return asValue(typed).sql;
  }
}

/** A whole number, as SQLite's functions take a count or a position. */
export function asInteger(arg: Fragment, emission: Emission): string {
  const value = asValue(arg);
  if (value.type === 'integer' && value.isMixed !== true) return wide(value).sql;
  return `${emission.pack('cast_integer')}(${asAny(value, emission)})`;
}
