/** Rows that have something in common: how many, and which the first few are. */
export interface Tally {
  readonly count: number;
  /** Keys as people read them: `[17]`. */
  readonly keys: readonly string[];
}

/**
 * How a text reads, for columns of dates and the like; the names are those of adapter/codec/form.ts where it has one.
 *
 * `uuid-digits` is a UUID without letters, and so in lower and in upper case; `impossible-date` looks like a date or time and is none (`2024-02-30`, `0000-00-00`), or one outside of the years 0001
 * to 9999; `other-moment` is a date and time in a form that no codec writes (another offset than UTC, two digits of a
 * second's fraction); `other` is everything else.
 */
export type TextForm =
  | 'datetime'
  | 'datetime-ms'
  | 'datetime-us'
  | 'datetime-offset'
  | 'datetime-offset-ms'
  | 'datetime-offset-us'
  | 'sequelize'
  | 'iso'
  | 'iso-ms'
  | 'iso-us'
  | 'iso-local'
  | 'iso-local-ms'
  | 'iso-local-us'
  | 'iso-offset'
  | 'iso-offset-ms'
  | 'iso-offset-us'
  | 'date'
  | 'time'
  | 'time-ms'
  | 'time-us'
  | 'time-min'
  | 'uuid'
  | 'uuid-upper'
  | 'uuid-digits'
  | 'uuid-hex'
  | 'other-uuid'
  | 'impossible-date'
  | 'other-moment'
  | 'integer'
  | 'real'
  | 'empty'
  | 'other';

/** The unit in which an integer may count from 1970. */
export type Magnitude = 's' | 'ms' | 'us' | 'ns' | 'other';

/** What a column really holds: SQLite lets every value decide its own type. */
export interface ColumnCensus {
  readonly nulls: Tally;
  readonly integers: Tally;
  readonly reals: Tally;
  readonly texts: Tally;
  readonly blobs: Tally;

  readonly minInteger: bigint | null;
  readonly maxInteger: bigint | null;
  /** Integers by what they would be as moments from 1973 to 3000 or so; `other` is the rest, 0 included. */
  readonly magnitudes: Readonly<Record<Magnitude, number>>;
  /** Integers other than 0 and 1. */
  readonly notZeroOrOne: Tally;
  /** Integers past ±(2^53 - 1), which JavaScript's numbers round. */
  readonly beyondSafe: Tally;
  /** Integers that no double equals, and -2^63, which SQLite would not make an integer again. */
  readonly beyondDouble: Tally;

  /** Reals with a fraction. */
  readonly fractions: Tally;
  /** Reals that are whole and within 64 bits: `1.0`. */
  readonly wholeReals: Tally;
  /** Both infinities. */
  readonly infinities: Tally;
  readonly minReal: number | null;
  readonly maxReal: number | null;
  /** Reals that would be days of the years 1900 to 2199 as Julian days. */
  readonly julianDays: Tally;
  /** Numbers that do not fit the precision and scale looked at (`CensusOptions.decimals`, or as declared). */
  readonly beyondDecimal: Tally;
  /** The most decimals of any number; null where no precision was looked at. */
  readonly maxDecimals: number | null;

  /** How the texts read. Forms that do not occur are missing. */
  readonly forms: ReadonlyMap<TextForm, Tally>;
  /** Of the longest text, in characters. */
  readonly maxCharacters: number;
  /** Of the longest text or blob, in bytes. */
  readonly maxBytes: number;
  readonly nulTexts: Tally;
  readonly invalidUtf8: Tally;
  /** Blobs of 16 bytes: the size of a UUID. */
  readonly blobs16: Tally;

  /**
   * Texts as JSON; null where it was not looked at: reading JSON is slow, so in a column that is not declared JSON it
   * ends at the first text that is none.
   */
  readonly json: JsonCensus | null;
}

export interface JsonCensus {
  /** Texts that are no JSON; PostgreSQL's `json` and `jsonb` refuse them. */
  readonly invalid: Tally;
  /** JSON that `jsonb` refuses: `\u0000`, half a surrogate pair, a number beyond `numeric`. */
  readonly beyondJsonb: Tally;
  /** Objects and arrays, as opposed to single values. */
  readonly containers: Tally;
}

export interface TableCensus {
  readonly table: string;
  /** Rows looked at. */
  readonly rows: number;
  /** Whether every row was looked at: only then does "none" mean none. */
  readonly isComplete: boolean;
  /** By name, as the schema spells it. */
  readonly columns: ReadonlyMap<string, ColumnCensus>;
}
