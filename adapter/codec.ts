import { makesOf } from './codec/affinity.ts';
import { characters } from './codec/characters.ts';
import { checkedText } from './codec/checked-text.ts';
import { decimalPlaces, isSameDecimal, wholeDigits } from './codec/decimal.ts';
import type { Form } from './codec/form.ts';
import { checkedJson } from './codec/checked-json.ts';
import { jsonbText } from './codec/jsonb-text.ts';
import { dates, moments } from './codec/moments.ts';
import { nearestSingle } from './codec/nearest-single.ts';
import { storageClass } from './codec/storage-class.ts';
import type { Holdable } from './codec/storage-class.ts';
import { times } from './codec/times.ts';
import { Unholdable } from './codec/unholdable.ts';
import { uuids } from './codec/uuids.ts';
import { ValueRefused } from './codec/value-refused.ts';
import type { SqlValue } from './spec.ts';

export { ValueRefused };

/**
 * How the values of a column travel: one entry per column type, pure functions only.
 *
 * The canonical form of a value is what SQLite holds ({@link SqlValue}); on PostgreSQL's side values travel in its
 * text format, which is exact for every type used here (doubles included, with `extra_float_digits` at its default).
 */
export interface Codec {
  /**
   * The PostgreSQL text of a canonical value.
   *
   * @throws ValueRefused when the column's PostgreSQL type cannot hold it.
   */
  toPostgres(value: Holdable, column: ColumnCoding): string;
  /** The canonical value of a PostgreSQL text; an {@link Unholdable} where SQLite has none that would come back as it was. */
  fromPostgres(text: string, column: ColumnCoding): SqlValue;
}

const INT8_MIN = -(2n ** 63n);
const INT8_MAX = 2n ** 63n - 1n;

function refuse(value: Holdable, type: string): never {
  throw new ValueRefused(`${storageClass(value)} in a column of PostgreSQL type ${type}`);
}

function integer(bits: 16 | 32 | 64): Codec {
  const type = { 16: 'smallint', 32: 'integer', 64: 'bigint' }[bits];
  const max = 2n ** BigInt(bits - 1) - 1n;
  return {
    toPostgres(value) {
      if (typeof value !== 'bigint') return refuse(value, type);
      if (value > max || value < -max - 1n) throw new ValueRefused(`an integer beyond the range of ${type}`);
      return value.toString();
    },
    fromPostgres: (text) => BigInt(text),
  };
}

/** A double as PostgreSQL writes it; JavaScript prints the shortest text that reads back to the same bits. */
function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** SQLite would keep it as NULL, and say nothing of it. */
function notANumber(text: string): Unholdable {
  return Unholdable.inPostgres(text, 'not a number (NaN), which SQLite cannot hold');
}

/**
 * A double as a decimal. A whole one that fits SQLite's integers is written to its last digit, since it comes back as an
 * integer; any other as the shortest text that reads back to the same bits.
 */
function decimalText(value: number): string {
  const isExactInteger = Number.isInteger(value) && Math.abs(value) < 2 ** 63;
  return isExactInteger ? BigInt(value).toString() : String(value);
}

const text: Codec = {
  toPostgres: (value) => (typeof value === 'string' ? checkedText(value) : refuse(value, 'text')),
  fromPostgres: (value) => value,
};

/** JSON is carried as its text, so that `json` columns keep it byte for byte. */
const json: Codec = {
  toPostgres: (value) => (typeof value === 'string' ? checkedJson(value) : refuse(value, 'json')),
  fromPostgres: (value) => value,
};

