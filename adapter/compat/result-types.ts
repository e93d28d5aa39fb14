import pg from 'pg';
import { nearestSingle } from '../codec/nearest-single.ts';

/** Reads PostgreSQL's text of a value. */
export type Parser = (text: string) => unknown;

/**
 * An integer as SQLite would give it: a number. Past 2^53 a number would lose digits without a word, so it comes as a
 * `bigint`, whose digits are all there and which no arithmetic or JSON takes for a number by mistake.
 */
export function jsNumber(exact: bigint): number | bigint {
  const value = Number(exact);
  return Number.isSafeInteger(value) ? value : exact;
}

function integer(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

const WHOLE = /^-?\d+(?:\.0*)?$/;

/** SQLite has integers and doubles only: a whole number is read as the first, anything else as the second. */
function numeric(text: string): number | bigint {
  return WHOLE.test(text) ? integer(text.split('.', 1)[0] ?? text) : Number(text);
}

const asText: Parser = (text) => text;

/** The session's time zone is UTC, and SQLite's own functions write moments without a zone. */
const moment: Parser = (text) => text.replace(/\+00(?::00)?$/, '');

/** What each of PostgreSQL's types is read as, by the oid of the type (pg_type.dat). */
const PARSERS: Readonly<Record<number, Parser>> = {
  16: (text) => (text === 't' ? 1 : 0), // boolean
  20: integer, // bigint
  114: asText, // json
  // SQLite's doubles have more digits than a real, whose shortest text says another double.
  700: nearestSingle, // real
  1042: (text) => text.replace(/ +$/, ''), // character(n), filled up with spaces
  1082: asText, // date
  1083: asText, // time
  1114: asText, // timestamp
  1184: moment, // timestamptz
  1186: asText, // interval
  1266: asText, // timetz
  1700: numeric, // numeric
  3802: asText, // jsonb
};

/** Gives a value of a type the shape that SQLite's have. */
export function parserOf(oid: number, format: 'text' | 'binary' = 'text'): Parser {
  const parser = format === 'binary' ? undefined : PARSERS[oid];
  return parser ?? pg.types.getTypeParser(oid, format);
}

const REAL_OIDS = [700, 701];

/**
 * As better-sqlite3 gives integers under its option `safeIntegers`: every one as a `bigint` (`exact`), or every one as a
 * number, whatever digits that costs (`rounded`).
 */
export function integersAs(kind: 'exact' | 'rounded', types: pg.CustomTypesConfig): pg.CustomTypesConfig {
  return {
    getTypeParser: (oid: number, format?: 'text' | 'binary') => {
      const parse = types.getTypeParser(oid, format) as Parser;
      if (REAL_OIDS.includes(oid)) return parse;
      return (text: string): unknown => {
        const value = parse(text);
        if (kind === 'rounded') return typeof value === 'bigint' ? Number(value) : value;
        return Number.isInteger(value) ? BigInt(value as number) : value;
      };
    },
  };
}

/** What is taken out of JSON, as SQLite's functions give it: strings without quotes, numbers, 1 and 0. */
export function extracted(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'number') return numeric(text);
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
