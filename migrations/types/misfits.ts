import { formsOf } from '../../adapter/codec/form.ts';
import type { Affinity } from '../sqlite/schema.ts';
import type { ColumnCensus, Tally } from './column-census.ts';
import { fitOf } from './form-fit.ts';

/** Values that a PostgreSQL type cannot hold, or could not give back as they were. */
export interface Misfit extends Tally {
  /** The finding's code. */
  readonly code: string;
  /** What the rows hold, after "holds": `text in 3 of 10 rows`. */
  readonly what: string;
  /** The statement or decision that would mend it. */
  readonly remedy: string;
}

export interface MisfitQuestion {
  /** As `format_type` gives it. */
  readonly type: string;
  readonly form: string | null;
  readonly affinity: Affinity;
  readonly census: ColumnCensus;
}

/**
 * What of a column a PostgreSQL type cannot hold exactly as it is; empty if all fits. The rules are those of
 * adapter/codec.ts, on counts instead of values.
 *
 * One rule is about the way back: SQLite turns a whole number that PostgreSQL gives back as 1 or 1.0 into what it was
 * only in a column of INTEGER or NUMERIC affinity.
 */
export function misfits({ type, form, affinity, census }: MisfitQuestion): readonly Misfit[] {
  const found = (RULES[type.replace(/\(.*\)/, '')] ?? formRule)({ type, form, affinity, census });
  return found.filter((misfit) => misfit.count > 0);
}

type Rule = (question: MisfitQuestion) => readonly Misfit[];

const NUMBERS_RETURN: ReadonlySet<Affinity> = new Set(['INTEGER', 'NUMERIC', 'REAL']);

function text(census: ColumnCensus): Misfit {
  return {
    ...census.texts,
    code: 'text-in-number',
    what: 'text',
    remedy: 'put numbers in their place, or declare the column TEXT in SQLite and write all its values as text',
  };
}

function blobs(census: ColumnCensus): Misfit {
  return { ...census.blobs, code: 'unexpected-blob', what: 'blobs', remedy: 'CAST the blobs to what they mean' };
}

function integers(census: ColumnCensus): Misfit {
  return {
    ...census.integers,
    code: 'unexpected-integer',
    what: 'integers',
    remedy:
      'write them as the other values of the column are written (CAST(… AS TEXT) where the column is declared TEXT)',
  };
}

function reals(census: ColumnCensus): Misfit {
  return {
    ...census.reals,
    code: 'unexpected-real',
    what: 'reals',
    remedy: 'write them as the other values of the column are written',
  };
}

function integerRule(min: bigint, max: bigint): Rule {
  return ({ census }) => {
    const isOut = (census.minInteger ?? 0n) < min || (census.maxInteger ?? 0n) > max;
    return [
      {
        ...census.reals,
        code: 'real-in-integer',
        what: 'reals',
        remedy: 'round them with UPDATE, or set the column\'s type to "numeric" or "double precision"',
      },
      text(census),
      blobs(census),
      {
        // How many is not counted; that there is one suffices to refuse the type.
        count: isOut ? 1 : 0,
        keys: [],
        code: 'integer-out-of-range',
        what: `integers from ${census.minInteger ?? 0n} to ${census.maxInteger ?? 0n}`,
        remedy: 'set the column\'s type to "bigint"',
      },
    ];
  };
}

function textRule({ type, census }: MisfitQuestion): readonly Misfit[] {
  const limit = Number(/\((\d+)\)/.exec(type)?.[1] ?? Infinity);
  return [
    integers(census),
    reals(census),
    blobs(census),
    {
      ...census.nulTexts,
      code: 'nul-in-text',
      what: 'text with NUL characters, which PostgreSQL cannot hold',
      remedy: "take the NUL characters out with UPDATE … SET c = replace(c, char(0), '')",
    },
    {
      ...census.invalidUtf8,
      code: 'invalid-utf8',
      what: 'text that is not valid UTF-8, which PostgreSQL cannot hold',
      remedy:
        'write the text in UTF-8, or keep the bytes as a blob (UPDATE … SET c = CAST(c AS BLOB)) in a column of type bytea',
    },
    {
      count: census.maxCharacters > limit ? 1 : 0,
      keys: [],
      code: 'text-too-long',
      what: `text of up to ${census.maxCharacters} characters`,
      remedy: 'set the column\'s type to "text"',
    },
  ];
}

function jsonRule(question: MisfitQuestion): readonly Misfit[] {
  const { json } = question.census;
  const looked: readonly Misfit[] =
    json === null
      ? [
          {
            ...question.census.texts,
            code: 'json-not-looked-at',
            what: 'text that was not read as JSON',
            remedy: 'take a census that reads it',
          },
        ]
      : [
          {
            ...json.invalid,
            code: 'invalid-json',
            what: 'text that is not JSON',
            remedy: 'mend it with UPDATE (find it by NOT json_valid(c)), or set the column\'s type to "text"',
          },
        ];
  const strict: readonly Misfit[] =
    json === null || question.type === 'json'
      ? []
      : [
          {
            ...json.beyondJsonb,
            code: 'json-beyond-jsonb',
            what: 'JSON that jsonb cannot hold (\\u0000, half a surrogate pair, a number out of range)',
            remedy: 'set the column\'s type to "text" or "json"',
          },
        ];
  return [...textRule(question), ...looked, ...strict];
}

