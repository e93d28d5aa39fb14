import { fromPostgres, toPostgres, ValueRefused, columnTypeFor } from '../codec.ts';
import type { ColumnCoding } from '../codec.ts';
import { isFormOf } from '../codec/form.ts';
import { boundTo } from './bindings.ts';
import type { BoundClass, BoundParameter } from './rewriter.ts';

const NUMBER = /^[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[ \t\n\v\f\r]*$/;

/** What SQLite makes of a value that the application binds. @throws TypeError as better-sqlite3 does */
export function boundClass(value: unknown): BoundClass {
  if (value === null || value === undefined) return 'null';
  if (value instanceof Date) return boundClass(value.valueOf());
  switch (typeof value) {
    case 'boolean':
      return 'bit';
    case 'number':
      if (Number.isNaN(value)) return 'null';
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) return 'real';
      return value === 0 || value === 1 ? 'bit' : 'whole';
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) throw new RangeError('The bound string, buffer, or bigint is too big');
      return 'integer';
    case 'string':
      return textClass(value);
    default:
      if (ArrayBuffer.isView(value)) return 'blob';
      throw new TypeError('SQLite3 can only bind numbers, strings, bigints, buffers, and null');
  }
}

function textClass(text: string): BoundClass {
  const number = numberOf(text);
  if (number === undefined) return 'text';
  return typeof number === 'bigint' || Number.isSafeInteger(number) ? 'integer-text' : 'real-text';
}

/** The number that a column of numbers takes a text for; undefined if it stays a text. */
export function numberOf(text: string): bigint | number | undefined {
  const digits = NUMBER.exec(text)?.[1];
  if (digits === undefined) return undefined;
  if (/^[+-]?\d+$/.test(digits)) {
    const whole = BigInt(digits.replace('+', ''));
    if (BigInt.asIntN(64, whole) === whole) return whole;
  }
  return Number(digits);
}

/** That a value is not in the form of the column which it is compared with. */
export const INEXACT: unique symbol = Symbol('inexact');

/** A value as pg sends it for a parameter; {@link INEXACT} where the column that it is compared with has another form. */
export function boundValue(given: unknown, parameter: BoundParameter): unknown {
  if (given === null || given === undefined || (typeof given === 'number' && Number.isNaN(given))) return null;
  if (parameter.form !== undefined && parameter.postgresType !== undefined) {
    const coding: ColumnCoding = {
      type: columnTypeFor(parameter.postgresType) ?? 'text',
      postgresType: parameter.postgresType,
      ...(isFormOf(parameter.postgresType, parameter.form) ? { form: parameter.form } : {}),
    };
    return parameter.isAssigned === true ? boundTo(coding, given) : comparedWith(coding, plain(given));
  }
  const value = plain(given);
  switch (parameter.type) {
    case 'integer': {
      const number = typeof value === 'string' ? numberOf(value) : value;
      return typeof number === 'number' && Number.isSafeInteger(number) ? BigInt(number).toString() : String(number);
    }
    case 'real':
    case 'numeric': {
      const number = typeof value === 'string' ? numberOf(value) : value;
      return Object.is(number, -0) ? '-0' : String(number);
    }
    case 'boolean': {
      const number = typeof value === 'string' ? numberOf(value) : value;
      return String(number);
    }
    case 'blob':
      return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
    default:
      return typeof value === 'number' ? realText(value) : typeof value === 'bigint' ? value.toString() : value;
  }
}

/** As better-sqlite3's dialect of Knex binds it. */
export function plain(value: unknown): unknown {
  if (value instanceof Date) return value.valueOf();
  return typeof value === 'boolean' ? Number(value) : value;
}

/** A value in the form of a column; {@link INEXACT} where only SQLite's own comparison tells. */
export function comparedWith(column: ColumnCoding, value: unknown): unknown {
  const held = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof held !== 'bigint' && typeof held !== 'number' && typeof held !== 'string' && !Buffer.isBuffer(held)) {
    return INEXACT;
  }
  try {
    const text = toPostgres(column, held);
    const back = text === null ? null : fromPostgres(column, text);
    const isSame = Buffer.isBuffer(held) ? Buffer.isBuffer(back) && held.equals(back) : back === held;
    return isSame ? text : INEXACT;
  } catch (error) {
    if (error instanceof ValueRefused) return INEXACT;
    throw error;
  }
}

/**
 * The text that SQLite has for a real, and so for every number of JavaScript's: with a point, and 15 digits, or 17 where 15
 * would be another number. SQLite's own last digit of 17 may be another one.
 */
export function realText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf';
  const short = value.toExponential(14);
  const [mantissa = '', exponent = '0'] = (Number(short) === value ? short : value.toExponential(16)).split('e');
  const power = Number(exponent);
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '').replace(/0+$/, '');
  if (value === 0) return '0.0';
  if (power < -4 || power > 16) {
    const two = String(Math.abs(power)).padStart(2, '0');
    return `${sign}${digits[0] ?? '0'}.${digits.slice(1) || '0'}e${power < 0 ? '-' : '+'}${two}`;
  }
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0');
  return `${sign}${whole}.${digits.slice(power + 1) || '0'}`;
}
