import { clockAs } from './clock.ts';
import { asNumber, asReal, asText, asValue, classOf, untranslatableClass } from './convert.ts';
import type { Emission } from './emission.ts';
import { castTo, constantFragment, quoteText, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { plainOfNative } from './native-value.ts';
import { numberOfText } from './numeric-text.ts';
import type { SqlType } from './sql-type.ts';
import { Untranslatable } from './translation.ts';

/** A value as it leaves an expression: of a type of PostgreSQL's, and of the column's that it goes into. */
export function resultFragment(fragment: Fragment, emission: Emission, expected?: SqlType): Fragment {
  if (expected === undefined) {
    if (emission.running !== undefined) return runningResult(fragment);
    if (fragment.type !== 'any') return fragment.type === 'json' ? fragment : asValue(fragment);
    emission.remark({
      severity: 'warning',
      code: 'type-of-result',
      message: 'a value whose type is only known at run time comes out as text, numbers too',
      remedy: 'state its type: CAST(… AS TEXT), CAST(… AS INTEGER) or CAST(… AS REAL)',
    });
    return valueOf(`${emission.pack('cast_text')}(${fragment.sql})`, 'text');
  }
  if (fragment.constant?.kind === 'null') return valueOf('NULL', expected, { constant: { kind: 'null' } });
  const clock = fragment.clock === undefined ? undefined : clockAs(fragment.clock, expected);
  if (clock !== undefined) return valueOf(clock, expected);
  if (fragment.type === expected && fragment.isLogical !== true) return fragment;
  return assigned(fragment, expected, emission);
}

/** What a column's affinity, and then its PostgreSQL type, make of a value. */
function assigned(fragment: Fragment, expected: SqlType, emission: Emission): Fragment {
  switch (expected) {
    case 'text':
      if (classOf(fragment) === 'blob') break;
      if (fragment.type === 'any') return valueOf(`${emission.pack('cast_text')}(${fragment.sql})`, 'text');
      return asText(fragment, emission);
    case 'boolean':
      return assignedBoolean(fragment, emission);
    case 'integer':
    case 'real':
    case 'numeric':
      return assignedNumber(fragment, expected, emission);
    case 'json':
    case 'jsonb':
    case 'uuid':
      if (classOf(fragment) !== 'text') break;
      if (fragment.constant?.kind === 'text')
        return valueOf(`${quoteText(fragment.constant.value)}::${expected}`, expected);
      return { ...fragment, sql: castTo(fragment.sql, expected), type: expected };
    default:
      break;
  }
  throw untranslatableClass(fragment.type, `the value of a column of type ${expected}`);
}

function assignedBoolean(fragment: Fragment, emission: Emission): Fragment {
  if (fragment.type === 'boolean') return valueOf(fragment.sql, 'boolean');
  const number = fragment.constant?.kind === 'text' ? numberOfText(fragment.constant.value) : fragment.constant;
  if (number?.kind === 'integer' && (number.value === 0n || number.value === 1n)) {
    return valueOf(number.value === 1n ? 'true' : 'false', 'boolean');
  }
  if (emission.running !== undefined && fragment.constant === undefined && classOf(fragment) === 'number') {
    const digits = fragment.type === 'numeric' ? `trim_scale(${fragment.sql})` : fragment.sql;
    // Of another number PostgreSQL says that it is no boolean.
    return valueOf(`${digits}::text::boolean`, 'boolean');
  }
  throw new Untranslatable(
    'boolean-value',
    'a value other than 0, 1 or a comparison goes into a column of type boolean',
    'give it 0, 1 or a comparison, or keep the column as bigint',
  );
}

function assignedNumber(fragment: Fragment, expected: 'integer' | 'real' | 'numeric', emission: Emission): Fragment {
  const { constant } = fragment;
  const number = constant?.kind === 'text' ? numberOfText(constant.value) : undefined;
  const value = number === undefined ? fragment : constantFragment(number);
  // What the affinity makes a number of becomes one; what it leaves alone is an error in PostgreSQL, as no number is it.
  if (value.isNeverNumber === true) {
    throw new Untranslatable(
      'text-in-number',
      `a text that is never a number, as the time of day is, goes into a column of type ${expected}`,
      'let the column hold moments, with its type { type: "timestamptz", form: "epoch-ms mixed" } in `columns`, or give it a number',
    );
  }
  if (value.type === 'any' || (value.type === 'text' && constant === undefined)) {
    const text = value.type === 'any' ? `${emission.pack('cast_text')}(${value.sql})` : value.sql;
    // What looks like a whole number becomes one: 5.0 too.
    if (expected === 'integer') {
      return valueOf(`trim_scale(${text}::numeric)::text::bigint`, 'integer', { isWide: true });
    }
    return valueOf(castTo(text, expected), expected);
  }
  if (expected === 'integer' && constant === undefined && (value.type === 'real' || value.type === 'numeric')) {
    const whole = value.type === 'numeric' ? `trim_scale(${value.sql})` : value.sql;
    return valueOf(`${whole}::text::bigint`, 'integer', { isWide: true });
  }
  if (classOf(value) !== 'number' || (expected === 'integer' && value.type !== 'integer' && value.type !== 'boolean')) {
    const whole =
      value.constant?.kind === 'real' && Number.isInteger(value.constant.value) ? value.constant.value : undefined;
    if (expected === 'integer' && whole !== undefined && Number.isSafeInteger(whole)) {
      return constantFragment({ kind: 'integer', value: BigInt(whole) });
    }
    throw untranslatableClass(value.type, `the value of a column of type ${expected}`);
  }
  const { isMixed: _, ...plain } = asNumber(value, emission);
  if (expected === 'integer') return plain;
  if (expected === 'real') return asReal(plain);
  if (plain.constant?.kind === 'integer') return plain;
  if (plain.constant?.kind === 'real' && Number.isFinite(plain.constant.value)) {
    const decimal = String(plain.constant.value);
    return { ...plain, sql: decimal.startsWith('-') ? `(${decimal})` : decimal, type: 'numeric' };
  }
  // By way of the text a real keeps all its digits.
  const digits = plain.type === 'real' ? castTo(plain.sql, 'text') : plain.sql;
  return { ...plain, sql: castTo(digits, 'numeric'), type: 'numeric' };
}

/** A value as the router reads it: one whose type is only known at run time keeps it, one of a form has that form. */
function runningResult(fragment: Fragment): Fragment {
  if (fragment.type === 'any' || fragment.type === 'json') return fragment;
  // Of a column that comes as it is, PostgreSQL tells which one it was; and so its form.
  if (classOf(fragment) === 'native') return fragment.column === undefined ? plainOfNative(fragment) : fragment;
  return asValue(fragment);
}