function decimalRule({ type, affinity, census }: MisfitQuestion): readonly Misfit[] {
  return [
    text(census),
    blobs(census),
    ...(NUMBERS_RETURN.has(affinity) ? [] : [{ ...census.wholeReals, ...WHOLE_REAL }]),
    ...(type.includes('(')
      ? [
          {
            ...census.beyondDecimal,
            code: 'beyond-decimal',
            what: `numbers that do not fit ${type}`,
            remedy: 'set the column\'s type to "numeric"',
          },
        ]
      : []),
  ];
}

const WHOLE_REAL = {
  code: 'whole-real-beside-integers',
  what: 'whole numbers stored as REAL, which would come back as integers',
  remedy: 'declare a type in SQLite, so that all its numbers are stored alike',
} as const;

function doubleRule({ affinity, census }: MisfitQuestion): readonly Misfit[] {
  const isKept = NUMBERS_RETURN.has(affinity);
  return [
    text(census),
    blobs(census),
    isKept
      ? {
          ...census.beyondDouble,
          code: 'integer-beyond-double',
          what: 'integers that no double equals',
          remedy: 'set the column\'s type to "numeric"',
        }
      : { ...integers(census), what: 'integers, which would come back as reals' },
  ];
}

function booleanRule({ census }: MisfitQuestion): readonly Misfit[] {
  return [
    {
      ...census.notZeroOrOne,
      code: 'not-zero-or-one',
      what: 'integers other than 0 and 1',
      remedy: 'make them 0 or 1 with UPDATE, or set the column\'s type to "bigint"',
    },
    reals(census),
    text(census),
    blobs(census),
  ];
}

function byteaRule({ census }: MisfitQuestion): readonly Misfit[] {
  return [
    integers(census),
    reals(census),
    {
      ...census.texts,
      code: 'text-in-blob',
      what: 'text',
      remedy: 'make it bytes with UPDATE … SET c = CAST(c AS BLOB)',
    },
  ];
}

/** Types whose values SQLite holds in one of several forms: everything in another form than the declared one is a misfit. */
function formRule({ type, form, census }: MisfitQuestion): readonly Misfit[] {
  const declared = form ?? formsOf(type)[0] ?? '';
  const fit = fitOf(declared);
  const odd = [...census.forms].filter(([name]) => !fit.takesText(name));
  const names = odd.map(([name, { count }]) => `${count} × ${name}`).join(', ');
  const { integers: range } = fit;
  const isOut = range !== null && ((census.minInteger ?? 0n) < range.min || (census.maxInteger ?? 0n) > range.max);
  return [
    {
      count: odd.reduce((sum, [, { count }]) => sum + count, 0),
      keys: odd.flatMap(([, { keys }]) => keys).slice(0, EXAMPLES),
      code: odd.some(([name]) => name === 'impossible-date') ? 'impossible-date' : 'mixed-forms',
      what: `text that is not of the form ${declared} (${names})`,
      remedy: `write them in one form with UPDATE, or set the column's type to "text"`,
    },
    { ...(range === null ? census.integers : NONE), code: 'unexpected-integer', what: 'integers', remedy: FORM_REMEDY },
    {
      count: isOut ? 1 : 0,
      keys: [],
      code: 'moment-out-of-range',
      what: `integers from ${census.minInteger ?? 0n} to ${census.maxInteger ?? 0n}, beyond what ${declared} reaches`,
      remedy: FORM_REMEDY,
    },
    { ...(fit.takesReals ? NONE : census.reals), code: 'unexpected-real', what: 'reals', remedy: FORM_REMEDY },
    {
      ...(fit.takesBlobs16 ? less(census.blobs, census.blobs16) : census.blobs),
      code: 'unexpected-blob',
      what: 'blobs',
      remedy: 'CAST the blobs to what they mean',
    },
  ];
}

/** How many keys a finding shows. */
const EXAMPLES = 5;
const NONE: Tally = { count: 0, keys: [] };
const FORM_REMEDY = "write them as the other values are written, or set the column's form to one that takes them";

function less(all: Tally, part: Tally): Tally {
  return { count: all.count - part.count, keys: all.keys.filter((key) => !part.keys.includes(key)) };
}

const RULES: Readonly<Record<string, Rule>> = {
  smallint: integerRule(-(2n ** 15n), 2n ** 15n - 1n),
  integer: integerRule(-(2n ** 31n), 2n ** 31n - 1n),
  bigint: integerRule(-(2n ** 63n), 2n ** 63n - 1n),
  'double precision': doubleRule,
  numeric: decimalRule,
  boolean: booleanRule,
  text: textRule,
  'character varying': textRule,
  character: textRule,
  json: jsonRule,
  jsonb: jsonRule,
  bytea: byteaRule,
};
