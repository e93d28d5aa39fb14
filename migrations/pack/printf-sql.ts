import { define } from './define.ts';

/** SQLite's printf, with all its substitutions and flags. */
export const PRINTF_SQL = [
  // %f, %e and %g of one number; without padding by spaces.
  define(
    '_float(x double precision, kind text, decimals integer, sign text, flags text, width integer) RETURNS text',
    String.raw`
DECLARE
  is_plain boolean := pg.strpos(flags, '!') = 0;
  is_alternate boolean := pg.strpos(flags, '#') > 0;
  precision integer := CASE WHEN decimals < 0 THEN 6 WHEN pg.lower(kind) = 'g' AND decimals = 0 THEN 1 ELSE decimals END;
  low text := pg.lower(kind);
  wanted integer;
  digits text;
  point integer;
  prefix text;
  exponent integer;
  trims boolean;
  shows_point boolean;
  whole text;
  fraction text;
  body text;
BEGIN
  wanted := CASE low WHEN 'f' THEN -precision WHEN 'g' THEN precision ELSE precision + 1 END;
  IF x = 'Infinity' OR x = '-Infinity' THEN
    IF pg.strpos(flags, '0') = 0 THEN RETURN CASE WHEN x < 0 THEN '-' ELSE sign END || 'Inf'; END IF;
    digits := '9';
    point := 1000;
  ELSE
    SELECT d.digits, d.point INTO digits, point FROM pack._digits(x, wanted, CASE WHEN is_plain THEN 16 ELSE 20 END) d;
  END IF;
  IF x < 0 THEN
    prefix := CASE WHEN is_alternate AND sign = '' AND low = 'f' AND point <= wanted THEN '' ELSE '-' END;
  ELSE
    prefix := sign;
  END IF;
  exponent := point - 1;
  trims := NOT is_plain;
  IF low = 'g' THEN
    trims := NOT is_alternate;
    precision := precision - 1;
    IF exponent < -4 OR exponent > precision THEN
      low := 'e';
    ELSE
      precision := precision - exponent;
      low := 'f';
    END IF;
  END IF;
  shows_point := precision > 0 OR is_alternate OR NOT is_plain;
  IF low = 'e' THEN
    whole := pg."left"(digits, 1);
    fraction := pg.substr(digits, 2);
  ELSIF point <= 0 THEN
    whole := '0';
    fraction := pg.repeat('0', LEAST(-point, precision)) || CASE WHEN -point < precision THEN digits ELSE '' END;
  ELSE
    whole := pg.rpad(pg."left"(digits, point), point, '0');
    fraction := pg.substr(digits, point + 1);
    IF pg.strpos(flags, ',') > 0 THEN whole := pg.reverse(pg.regexp_replace(pg.reverse(whole), '([0-9]{3})(?=[0-9])', '\1,', 'g')); END IF;
  END IF;
  IF low = 'e' AND pg.strpos(flags, ',') > 0 THEN NULL; END IF;
  fraction := pg."left"(fraction, GREATEST(precision, 0));
  IF NOT trims THEN fraction := pg.rpad(fraction, GREATEST(precision, 0), '0'); END IF;
  IF trims AND shows_point THEN
    fraction := pg.rtrim(fraction, '0');
    IF fraction = '' THEN
      IF is_plain THEN shows_point := false; ELSE fraction := '0'; END IF;
    END IF;
  END IF;
  body := whole || CASE WHEN shows_point THEN '.' || fraction ELSE '' END;
  IF low = 'e' THEN
    body := body || CASE WHEN kind IN ('E', 'G') THEN 'E' ELSE 'e' END || CASE WHEN exponent < 0 THEN '-' ELSE '+' END
      || pg.lpad(pg.abs(exponent)::text, GREATEST(2, pg.length(pg.abs(exponent)::text)), '0');
  END IF;
  IF pg.strpos(flags, '0') > 0 AND pg.strpos(flags, '-') = 0 THEN
    body := pg.lpad(body, GREATEST(width - pg.length(prefix), pg.length(body)), '0');
  END IF;
  RETURN prefix || body;
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_printf(format text, arguments value[]) RETURNS text',
    String.raw`
DECLARE
  rest text := format;
  result text := '';
  found text[];
  flags text;
  kind text;
  width integer;
  precision integer;
  used integer := 0;
  at integer;
  body text;
  sign text;
  number numeric;
  i bigint;
  mark text;
  pad integer;
  is_left boolean;
  is_wide boolean;
BEGIN
  IF format = '' THEN RETURN NULL; END IF;
  LOOP
    at := pg.strpos(rest, '%');
    IF at = 0 THEN RETURN result || rest; END IF;
    result := result || pg."left"(rest, at - 1);
    rest := pg.substr(rest, at);
    IF rest = '%' THEN RETURN result || '%'; END IF;
    found := pg.regexp_match(rest, '^%([-+ #!0,]*)([1-9][0-9]*|\*)?(?:\.(\*|[0-9]*))?(l{0,2})(.)');
    -- An unknown conversion ends the text.
    IF found IS NULL THEN RETURN NULLIF(result, ''); END IF;
    rest := pg.substr(rest, 2 + pg.length(pg.concat(found[1], found[2], found[4], found[5])) + COALESCE(pg.length(found[3]) + 1, 0));
    flags := found[1];
    width := 0;
    precision := -1;
    is_left := pg.strpos(flags, '-') > 0;
    IF found[2] = '*' THEN
      used := used + 1;
      width := GREATEST(LEAST(COALESCE(pack.cast_integer(arguments[used]), 0), 2147483647), -2147483647);
      IF width < 0 THEN is_left := true; width := -width; END IF;
    ELSIF found[2] IS NOT NULL THEN
      width := found[2]::integer;
    END IF;
    IF found[3] = '*' THEN
      used := used + 1;
      precision := pg.abs(GREATEST(LEAST(COALESCE(pack.cast_integer(arguments[used]), 0), 2147483647), -2147483647));
    ELSIF found[3] IS NOT NULL THEN
      precision := CASE WHEN found[3] = '' THEN 0 ELSE found[3]::integer END;
    END IF;
    kind := found[5];
    is_wide := pg.strpos(flags, '!') > 0;
    sign := CASE WHEN flags ~ '[+ ]' THEN pg."right"(pg.regexp_replace(flags, '[^+ ]', '', 'g'), 1) ELSE '' END;
    CASE
      WHEN kind = '%' THEN
        body := '%';
      WHEN kind = 'n' THEN
        CONTINUE;
      WHEN kind IN ('d', 'i', 'r', 'u', 'x', 'X', 'o', 'p') THEN
        used := used + 1;
        i := COALESCE(pack.cast_integer(arguments[used]), 0);
        number := i;
        IF kind IN ('d', 'i', 'r') THEN
          IF i < 0 THEN sign := '-'; number := -number; END IF;
        ELSE
          sign := '';
          IF i < 0 THEN number := number + 18446744073709551616; END IF;
        END IF;
        IF pg.strpos(flags, '0') > 0 THEN precision := GREATEST(precision, width - pg.length(sign)); END IF;
        body := CASE kind WHEN 'x' THEN pg.to_hex(i) WHEN 'X' THEN pg.upper(pg.to_hex(i)) WHEN 'p' THEN pg.upper(pg.to_hex(i))
          WHEN 'o' THEN pack._octal(number) ELSE number::text END;
        IF kind = 'r' THEN
          body := body || CASE WHEN number % 100 BETWEEN 10 AND 19 THEN 'th'
            ELSE (ARRAY['th', 'st', 'nd', 'rd', 'th', 'th', 'th', 'th', 'th', 'th'])[(number % 10)::integer + 1] END;
        END IF;
        body := pg.lpad(body, GREATEST(precision, pg.length(body)), '0');
        IF pg.strpos(flags, ',') > 0 AND kind IN ('d', 'i', 'u') THEN
          body := pg.reverse(pg.regexp_replace(pg.reverse(body), '([0-9]{3})(?=[0-9])', '\1,', 'g'));
        END IF;
        body := sign || body;
        IF pg.strpos(flags, '#') > 0 AND number <> 0 THEN
          body := CASE kind WHEN 'x' THEN '0x' WHEN 'p' THEN '0x' WHEN 'X' THEN '0X' WHEN 'o' THEN '0' ELSE '' END || body;
        END IF;
      WHEN kind IN ('f', 'e', 'E', 'g', 'G') THEN
        used := used + 1;
        body := pack._float(COALESCE(pack.cast_real(arguments[used]), 0), kind, precision, sign, CASE WHEN is_left THEN flags || '-' ELSE flags END, width);
      WHEN kind IN ('s', 'z') THEN
        used := used + 1;
        body := COALESCE(pack._text(arguments[used]), '');
        IF precision >= 0 THEN
          body := CASE WHEN is_wide THEN pg."left"(body, precision) ELSE pack._fitting(body, precision) END;
        END IF;
      WHEN kind = 'c' THEN
        used := used + 1;
        body := pg."left"(COALESCE(pack._text(arguments[used]), ''), 1);
        IF precision > 1 THEN body := pg.repeat(body, precision); END IF;
        is_wide := true;
      WHEN kind IN ('q', 'Q', 'w') THEN
        used := used + 1;
        body := pack._text(arguments[used]);
        mark := CASE WHEN kind = 'w' THEN '"' ELSE '''' END;
        IF body IS NULL THEN
          body := CASE WHEN kind = 'Q' THEN 'NULL' ELSE '(NULL)' END;
          IF precision >= 0 THEN body := pg."left"(body, precision); END IF;
        ELSE
          IF precision >= 0 THEN
            body := CASE WHEN is_wide THEN pg."left"(body, precision) ELSE pack._fitting(body, precision) END;
          END IF;
          IF pg.strpos(flags, '#') > 0 AND kind <> 'w' AND (kind = 'q' OR body ~ '[\x01-\x1f]') THEN
            body := pack._escaped(pg.replace(pg.replace(body, '\', '\\'), mark, mark || mark));
            IF kind = 'Q' THEN body := 'unistr(''' || body || ''')'; END IF;
          ELSE
            body := pg.replace(body, mark, mark || mark);
            IF kind = 'Q' THEN body := mark || body || mark; END IF;
          END IF;
        END IF;
      ELSE
        RETURN NULLIF(result, '');
    END CASE;
    pad := width - CASE WHEN is_wide THEN pg.char_length(body) ELSE pg.octet_length(body) END;
    IF pad > 0 THEN
      body := CASE WHEN is_left THEN body || pg.repeat(' ', pad) ELSE pg.repeat(' ', pad) || body END;
    END IF;
    result := result || body;
  END LOOP;
END`,
    { language: 'plpgsql', isStrict: false },
  ),
  // The characters of a text that fit into so many bytes.
  define(
    '_fitting(x text, size integer) RETURNS text',
    `
DECLARE
  result text := pg."left"(x, size);
BEGIN
  WHILE pg.octet_length(result) > size LOOP result := pg."left"(result, -1); END LOOP;
  RETURN result;
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_octal(numeric) RETURNS text',
    `
DECLARE
  rest numeric := $1;
  result text := '';
BEGIN
  LOOP
    result := (rest % 8)::text || result;
    rest := pg.div(rest, 8);
    EXIT WHEN rest = 0;
  END LOOP;
  RETURN result;
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_escaped(x text) RETURNS text',
    String.raw`
DECLARE
  result text := x;
BEGIN
  FOR code IN 1..31 LOOP
    IF pg.strpos(result, pg.chr(code)) > 0 THEN
      result := pg.replace(result, pg.chr(code), '\u' || pg.lpad(pg.to_hex(code), 4, '0'));
    END IF;
  END LOOP;
  RETURN result;
END`,
    { language: 'plpgsql' },
  ),
  ...['printf'].flatMap((name) => [
    define(`${name}(format text) RETURNS text`, `pack._printf($1, '{}')`),
    define(
      `${name}(format text, VARIADIC arguments value[]) RETURNS text`,
      'CASE WHEN $1 IS NOT NULL THEN pack._printf($1, $2) END',
      {
        isStrict: false,
      },
    ),
  ]),
];
