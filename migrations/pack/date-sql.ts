import { define } from './define.ts';

/** The pieces that a moment is kept in, as SQLite keeps them; each may be stale while another is right. */
const TO_JULIAN = `
  IF NOT valid_jd THEN
    IF NOT valid_ymd THEN y := 2000; mo := 1; d := 1; END IF;
    IF y < -4713 OR y > 9999 OR is_raw THEN jd := NULL; RETURN; END IF;
    jd := pack._julian(y, mo, d);
    valid_jd := true;
    IF valid_hms THEN
      jd := jd + h * 3600000 + mi * 60000 + pg.trunc(s * 1000 + 0.5)::bigint;
      IF tz <> 0 THEN
        jd := jd - tz * 60000;
        valid_ymd := false; valid_hms := false; tz := 0; is_utc := true; is_local := false;
      END IF;
    END IF;
  END IF;`;
const TO_DAY = `
  IF NOT valid_ymd THEN
    IF NOT valid_jd THEN
      y := 2000; mo := 1; d := 1;
    ELSIF jd < 0 OR jd > 464269060799999 THEN
      jd := NULL; RETURN;
    ELSE
      SELECT c.y, c.mo, c.d INTO y, mo, d FROM pack._day(jd) c;
    END IF;
    valid_ymd := true;
  END IF;`;
const TO_TIME = `
  IF NOT valid_hms THEN
    ${TO_JULIAN}
    rest := (jd + 43200000) % 86400000;
    s := (rest % 60000) / 1000.0::double precision;
    mi := (rest / 60000) % 60;
    h := rest / 3600000;
    is_raw := false;
    valid_hms := true;
  END IF;`;
const FORGET = 'valid_ymd := false; valid_hms := false; tz := 0;';
/** By how many days the day of the month is past the end of its month. */
const OVERFLOW = `floor_days := CASE WHEN d <= 28 OR mo IN (1, 3, 5, 7, 8, 10, 12) THEN 0 WHEN mo <> 2 THEN (d = 31)::integer
    WHEN y % 4 <> 0 OR (y % 100 = 0 AND y % 400 <> 0) THEN d - 28 ELSE d - 29 END;`;
const MONTHS = `months := CASE WHEN mo > 0 THEN (mo - 1) / 12 ELSE (mo - 12) / 12 END; y := y + months; mo := mo - months * 12;`;
const IMPURE = `IF fixed THEN RAISE EXCEPTION 'non-deterministic use of a date function: %', word USING ERRCODE = '42P17',
      HINT = 'an index or a generated column cannot depend on the clock or the time zone'; END IF;`;
const SPACE = String.raw`[ \t\n\v\f\r]`;
const CLOCK = String.raw`([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?${SPACE}*(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))?${SPACE}*`;

