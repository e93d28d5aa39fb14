import type { Emission } from './emission.ts';
import { castTo, constantFragment, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { plainOfNative } from './native-value.ts';
import { numberOfPrefix } from './numeric-text.ts';
import type { SqlType } from './sql-type.ts';
import { Untranslatable } from './translation.ts';

/** SQLite's classes of values, as far as a type tells them; `native` is a type that SQLite does not have. */
export type ValueClass = 'null' | 'number' | 'text' | 'blob' | 'any' | 'native';

/** The class that all values of a fragment have. */
export function classOf({ type }: Fragment): ValueClass {
  switch (type) {
    case 'integer':
    case 'real':
    case 'numeric':
    case 'boolean':
      return 'number';
    case 'text':
    case 'json':
      return 'text';
    case 'null':
    case 'blob':
    case 'any':
      return type;
    default:
      return 'native';
  }
}

/** A fragment as a value: what a comparison gave becomes 0 or 1, the text of a json column a text. */
export function asValue(fragment: Fragment): Fragment {
  if (fragment.isLogical === true) return valueOf(`${fragment.sql}::integer`, 'integer');
  if (fragment.type === 'json') return { ...fragment, sql: castTo(fragment.sql, 'text'), type: 'text' };
  return fragment;
}

/** The condition that a value is as SQLite sees it: a number is true unless it is 0. */
export function asCondition(fragment: Fragment, emission: Emission): string {
  const { constant } = fragment;
  if (constant !== undefined) return constantCondition(fragment);
  switch (fragment.type) {
    case 'null':
      if (fragment.parameter !== undefined) throw untypedParameter();
      return 'NULL::boolean';
    case 'boolean':
      return fragment.sql;
    case 'integer':
    case 'real':
    case 'numeric':
      return `(${fragment.sql} <> 0)`;
    case 'text':
    case 'any':
      refuseMixed(fragment, 'a condition');
      return `(${emission.pack('cast_real')}(${asAny(fragment, emission)}) <> 0)`;
    default:
      return `(${asNumber(fragment, emission).sql} <> 0)`;
  }
}

function constantCondition({ constant }: Fragment): string {
  const number = constant?.kind === 'text' ? numberOfPrefix(constant.value) : constant;
  switch (number?.kind) {
    case 'integer':
      return number.value === 0n ? 'false' : 'true';
    case 'real':
      return number.value === 0 ? 'false' : 'true';
    case 'null':
      return 'NULL::boolean';
    default:
      throw untranslatableClass('a blob', 'a condition');
  }
}

/** A fragment as arithmetic takes it: an integer, a real or a numeric. */
export function asNumber(fragment: Fragment, emission: Emission): Fragment {
  const { constant, type } = fragment;
  if (fragment.parameter !== undefined) throw untypedParameter();
  if (constant?.kind === 'text') return constantFragment(numberOfPrefix(constant.value));
  if (fragment.isDigits === true) return valueOf(castTo(fragment.sql, 'integer'), 'integer', { isWide: true });
  switch (type) {
    case 'integer':
    case 'real':
    case 'numeric':
      if (type === 'integer') refuseMixed(fragment, 'arithmetic');
      return fragment;
    case 'boolean':
      return valueOf(`${fragment.sql}::integer`, 'integer');
    case 'null':
      return fragment;
    case 'text':
    case 'any':
      refuseMixed(fragment, 'arithmetic');
      // Which of the two it is, each value tells: the whole is computed as a real.
      emission.remark({
        severity: 'warning',
        code: 'text-in-arithmetic',
        message: 'a text is computed with, as a real: past 2^53 whole numbers lose digits',
        remedy: 'state what it holds: CAST(… AS INTEGER) or CAST(… AS REAL)',
      });
      return withExact(
        valueOf(`${emission.pack('cast_real')}(${asAny(fragment, emission)})`, 'real', { isMixed: true }),
        asAny(fragment, emission),
      );
    default:
      if (emission.running !== undefined && classOf(fragment) === 'native')
        return asNumber(plainOfNative(fragment), emission);
      throw untranslatableClass(type, 'arithmetic');
  }
}

/** A number with what it is as a value of the pack's. */
export function withExact(number: Fragment, sql: string): Fragment {
  return { ...number, exact: { of: number.sql, sql } };
}

/** A number of mixed classes as the value of the pack's that it is, if that is known; anything else as it is. */
export function exactly(fragment: Fragment): Fragment {
  const { exact, isMixed, sql } = fragment;
  return isMixed === true && exact?.of === sql ? valueOf(exact.sql, 'any') : fragment;
}

/** A fragment as `||` and functions of text take it. */
export function asText(fragment: Fragment, emission: Emission): Fragment {
  const value = exactly(asValue(fragment));
  if (fragment.parameter !== undefined) return valueOf(emission.parameter(fragment.parameter, 'text'), 'text');
  switch (value.type) {
    case 'text':
      return value;
    case 'null':
      return valueOf('NULL::text', 'text', { constant: { kind: 'null' } });
    case 'boolean':
      return valueOf(`${value.sql}::integer::text`, 'text');
    case 'integer':
      refuseMixed(value, 'text');
      if (value.constant?.kind === 'integer') {
        return constantFragment({ kind: 'text', value: `${value.constant.value}` });
      }
      return valueOf(`${value.sql}::text`, 'text');
    case 'real':
    case 'any':
      refuseMixed(value, 'text');
      return valueOf(`${emission.pack('cast_text')}(${value.sql})`, 'text');
    case 'numeric':
      refuseMixed(value, 'text');
      return valueOf(`${emission.pack('cast_text')}(${asAny(value, emission)})`, 'text');
    default:
      if (emission.running !== undefined && classOf(value) === 'native') return asText(plainOfNative(value), emission);
      throw untranslatableClass(value.type, 'text');
  }
}

/** A fragment as an argument of the pack's type `any`. */
export function asAny(fragment: Fragment, emission: Emission): string {
  const value = exactly(asValue(fragment));
  if (value.parameter !== undefined) throw untypedParameter();
  if (value.constant?.kind === 'null') return `NULL::${emission.pack('value')}`;
  refuseMixed(value, 'a value of its own class');
  if (value.constant?.kind === 'integer' && value.isWide !== true) return castTo(value.sql, 'integer');
  if (classOf(value) === 'native' && emission.running !== undefined) return asAny(plainOfNative(value), emission);
  if (classOf(value) === 'native') throw untranslatableClass(value.type, 'a function of SQLite');
  if (value.type === 'boolean') return `${value.sql}::integer::bigint`;
  // A numeric without a fraction is an integer in SQLite, however many zeros its column's scale gives it.
  if (value.type === 'numeric') return `trim_scale(${value.sql})::${emission.pack('value')}`;
  return value.sql;
}

/** The condition that a value is NULL. */
export function isNull(fragment: Fragment, emission: Emission): string {
  const { parameter, type } = fragment;
  if (parameter !== undefined) return `${emission.parameter(parameter, 'text')} IS NULL`;
  // PostgreSQL calls a composite NULL when its fields are, and not NULL when none of them is.
  return `${type === 'any' ? `${emission.pack('cast_text')}(${fragment.sql})` : fragment.sql} IS NULL`;
}

/** A parameter becomes a value of `type`; anything else stays what it is. */
export function typeParameter(fragment: Fragment, type: SqlType, emission: Emission): Fragment {
  if (fragment.parameter === undefined) return fragment;
  return valueOf(emission.parameter(fragment.parameter, type), type, type === 'integer' ? { isWide: true } : {});
}

/** Numbers of one type that PostgreSQL can compute with: two integers, or two reals. */
export function commonNumbers(left: Fragment, right: Fragment): { left: Fragment; right: Fragment; isReal: boolean } {
  if (left.type === 'integer' && right.type === 'integer') return { left, right, isReal: false };
  return { left: asReal(left), right: asReal(right), isReal: true };
}

/** A number as a double, which is what SQLite computes with unless both sides are integers. */
export function asReal(number: Fragment): Fragment {
  if (number.type === 'real') return number;
  if (number.constant?.kind === 'integer') {
    return { ...constantFragment({ kind: 'real', value: Number(number.constant.value) }), isMixed: true };
  }
  return { ...number, sql: castTo(number.sql, 'real'), type: 'real', isMixed: true };
}

/** An integer with 64 bits. */
export function wide(number: Fragment): Fragment {
  return number.isWide === true ? number : { ...number, sql: castTo(number.sql, 'integer'), isWide: true };
}

export function refuseMixed(fragment: Fragment, use: string): void {
  if (fragment.isMixed !== true) return;
  throw new Untranslatable(
    'mixed-classes',
    `${fragment.column === undefined ? 'an expression' : `column "${fragment.column}"`} can give values of more than one of SQLite's classes where ${use} is asked for`,
    'state the class that is meant with CAST(… AS INTEGER), CAST(… AS REAL) or CAST(… AS TEXT)',
  );
}

export function untypedParameter(): Untranslatable {
  return new Untranslatable(
    'untyped-parameter',
    'a bound parameter stands where its type cannot be told',
    'state its type: CAST(? AS INTEGER), CAST(? AS REAL) or CAST(? AS TEXT)',
  );
}

export function untranslatableClass(what: string, use: string): Untranslatable {
  return new Untranslatable(
    'no-such-conversion',
    `${what} is used as ${use}, which PostgreSQL does not take as SQLite does`,
    ['timestamptz', 'timestamp', 'date', 'time', 'uuid', 'jsonb'].includes(what)
      ? 'keep this column as text or bigint (profile faithful, or its type in the configuration), or convert it explicitly'
      : 'convert it explicitly with CAST',
  );
}
