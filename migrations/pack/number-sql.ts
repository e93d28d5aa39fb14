import { define } from './define.ts';

const SMALLEST = '(-9223372036854775808)';

/** Functions of numbers. */
export const NUMBER_SQL = [
  define('abs(bigint) RETURNS bigint', 'pg.abs($1)'),
  define('abs(double precision) RETURNS double precision', 'pg.abs($1)'),
  define(
    'abs(v value) RETURNS value',
    `CASE WHEN ($1).kind = 1 THEN pg.abs(($1).i)::crossfade_sqlite.value ELSE pg.abs(pack.cast_real($1))::crossfade_sqlite.value END`,
  ),
  define(
    'sign(double precision) RETURNS bigint',
    `CASE WHEN $1 > 0 THEN 1 WHEN $1 < 0 THEN -1 WHEN $1 = 0 THEN 0 END::bigint`,
  ),
  define('sign(v value) RETURNS bigint', `pack.sign(pack.cast_real(pack._numeric($1)))`),
  define(
    'round(x double precision, digits bigint) RETURNS double precision',
    `
DECLARE
  n integer := GREATEST(LEAST(digits, 30), 0);
  plain text;
  d record;
  v numeric;
BEGIN
  IF x < -4503599627370496.0 OR x > 4503599627370496.0 THEN RETURN x; END IF;
  IF n = 0 THEN RETURN pg.trunc(CASE WHEN x < 0 THEN x - 0.5::double precision ELSE x + 0.5::double precision END) + 0.0; END IF;
  plain := x::text;
  -- A number that has no more decimals than that stays what it is.
  IF pg.length(plain) <= 14 AND pg.strpos(plain, 'e') = 0 AND pg.length(pg.split_part(plain, '.', 2)) <= n AND plain::double precision = x THEN
    RETURN x + 0.0;
  END IF;
  SELECT * INTO d FROM pack._digits(x, -n, 20);
  -- What %.nf shows of them.
  v := pg.trunc((d.digits || 'e' || (d.point - pg.length(d.digits)))::numeric, n);
  RETURN CASE WHEN x < 0 THEN -v ELSE v END::double precision;
END`,
    { language: 'plpgsql' },
  ),
  define('round(double precision) RETURNS double precision', 'pack.round($1, 0::bigint)'),
  define('round(double precision, integer) RETURNS double precision', 'pack.round($1, $2::bigint)'),
  define('round(v value) RETURNS double precision', 'pack.round(pack.cast_real($1), 0::bigint)'),
  define('round(v value, bigint) RETURNS double precision', 'pack.round(pack.cast_real($1), $2)'),
  // What an operator of arithmetic takes a value for: a text is the number that it begins with.
  define(
    '_operand(v value) RETURNS value',
    `
DECLARE
  number text;
BEGIN
  IF v.kind <= 2 THEN RETURN v; END IF;
  number := COALESCE(pack._number_prefix(pack._text(v)), '0');
  IF number ~ '^[+-]?[0-9]+$' AND number::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN RETURN number::bigint::value; END IF;
  RETURN pack._real(number)::value;
END`,
    { language: 'plpgsql' },
  ),
  // Integers stay integers, unless the result is beyond them.
  define(
    'arithmetic(operator text, a value, b value) RETURNS value',
    `
DECLARE
  x value := pack._operand(a);
  y value := pack._operand(b);
  whole numeric;
  p double precision;
  q double precision;
BEGIN
  IF operator = '%' THEN
    whole := pack.cast_integer(x) % NULLIF(pack.cast_integer(y), 0)::numeric;
    RETURN CASE WHEN x.kind = 1 AND y.kind = 1 THEN whole::bigint::value ELSE whole::double precision::value END;
  END IF;
  IF x.kind = 1 AND y.kind = 1 THEN
    whole := CASE operator WHEN '+' THEN x.i::numeric + y.i WHEN '-' THEN x.i::numeric - y.i WHEN '*' THEN x.i::numeric * y.i
      ELSE pg.div(x.i::numeric, NULLIF(y.i, 0)) END;
    IF whole IS NULL OR whole BETWEEN -9223372036854775808 AND 9223372036854775807 THEN RETURN whole::bigint::value; END IF;
  END IF;
  p := pack.cast_real(x);
  q := pack.cast_real(y);
  RETURN CASE operator WHEN '+' THEN pack._sum(p, q) WHEN '-' THEN pack._sum(p, -q) WHEN '*' THEN p * q ELSE p / NULLIF(q, 0) END::value;
END`.replaceAll('::value ELSE', '::crossfade_sqlite.value ELSE'),
    { language: 'plpgsql' },
  ),
  ...extremes(),
  ...(['acos', 'asin'] as const).map((name) =>
    define(
      `${name}(double precision) RETURNS double precision`,
      `CASE WHEN $1 BETWEEN -1 AND 1 THEN pg.${name}($1) END`,
    ),
  ),
  define('acosh(double precision) RETURNS double precision', `CASE WHEN $1 >= 1 THEN pg.acosh($1) END`),
  define(
    'atanh(double precision) RETURNS double precision',
    `CASE WHEN $1 > -1 AND $1 < 1 THEN pg.atanh($1) WHEN $1 = 1 THEN 'Infinity' WHEN $1 = -1 THEN '-Infinity' END`,
  ),
  ...(['asinh', 'atan', 'tanh'] as const).map((name) =>
    define(`${name}(double precision) RETURNS double precision`, `pg.${name}($1)`),
  ),
  ...(['cos', 'sin', 'tan'] as const).map((name) =>
    define(
      `${name}(double precision) RETURNS double precision`,
      `CASE WHEN $1 IN ('Infinity', '-Infinity') THEN NULL ELSE pg.${name}($1) END`,
    ),
  ),
  // Where PostgreSQL raises an error for a result too large, SQLite has infinity.
  define(
    'cosh(double precision) RETURNS double precision',
    `CASE WHEN pg.abs($1) > 710.4758600739439 THEN 'Infinity' ELSE pg.cosh($1) END`,
  ),
  define(
    'sinh(double precision) RETURNS double precision',
    `CASE WHEN $1 > 710.4758600739439 THEN 'Infinity' WHEN $1 < -710.4758600739439 THEN '-Infinity' ELSE pg.sinh($1) END`,
  ),
  define(
    'exp(double precision) RETURNS double precision',
    `CASE WHEN $1 > 709.782712893384 THEN 'Infinity' WHEN $1 < -745.1332191019412 THEN 0 ELSE pg.exp($1) END`,
  ),
  define(
    'degrees(double precision) RETURNS double precision',
    `CASE WHEN pg.abs($1) > 3e306 THEN 'Infinity'::double precision * pg.sign($1) ELSE $1 * (180.0 / pg.pi()) END`,
  ),
  define(
    'radians(double precision) RETURNS double precision',
    `CASE WHEN pg.abs($1) < 1.4e-322 THEN 0 ELSE $1 * (pg.pi() / 180.0) END`,
  ),
  define('ln(double precision) RETURNS double precision', `CASE WHEN $1 > 0 THEN pg.ln($1) END`),
  ...['log', 'log10'].map((name) =>
    define(`${name}(double precision) RETURNS double precision`, `CASE WHEN $1 > 0 THEN pg.log($1) END`),
  ),
  define('log2(double precision) RETURNS double precision', `CASE WHEN $1 > 0 THEN pack._log2($1) END`),
  // Exact for powers of two, as the C library is.
  define(
    '_log2(x double precision) RETURNS double precision',
    `
DECLARE
  near double precision;
BEGIN
  IF x = 'Infinity' THEN RETURN x; END IF;
  near := pg.round(pg.ln(x) / 0.6931471805599453);
  IF near BETWEEN -1022 AND 1023 AND pg.power(2::double precision, near) = x THEN RETURN near; END IF;
  RETURN pg.ln(x) / 0.6931471805599453;
END`,
    { language: 'plpgsql' },
  ),
  define(
    'log(base double precision, x double precision) RETURNS double precision',
    `CASE WHEN $1 <= 0 OR $2 <= 0 OR pg.ln($1) <= 0 THEN NULL ELSE NULLIF(pg.ln($2) / pg.ln($1), 'NaN') END`,
  ),
  define('sqrt(double precision) RETURNS double precision', `CASE WHEN $1 >= 0 THEN pg.sqrt($1) END`),
  define('atan2(double precision, double precision) RETURNS double precision', `pg.atan2($1, $2)`),
  define('pi() RETURNS double precision', 'pg.pi()'),
  ...['ceil', 'ceiling', 'floor', 'trunc'].flatMap((name) => [
    define(`${name}(bigint) RETURNS bigint`, '$1'),
    define(`${name}(integer) RETURNS integer`, '$1'),
    define(`${name}(double precision) RETURNS double precision`, `pg.${name}($1)`),
    define(
      `${name}(v value) RETURNS value`,
      `CASE WHEN (pack._numeric($1)).kind = 1 THEN pack._numeric($1) ELSE pg.${name}((pack._numeric($1)).r)::crossfade_sqlite.value END`,
    ),
  ]),
  define(
    'mod(x double precision, y double precision) RETURNS double precision',
    `
DECLARE
  a numeric;
BEGIN
  IF y = 0 OR x IN ('Infinity', '-Infinity') THEN RETURN NULL; END IF;
  IF y IN ('Infinity', '-Infinity') THEN RETURN x; END IF;
  IF pg.abs(x) < pg.abs(y) THEN RETURN x; END IF;
  a := pg.mod(pack._exact(pg.abs(x)), pack._exact(pg.abs(y)));
  RETURN pg.sign(x) * a::double precision;
END`,
    { language: 'plpgsql' },
  ),
  ...['pow', 'power'].map((name) =>
    define(`${name}(x double precision, y double precision) RETURNS double precision`, 'pack._power($1, $2)'),
  ),
  define(
    '_power(x double precision, y double precision) RETURNS double precision',
    `
DECLARE
  size double precision;
  is_odd boolean := y = pg.trunc(y) AND pg.abs(y) < 9007199254740992 AND pg.mod(y::numeric, 2) <> 0;
BEGIN
  IF x < 0 AND y <> pg.trunc(y) AND y NOT IN ('Infinity', '-Infinity') AND x <> '-Infinity' THEN RETURN NULL; END IF;
  IF x = 0 AND y < 0 THEN RETURN 'Infinity'; END IF;
  IF x = '-Infinity' AND y <> pg.trunc(y) THEN RETURN CASE WHEN y > 0 THEN 'Infinity'::double precision ELSE 0 END; END IF;
  IF x <> 0 AND pg.abs(x) <> 'Infinity' AND pg.abs(y) <> 'Infinity' THEN
    size := y * pg.ln(pg.abs(x));
    IF size > 709.782712893384 THEN RETURN CASE WHEN x < 0 AND is_odd THEN '-Infinity' ELSE 'Infinity' END; END IF;
    IF size < -745.1332191019411 THEN RETURN 0; END IF;
  END IF;
  RETURN pg.power(x, y);
END`,
    { language: 'plpgsql' },
  ),
  // As SQLite's: never the smallest integer, whose abs() does not exist.
  define(
    'random() RETURNS bigint',
    `COALESCE(NULLIF(('x' || pg."left"(pg.md5(pg.gen_random_uuid()::text), 16))::bit(64)::bigint, ${SMALLEST}), 0)`,
    { volatility: 'volatile' },
  ),
  define(
    'randomblob(size bigint) RETURNS bytea',
    `
DECLARE
  result text := '';
  wanted integer := GREATEST(COALESCE(size, 0), 1);
BEGIN
  WHILE pg.length(result) < wanted * 2 LOOP result := result || pg.md5(pg.gen_random_uuid()::text); END LOOP;
  RETURN pg.decode(pg."left"(result, wanted * 2), 'hex');
END`,
    { volatility: 'volatile', language: 'plpgsql', isStrict: false },
  ),
  define('ifnull(a anycompatible, b anycompatible) RETURNS anycompatible', 'COALESCE($1, $2)', { isStrict: false }),
  ...['iif', 'if'].flatMap((name) => [
    define(`${name}(a boolean, b anycompatible) RETURNS anycompatible`, 'CASE WHEN $1 THEN $2 END', {
      isStrict: false,
    }),
    define(
      `${name}(a boolean, b anycompatible, c anycompatible) RETURNS anycompatible`,
      'CASE WHEN $1 THEN $2 ELSE $3 END',
      { isStrict: false },
    ),
    define(
      `${name}(a value, b anycompatible, c anycompatible) RETURNS anycompatible`,
      'CASE WHEN pack.cast_real($1) <> 0 THEN $2 ELSE $3 END',
      { isStrict: false },
    ),
  ]),
  ...['likely', 'unlikely'].map((name) =>
    define(`${name}(a anycompatible) RETURNS anycompatible`, '$1', { isStrict: false }),
  ),
  define('likelihood(a anycompatible, b double precision) RETURNS anycompatible', '$1', { isStrict: false }),
];

