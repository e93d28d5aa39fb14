import { define } from './define.ts';

/** White space as SQLite knows it, inside a bracket of a regular expression. */
const SPACE = String.raw`[ \t\n\v\f\r]*`;

/** SQLite's CAST, which never fails, and the texts of numbers. */
export const CAST_SQL = [
  // The exact decimal value of a double: its mantissa times a power of two.
  define(
    '_exact(x double precision) RETURNS numeric',
    `
DECLARE
  bits bigint := ('x' || pg.encode(pg.float8send(x), 'hex'))::bit(64)::bigint;
  exponent integer := ((bits >> 52) & 2047)::integer;
  mantissa bigint := bits & 4503599627370495;
  shifted integer;
BEGIN
  IF exponent = 0 THEN exponent := 1; ELSE mantissa := mantissa | 4503599627370496; END IF;
  exponent := exponent - 1075;
  IF exponent >= 0 THEN RETURN mantissa::numeric * pg.round(pg.power(2::numeric, exponent::numeric)); END IF;
  WHILE exponent < 0 AND mantissa & 1023 = 0 AND mantissa <> 0 LOOP mantissa := mantissa >> 10; exponent := exponent + 10; END LOOP;
  IF exponent >= 0 THEN RETURN mantissa::numeric * pg.round(pg.power(2::numeric, exponent::numeric)); END IF;
  RETURN mantissa::numeric * pg.round(pg.power(5::numeric, (-exponent)::numeric)) * ('1e' || exponent)::numeric;
END`,
    { language: 'plpgsql' },
  ),
  // The first 64 bits of a power of ten.
  define(
    '_ten(power integer) RETURNS numeric',
    `
DECLARE
  shift integer := 63 - ((power * 108853) >> 15);
BEGIN
  IF power < 0 THEN RETURN pg.div(pg.round(pg.power(2::numeric, shift::numeric)), ('1e' || -power)::numeric); END IF;
  IF shift >= 0 THEN RETURN ('1e' || power)::numeric * pg.round(pg.power(2::numeric, shift::numeric)); END IF;
  RETURN pg.div(('1e' || power)::numeric, pg.round(pg.power(2::numeric, (-shift)::numeric)));
END`,
    { language: 'plpgsql' },
  ),
  // The significant digits of a finite double, rounded as SQLite's printf does, and where their decimal point is.
  // iround: digits wanted, or minus the decimals wanted; most: 16, with the flag ! 20.
  define(
    '_digits(x double precision, iround integer, most integer, OUT digits text, OUT point integer) ',
    `
DECLARE
  a double precision := pg.abs(x);
  wanted integer := CASE WHEN iround <= 0 OR iround >= 18 THEN 18 ELSE iround + 1 END;
  v numeric;
  bits bigint;
  mantissa bigint;
  binary_exponent integer;
  power integer;
  n integer;
  at integer := iround;
  keep integer;
BEGIN
  IF a = 0 THEN digits := '0'; point := 1; RETURN; END IF;
  bits := ('x' || pg.encode(pg.float8send(a), 'hex'))::bit(64)::bigint;
  binary_exponent := (bits >> 52)::integer - 1023;
  IF binary_exponent = -1023 THEN
    binary_exponent := -1075 + pg.length(pg.ltrim((bits & 4503599627370495)::bit(52)::text, '0'));
  END IF;
  power := wanted - 1 - ((binary_exponent * 78913) >> 18);
  -- As SQLite has it: the mantissa, left-aligned in 64 bits, times the first 64 bits of a power of ten.
  mantissa := bits & 4503599627370495;
  IF bits >> 52 > 0 THEN mantissa := mantissa | 4503599627370496; END IF;
  v := mantissa::numeric * CASE WHEN bits >> 52 > 0 THEN 2048 ELSE pg.round(pg.power(2::numeric, (-1011 - binary_exponent)::numeric)) END;
  v := pg.div(v * pack._ten(power), 18446744073709551616);
  v := pg.div(v, pg.round(pg.power(2::numeric, (-(binary_exponent - 63 + ((power * 108853) >> 15) + CASE WHEN wanted = 18 THEN 2 ELSE 1 END))::numeric)));
  IF wanted = 18 THEN v := pg.div(v + 2 * pg.mod(v, 2), 2); END IF;
  digits := v::text;
  n := pg.length(digits);
  point := n - power;
  IF at <= 0 THEN
    at := point - at;
    IF at = 0 AND digits >= '5' THEN
      at := 1;
      digits := '0' || digits;
      n := n + 1;
      point := point + 1;
    END IF;
  END IF;
  IF at > 0 AND (at < n OR n > most) THEN
    IF at > most THEN at := most; END IF;
    IF at = 17 THEN
      IF pg.substr(digits, 15, 2) = '99' THEN
        keep := pg.length(pg.rtrim(pg.substr(digits, 1, 14), '9'));
        IF pack._reads_as(CASE WHEN keep = 0 THEN 1 ELSE pg.substr(digits, 1, keep)::bigint + 1 END, point - keep, a) THEN at := keep + 1; END IF;
      ELSIF point >= n OR pg.substr(digits, 14, 3) = '000' THEN
        keep := pg.length(pg.rtrim(pg.substr(digits, 1, 13), '0'));
        IF pack._reads_as(pg.substr(digits, 1, keep)::bigint, point - keep, a) THEN at := keep + 1; END IF;
      END IF;
    END IF;
    IF pg.substr(digits, at + 1, 1) >= '5' AND pg.substr(digits, at + 1, 1) <> '' THEN
      v := pg.substr(digits, 1, at)::numeric + 1;
      IF pg.length(v::text) > at AND pg.substr(digits, 1, 1) <> '0' THEN point := point + 1; END IF;
      digits := pg.lpad(v::text, pg.greatest_length(at, v::text), '0');
    ELSE
      digits := pg.substr(digits, 1, at);
    END IF;
  END IF;
  digits := pg.rtrim(digits, '0');
  IF digits = '' THEN digits := '0'; END IF;
END`.replace('pg.greatest_length(at, v::text)', 'GREATEST(at, pg.length(v::text))'),
    { language: 'plpgsql' },
  ),
  define(
    '_reads_as(digits bigint, power integer, x double precision) RETURNS boolean',
    `CASE WHEN pg.length(digits::text) + power BETWEEN -322 AND 308 THEN (digits || 'e' || power)::double precision = x ELSE false END`,
  ),
  // %!.17g
  define(
    'cast_text(x double precision) RETURNS text',
    `
DECLARE
  plain text;
  digits text;
  point integer;
  sign text := CASE WHEN x < 0 THEN '-' ELSE '' END;
BEGIN
  IF x = 0 THEN RETURN '0.0'; END IF;
  IF x = 'Infinity' THEN RETURN 'Inf'; ELSIF x = '-Infinity' THEN RETURN '-Inf'; ELSIF x = 'NaN' THEN RETURN NULL; END IF;
  plain := x::text;
  -- Up to 13 digits PostgreSQL's shortest text is SQLite's too, whatever extra_float_digits says.
  IF pg.length(plain) <= 14 AND pg.strpos(plain, 'e') = 0 AND plain::double precision = x THEN
    RETURN CASE WHEN pg.strpos(plain, '.') = 0 THEN plain || '.0' ELSE plain END;
  END IF;
  SELECT d.digits, d.point INTO digits, point FROM pack._digits(x, 17, 20) d;
  IF point - 1 < -4 OR point - 1 > 16 THEN
    RETURN sign || pg."left"(digits, 1) || '.' || CASE WHEN pg.length(digits) > 1 THEN pg.substr(digits, 2) ELSE '0' END
      || 'e' || CASE WHEN point > 0 THEN '+' ELSE '-' END || pg.lpad(pg.abs(point - 1)::text, GREATEST(2, pg.length(pg.abs(point - 1)::text)), '0');
  ELSIF point <= 0 THEN
    RETURN sign || '0.' || pg.repeat('0', -point) || digits;
  ELSIF pg.length(digits) <= point THEN
    RETURN sign || pg.rpad(digits, point, '0') || '.0';
  END IF;
  RETURN sign || pg."left"(digits, point) || '.' || pg.substr(digits, point + 1);
END`,
    { language: 'plpgsql' },
  ),
  define('cast_text(bigint) RETURNS text', '$1::text'),
  define('cast_text(v value) RETURNS text', 'pack._text($1)'),
  define(
    'cast_integer(x text) RETURNS bigint',
    `CASE WHEN $1 ~ '^-?[0-9]{1,18}$' THEN $1::bigint
      ELSE LEAST(GREATEST(COALESCE("substring"($1, '^${SPACE}([+-]?[0-9]+)')::numeric, 0), -9223372036854775808), 9223372036854775807)::bigint END`.replace(
      '"substring"',
      'pg."substring"',
    ),
  ),
  define(
    'cast_integer(x double precision) RETURNS bigint',
    `CASE WHEN $1 >= 9223372036854775807 THEN 9223372036854775807 WHEN $1 <= -9223372036854775808 THEN (-9223372036854775808)
      WHEN $1 = 'NaN' THEN NULL ELSE pg.trunc($1)::bigint END`,
  ),
  define(
    'cast_integer(v value) RETURNS bigint',
    `CASE ($1).kind WHEN 1 THEN ($1).i WHEN 2 THEN pack.cast_integer(($1).r) ELSE pack.cast_integer(pack._text($1)) END`,
  ),
  // The number that a text begins with, after white space; NULL where there is none.
  define(
    '_number_prefix(x text) RETURNS text',
    String.raw`pg."substring"($1, '^${SPACE}([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)')`,
  ),
  define(
    '_real(number text) RETURNS double precision',
    `
DECLARE
  mantissa text := pg."substring"(number, '^[^eE]*');
  exponent text := pg."substring"(number, '[eE](.*)$');
  point integer;
  whole text;
  size numeric;
BEGIN
  IF pg.length(number) < 18 AND exponent IS NULL THEN RETURN number::double precision; END IF;
  IF mantissa !~ '[1-9]' THEN RETURN 0; END IF;
  -- Where the first digit that counts is, to know beforehand what a double cannot hold.
  whole := pg.ltrim(pg."substring"(mantissa, '^[+-]?([0-9]*)'), '0');
  point := CASE WHEN whole <> '' THEN pg.length(whole)
    ELSE -pg.length(pg."substring"(mantissa, '\\.(0*)')) END;
  size := COALESCE(exponent::numeric, 0) + point;
  IF size > 309 THEN RETURN CASE WHEN number LIKE '-%' THEN '-Infinity' ELSE 'Infinity' END; END IF;
  IF size < -325 THEN RETURN 0; END IF;
  IF size > 308 OR size < -322 THEN
    IF pg.abs(number::numeric) >= 1.797693134862315807e308 THEN
      RETURN CASE WHEN number LIKE '-%' THEN '-Infinity' ELSE 'Infinity' END;
    END IF;
    IF pg.abs(number::numeric) <= 2.4703282292062327e-324 THEN RETURN 0; END IF;
  END IF;
  RETURN number::double precision;
END`,
    { language: 'plpgsql' },
  ),
  define('cast_real(x text) RETURNS double precision', `COALESCE(pack._real(pack._number_prefix($1)), 0)`),
  define(
    'cast_real(v value) RETURNS double precision',
    `CASE ($1).kind WHEN 1 THEN ($1).i::double precision WHEN 2 THEN ($1).r ELSE pack.cast_real(pack._text($1)) END`,
  ),
  define(
    'cast_numeric(x text) RETURNS value',
    `
DECLARE
  number text := pack._number_prefix(x);
  r double precision;
BEGIN
  IF number IS NULL THEN RETURN 0::bigint::value; END IF;
  IF number ~ '^[+-]?[0-9]+$' AND number::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN RETURN number::bigint::value; END IF;
  r := pack._real(number);
  IF number ~ '[.eE]' AND r = pg.trunc(r) AND r > -2251799813685249 AND r < 2251799813685248 THEN RETURN r::bigint::value; END IF;
  RETURN r::value;
END`,
    { language: 'plpgsql' },
  ),
  define(
    'cast_numeric(v value) RETURNS value',
    `CASE WHEN ($1).kind <= 2 THEN $1 ELSE pack.cast_numeric(pack._text($1)) END`,
  ),
  // The number that a value is without loss: what SQLite asks of arguments of mathematics. NULL for all else.
  define(
    '_numeric(v value) RETURNS value',
    `CASE WHEN ($1).kind <= 2 THEN $1 WHEN ($1).kind = 4 THEN NULL
      WHEN pg.regexp_replace(($1).t, '^[ \\t\\n\\v\\f\\r]+|[ \\t\\n\\v\\f\\r]+$', '', 'g') = pack._number_prefix(($1).t)
      THEN CASE WHEN ($1).t ~ '[.eE]' THEN pack._real(pack._number_prefix(($1).t))::value ELSE pack.cast_numeric(($1).t) END END`.replace(
      '::value ELSE',
      '::crossfade_sqlite.value ELSE',
    ),
  ),
  define('_bytes(x text) RETURNS bytea', String.raw`pg.decode(pg.replace($1, '\', '\\'), 'escape')`),
  define(
    'cast_blob(v value) RETURNS bytea',
    `CASE WHEN ($1).kind = 4 THEN ($1).b ELSE pack._bytes(pack._text($1)) END`,
  ),
];
