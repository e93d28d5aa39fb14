import { toPostgres } from '../codec.ts';
import type { ColumnCoding, ColumnType } from '../codec.ts';
import type { SqlValue } from '../spec.ts';
import { makesOf } from './affinity.ts';
import { dateShortcut, momentShortcut, writeDate, writeMoment, writeTime } from './binary-moment.ts';
import type { Shortcut } from './binary-moment.ts';
import { writeNumeric } from './binary-numeric.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Writes a value of one column: its length in bytes as an int32 and the bytes, or -1 for NULL. */
export type BinaryWriter = (value: SqlValue, out: ByteWriter) => void;

/**
 * How the values of a column are written in PostgreSQL's binary format: what `COPY … (FORMAT binary)` takes and gives for
 * that column, and what the functions `…send` make of it. `null` where a type has no such form here; all of the codec's
 * types have one.
 *
 * The writer throws {@link ValueRefused} where `toPostgres` does. Most plain values are written as they are; whatever a
 * shortcut does not take goes the way of its text, so that the two forms cannot disagree.
 *
 * What is one value to the codec may have several forms here, and in PostgreSQL itself: 0 and -0 of a double, a `numeric`
 * with and without zeros after its last decimal.
 */
export function binaryColumn(column: ColumnCoding): BinaryWriter | null {
  const { write, shortcut }: Form = FORMS[column.type];
  const short = shortcut?.(column) ?? null;
  const writeText = write(column);
  return (value, out) => {
    if (value === null) return out.int32(-1);
    if (short !== null && short(value, out)) return;
    const text = toPostgres(column, value);
    if (text === null) out.int32(-1);
    else writeText(text, out);
  };
}

interface Form {
  /** Writes what PostgreSQL makes of its own text of a value. */
  readonly write: (column: ColumnCoding) => (text: string, out: ByteWriter) => void;
  readonly shortcut?: (column: ColumnCoding) => Shortcut | null;
}

const JSONB_VERSION = 1;

const moment: Form = { write: () => writeMoment, shortcut: momentShortcut };

const text: Form = { write: () => (value, out) => out.text(value) };

const FORMS = {
  smallint: {
    write: () => (value, out) => {
      out.int32(2);
      out.int16(Number(value));
    },
    shortcut: () => (value, out) => {
      if (typeof value !== 'bigint' || value > 0x7fffn || value < -0x8000n) return false;
      out.int32(2);
      out.int16(Number(value));
      return true;
    },
  },
  integer: {
    write: () => (value, out) => {
      out.int32(4);
      out.int32(Number(value));
    },
    shortcut: () => (value, out) => {
      if (typeof value !== 'bigint' || value > 0x7fff_ffffn || value < -0x8000_0000n) return false;
      out.int32(4);
      out.int32(Number(value));
      return true;
    },
  },
  bigint: {
    write: () => (value, out) => {
      out.int32(8);
      out.int64(BigInt(value));
    },
    shortcut: () => (value, out) => {
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return false;
      out.int32(8);
      out.int64(value);
      return true;
    },
  },
  double: {
    write: () => (value, out) => {
      out.int32(8);
      out.float64(Number(value));
    },
    shortcut: () => (value, out) => {
      if (typeof value !== 'number') return false;
      out.int32(8);
      out.float64(value);
      return true;
    },
  },
  real: {
    write: () => (value, out) => {
      out.int32(4);
      out.float32(Number(value));
    },
    shortcut: () => (value, out) => {
      if (typeof value !== 'number' || Math.fround(value) !== value) return false;
      out.int32(4);
      out.float32(value);
      return true;
    },
  },
  numeric: {
    write: (column) => {
      const { scale } = numericLimits(column);
      return (value, out) => writeNumeric(value, scale, out);
    },
    shortcut: numericShortcut,
  },
  boolean: {
    write: () => (value, out) => {
      out.int32(1);
      out.int8(value === 't' || value === 'true' ? 1 : 0);
    },
    shortcut: () => (value, out) => {
      if (value !== 0n && value !== 1n) return false;
      out.int32(1);
      out.int8(value === 1n ? 1 : 0);
      return true;
    },
  },
  text: { ...text, shortcut: textShortcut },
  character: {
    write: ({ postgresType }) => {
      const width = Number(/\((\d+)\)/.exec(postgresType)?.[1] ?? 1);
      return (value, out) => out.text(value + ' '.repeat(Math.max(0, width - [...value].length)));
    },
  },
  json: text,
  jsonb: {
    write: () => (value, out) => {
      const start = out.end;
      out.int8(0);
      out.text(value);
      const length = out.end - start - 5;
      out.end = start;
      out.int32(length + 1);
      out.int8(JSONB_VERSION);
      out.end += length;
    },
  },
  timestamptz: moment,
  timestamp: moment,
  date: { write: () => writeDate, shortcut: dateShortcut },
  time: { write: () => writeTime },
  uuid: {
    write: () => (value, out) => {
      out.int32(16);
      out.raw(Buffer.from(value.replaceAll('-', ''), 'hex'));
    },
  },
  blob: {
    write: () => (value, out) => {
      const bytes = Buffer.from(value.slice(2), 'hex');
      out.int32(bytes.length);
      out.raw(bytes);
    },
    shortcut: () => (value, out) => {
      if (!(value instanceof Uint8Array)) return false;
      out.int32(value.byteLength);
      out.raw(value);
      return true;
    },
  },
} as const satisfies Record<ColumnType, Form>;

function textShortcut({ postgresType }: ColumnCoding): Shortcut {
  const longest = Number(/\((\d+)\)/.exec(postgresType)?.[1] ?? Infinity);
  return (value, out) => {
    // Characters are never more than the units of UTF-16.
    return typeof value === 'string' && value.length <= longest && out.textIfValid(value);
  };
}

/** What a column declares, as in `numeric(10,2)`: digits before its point, and after it. */
function numericLimits({ postgresType }: ColumnCoding): { whole: number; scale: number | null } {
  const [size, scale = 0] = (/\((.*)\)/.exec(postgresType)?.[1] ?? '').split(',').filter(Boolean).map(Number);
  return size === undefined ? { whole: Infinity, scale: null } : { whole: size - scale, scale: Math.max(scale, 0) };
}

/** Numbers of as many digits as JavaScript writes without an exponent, and which come back as what they were. */
function numericShortcut(column: ColumnCoding): Shortcut | null {
  const { whole, scale } = numericLimits(column);
  if (whole < 0 || column.postgresType.includes(',-')) return null;
  const limit = 10 ** Math.min(whole, 15);
  const { sqliteType, form } = column;
  const takesWholeReals =
    sqliteType === undefined || form?.endsWith(' mixed') === true || makesOf(sqliteType, { given: 1n, stored: 1 });
  return (value, out) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') return false;
    if (!(value < limit && value > -limit)) return false;
    if (typeof value === 'number' && Number.isInteger(value) && !takesWholeReals) return false;
    const decimal = String(value);
    if (decimal.includes('e')) return false;
    const point = decimal.indexOf('.');
    if (scale !== null && point >= 0 && decimal.length - point - 1 > scale) return false;
    writeNumeric(decimal, scale, out);
    return true;
  };
}
