import { define, PACK_SCHEMA, qualified } from './define.ts';

/** Writes a cast to `value` that PostgreSQL applies by itself. */
function cast(from: string, expression: string): string {
  const name = `_value_of`;
  return [
    define(`${name}(${from}) RETURNS value`, expression),
    qualified(`DO $do$ BEGIN
      CREATE CAST (${from} AS value) WITH FUNCTION pack.${name}(${from}) AS IMPLICIT;
    EXCEPTION WHEN duplicate_object THEN NULL; END $do$;\n`),
  ].join('');
}

const integer = 'ROW(1, $1::bigint, NULL, NULL, NULL)::value ';
const real = "CASE WHEN $1 = 'NaN' THEN NULL ELSE ROW(2, NULL, $1::double precision, NULL, NULL)::value END";
const text = (from: string): string => `ROW(3, NULL, NULL, ${from}, NULL)::value `;

/**
 * The type `value`: what one SQLite value can be. `kind` is 1 integer, 2 real, 3 text, 4 blob, 5 JSON text (SQLite's
 * JSON subtype: text that nests in JSON as it is). NULL is the NULL of the type itself.
 */
export const VALUE_SQL = [
  qualified(`DO $do$ BEGIN
    CREATE TYPE ${PACK_SCHEMA}.value AS (kind smallint, i bigint, r double precision, t text, b bytea);
  EXCEPTION WHEN duplicate_object THEN NULL; END $do$;\n`),
  cast('bigint', integer),
  cast('integer', integer),
  cast('smallint', integer),
  cast('boolean', 'ROW(1, $1::integer, NULL, NULL, NULL)::value '),
  cast('double precision', real),
  cast('real', real),
  cast(
    'numeric',
    `CASE WHEN $1 = 'NaN' THEN NULL
      WHEN $1 = pg.trunc($1) AND $1 BETWEEN -9223372036854775808 AND 9223372036854775807
      THEN ROW(1, $1::bigint, NULL, NULL, NULL)::value
      ELSE ROW(2, NULL, $1::double precision, NULL, NULL)::value END`,
  ),
  cast('text', text('$1')),
  cast('character varying', text('$1::text')),
  cast('character', text('$1::text')),
  cast('uuid', text('$1::text')),
  cast('bytea', 'ROW(4, NULL, NULL, NULL, $1)::value '),
  cast('json', 'ROW(5, NULL, NULL, pack._minified($1::text), NULL)::value '),
  cast('jsonb', 'ROW(5, NULL, NULL, pack._minified($1::text), NULL)::value '),
  // SQLite's text forms of moments; to_char is only called stable because some of its patterns are.
  define(
    `_moment_text(timestamp) RETURNS text`,
    `BEGIN
    RETURN pg.to_char($1, CASE WHEN pg.date_trunc('second', $1) = $1 THEN 'YYYY-MM-DD HH24:MI:SS' ELSE 'YYYY-MM-DD HH24:MI:SS.MS' END);
  END`,
    { language: 'plpgsql' },
  ),
  define(`_day_text(date) RETURNS text`, `BEGIN RETURN pg.to_char($1, 'YYYY-MM-DD'); END`, { language: 'plpgsql' }),
  cast('timestamp', text('pack._moment_text($1)')),
  cast('timestamptz', text(`pack._moment_text(pg.timezone('UTC', $1))`)),
  cast('date', text('pack._day_text($1)')),
  cast('time', text(`"left"($1::text, 12)`).replace('"left"', 'pg."left"')),
  // What a value is as text, the way SQLite reads it where text is wanted.
  define(
    '_text(v value) RETURNS text',
    `CASE ($1).kind WHEN 1 THEN ($1).i::text WHEN 2 THEN pack.cast_text(($1).r) WHEN 4 THEN pg.convert_from(($1).b, 'UTF8') ELSE ($1).t END`,
  ),
  define(
    'typeof(v value) RETURNS text',
    `CASE ($1).kind WHEN 1 THEN 'integer' WHEN 2 THEN 'real' WHEN 4 THEN 'blob' WHEN 3 THEN 'text' WHEN 5 THEN 'text' ELSE 'null' END`,
    { isStrict: false },
  ),
  define('typeof(text) RETURNS text', `CASE WHEN $1 IS NULL THEN 'null' ELSE 'text' END`, { isStrict: false }),
  // SQLite's order of values: numbers, text by bytes, blobs.
  define(
    'compare(a value, b value) RETURNS bigint',
    `
DECLARE
  a_class integer := CASE WHEN a.kind <= 2 THEN 1 WHEN a.kind = 4 THEN 3 ELSE 2 END;
  b_class integer := CASE WHEN b.kind <= 2 THEN 1 WHEN b.kind = 4 THEN 3 ELSE 2 END;
BEGIN
  IF a_class <> b_class THEN RETURN CASE WHEN a_class < b_class THEN -1 ELSE 1 END; END IF;
  IF a_class = 2 THEN
    RETURN CASE WHEN a.t = b.t THEN 0 WHEN a.t COLLATE "C" < b.t COLLATE "C" THEN -1 ELSE 1 END;
  ELSIF a_class = 3 THEN
    RETURN CASE WHEN a.b = b.b THEN 0 WHEN a.b < b.b THEN -1 ELSE 1 END;
  ELSIF a.kind = 1 AND b.kind = 1 THEN
    RETURN CASE WHEN a.i = b.i THEN 0 WHEN a.i < b.i THEN -1 ELSE 1 END;
  ELSIF a.kind = 2 AND b.kind = 2 THEN
    RETURN CASE WHEN a.r = b.r THEN 0 WHEN a.r < b.r THEN -1 ELSE 1 END;
  ELSIF a.kind = 1 THEN
    RETURN -pack._compare_real(b.r, a.i);
  END IF;
  RETURN pack._compare_real(a.r, b.i);
END`,
    { language: 'plpgsql' },
  ),
  // One of all values that are equal to it: what rows are grouped by and made distinct by.
  define(
    'settled(v value) RETURNS value',
    `CASE WHEN ($1).kind = 2 AND ($1).r = pg.trunc(($1).r) AND ($1).r >= -9223372036854775808 AND ($1).r < 9223372036854775808
      THEN ROW(1, ($1).r::bigint, NULL, NULL, NULL)::crossfade_sqlite.value
      WHEN ($1).kind = 5 THEN ROW(3, NULL, NULL, ($1).t, NULL)::crossfade_sqlite.value ELSE $1 END`,
  ),
  // The integer that a value is to a column of integers; NULL where it is none.
  define(
    'integer_key(v value) RETURNS bigint',
    `CASE ($1).kind WHEN 1 THEN ($1).i WHEN 2 THEN (pack.settled($1)).i ELSE (pack.settled(pack._numeric($1))).i END`,
  ),
  // A real against an integer, exactly: a double past 2^53 is whole.
  define(
    '_compare_real(r double precision, i bigint) RETURNS bigint',
    `CASE WHEN $1 >= 9223372036854775808 THEN 1 WHEN $1 < -9223372036854775808 THEN -1
      WHEN pg.trunc($1)::bigint > $2 THEN 1 WHEN pg.trunc($1)::bigint < $2 THEN -1
      WHEN $1 > pg.trunc($1) THEN 1 WHEN $1 < pg.trunc($1) THEN -1 ELSE 0 END`,
  ),
];
