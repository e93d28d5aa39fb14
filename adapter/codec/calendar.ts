/** A day of the Gregorian calendar, which both databases extend to all times. The year before 1 is 0, and then -1. */
export interface CalendarDay {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

/** After how many days of a year that begins in March its months begin. */
const MONTH_STARTS = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337] as const;
const DAYS_IN_400_YEARS = 146_097;
/** From 1 March of the year 0 to 1 January 1970. */
const EPOCH = 719_468;

/** The number of days from 1 January 1970 to a day; `undefined` when the calendar has no such day. */
export function daysOf({ year, month, day }: CalendarDay): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  // In a year that begins in March the leap day is the last one, and moves no other.
  const shifted = month > 2 ? year : year - 1;
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leapDays + (MONTH_STARTS[(month + 9) % 12] ?? 0) + day - 1 - EPOCH;
}

/** The day that is so many days after 1 January 1970. */
export function dayAfterEpoch(days: number): CalendarDay {
  const sinceMarch = days + EPOCH;
  const era = Math.floor(sinceMarch / DAYS_IN_400_YEARS);
  const dayOfEra = sinceMarch - era * DAYS_IN_400_YEARS;
  const centuries = Math.min(Math.floor(dayOfEra / 36_524), 3);
  const dayOfCentury = dayOfEra - centuries * 36_524;
  const fours = Math.floor(dayOfCentury / 1_461);
  const dayOfFour = dayOfCentury - fours * 1_461;
  const years = Math.min(Math.floor(dayOfFour / 365), 3);
  const dayOfYear = dayOfFour - years * 365;
  // From March on, each five months have 153 days.
  const index = Math.floor((dayOfYear * 5 + 2) / 153);
  const month = ((index + 2) % 12) + 1;
  return {
    year: era * 400 + centuries * 100 + fours * 4 + years + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - (MONTH_STARTS[index] ?? 0) + 1,
  };
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
