import type { TextForm } from './column-census.ts';

/**
 * How a text reads. Called for every text of a database, so it looks at the length and at single characters before it
 * runs a regular expression.
 */
export function textForm(text: string): TextForm {
  const { length } = text;
  if (length === 0) return 'empty';
  // No form that is told apart is longer than a UUID in braces, a date with its offset, or a number of some digits.
  if (length > 40) return 'other';
  if (length >= 10 && text.charCodeAt(4) === HYPHEN && text.charCodeAt(7) === HYPHEN) {
    const form = dateForm(text);
    if (form !== undefined) return form;
  }
  if (length >= 5 && text.charCodeAt(2) === COLON) {
    const form = timeForm(text);
    if (form !== undefined) return form;
  }
  if (length === 36 || length === 32 || length === 38 || length === 34) {
    const form = uuidForm(text);
    if (form !== undefined) return form;
  }
  return numberForm(text);
}

const HYPHEN = 45;
const COLON = 58;
const NINE = 57;

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:([ T])(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?( ?(?:Z|[+-]\d\d(?::?\d\d)?))?)?$/;

function dateForm(text: string): TextForm | undefined {
  const parts = DATE.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, separator, hour, minute, second, fraction, zone] = parts;
  if (!isDay(Number(year), Number(month), Number(day))) return 'impossible-date';
  if (separator === undefined) return 'date';
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59) return 'impossible-date';
  const suffix = second === undefined ? undefined : SUFFIX[fraction?.length ?? 0];
  if (suffix === undefined) return 'other-moment';
  if (separator === ' ' && zone === ' +00:00') return suffix === '-ms' ? 'sequelize' : 'other-moment';
  const base = BASES[`${separator}${zone ?? ''}`];
  return base === undefined ? 'other-moment' : `${base}${suffix}`;
}

const SUFFIX: Readonly<Record<number, '' | '-ms' | '-us'>> = { 0: '', 3: '-ms', 6: '-us' };

const BASES: Readonly<Record<string, 'datetime' | 'datetime-offset' | 'iso' | 'iso-local' | 'iso-offset'>> = {
  ' ': 'datetime',
  ' +00:00': 'datetime-offset',
  T: 'iso-local',
  TZ: 'iso',
  'T+00:00': 'iso-offset',
};

/** Whether the calendar has such a day, in the years that text can count. */
function isDay(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  if (day <= 28) return true;
  if (month === 2) return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31);
}

const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$/;

function timeForm(text: string): TextForm | undefined {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [, hour, minute, second, fraction] = parts;
  // PostgreSQL's times of day go up to 24:00 and no further.
  const isEnd = hour === '24' && !/[1-9]/.test(text.slice(2));
  if ((Number(hour) > 23 && !isEnd) || Number(minute) > 59 || Number(second ?? 0) > 59) return 'impossible-date';
  if (second === undefined) return 'time-min';
  const suffix = SUFFIX[fraction?.length ?? 0];
  return suffix === undefined ? 'other-moment' : `time${suffix}`;
}

const UUID = /^(?:\{[\da-f]{8}-?(?:[\da-f]{4}-?){3}[\da-f]{12}\}|[\da-f]{8}(-?)(?:[\da-f]{4}\1){3}[\da-f]{12})$/i;

function uuidForm(text: string): TextForm | undefined {
  const parts = UUID.exec(text);
  if (parts === null) return undefined;
  const [, hyphen] = parts;
  if (hyphen === undefined) return 'other-uuid';
  const isLower = !/[A-F]/.test(text);
  if (hyphen === '') return isLower ? 'uuid-hex' : 'other-uuid';
  const isUpper = !/[a-f]/.test(text);
  if (isLower && isUpper) return 'uuid-digits';
  if (isLower) return 'uuid';
  return isUpper ? 'uuid-upper' : 'other-uuid';
}

/** As SQLite reads numbers, but for spaces around them. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function numberForm(text: string): TextForm {
  if (text.charCodeAt(0) > NINE || !NUMBER.test(text)) return 'other';
  return /^[+-]?\d+$/.test(text) ? 'integer' : 'real';
}
