import type { Constant } from './fragment.ts';

/** What SQLite takes for white space around a number. */
const NUMBER = /^[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[ \t\n\v\f\r]*$/;

/** The same as a regular expression of PostgreSQL's. */
export const NUMBER_PATTERN = String.raw`^[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*$`;

/** The number that a numeric affinity makes of a text; undefined if it leaves it a text. */
export function numberOfText(text: string): Constant | undefined {
  const digits = NUMBER.exec(text)?.[1];
  return digits === undefined ? undefined : numberOfDigits(digits);
}

/** A literal's number: an integer where it is written as one and 64 bits hold it, else a real. */
export function numberOfDigits(digits: string): Constant {
  if (/^[+-]?\d+$/.test(digits)) {
    const value = BigInt(digits.replace('+', ''));
    if (BigInt.asIntN(64, value) === value) return { kind: 'integer', value };
  }
  return { kind: 'real', value: Number(digits) };
}

/** The number that arithmetic sees in a text: its longest prefix that is one, else 0. */
export function numberOfPrefix(text: string): Constant {
  const digits = /^[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(text)?.[1];
  return digits === undefined ? { kind: 'integer', value: 0n } : numberOfDigits(digits);
}
