import type { Codec, ColumnCoding } from '../codec.ts';
import { formed } from './formed.ts';
import type { Shape } from './formed.ts';
import type { MomentForm } from './form.ts';
import { DAY, readMomentText, writeDayText, writeMomentText } from './moment.ts';
import type { Moment, MomentText } from './moment.ts';
import { assertPrecision } from './precision.ts';
import type { Holdable } from './storage-class.ts';
import { ValueRefused } from './value-refused.ts';

const DAY_MS = 86_400_000;
/** Milliseconds from the beginning of Julian day 0 to 1970. */
const JULIAN_EPOCH_MS = 210_866_760_000_000n;
const INT8_MAX = 2n ** 63n - 1n;
/** The years 1 to 9999. */
const FIRST_WRITABLE = -62_135_596_800_000_000n;
const AFTER_WRITABLE = 253_402_300_800_000_000n;

const SHAPES = {
  datetime: text({ separator: ' ', digits: 0, zone: '' }),
  'datetime-ms': text({ separator: ' ', digits: 3, zone: '' }),
  'datetime-us': text({ separator: ' ', digits: 6, zone: '' }),
  'datetime-offset': text({ separator: ' ', digits: 0, zone: '+00:00' }),
  'datetime-offset-ms': text({ separator: ' ', digits: 3, zone: '+00:00' }),
  'datetime-offset-us': text({ separator: ' ', digits: 6, zone: '+00:00' }),
  sequelize: text({ separator: ' ', digits: 3, zone: ' +00:00' }),
  iso: text({ separator: 'T', digits: 0, zone: 'Z' }),
  'iso-ms': text({ separator: 'T', digits: 3, zone: 'Z' }),
  'iso-us': text({ separator: 'T', digits: 6, zone: 'Z' }),
  'iso-local': text({ separator: 'T', digits: 0, zone: '' }),
  'iso-local-ms': text({ separator: 'T', digits: 3, zone: '' }),
  'iso-local-us': text({ separator: 'T', digits: 6, zone: '' }),
  'iso-offset': text({ separator: 'T', digits: 0, zone: '+00:00' }),
  'iso-offset-ms': text({ separator: 'T', digits: 3, zone: '+00:00' }),
  'iso-offset-us': text({ separator: 'T', digits: 6, zone: '+00:00' }),
  date: {
    read: (value) => read(value, (number) => scaled(number, 1_000n)),
    write: (moment) => (moment % DAY === 0n && isWritable(moment) ? writeDayText(moment) : undefined),
  },
  'epoch-s': epoch(1_000_000n),
  'epoch-ms': epoch(1_000n),
  'epoch-us': epoch(1n),
  'epoch-s-real': real(fromSeconds, (moment) => Number(`${moment}e-6`)),
  // As SQLite reads and writes it: in whole milliseconds (https://sqlite.org/lang_datefunc.html).
  'julian-day': real(fromJulianDay, (moment) => Number(moment / 1_000n + JULIAN_EPOCH_MS) / DAY_MS),
} as const satisfies Record<MomentForm | 'date', Shape<Moment>>;

/** PostgreSQL begins with Julian day 0, and ends its moments with the year 294276 and its days with 5874897. */
const FIRST = -210_866_803_200_000_000n;
const LAST = 9_224_318_016_000_000_000n - 1n;
const LAST_DAY = 185_331_720_297_600_000_000n;

/** `timestamp with time zone` and `timestamp without time zone`, which differ in nothing where all is UTC. */
export const moments: Codec = formed<Moment>({
  noun: 'moment',
  shapes: SHAPES,
  byDefault: SHAPES.datetime,
  toText(moment, column) {
    if (moment < FIRST || moment > LAST) throw beyond(column);
    assertPrecision(moment, column);
    const zone = column.type === 'timestamptz' ? '+00' : '';
    return writeMomentText(moment, { separator: ' ', digits: moment % 1_000_000n === 0n ? 0 : 6, zone });
  },
  fromText: readMomentText,
});

/** `date`: the moment at which a day begins in UTC. */
export const dates: Codec = formed<Moment>({
  noun: 'day',
  shapes: SHAPES,
  byDefault: SHAPES.date,
  toText(moment, column) {
    if (moment < FIRST || moment > LAST_DAY) throw beyond(column);
    if (moment % DAY !== 0n)
      throw new ValueRefused(`a moment within a day in a column of PostgreSQL type ${column.postgresType}`);
    return writeDayText(moment);
  },
  fromText: readMomentText,
});

function beyond({ postgresType }: ColumnCoding): ValueRefused {
  return new ValueRefused(`a moment beyond the range of ${postgresType}`);
}

function text(how: MomentText): Shape<Moment> {
  const unit = 10n ** BigInt(6 - how.digits);
  return {
    // Knex binds a Date as milliseconds, whatever else the column holds.
    read: (value) => read(value, (number) => scaled(number, 1_000n)),
    write: (moment) => (moment % unit === 0n && isWritable(moment) ? writeMomentText(moment, how) : undefined),
  };
}

function epoch(unit: bigint): Shape<Moment> {
  return {
    read: (value) => read(value, (number) => scaled(number, unit)),
    write: (moment) => (moment % unit === 0n && moment / unit <= INT8_MAX ? moment / unit : undefined),
  };
}

/** A form of doubles, which say each moment only so far from where they begin to count. */
function real(fromNumber: (value: number) => Moment | undefined, toNumber: (moment: Moment) => number): Shape<Moment> {
  return {
    read: (value) => read(value, (number) => fromNumber(Number(number))),
    write(moment) {
      const number = toNumber(moment);
      return fromNumber(number) === moment ? number : undefined;
    },
  };
}

function read(value: Holdable, readNumber: (value: bigint | number) => Moment | undefined): Moment | undefined {
  if (typeof value === 'string') return readMomentText(value);
  return value instanceof Uint8Array ? undefined : readNumber(value);
}

/** The driver binds each number as a double, and a column without a type keeps it as one. */
function scaled(value: bigint | number, unit: bigint): Moment | undefined {
  if (typeof value === 'bigint') return value * unit;
  return Number.isSafeInteger(value) ? BigInt(value) * unit : undefined;
}

/** By its shortest text: far from 1970 doubles lie more than a microsecond apart. */
function fromSeconds(value: number): Moment | undefined {
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(String(value)) ?? [];
  return whole === undefined ? undefined : BigInt(`${sign}${whole}${fraction.padEnd(6, '0')}`);
}

function fromJulianDay(value: number): Moment | undefined {
  const ms = rounded(value * DAY_MS);
  return ms === undefined ? undefined : (ms - JULIAN_EPOCH_MS) * 1_000n;
}

/** A whole number that is exact as a double, too. */
function rounded(value: number): bigint | undefined {
  const whole = Math.round(value);
  return Number.isSafeInteger(whole) ? BigInt(whole) : undefined;
}

/** Text has four digits for the year. */
function isWritable(moment: Moment): boolean {
  return moment >= FIRST_WRITABLE && moment < AFTER_WRITABLE;
}
