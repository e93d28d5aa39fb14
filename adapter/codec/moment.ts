import { dayAfterEpoch, daysOf } from './calendar.ts';

/** A moment: microseconds since 1970 in UTC, without leap seconds. What all forms of moments and of days are read to. */
export type Moment = bigint;

/** Microseconds of one day. */
export const DAY = 86_400_000_000n;

/** How a moment is written as text. */
export interface MomentText {
  readonly separator: ' ' | 'T';
  /** How many digits of a second's fraction there are. */
  readonly digits: number;
  readonly zone: string;
}

const PARTS =
  /^(?<year>\d{4,7})-(?<month>\d\d)-(?<day>\d\d)(?:[ T](?<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?: ?(?<zone>Z|[+-]\d\d(?::\d\d)?))?)?(?<era> BC)?$/;

/**
 * The moment that a text says, in any of the forms that SQLite's date functions and PostgreSQL with `DateStyle` ISO
 * write; without a zone it is taken for UTC, as SQLite takes it. `undefined` for any other text: impossible dates, leap
 * seconds, the end of a day as 24:00, fractions below a microsecond.
 */
export function readMomentText(text: string): Moment | undefined {
  const parts = PARTS.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { year = '', month, day, time = '00:00', zone = 'Z', era } = parts;
  const days = daysOf({
    year: era === undefined ? Number(year) : 1 - Number(year),
    month: Number(month),
    day: Number(day),
  });
  const ofDay = readTimeOfDay(time);
  const offset = readOffset(zone);
  if (days === undefined || ofDay === undefined || ofDay === DAY || offset === undefined) return undefined;
  return BigInt(days) * DAY + ofDay - offset;
}

const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0*)?)?$/;

/** Microseconds since midnight, of `09:30`, `09:30:00` or `09:30:00.25`; up to 24:00, which PostgreSQL has and SQLite has not. */
export function readTimeOfDay(text: string): bigint | undefined {
  const [, hours, minutes, seconds = '0', fraction = ''] = TIME.exec(text) ?? [];
  if (hours === undefined || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const whole = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  const micros = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  return micros > DAY ? undefined : micros;
}

function readOffset(zone: string): bigint | undefined {
  if (zone === 'Z') return 0n;
  const [hours = 0, past = 0] = zone.slice(1).split(':').map(Number);
  const minutes = hours * 60 + past;
  if (past > 59 || minutes >= 15 * 60) return undefined;
  return BigInt(zone.startsWith('-') ? -minutes : minutes) * 60_000_000n;
}

/** The text of a moment. Digits that it has no room for are left out. */
export function writeMomentText(moment: Moment, { separator, digits, zone }: MomentText): string {
  const { date, era } = writeDay(moment);
  return `${date}${separator}${writeTimeOfDay(microsOfDay(moment), digits)}${zone}${era}`;
}

/** The text of the day on which a moment lies. */
export function writeDayText(moment: Moment): string {
  const { date, era } = writeDay(moment);
  return `${date}${era}`;
}

/** The text of so many microseconds since midnight. */
export function writeTimeOfDay(micros: bigint, digits: number): string {
  const whole = Number(micros / 1_000_000n);
  const fraction = String(micros % 1_000_000n).padStart(6, '0');
  const time = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60]
    .map((part) => pad(part, 2))
    .join(':');
  return digits === 0 ? time : `${time}.${fraction.slice(0, digits)}`;
}

/** The year in which a moment lies; 0 is the one before 1. */
export function yearOf(moment: Moment): number {
  return dayAfterEpoch(daysSinceEpoch(moment)).year;
}

function microsOfDay(moment: Moment): bigint {
  const rest = moment % DAY;
  return rest < 0n ? rest + DAY : rest;
}

function daysSinceEpoch(moment: Moment): number {
  return Number((moment - microsOfDay(moment)) / DAY);
}

/** PostgreSQL counts the years before the first one, which are 0, -1, … here, as 1 BC, 2 BC, … */
function writeDay(moment: Moment): { date: string; era: '' | ' BC' } {
  const { year, month, day } = dayAfterEpoch(daysSinceEpoch(moment));
  const date = `${pad(year > 0 ? year : 1 - year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  return { date, era: year > 0 ? '' : ' BC' };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