export const CODECS = {
  smallint: integer(16),
  integer: integer(32),
  bigint: integer(64),
  double: {
    toPostgres(value) {
      if (typeof value === 'number') return doubleText(value);
      if (typeof value === 'bigint' && BigInt(Number(value)) === value) return value.toString();
      return refuse(value, 'double precision');
    },
    fromPostgres: (value) => (value === 'NaN' ? notANumber(value) : Number(value)),
  },
  numeric: {
    toPostgres(value) {
      if (typeof value === 'bigint') return value.toString();
      if (typeof value === 'number') return decimalText(value);
      return refuse(value, 'numeric');
    },
    /** SQLite's NUMERIC affinity: an integer where it is one and fits, a double otherwise, as far as one can say it. */
    fromPostgres(value) {
      if (value === 'NaN') return notANumber(value);
      if (value === 'Infinity' || value === '-Infinity') return Number(value);
      const whole = /^(-?\d+)(?:\.0+)?$/.exec(value)?.[1];
      if (whole !== undefined) {
        const exact = BigInt(whole);
        if (exact >= INT8_MIN && exact <= INT8_MAX) return exact;
      }
      const double = Number(value);
      if (isSameDecimal(value, double)) return double;
      return Unholdable.inPostgres(value, 'a number of more digits than SQLite can hold');
    },
  },
  boolean: {
    toPostgres(value) {
      if (value === 0n) return 'f';
      if (value === 1n) return 't';
      if (typeof value === 'bigint') throw new ValueRefused('an integer other than 0 and 1 in a boolean column');
      return refuse(value, 'boolean');
    },
    fromPostgres: (value) => (value === 't' || value === 'true' ? 1n : 0n),
  },
  real: {
    toPostgres(value) {
      const number = typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value;
      if (typeof number !== 'number') return refuse(value, 'real');
      if (Math.fround(number) !== number) throw new ValueRefused('a number of more digits than real holds');
      return doubleText(number);
    },
    fromPostgres: (value) => (value === 'NaN' ? notANumber(value) : nearestSingle(value)),
  },
  text,
  character: characters,
  json,
  /** Two texts of the same JSON are one value, unless the column's form says that its text is the value. */
  jsonb: {
    toPostgres(value, { form }) {
      if (typeof value !== 'string') return refuse(value, 'jsonb');
      const written = jsonbText(value);
      if (form === 'json-exact' && written !== value) throw new ValueRefused('JSON that jsonb would write otherwise');
      return written;
    },
    fromPostgres: (value) => value,
  },
  timestamptz: moments,
  timestamp: moments,
  date: dates,
  time: times,
  uuid: uuids,
  blob: {
    toPostgres(value) {
      if (!(value instanceof Uint8Array)) return refuse(value, 'bytea');
      return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
    },
    fromPostgres: (value) => Buffer.from(value.slice(2), 'hex'),
  },
} as const satisfies Record<string, Codec>;

export type ColumnType = keyof typeof CODECS;

/** The codec of a column type. */
export function codecOf(type: ColumnType): Codec {
  return CODECS[type];
}

/** PostgreSQL's type names, as `format_type` gives them without a modifier, and the codec that carries each. */
const BY_POSTGRES_TYPE: ReadonlyMap<string, ColumnType> = new Map([
  ['smallint', 'smallint'],
  ['integer', 'integer'],
  ['bigint', 'bigint'],
  ['double precision', 'double'],
  ['numeric', 'numeric'],
  ['boolean', 'boolean'],
  ['text', 'text'],
  ['character varying', 'text'],
  ['json', 'json'],
  ['bytea', 'blob'],
  ['real', 'real'],
  ['character', 'character'],
  ['jsonb', 'jsonb'],
  ['timestamp with time zone', 'timestamptz'],
  ['timestamp without time zone', 'timestamp'],
  ['date', 'date'],
  ['time without time zone', 'time'],
  ['uuid', 'uuid'],
]);

/** The codec entry for a PostgreSQL type, or `undefined` when Crossfade cannot carry it without loss. */
export function columnTypeFor(postgresType: string): ColumnType | undefined {
  return BY_POSTGRES_TYPE.get(postgresType.replace(/\(.*\)/, ''));
}

