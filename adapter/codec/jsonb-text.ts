import { endOfString, MAX_DEPTH } from './checked-json.ts';
import { checkedText } from './checked-text.ts';
import { ValueRefused } from './value-refused.ts';

/** What a `numeric` holds, and so a number of `jsonb`: digits before the point and after it. */
const MAX_WHOLE_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;

/**
 * The text in which PostgreSQL gives back a JSON text that it was given as `jsonb`: with its own spacing, keys ordered by
 * their length and then their bytes, numbers as decimals to their last digit. Equal texts are equal values.
 *
 * @throws ValueRefused when it is not valid JSON; when `jsonb` cannot hold it (NUL, a lone surrogate, a number of too many
 * digits); and when a key comes twice in an object, of which `jsonb` keeps the last and SQLite's functions read the first.
 */
export function jsonbText(text: string): string {
  return plainText(text) ?? new Reader(text).all();
}

/** Text of at most so many characters cannot be nested too deep. */
const PLAIN_LENGTH = MAX_DEPTH;

/**
 * The same by way of JavaScript's own parser, which takes a third of the time, for text as `JSON.stringify` writes it: as
 * most JSON is written. Text that it gives back as it was has no key twice in an object, and no number that is not exact in
 * a double. `undefined` for any other, escapes and exponents among them.
 */
function plainText(text: string): string | undefined {
  if (text.length > PLAIN_LENGTH || text.includes('\\') || !text.isWellFormed()) return undefined;
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  if (JSON.stringify(value) !== text) return undefined;
  const written = writePlain(value, ASCII.test(text) ? byLengthAndUnits : byLengthAndBytes);
  return written.includes(EXPONENT) ? undefined : written;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** In the place of a number with an exponent, which PostgreSQL writes out. No text has it: it would be escaped. */
const EXPONENT = '\0';

const ASCII = /^[ -~]*$/;

function writePlain(value: Json, order: (a: string, b: string) => number): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number') {
    const number = String(value);
    return number.includes('e') ? EXPONENT : number;
  }
  if (typeof value !== 'object' || value === null) return String(value);
  if (isArray(value)) return `[${value.map((element) => writePlain(element, order)).join(', ')}]`;
  const keys = Object.keys(value);
  if (keys.length > 1) keys.sort(order);
  return `{${keys.map((key) => `"${key}": ${writePlain(value[key] ?? null, order)}`).join(', ')}}`;
}

function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

function byLengthAndUnits(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

function byLengthAndBytes(a: string, b: string): number {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length - right.length || Buffer.compare(left, right);
}

const SPACE = ' \t\n\r';
const TOKEN = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): string {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw invalid();
    return value;
  }

  #value(depth: number): string {
    if (depth > MAX_DEPTH) throw new ValueRefused(`JSON nested more than ${MAX_DEPTH} deep`);
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return JSON.stringify(this.#string());
      default:
        return this.#scalar();
    }
  }

  #object(depth: number): string {
    const members = new Map<string, string>();
    this.#list('}', () => {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw invalid();
      const key = this.#string();
      this.#skipSpace();
      if (this.#text[this.#at] !== ':') throw invalid();
      this.#at += 1;
      if (members.has(key))
        throw new ValueRefused('JSON in which a key comes twice in an object, of which jsonb keeps only the last');
      members.set(key, this.#value(depth + 1));
    });
    const keys = [...members.keys()].sort(byLengthAndBytes);
    return `{${keys.map((key) => `${JSON.stringify(key)}: ${members.get(key) ?? ''}`).join(', ')}}`;
  }

  #array(depth: number): string {
    const elements: string[] = [];
    this.#list(']', () => elements.push(this.#value(depth + 1)));
    return `[${elements.join(', ')}]`;
  }

  /** What stands between the bracket here and the closing one, separated by commas. */
  #list(end: string, one: () => void): void {
    this.#at += 1;
    this.#skipSpace();
    if (this.#text[this.#at] === end) {
      this.#at += 1;
      return;
    }
    for (let next: string | undefined = ','; next === ',';) {
      one();
      this.#skipSpace();
      next = this.#text[this.#at];
      if (next !== ',' && next !== end) throw invalid();
      this.#at += 1;
    }
  }

  #string(): string {
    const start = this.#at;
    const end = endOfString(this.#text, start);
    if (end < 0) throw invalid();
    this.#at = end + 1;
    return checkedText(parsedString(this.#text.slice(start, end + 1)));
  }

  #scalar(): string {
    TOKEN.lastIndex = this.#at;
    const token = TOKEN.exec(this.#text)?.[0];
    if (token === undefined) throw invalid();
    this.#at += token.length;
    return /^[tfn]/.test(token) ? token : numericText(token);
  }

  #skipSpace(): void {
    while (SPACE.includes(this.#text[this.#at] ?? 'none')) this.#at += 1;
  }
}

function parsedString(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw invalid();
  }
}

/** A number of JSON as `numeric` writes it: no exponent, and as many decimals as it was given. */
function numericText(number: string): string {
  if (/^-?[1-9]\d{0,20}$/.test(number)) return number;
  const [, sign = '', whole = '', fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e(.+))?$/i.exec(number) ?? [];
  const point = whole.length + Number(power);
  const decimals = Math.max(fraction.length - Number(power), 0);
  const digits = whole + fraction;
  const isZero = /^0*$/.test(digits);
  const firstDigit = digits.search(/[1-9]/);
  if (decimals > MAX_FRACTION_DIGITS || (!isZero && point - firstDigit > MAX_WHOLE_DIGITS)) {
    throw new ValueRefused('JSON with a number of more digits than jsonb holds');
  }
  if (isZero) return decimals === 0 ? '0' : `0.${'0'.repeat(decimals)}`;
  const before =
    point > 0
      ? digits
          .slice(0, point)
          .padEnd(point, '0')
          .replace(/^0+(?=\d)/, '')
      : '0';
  const after = (point < 0 ? '0'.repeat(-point) : '') + digits.slice(Math.max(point, 0));
  return decimals === 0 ? `${sign}${before}` : `${sign}${before}.${after}`;
}

function invalid(): ValueRefused {
  return new ValueRefused('text that is not valid JSON');
}