/** The greatest and the least of two or more; NULL if any is. Integers come in both widths, so that none becomes a real. */
function extremes(): string[] {
  const types = ['bigint', 'integer', 'double precision', 'numeric', 'text', 'bytea', 'value'] as const;
  return (['max', 'min'] as const).flatMap((name) =>
    types.flatMap((type) => {
      const collate = type === 'text' ? ' COLLATE "C"' : '';
      const comparison =
        type === 'value'
          ? `pack.compare($1, $2) ${name === 'max' ? '>= 0' : '< 0'}`
          : `$1${collate} ${name === 'max' ? '>=' : '<'} $2${collate}`;
      return [
        define(`${name}(a ${type}, b ${type}) RETURNS ${type}`, `CASE WHEN ${comparison} THEN $1 ELSE $2 END`),
        define(
          `${name}(a ${type}, b ${type}, VARIADIC c ${type}[]) RETURNS ${type}`,
          `
DECLARE
  result ${type} := pack.${name}(a, b);
  other ${type};
BEGIN
  FOREACH other IN ARRAY c LOOP
    IF other IS NULL THEN RETURN NULL; END IF;
    result := pack.${name}(result, other);
  END LOOP;
  RETURN result;
END`,
          { language: 'plpgsql' },
        ),
      ];
    }),
  );
}
