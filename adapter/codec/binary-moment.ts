import type { ColumnCoding } from '../codec.ts';
import type { SqlValue } from '../spec.ts';
import type { ByteWriter } from './byte-writer.ts';
import { daysOf } from './calendar.ts';
import type { MomentForm } from './form.ts';
import { DAY, readMomentText, readTimeOfDay } from './moment.ts';
import { ValueRefused } from './value-refused.ts';

/** PostgreSQL counts from 2000. */
const EPOCH_DAYS = 10_957;
const EPOCH = BigInt(EPOCH_DAYS) * DAY;
const EPOCH_MICROS = Number(EPOCH);
const INT8_MAX = 2n ** 63n - 1n;
const INT4_MAX = 2 ** 31 - 1;

/** Writes PostgreSQL's text of a `timestamp`, with or without a zone, behind its length. */
export function writeMoment(text: string, out: ByteWriter): void {
  const micros = text === 'infinity' ? INT8_MAX : text === '-infinity' ? -INT8_MAX - 1n : known(text) - EPOCH;
  out.int32(8);
  out.int64(micros);
}

/** Writes PostgreSQL's text of a `date`, behind its length. */
export function writeDate(text: string, out: ByteWriter): void {
  out.int32(4);
  out.int32(
    text === 'infinity' ? INT4_MAX : text === '-infinity' ? -INT4_MAX - 1 : Number((known(text) - EPOCH) / DAY),
  );
}

/** Writes PostgreSQL's text of a `time`, behind its length. */
export function writeTime(text: string, out: ByteWriter): void {
  const micros = readTimeOfDay(text);
  if (micros === undefined) throw new ValueRefused('text that is no time of day');
  out.int32(8);
  out.int64(micros);
}

function known(text: string): bigint {
  const moment = readMomentText(text);
  if (moment === undefined) throw new ValueRefused('text that is no moment');
  return moment;
}

// ── Plain moments, without a detour ─────────────────────────────────────────────────────────────────────────────

/** Writes a value and says so, or writes nothing: what it does not take is left to the codec. */
export type Shortcut = (value: SqlValue, out: ByteWriter) => boolean;

/** The forms whose moments have one length, and each character its place. */
const TEXTS: Partial<Record<MomentForm | 'date', { separator: ' ' | 'T'; digits: number; zone: string }>> = {
  datetime: { separator: ' ', digits: 0, zone: '' },
  'datetime-ms': { separator: ' ', digits: 3, zone: '' },
  'datetime-us': { separator: ' ', digits: 6, zone: '' },
  sequelize: { separator: ' ', digits: 3, zone: ' +00:00' },
  iso: { separator: 'T', digits: 0, zone: 'Z' },
  'iso-ms': { separator: 'T', digits: 3, zone: 'Z' },
  'iso-us': { separator: 'T', digits: 6, zone: 'Z' },
};

const EPOCHS: Partial<Record<MomentForm | 'date', number>> = { 'epoch-s': 1_000_000, 'epoch-ms': 1_000, 'epoch-us': 1 };

/** How a column's moments are written where they are written in its form; `null` where there is no shorter way. */
export function momentShortcut(column: ColumnCoding): Shortcut | null {
  const form = (column.form?.replace(' mixed', '') ?? 'datetime') as MomentForm | 'date';
  const finest = digitsOf(column);
  const unit = EPOCHS[form];
  if (unit !== undefined) return finest < 6 && unit < 10 ** (6 - finest) ? null : numbers(unit);
  const shape = TEXTS[form];
  return shape === undefined || finest < shape.digits ? null : texts(shape);
}

/** As {@link momentShortcut}, of a `date` whose values are texts of days. */
export function dateShortcut({ form }: ColumnCoding): Shortcut | null {
  if (form !== undefined && form !== 'date' && form !== 'date mixed') return null;
  return (value, out) => {
    if (typeof value !== 'string' || value.length !== 10) return false;
    const days = dayAt(value);
    if (days === undefined) return false;
    out.int32(4);
    out.int32(days - EPOCH_DAYS);
    return true;
  };
}

/** How many digits of a second PostgreSQL's column keeps. */
function digitsOf({ postgresType }: ColumnCoding): number {
  return Number(/\((\d)\)/.exec(postgresType)?.[1] ?? 6);
}

function numbers(unit: number): Shortcut {
  const limit = BigInt(Math.floor((Number.MAX_SAFE_INTEGER - EPOCH_MICROS) / unit));
  return (value, out) => {
    if (typeof value !== 'bigint' || value > limit || value < -limit) return false;
    out.int32(8);
    out.safeInt64(Number(value) * unit - EPOCH_MICROS);
    return true;
  };
}

function texts({ separator, digits, zone }: { separator: string; digits: number; zone: string }): Shortcut {
  const fractionEnd = digits === 0 ? 19 : 20 + digits;
  const length = fractionEnd + zone.length;
  const separatorCode = separator.charCodeAt(0);
  const scale = 10 ** (6 - digits);
  return (value, out) => {
    if (typeof value !== 'string' || value.length !== length) return false;
    const days = dayAt(value);
    if (days === undefined || value.charCodeAt(10) !== separatorCode) return false;
    if (value.charCodeAt(13) !== COLON || value.charCodeAt(16) !== COLON) return false;
    const hours = two(value, 11);
    const minutes = two(value, 14);
    const seconds = two(value, 17);
    // What is no digit has made NaN of them, of which no comparison is true.
    if (!(hours <= 23 && minutes <= 59 && seconds <= 59)) return false;
    let fraction = 0;
    if (digits > 0) {
      if (value.charCodeAt(19) !== POINT) return false;
      for (let place = 20; place < fractionEnd; place += 1) fraction = fraction * 10 + digit(value, place);
      if (!(fraction >= 0)) return false;
    }
    if (zone !== '' && !value.endsWith(zone)) return false;
    const micros =
      (((days - EPOCH_DAYS) * 24 + hours) * 60 + minutes) * 60_000_000 + seconds * 1_000_000 + fraction * scale;
    if (!Number.isSafeInteger(micros)) return false;
    out.int32(8);
    out.safeInt64(micros);
    return true;
  };
}

const HYPHEN = 45;
const POINT = 46;
const COLON = 58;
const ZERO = 48;

/** The days from 1970 to the day that a text begins with, as `2024-05-17`, of a year from 1 on. */
function dayAt(text: string): number | undefined {
  if (text.charCodeAt(4) !== HYPHEN || text.charCodeAt(7) !== HYPHEN) return undefined;
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  return year >= 1 && month >= 1 && day >= 1 ? daysOf({ year, month, day }) : undefined;
}

function two(text: string, place: number): number {
  return digit(text, place) * 10 + digit(text, place + 1);
}

function digit(text: string, place: number): number {
  const value = text.charCodeAt(place) - ZERO;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}
