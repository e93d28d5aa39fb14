import { define, PACK_SCHEMA, qualified } from './define.ts';

interface Aggregate {
  readonly step: string;
  readonly state: string;
  readonly start?: string;
  readonly end?: string;
}

/** Aggregates; PostgreSQL lets each serve as a window function too. */
export const AGGREGATE_SQL = [
  // Kahan-Babuška-Neumaier, as SQLite adds reals: sum, its error, how many.
  define(
    '_add(state double precision[], x double precision) RETURNS double precision[]',
    `
DECLARE
  total double precision := state[1];
  sum double precision;
BEGIN
  IF x IS NULL THEN RETURN state; END IF;
  IF pg.abs(total) > 8e307 OR pg.abs(x) > 8e307 THEN
    RETURN ARRAY[pack._sum(total, x), state[2], state[3] + 1];
  END IF;
  sum := total + x;
  RETURN ARRAY[sum, state[2] + CASE WHEN pg.abs(total) > pg.abs(x) THEN (total - sum) + x ELSE (x - sum) + total END, state[3] + 1];
END`,
    { language: 'plpgsql', isStrict: false },
  ),
  // Where PostgreSQL raises an error for a sum too large, SQLite has infinity, and NaN is NULL.
  define(
    '_sum(a double precision, b double precision) RETURNS double precision',
    `CASE WHEN $1 = 'NaN' OR $2 = 'NaN' OR pg.abs($1) = 'Infinity' OR pg.abs($2) = 'Infinity' THEN $1 + $2
      WHEN pg.abs($1 / 2 + $2 / 2) > 8.988465674311579e307 THEN pg.sign($1) * 'Infinity'::double precision ELSE $1 + $2 END`,
  ),
  define(
    '_added(state double precision[]) RETURNS double precision',
    `CASE WHEN $1[1] = 'NaN' THEN NULL WHEN pg.abs($1[1]) = 'Infinity' THEN $1[1] ELSE $1[1] + $1[2] END`,
  ),
  define(
    '_added_or_null(state double precision[]) RETURNS double precision',
    `CASE WHEN $1[3] > 0 THEN pack._added($1) END`,
  ),
  define(
    '_average(state double precision[]) RETURNS double precision',
    `CASE WHEN $1[3] > 0 THEN pack._added($1) / $1[3] END`,
  ),
  // An integer that no double holds goes in two parts.
  define(
    '_add(state double precision[], x bigint) RETURNS double precision[]',
    `
BEGIN
  IF x BETWEEN -9007199254740992 AND 9007199254740992 OR x IS NULL THEN RETURN pack._add(state, x::double precision); END IF;
  state := pack._add(pack._add(state, (x - x % 16384)::double precision), (x % 16384)::double precision);
  state[3] := state[3] - 1;
  RETURN state;
END`,
    { language: 'plpgsql', isStrict: false },
  ),
  define(
    '_add(state double precision[], x integer) RETURNS double precision[]',
    'pack._add($1, $2::double precision)',
    { isStrict: false },
  ),
  define('_add(state double precision[], x value) RETURNS double precision[]', 'pack._add($1, pack.cast_real($2))', {
    isStrict: false,
  }),
  ...['bigint', 'integer', 'double precision', 'value'].flatMap((type) => [
    aggregate(`total(${type})`, {
      step: 'pack._add',
      state: 'double precision[]',
      start: '{0,0,0}',
      end: 'pack._added',
    }),
    aggregate(`avg(${type})`, {
      step: 'pack._add',
      state: 'double precision[]',
      start: '{0,0,0}',
      end: 'pack._average',
    }),
  ]),
  aggregate('sum(double precision)', {
    step: 'pack._add',
    state: 'double precision[]',
    start: '{0,0,0}',
    end: 'pack._added_or_null',
  }),
  // Past the range it is an error, as in SQLite.
  aggregate('sum(bigint)', { step: 'pg.int8pl', state: 'bigint' }),
  // array_append is the one that appends without copying.
  define(
    '_joined(parts value[]) RETURNS text',
    `
DECLARE
  texts text[] := '{}';
  part value;
BEGIN
  FOREACH part IN ARRAY parts LOOP
    IF part.kind IS NOT NULL THEN texts := texts || pack._text(part); END IF;
  END LOOP;
  RETURN CASE WHEN pg.array_length(texts, 1) > 0 THEN pg.array_to_string(texts, ',') END;
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_joined(parts text[]) RETURNS text',
    `CASE WHEN pg.array_length(pg.array_remove($1, NULL), 1) > 0 THEN pg.array_to_string($1, ',') END`,
  ),
  define(
    '_join(joined text, x text, separator text) RETURNS text',
    `
BEGIN
  RETURN CASE WHEN x IS NULL THEN joined WHEN joined IS NULL THEN x ELSE joined || COALESCE(separator, '') || x END;
END`,
    { language: 'plpgsql', isStrict: false },
  ),
  define('_join(joined text, v value, separator text) RETURNS text', 'pack._join($1, pack._text($2), $3)', {
    isStrict: false,
  }),
  aggregate('group_concat(value)', { step: 'pg.array_append', state: 'value[]', start: '{}', end: 'pack._joined' }),
  aggregate('group_concat(text)', { step: 'pg.array_append', state: 'text[]', start: '{}', end: 'pack._joined' }),
  ...['group_concat(value, text)', 'group_concat(text, text)', 'string_agg(value, text)'].map((signature) =>
    aggregate(signature, { step: 'pack._join', state: 'text' }),
  ),
  aggregate('json_group_array(value)', {
    step: 'pg.array_append',
    state: 'value[]',
    start: '{}',
    end: 'pack._json_array',
  }),
  define(
    '_pair(state value[], label text, v value) RETURNS value[]',
    `CASE WHEN $2 IS NULL THEN $1 ELSE $1 || ARRAY[$2::crossfade_sqlite.value, $3] END`,
    {
      isStrict: false,
    },
  ),
  aggregate('json_group_object(text, value)', {
    step: 'pack._pair',
    state: 'value[]',
    start: '{}',
    end: 'pack._json_object',
  }),
  ...['json_group_array(text)', 'json_group_object(text, text)'].map((signature) => signature).flatMap(textFace),
];

function aggregate(signature: string, made: Aggregate): string {
  const parts = [
    `SFUNC = ${made.step}`,
    `STYPE = ${made.state}`,
    ...(made.start === undefined ? [] : [`INITCOND = '${made.start}'`]),
    ...(made.end === undefined ? [] : [`FINALFUNC = ${made.end}`]),
    'PARALLEL = SAFE',
  ];
  return `CREATE OR REPLACE AGGREGATE ${PACK_SCHEMA}.${qualified(`${signature} (${parts.join(', ')})`)};\n`;
}

/** The same for text, which string literals are. */
function textFace(signature: string): string[] {
  return signature === 'json_group_array(text)'
    ? [
        define('_append(state value[], x text) RETURNS value[]', 'pg.array_append($1, $2::crossfade_sqlite.value)', {
          isStrict: false,
        }),
        aggregate(signature, { step: 'pack._append', state: 'value[]', start: '{}', end: 'pack._json_array' }),
      ]
    : [
        define(
          '_pair(state value[], label text, x text) RETURNS value[]',
          'pack._pair($1, $2, $3::crossfade_sqlite.value)',
          { isStrict: false },
        ),
        aggregate(signature, { step: 'pack._pair', state: 'value[]', start: '{}', end: 'pack._json_object' }),
      ];
}