/** A column as far as the codec must know it. */
export interface ColumnCoding {
  readonly type: ColumnType;
  /** With its modifier: `character varying(20)`, `numeric(10,2)`. */
  readonly postgresType: string;
  /** How SQLite holds its values, where a type has several forms. Without one: the first that `formsOf` gives. */
  readonly form?: Form;
  /** The type that SQLite declares. Without it nothing is known of what SQLite makes of a number on its way back. */
  readonly sqliteType?: string;
}

/**
 * The PostgreSQL text of a value for a column, or `null`.
 *
 * @throws ValueRefused when the column cannot hold the value as it is. PostgreSQL itself would round a number to a
 * column's scale, and cut trailing spaces that are too many, without a word; here both are refused.
 */
export function toPostgres(column: ColumnCoding, value: SqlValue): string | null {
  if (value === null) return null;
  if (value instanceof Unholdable) return ownText(value);
  const encoded = codecOf(column.type).toPostgres(value, column);
  if (column.postgresType.includes('(')) assertFits(column, encoded);
  if (typeof value === 'number' || typeof value === 'bigint') assertKind(column, { value, encoded });
  return encoded;
}

/** A number comes back as an integer or as a real: it must be the one it was, or the column must make it so. */
function assertKind(
  column: ColumnCoding,
  { value, encoded }: { readonly value: number | bigint; readonly encoded: string },
): void {
  const { type, sqliteType, form } = column;
  const isOfKind = typeof value === 'bigint' ? INTEGERS.has(type) : type === 'double' || type === 'real';
  // The form of a mixed column is what its values become.
  if (isOfKind || sqliteType === undefined || form?.endsWith(' mixed') === true) return;
  const given = fromPostgres(column, encoded);
  if ((typeof given === 'number' || typeof given === 'bigint') && !makesOf(sqliteType, { given, stored: value })) {
    const name = sqliteType === '' ? 'without a declared type' : `of the declared type ${sqliteType}`;
    throw new ValueRefused(
      `${storageClass(value)} in a column ${name}, which would come back as ${storageClass(given)}`,
    );
  }
}

const INTEGERS: ReadonlySet<ColumnType> = new Set(['smallint', 'integer', 'bigint', 'boolean']);

/** The canonical value of a PostgreSQL text in a column. */
export function fromPostgres(column: ColumnCoding, encoded: string | null): SqlValue {
  return encoded === null ? null : codecOf(column.type).fromPostgres(encoded, column);
}

/** PostgreSQL may be asked for what it holds itself: a key, for one. */
function ownText({ original, reason }: Unholdable): string {
  if (typeof original === 'string') return original;
  throw new ValueRefused(reason);
}

function assertFits({ type, postgresType }: ColumnCoding, encoded: string): void {
  const [size = 0, scale = 0] = (/\((.*)\)/.exec(postgresType)?.[1] ?? '').split(',').map(Number);
  if (type === 'text' && encoded.length > size && [...encoded].length > size) {
    throw new ValueRefused(`text longer than ${postgresType}`);
  }
  if (type !== 'numeric') return;
  if (decimalPlaces(encoded) > scale) throw new ValueRefused(`more decimals than ${postgresType} holds`);
  if (wholeDigits(encoded) > size - scale) throw new ValueRefused(`a number beyond the range of ${postgresType}`);
}

/**
 * What a value becomes by travelling to PostgreSQL and back: the form in which both sides are compared.
 *
 * @throws ValueRefused as {@link toPostgres}.
 */
export function canonical(column: ColumnCoding, value: SqlValue): SqlValue {
  return fromPostgres(column, toPostgres(column, value));
}

/**
 * Whether two canonical values are the same: doubles bit for bit, text and blobs byte for byte.
 *
 * 0 and -0 are one value: to both databases they are equal, and a column of SQLite's with an affinity for numbers keeps no
 * sign of zero.
 */
export function sameValue(a: SqlValue, b: SqlValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (a instanceof Unholdable && b instanceof Unholdable)
    return a.heldBy === b.heldBy && sameValue(a.original, b.original);
  return a === b;
}