/** SQLite's date and time functions: one reader of moments and modifiers, and what is printed from it. */
export const DATE_SQL = [
  define(
    '_julian(y integer, mo integer, d integer) RETURNS bigint',
    `
DECLARE
  year integer := CASE WHEN mo <= 2 THEN y - 1 ELSE y END;
  month integer := CASE WHEN mo <= 2 THEN mo + 12 ELSE mo END;
  century integer := (year + 4800) / 100;
BEGIN
  RETURN (2 * (36525 * (year + 4716) / 100 + 306001 * (month + 1) / 10000 + d + 38 - century + century / 4) - 3049)::bigint * 43200000;
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_day(jd bigint, OUT y integer, OUT mo integer, OUT d integer) ',
    `
DECLARE
  z integer := ((jd + 43200000) / 86400000)::integer;
  alpha integer := pg.trunc((z + 32044.75) / 36524.25)::integer - 52;
  a integer := z + 1 + alpha - ((alpha + 100) / 4) + 25;
  b integer := a + 1524;
  c integer := pg.trunc((b - 122.1) / 365.25)::integer;
  days integer := (36525 * (c & 32767)) / 100;
  e integer := pg.trunc((b - days) / 30.6001)::integer;
BEGIN
  d := b - days - pg.trunc(30.6001 * e)::integer;
  mo := CASE WHEN e < 14 THEN e - 1 ELSE e - 13 END;
  y := CASE WHEN mo > 2 THEN c - 4716 ELSE c - 4715 END;
END`,
    { language: 'plpgsql' },
  ),
  // The clock time of the session's time zone at a moment; years that few systems know are mapped to ones they do, as SQLite maps them.
  define(
    '_local(utc bigint) RETURNS bigint',
    `
DECLARE
  day record;
  moved bigint := utc;
  local timestamp;
  years integer := 0;
BEGIN
  IF utc < 210866760000000 OR utc > 213014145600000 THEN
    SELECT * INTO day FROM pack._day(utc);
    years := 2000 + day.y % 4 - day.y;
    moved := pack._julian(day.y + years, day.mo, day.d) + (utc + 43200000) % 86400000;
  END IF;
  local := pg.timezone(pg.current_setting('TimeZone'), pg.to_timestamp((moved / 1000 - 210866760000)::double precision));
  RETURN pack._julian(EXTRACT(year FROM local)::integer - years, EXTRACT(month FROM local)::integer, EXTRACT(day FROM local)::integer)
    + (EXTRACT(hour FROM local) * 3600000 + EXTRACT(minute FROM local) * 60000 + EXTRACT(second FROM local) * 1000)::bigint + utc % 1000;
END`,
    { language: 'plpgsql', volatility: 'stable' },
  ),
  // NULL in jd: no moment.
  define(
    `_moment(v value, modifiers text[], fixed boolean, OUT jd bigint, OUT y integer, OUT mo integer, OUT d integer,
      OUT h integer, OUT mi integer, OUT s double precision, OUT subsec boolean) `,
    String.raw`
DECLARE
  valid_jd boolean := false;
  valid_ymd boolean := false;
  valid_hms boolean := false;
  is_raw boolean := false;
  is_utc boolean := false;
  is_local boolean := false;
  tz integer := 0;
  floor_days integer := 0;
  months integer;
  rest bigint;
  match text[];
  word text;
  low text;
  r double precision;
  rounder double precision;
  n integer;
  modifier text;
  place integer := 0;
  guess bigint;
  off bigint;
  unit text;
  factor double precision;
  most double precision;
BEGIN
  subsec := false;
  y := 0; mo := 0; d := 0; h := 0; mi := 0; s := 0;
  IF v IS NULL OR v.kind IS NULL THEN RETURN; END IF;
  IF v.kind <= 2 THEN
    r := CASE WHEN v.kind = 1 THEN v.i::double precision ELSE v.r END;
  ELSE
    word := pack._text(v);
    low := pg.lower(word COLLATE "C");
    IF word ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$' THEN
      -- By far the most frequent forms, without a look for parts.
      match := ARRAY['', pg.substr(word, 1, 4), pg.substr(word, 6, 2), pg.substr(word, 9, 2), NULLIF(pg.substr(word, 12, 2), ''),
        pg.substr(word, 15, 2), NULLIF(pg.substr(word, 18, 2), ''), NULL, NULL, NULL, NULL, NULL];
    ELSE
      match := pg.regexp_match(word, '^(-?)([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ \t\n\v\f\rT]*${CLOCK})?[ \t\n\v\f\rT]*$');
      IF match IS NOT NULL AND match[5] IS NOT NULL AND (word ~ 'T$' OR word ~ 'T[ \t\n\v\f\r]+$') THEN match := NULL; END IF;
      IF match IS NULL THEN
        match := pg.regexp_match(word, '^()()()()${CLOCK}$');
      END IF;
    END IF;
    IF match IS NOT NULL AND (match[2] = '' OR (match[2]::integer <= 14712 AND match[3]::integer BETWEEN 1 AND 12 AND match[4]::integer BETWEEN 1 AND 31))
      AND (match[5] IS NULL OR (match[5]::integer <= 24 AND match[6]::integer <= 59 AND COALESCE(match[7]::integer, 0) <= 59
        AND (match[10] IS NULL OR (match[11]::integer <= 14 AND match[12]::integer <= 59))))
    THEN
      IF match[5] IS NOT NULL THEN
        valid_hms := true;
        h := match[5]; mi := match[6];
        -- As SQLite adds them up: the fraction for itself, cut below a whole second.
        s := COALESCE(match[7]::integer, 0);
        IF match[8] IS NOT NULL THEN
          s := s + LEAST((match[8]::numeric)::double precision / ('1e' || LEAST(pg.length(match[8]), 300))::double precision, 0.999);
        END IF;
        IF match[9] IS NOT NULL THEN is_utc := true;
        ELSIF match[10] IS NOT NULL THEN
          tz := (match[11]::integer * 60 + match[12]::integer) * CASE WHEN match[10] = '-' THEN -1 ELSE 1 END;
          IF tz = 0 THEN is_utc := true; END IF;
        END IF;
      END IF;
      IF match[2] <> '' THEN
        valid_ymd := true;
        y := match[2]::integer * CASE WHEN match[1] = '-' THEN -1 ELSE 1 END; mo := match[3]; d := match[4];
        ${OVERFLOW}
        IF tz <> 0 THEN ${TO_JULIAN} END IF;
      END IF;
    ELSIF low IN ('now', 'subsec', 'subsecond') THEN
      ${IMPURE}
      IF low <> 'now' THEN subsec := true; END IF;
      jd := pg.floor(EXTRACT(epoch FROM pg.statement_timestamp()) * 1000)::bigint + 210866760000000;
      valid_jd := true;
      is_utc := true;
    ELSIF word ~ '^${SPACE}*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?${SPACE}*$' THEN
      r := pack.cast_real(word);
    ELSE
      RETURN;
    END IF;
  END IF;
  IF r IS NOT NULL THEN
    s := r;
    is_raw := true;
    IF r >= 0 AND r < 5373484.5 THEN
      jd := pg.trunc(r * 86400000.0::double precision + 0.5)::bigint;
      valid_jd := true;
    END IF;
  END IF;

  FOREACH modifier IN ARRAY modifiers LOOP
    place := place + 1;
    word := modifier;
    low := pg.lower(word COLLATE "C");
    IF low IS NULL THEN jd := NULL; RETURN; END IF;
    IF low = 'auto' AND place = 1 THEN
      IF NOT is_raw OR valid_jd THEN
        is_raw := false;
      ELSIF s >= -210866760000 AND s <= 253402300799 THEN
        jd := pg.trunc(s * 1000.0::double precision + 210866760000000.0::double precision + 0.5)::bigint;
        ${FORGET}
        valid_jd := true;
        is_raw := false;
      END IF;
    ELSIF low = 'ceiling' THEN
      ${TO_JULIAN}
      ${FORGET}
      floor_days := 0;
    ELSIF low = 'floor' THEN
      ${TO_JULIAN}
      jd := jd - floor_days * 86400000::bigint;
      ${FORGET}
    ELSIF low = 'julianday' AND place = 1 AND valid_jd AND is_raw THEN
      is_raw := false;
    ELSIF low = 'unixepoch' AND is_raw AND place = 1 THEN
      r := s * 1000.0::double precision + 210866760000000.0::double precision;
      IF r < 0 OR r >= 464269060800000.0 THEN jd := NULL; RETURN; END IF;
      ${FORGET}
      jd := pg.trunc(r + 0.5)::bigint;
      valid_jd := true;
      is_raw := false;
    ELSIF low = 'localtime' THEN
      ${IMPURE}
      IF NOT is_local THEN
        ${TO_JULIAN}
        IF jd < 0 OR jd > 464269060799999 THEN jd := NULL; RETURN; END IF;
        jd := pack._local(jd);
        ${FORGET}
        is_raw := false;
      END IF;
      is_utc := false;
      is_local := true;
    ELSIF low = 'utc' THEN
      ${IMPURE}
      IF NOT is_utc THEN
        ${TO_JULIAN}
        IF jd < 0 OR jd > 464269060799999 THEN jd := NULL; RETURN; END IF;
        guess := jd;
        off := 0;
        FOR i IN 1..5 LOOP
          guess := guess - off;
          off := pack._local(guess) - jd;
          EXIT WHEN off = 0;
        END LOOP;
        jd := guess;
        ${FORGET}
        is_raw := false; is_utc := true; is_local := false; floor_days := 0; subsec := false;
      END IF;
    ELSIF low IN ('subsec', 'subsecond') THEN
      subsec := true;
    ELSIF low LIKE 'weekday %' THEN
      IF pg.substr(low, 9) !~ '^${SPACE}*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?${SPACE}*$' THEN jd := NULL; RETURN; END IF;
      r := pack.cast_real(pg.substr(low, 9));
      IF r < 0 OR r >= 7 OR r <> pg.trunc(r) THEN jd := NULL; RETURN; END IF;
      n := r::integer;
      ${TO_DAY}
      ${TO_TIME}
      tz := 0;
      valid_jd := false;
      ${TO_JULIAN}
      rest := ((jd + 129600000) / 86400000) % 7;
      IF rest > n THEN rest := rest - 7; END IF;
      jd := jd + (n - rest) * 86400000;
      ${FORGET}
    ELSIF low IN ('start of month', 'start of year', 'start of day') AND (valid_jd OR valid_ymd OR valid_hms) THEN
      ${TO_DAY}
      valid_hms := true;
      h := 0; mi := 0; s := 0;
      is_raw := false;
      tz := 0;
      valid_jd := false;
      IF low = 'start of month' THEN d := 1; ELSIF low = 'start of year' THEN mo := 1; d := 1; END IF;
    ELSIF low ~ '^[-+0-9]' THEN
      match := CASE WHEN word ~ '^[-+][0-9]{4,5}-' THEN pg.regexp_match(word, '^([-+])([0-9]{4,5})-([0-9]{2})-([0-9]{2})(?:${SPACE}(.*))?$') END;
      IF match IS NOT NULL THEN
        IF match[2]::integer > 14712 OR match[3]::integer > 11 OR match[4]::integer > 30 THEN jd := NULL; RETURN; END IF;
        ${TO_DAY}
        ${TO_TIME}
        valid_jd := false;
        n := match[4];
        IF match[1] = '-' THEN
          y := y - match[2]::integer; mo := mo - match[3]::integer; n := -n;
        ELSE
          y := y + match[2]::integer; mo := mo + match[3]::integer;
        END IF;
        ${MONTHS}
        ${OVERFLOW}
        ${TO_JULIAN}
        valid_hms := false;
        valid_ymd := false;
        jd := jd + n * 86400000::bigint;
        IF match[5] IS NULL THEN CONTINUE; END IF;
        unit := match[5];
        word := match[1] || unit;
        IF unit !~ '^[0-9]' THEN jd := NULL; RETURN; END IF;
      ELSE
        unit := pg."substring"(word, '^[-+]?(.*)$');
      END IF;
      match := CASE WHEN pg.strpos(unit, ':') > 0 THEN pg.regexp_match(unit, '^${CLOCK}$') END;
      IF match IS NOT NULL THEN
        IF match[1]::integer > 24 OR match[2]::integer > 59 OR COALESCE(match[3]::integer, 0) > 59
          OR COALESCE(match[7]::integer, 0) > 14 OR COALESCE(match[8]::integer, 0) > 59 THEN jd := NULL; RETURN; END IF;
        r := COALESCE(match[3]::integer, 0);
        IF match[4] IS NOT NULL THEN
          r := r + LEAST((match[4]::numeric)::double precision / ('1e' || LEAST(pg.length(match[4]), 300))::double precision, 0.999);
        END IF;
        rest := match[1]::bigint * 3600000 + match[2]::bigint * 60000 + pg.trunc(r * 1000 + 0.5)::bigint;
        IF match[6] IS NOT NULL THEN
          rest := rest - (match[7]::integer * 60 + match[8]::integer) * CASE WHEN match[6] = '-' THEN -60000 ELSE 60000 END;
        END IF;
        rest := ((rest % 86400000) + 86400000) % 86400000;
        ${TO_JULIAN}
        ${FORGET}
        jd := jd + CASE WHEN word LIKE '-%' THEN -rest ELSE rest END;
        CONTINUE;
      END IF;
      IF word ~ '^[+-]?[0-9]{1,9} [A-Za-z]+$' THEN
        r := pg.split_part(word, ' ', 1)::double precision;
        unit := pg.split_part(low, ' ', 2);
      ELSE
        match := pg.regexp_match(word, '^([^ \t\n\v\f\r:]*)${SPACE}*([A-Za-z]+)$');
        IF match IS NULL OR match[1] !~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$' OR word ~ '^[^ \t\n\v\f\r:]*[A-Za-z]$'
        THEN jd := NULL; RETURN; END IF;
        r := pack.cast_real(match[1]);
        unit := pg.lower(match[2] COLLATE "C");
      END IF;
      IF unit LIKE '%s' THEN unit := pg."left"(unit, -1); END IF;
      factor := CASE unit WHEN 'second' THEN 1 WHEN 'minute' THEN 60 WHEN 'hour' THEN 3600 WHEN 'day' THEN 86400 WHEN 'month' THEN 2592000 WHEN 'year' THEN 31536000 END;
      most := CASE unit WHEN 'second' THEN 464269991018496.0 WHEN 'minute' THEN 7737900007424.0 WHEN 'hour' THEN 128970006528.0
        WHEN 'day' THEN 5373485 WHEN 'month' THEN 176546 ELSE 14713 END;
      IF factor IS NULL OR r <= -most OR r >= most THEN jd := NULL; RETURN; END IF;
      ${TO_JULIAN}
      rounder := CASE WHEN r < 0 THEN -0.5 ELSE 0.5 END;
      floor_days := 0;
      IF unit IN ('month', 'year') THEN
        ${TO_DAY}
        ${TO_TIME}
        IF unit = 'month' THEN
          mo := mo + pg.trunc(r)::integer;
          ${MONTHS}
        ELSE
          y := y + pg.trunc(r)::integer;
        END IF;
        ${OVERFLOW}
        valid_jd := false;
        r := r - pg.trunc(r);
        ${TO_JULIAN}
      END IF;
      jd := jd + pg.trunc(r * 1000.0::double precision * factor + rounder)::bigint;
      ${FORGET}
    ELSE
      jd := NULL;
      RETURN;
    END IF;
  END LOOP;

  ${TO_JULIAN}
  IF jd < 0 OR jd > 464269060799999 THEN jd := NULL; RETURN; END IF;
  -- A day past the end of its month is moved on, unless a modifier stands in between, as SQLite has it.
  IF place = 0 AND valid_ymd AND d > 28 THEN valid_ymd := false; END IF;
  ${TO_DAY}
  ${TO_TIME}
END`,
    { language: 'plpgsql', volatility: 'stable', isStrict: false },
  ),
  define(
    '_date_text(format text, v value, modifiers text[], fixed boolean) RETURNS text',
    String.raw`
DECLARE
  m record;
  part text;
  result text := '';
  rest text := format;
  at integer;
  jan integer;
  monday integer;
  sunday integer;
  thursday record;
  n integer;
BEGIN
  IF format IS NULL THEN RETURN NULL; END IF;
  -- A text that is its own answer: most are.
  IF format LIKE '=%' AND modifiers = '{}' AND v.kind = 3
    AND v.t ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?$'
  THEN
    IF format = '=date' THEN RETURN pg."left"(v.t, 10); END IF;
    part := COALESCE(NULLIF(pg.substr(v.t, 12), ''), '00:00:00');
    RETURN CASE WHEN format = '=time' THEN part ELSE pg."left"(v.t, 10) || ' ' || part END;
  END IF;
  SELECT * INTO m FROM pack._moment(v, modifiers, fixed);
  IF m.jd IS NULL THEN RETURN NULL; END IF;
  IF format IN ('=datetime', '=date', '=time') THEN
    IF format <> '=time' THEN
      result := CASE WHEN m.y < 0 THEN '-' ELSE '' END || pg.lpad(pg.abs(m.y)::text, 4, '0') || '-' || pg.lpad(m.mo::text, 2, '0') || '-' || pg.lpad(m.d::text, 2, '0');
    END IF;
    IF format = '=datetime' THEN result := result || ' '; END IF;
    IF format <> '=date' THEN
      result := result || pg.lpad(m.h::text, 2, '0') || ':' || pg.lpad(m.mi::text, 2, '0') || ':' || pg.lpad(pg.trunc(m.s)::text, 2, '0');
      IF m.subsec THEN result := result || '.' || pg.lpad((pg.trunc(1000.0 * m.s + 0.5)::bigint % 1000)::text, 3, '0'); END IF;
    END IF;
    RETURN result;
  END IF;
  LOOP
    at := pg.strpos(rest, '%');
    IF at = 0 THEN RETURN result || rest; END IF;
    result := result || pg."left"(rest, at - 1);
    part := pg.substr(rest, at + 1, 1);
    rest := pg.substr(rest, at + 2);
    IF part = ANY ('{j,U,W,u,w,G,g,V}') THEN
      monday := ((m.jd + 43200000) / 86400000) % 7;
      sunday := ((m.jd + 129600000) / 86400000) % 7;
      jan := (m.jd - (pack._julian(m.y, 1, 1) + m.h * 3600000 + m.mi * 60000 + pg.trunc(m.s * 1000 + 0.5)::bigint) + 43200000) / 86400000;
      IF part = ANY ('{G,g,V}') THEN
        SELECT * INTO thursday FROM pack._day(m.jd + (3 - monday) * 86400000::bigint);
      END IF;
    END IF;
    CASE part
      WHEN 'd' THEN result := result || pg.lpad(m.d::text, 2, '0');
      WHEN 'e' THEN result := result || pg.lpad(m.d::text, 2);
      WHEN 'f' THEN result := result || pack.printf('%06.3f', LEAST(m.s, 59.999)::crossfade_sqlite.value);
      WHEN 'F' THEN result := result || pack._year(m.y) || '-' || pg.lpad(m.mo::text, 2, '0') || '-' || pg.lpad(m.d::text, 2, '0');
      WHEN 'G' THEN result := result || pack._year(thursday.y);
      WHEN 'g' THEN result := result || CASE WHEN thursday.y % 100 < 0 THEN '-' || -(thursday.y % 100) ELSE pg.lpad((thursday.y % 100)::text, 2, '0') END;
      WHEN 'H' THEN result := result || pg.lpad(m.h::text, 2, '0');
      WHEN 'k' THEN result := result || pg.lpad(m.h::text, 2);
      WHEN 'I' THEN result := result || pg.lpad(((CASE WHEN m.h > 12 THEN m.h - 12 WHEN m.h = 0 THEN 12 ELSE m.h END))::text, 2, '0');
      WHEN 'l' THEN result := result || pg.lpad(((CASE WHEN m.h > 12 THEN m.h - 12 WHEN m.h = 0 THEN 12 ELSE m.h END))::text, 2);
      WHEN 'j' THEN result := result || pg.lpad((jan + 1)::text, 3, '0');
      WHEN 'J' THEN result := result || pack.printf('%.16g', (m.jd / 86400000.0::double precision)::crossfade_sqlite.value);
      WHEN 'm' THEN result := result || pg.lpad(m.mo::text, 2, '0');
      WHEN 'M' THEN result := result || pg.lpad(m.mi::text, 2, '0');
      WHEN 'p' THEN result := result || CASE WHEN m.h >= 12 THEN 'PM' ELSE 'AM' END;
      WHEN 'P' THEN result := result || CASE WHEN m.h >= 12 THEN 'pm' ELSE 'am' END;
      WHEN 'R' THEN result := result || pg.lpad(m.h::text, 2, '0') || ':' || pg.lpad(m.mi::text, 2, '0');
      WHEN 's' THEN
        IF m.subsec THEN
          result := result || pack.printf('%.3f', ((m.jd - 210866760000000) / 1000.0::double precision)::crossfade_sqlite.value);
        ELSE
          result := result || (m.jd / 1000 - 210866760000)::text;
        END IF;
      WHEN 'S' THEN result := result || pg.lpad(pg.trunc(m.s)::text, 2, '0');
      WHEN 'T' THEN result := result || pg.lpad(m.h::text, 2, '0') || ':' || pg.lpad(m.mi::text, 2, '0') || ':' || pg.lpad(pg.trunc(m.s)::text, 2, '0');
      WHEN 'u' THEN result := result || CASE WHEN sunday = 0 THEN 7 ELSE sunday END;
      WHEN 'w' THEN result := result || sunday;
      WHEN 'U' THEN result := result || pg.lpad(((jan - sunday + 7) / 7)::text, 2, '0');
      WHEN 'W' THEN result := result || pg.lpad(((jan - monday + 7) / 7)::text, 2, '0');
      WHEN 'V' THEN
        n := (m.jd + (3 - monday) * 86400000::bigint - (pack._julian(thursday.y, 1, 1) + m.h * 3600000 + m.mi * 60000 + pg.trunc(m.s * 1000 + 0.5)::bigint) + 43200000) / 86400000;
        result := result || pg.lpad((n / 7 + 1)::text, 2, '0');
      WHEN 'Y' THEN result := result || pack._year(m.y);
      WHEN '%' THEN result := result || '%';
      ELSE RETURN NULL;
    END CASE;
  END LOOP;
END`,
    { language: 'plpgsql', volatility: 'stable', isStrict: false },
  ),
  // %04d: the sign counts.
  define(
    '_year(integer) RETURNS text',
    `CASE WHEN $1 < 0 THEN '-' || pg.lpad((-$1)::text, GREATEST(3, pg.length((-$1)::text)), '0') ELSE pg.lpad($1::text, 4, '0') END`,
  ),
  ...faces('date', 'text', `pack._date_text('=date', $1, $2, FIXED)`),
  ...faces('time', 'text', `pack._date_text('=time', $1, $2, FIXED)`),
  ...faces('datetime', 'text', `pack._date_text('=datetime', $1, $2, FIXED)`),
  ...faces(
    'julianday',
    'double precision',
    `(SELECT jd / 86400000.0::double precision FROM pack._moment($1, $2, FIXED))`,
  ),
  ...faces('unixepoch', 'bigint', `(SELECT jd / 1000 - 210866760000 FROM pack._moment($1, $2, FIXED))`),
  define('unixepoch_real(v value) RETURNS double precision', `pack.unixepoch_real($1, VARIADIC '{}')`, {
    volatility: 'stable',
  }),
  define(
    'unixepoch_real(v value, VARIADIC modifiers text[]) RETURNS double precision',
    `(SELECT CASE WHEN subsec THEN (jd - 210866760000000) / 1000.0::double precision ELSE jd / 1000 - 210866760000 END FROM pack._moment($1, $2, false))`,
    { volatility: 'stable' },
  ),
  ...(['', 'fixed_'] as const).flatMap((prefix) => {
    const isFixed = prefix !== '';
    const options = {
      volatility: isFixed ? 'immutable' : 'stable',
      language: 'plpgsql',
      isStrict: false,
    } as const;
    const body = (time: string, modifiers: string): string =>
      `BEGIN RETURN pack._date_text($1, ${time}, ${modifiers}, ${isFixed}); END`;
    return [
      ...(isFixed
        ? []
        : [
            define(
              'strftime(format text) RETURNS text',
              body(`'now'::text::crossfade_sqlite.value`, `'{}'::text[]`),
              options,
            ),
          ]),
      ...overloads(
        `${prefix}strftime(format text, `,
        'text',
        body('$2::crossfade_sqlite.value', `'{}'::text[]`),
        body('$2::crossfade_sqlite.value', '$3'),
        options,
      ),
      define(`${prefix}timediff(a value, b value) RETURNS text`, timediff(isFixed), { ...options, isStrict: true }),
    ];
  }),
  ...(['timediff', 'fixed_timediff'] as const).map((name) =>
    define(
      `${name}(a text, b text) RETURNS text`,
      `BEGIN RETURN pack.${name}($1::crossfade_sqlite.value, $2::crossfade_sqlite.value); END`,
      { volatility: name === 'timediff' ? 'stable' : 'immutable', language: 'plpgsql' },
    ),
  ),
];

/** An overload each for a time value alone and with modifiers, as text (for string literals) and as any value. */
function overloads(
  head: string,
  returns: string,
  alone: string,
  modified: string,
  options: Parameters<typeof define>[2],
): string[] {
  return ['value', 'text'].flatMap((type) => [
    define(`${head}v ${type}) RETURNS ${returns}`, alone, options),
    define(`${head}v ${type}, VARIADIC modifiers text[]) RETURNS ${returns}`, modified, options),
  ]);
}

/** A date function that may read the clock, and its face for indexes. */
function faces(name: string, returns: string, expression: string): string[] {
  const body = (isFixed: boolean, time: string, modifiers: string): string =>
    `BEGIN RETURN ${expression.replace('$1', time).replace('$2', modifiers).replace('FIXED', String(isFixed))}; END`;
  const none = `'{}'::text[]`;
  const given = '$1::crossfade_sqlite.value';
  const stable = { volatility: 'stable', language: 'plpgsql', isStrict: false } as const;
  const fixed = { ...stable, volatility: 'immutable' } as const;
  return [
    define(`${name}() RETURNS ${returns}`, body(false, `'now'::text::crossfade_sqlite.value`, none), stable),
    ...overloads(`${name}(`, returns, body(false, given, none), body(false, given, '$2'), stable),
    ...overloads(`fixed_${name}(`, returns, body(true, given, none), body(true, given, '$2'), fixed),
  ];
}

function timediff(isFixed: boolean): string {
  return `
DECLARE
  one record;
  two record;
  years integer;
  months integer;
  clock bigint;
  jd bigint;
  step integer;
BEGIN
  SELECT * INTO one FROM pack._moment(a, '{}', ${isFixed});
  SELECT * INTO two FROM pack._moment(b, '{}', ${isFixed});
  IF one.jd IS NULL OR two.jd IS NULL THEN RETURN NULL; END IF;
  step := CASE WHEN one.jd >= two.jd THEN 1 ELSE -1 END;
  years := step * (one.y - two.y);
  months := step * (one.mo - two.mo);
  clock := two.h * 3600000 + two.mi * 60000 + pg.trunc(two.s * 1000 + 0.5)::bigint;
  jd := two.jd;
  IF years <> 0 OR months <> 0 THEN jd := pack._julian(one.y, one.mo, two.d) + clock; END IF;
  IF months < 0 THEN years := years - 1; months := months + 12; END IF;
  two.y := one.y;
  two.mo := one.mo;
  WHILE step * (one.jd - jd) < 0 LOOP
    months := months - 1;
    IF months < 0 THEN months := 11; years := years - 1; END IF;
    two.mo := two.mo - step;
    IF two.mo < 1 THEN two.mo := 12; two.y := two.y - 1; ELSIF two.mo > 12 THEN two.mo := 1; two.y := two.y + 1; END IF;
    jd := pack._julian(two.y, two.mo, two.d) + clock;
  END LOOP;
  jd := pg.abs(one.jd - jd);
  RETURN CASE WHEN step = 1 THEN '+' ELSE '-' END || pg.lpad(years::text, GREATEST(4, pg.length(years::text)), '0') || '-' || pg.lpad(months::text, 2, '0') || '-'
    || pg.lpad((jd / 86400000)::text, 2, '0') || ' ' || pg.lpad((jd / 3600000 % 24)::text, 2, '0') || ':'
    || pg.lpad((jd / 60000 % 60)::text, 2, '0') || ':' || pg.lpad((jd / 1000 % 60)::text, 2, '0') || '.' || pg.lpad((jd % 1000)::text, 3, '0');
END`;
}
