import { dayAfterEpoch, daysOf } from './calendar.ts';

/** A moment: microseconds since 1970 in UTC, without leap seconds. What all forms of moments and of days are read to. */
export type Moment = bigint;

/** Microseconds of one day. */
export const DAY = 86_400_000_000n;
const DAY_MICROS = Number(DAY);

/** How a moment is written as text. */
export interface MomentText {
  readonly separator: ' ' | 'T';
  /** How many digits of a second's fraction there are. */
  readonly digits: number;
  readonly zone: string;
}

/** Year, month, day, time of day with its parts, zone, era. */
const PARTS =
  /^(\d{4,7})-(\d\d)-(\d\d)(?:[ T]((\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0{0,3})?)?)(?: ?(Z|[+-]\d\d(?::\d\d)?))?)?( BC)?$/;

/**
 * The moment that a text says, in any of the forms that SQLite's date functions and PostgreSQL with `DateStyle` ISO
 * write; without a zone it is taken for UTC, as SQLite takes it. `undefined` for any other text: impossible dates, leap
 * seconds, the end of a day as 24:00, fractions below a microsecond.
 */
export function readMomentText(text: string): Moment | undefined {
  const parts = PARTS.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, time, hours, minutes, seconds, fraction, zone, era] = parts;
  const days = daysOf({
    year: era === undefined ? Number(year) : 1 - Number(year),
    month: Number(month),
    day: Number(day),
  });
  const ofDay = time === undefined ? 0 : microsOf({ hours, minutes, seconds, fraction });
  const offset = zone === undefined || zone === 'Z' ? 0 : readOffset(zone);
  if (days === undefined || ofDay === undefined || ofDay === DAY_MICROS || offset === undefined) return undefined;
  return BigInt(days) * DAY + BigInt(ofDay - offset);
}

const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0{0,3})?)?$/;

/** Microseconds since midnight, of `09:30`, `09:30:00` or `09:30:00.25`; up to 24:00, which PostgreSQL has and SQLite has not. */
export function readTimeOfDay(text: string): bigint | undefined {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [, hours, minutes, seconds, fraction] = parts;
  const micros = microsOf({ hours, minutes, seconds, fraction });
  return micros === undefined ? undefined : BigInt(micros);
}

type TimeParts = Readonly<Record<'hours' | 'minutes' | 'seconds' | 'fraction', string | undefined>>;

function microsOf({ hours, minutes, seconds = '0', fraction = '0' }: TimeParts): number | undefined {
  if (Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const whole = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  const micros = whole * 1_000_000 + Number(fraction) * 10 ** (6 - fraction.length);
  return micros > DAY_MICROS ? undefined : micros;
}

/** In microseconds. */
function readOffset(zone: string): number | undefined {
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4));
  if (minutes > 59 || hours >= 15) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000_000;
}

/** The text of a moment. Digits that it has no room for are left out. */
export function writeMomentText(moment: Moment, { separator, digits, zone }: MomentText): string {
  const ofDay = microsOfDay(moment);
  const { date, era } = writeDay((moment - ofDay) / DAY);
  return `${date}${separator}${writeTimeOfDay(ofDay, digits)}${zone}${era}`;
}

/** The text of the day on which a moment lies. */
export function writeDayText(moment: Moment): string {
  const { date, era } = writeDay((moment - microsOfDay(moment)) / DAY);
  return `${date}${era}`;
}

/** The text of so many microseconds since midnight. */
export function writeTimeOfDay(ofDay: bigint, digits: number): string {
  const micros = Number(ofDay);
  const seconds = Math.floor(micros / 1_000_000);
  const minutes = Math.floor(seconds / 60);
  const time = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
  if (digits === 0) return time;
  return `${time}.${String(micros % 1_000_000)
    .padStart(6, '0')
    .slice(0, digits)}`;
}

function microsOfDay(moment: Moment): bigint {
  const rest = moment % DAY;
  return rest < 0n ? rest + DAY : rest;
}

/** PostgreSQL counts the years before the first one, which are 0, -1, … here, as 1 BC, 2 BC, … */
function writeDay(days: bigint): { date: string; era: '' | ' BC' } {
  const { year, month, day } = dayAfterEpoch(Number(days));
  const date = `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  return { date, era: year > 0 ? '' : ' BC' };
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
