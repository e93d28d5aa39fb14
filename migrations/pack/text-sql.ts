import { define } from './define.ts';

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Functions of text and blobs. */
export const TEXT_SQL = [
  define('lower(text) RETURNS text', `pg.lower($1 COLLATE "C")`),
  define('upper(text) RETURNS text', `pg.upper($1 COLLATE "C")`),
  define('lower(v value) RETURNS text', `pg.lower(pack._text($1) COLLATE "C")`),
  define('upper(v value) RETURNS text', `pg.upper(pack._text($1) COLLATE "C")`),
  define('nocase(text) RETURNS text', `pg.lower($1 COLLATE "C")`),
  define('rtrim_key(text) RETURNS text', `pg.rtrim($1, ' ')`),
  ...(['trim', 'ltrim', 'rtrim'] as const).flatMap((name) => {
    const own = name === 'trim' ? 'btrim' : name;
    return [
      define(`${name}(text) RETURNS text`, `pg.${own}($1, ' ')`),
      define(`${name}(text, text) RETURNS text`, `pg.${own}($1, $2)`),
      define(`${name}(v value) RETURNS text`, `pg.${own}(pack._text($1), ' ')`),
    ];
  }),
  define('length(text) RETURNS bigint', `pg.char_length($1)::bigint`),
  define('length(bytea) RETURNS bigint', `pg.length($1)::bigint`),
  define(
    'length(v value) RETURNS bigint',
    `CASE WHEN ($1).kind = 4 THEN pg.length(($1).b) ELSE pg.char_length(pack._text($1)) END::bigint`,
  ),
  define('octet_length(text) RETURNS bigint', `pg.octet_length($1)::bigint`),
  define('octet_length(bytea) RETURNS bigint', `pg.octet_length($1)::bigint`),
  define(
    'octet_length(v value) RETURNS bigint',
    `CASE WHEN ($1).kind = 4 THEN pg.octet_length(($1).b) ELSE pg.octet_length(pack._text($1)) END::bigint`,
  ),
  define('hex(text) RETURNS text', `COALESCE(pg.upper(pg.encode(pack._bytes($1), 'hex')), '')`, { isStrict: false }),
  define('hex(bytea) RETURNS text', `COALESCE(pg.upper(pg.encode($1, 'hex')), '')`, { isStrict: false }),
  define('hex(v value) RETURNS text', `COALESCE(pg.upper(pg.encode(pack.cast_blob($1), 'hex')), '')`, {
    isStrict: false,
  }),
  define('unhex(text) RETURNS bytea', `CASE WHEN $1 ~ '^([0-9A-Fa-f]{2})*$' THEN pg.decode($1, 'hex') END`),
  // Characters to be passed over may stand between bytes only, and digits stay digits.
  define(
    'unhex(text, text) RETURNS bytea',
    `
DECLARE
  result text := '';
  c text;
  half text;
BEGIN
  FOREACH c IN ARRAY pg.string_to_array($1, NULL) LOOP
    IF c ~ '^[0-9A-Fa-f]$' THEN
      IF half IS NULL THEN half := c; ELSE result := result || half || c; half := NULL; END IF;
    ELSIF half IS NOT NULL OR pg.strpos($2, c) = 0 THEN
      RETURN NULL;
    END IF;
  END LOOP;
  RETURN CASE WHEN half IS NULL THEN pg.decode(result, 'hex') END;
END`,
    { language: 'plpgsql' },
  ),
  define('instr(text, text) RETURNS bigint', `pg.strpos($1, $2)::bigint`),
  define('instr(bytea, bytea) RETURNS bigint', `pg."position"($1, $2)::bigint`),
  define(
    'instr(a value, b value) RETURNS bigint',
    `CASE WHEN ($1).kind = 4 AND ($2).kind = 4 THEN pg."position"(($1).b, ($2).b) ELSE pg.strpos(pack._text($1), pack._text($2)) END::bigint`,
  ),
  // With nothing to look for, SQLite does not ask what to put in its place.
  define('replace(text, text, text) RETURNS text', `CASE WHEN $2 = '' THEN $1 ELSE pg.replace($1, $2, $3) END`, {
    isStrict: false,
  }),
  define(
    'replace(a value, b value, c value) RETURNS text',
    `pack.replace(pack._text($1), pack._text($2), pack._text($3))`,
    {
      isStrict: false,
    },
  ),
  define('unicode(text) RETURNS bigint', `CASE WHEN $1 <> '' THEN pg.ascii($1)::bigint END`),
  define('unicode(v value) RETURNS bigint', `pack.unicode(pack._text($1))`),
  define(
    'char(VARIADIC bigint[]) RETURNS text',
    `COALESCE((SELECT pg.string_agg(pg.chr(CASE WHEN code BETWEEN 0 AND 1114111 THEN code ELSE 65533 END::integer), '' ORDER BY place)
      FROM pg.unnest($1) WITH ORDINALITY AS codes(code, place)), '')`,
  ),
  define('char() RETURNS text', `''::text`),
  define('zeroblob(bigint) RETURNS bytea', `pg.decode(pg.repeat('00', GREATEST($1, 0)::integer), 'hex')`),
  ...substring('substr'),
  ...substring('substring'),
  // p, q: start and length, as large as SQLite takes them; size: of the text or blob. Gives PostgreSQL's start and length.
  define(
    '_slice(p bigint, q bigint, size integer, OUT start integer, OUT count integer) ',
    `
DECLARE
  p1 bigint := GREATEST(LEAST(p, 4611686018427387904), -4611686018427387904);
  p2 bigint := GREATEST(LEAST(q, 4611686018427387904), -4611686018427387904);
BEGIN
  IF p1 < 0 THEN
    p1 := p1 + size;
    IF p1 < 0 THEN
      p2 := CASE WHEN p2 < 0 THEN 0 ELSE p2 + p1 END;
      p1 := 0;
    END IF;
  ELSIF p1 > 0 THEN
    p1 := p1 - 1;
  ELSIF p2 > 0 THEN
    p2 := p2 - 1;
  END IF;
  IF p2 < 0 THEN
    p2 := CASE WHEN p2 < -p1 THEN p1 ELSE -p2 END;
    p1 := p1 - p2;
  END IF;
  start := LEAST(p1, size) + 1;
  count := GREATEST(LEAST(p2, size), 0);
END`,
    { language: 'plpgsql' },
  ),
  // Only ASCII is folded. Without ESCAPE nothing escapes.
  define(
    'like(pattern text, x text) RETURNS boolean',
    `pg.textlike(pg.lower($2 COLLATE "C"), pg.like_escape(pg.lower($1 COLLATE "C"), ''))`,
  ),
  define(
    'like(pattern text, x text, escape text) RETURNS boolean',
    String.raw`
DECLARE
  converted text;
BEGIN
  IF pg.char_length($3) <> 1 THEN RAISE EXCEPTION 'ESCAPE expression must be a single character'; END IF;
  converted := pg.like_escape($1, $3);
  -- An escape with nothing behind it matches nothing.
  IF pg.length(pg."substring"(converted, '(\\*)$')) % 2 = 1 THEN RETURN false; END IF;
  RETURN pg.textlike(pg.lower($2 COLLATE "C"), pg.lower(converted COLLATE "C"));
END`,
    { language: 'plpgsql' },
  ),
  define(
    'like(a value, b value) RETURNS boolean',
    `CASE WHEN 4 IN (($1).kind, ($2).kind) THEN false ELSE pack."like"(pack._text($1), pack._text($2)) END`,
  ),
  define(
    'like(a value, b value, c value) RETURNS boolean',
    `CASE WHEN 4 IN (($1).kind, ($2).kind) THEN false ELSE pack."like"(pack._text($1), pack._text($2), pack._text($3)) END`,
  ),
  define(
    'glob(pattern text, x text) RETURNS boolean',
    String.raw`CASE WHEN pg.strpos($1, '[') = 0
      THEN pg.textlike($2 COLLATE "C", pg.translate(pg.regexp_replace($1, '([\\%_])', '\\\1', 'g'), '*?', '%_'))
      ELSE pg.textregexeq($2 COLLATE "C", pack._glob_pattern($1)) END`,
  ),
  define(
    'glob(a value, b value) RETURNS boolean',
    `CASE WHEN 4 IN (($1).kind, ($2).kind) THEN false ELSE pack.glob(pack._text($1), pack._text($2)) END`,
  ),
  // A GLOB pattern as a regular expression; every other character by its code.
  define(
    '_glob_pattern(pattern text) RETURNS text',
    String.raw`
DECLARE
  chars text[] := pg.string_to_array(pattern, NULL);
  n integer := COALESCE(pg.array_length(chars, 1), 0);
  i integer := 1;
  c text;
  class text;
  prior text;
  is_negated boolean;
  result text := '^';
BEGIN
  WHILE i <= n LOOP
    c := chars[i];
    IF c = '*' THEN
      result := result || '.*';
    ELSIF c = '?' THEN
      result := result || '.';
    ELSIF c = '[' THEN
      class := '';
      prior := NULL;
      i := i + 1;
      is_negated := i <= n AND chars[i] = '^';
      IF is_negated THEN i := i + 1; END IF;
      IF i <= n AND chars[i] = ']' THEN class := pack._code(']'); i := i + 1; END IF;
      WHILE i <= n AND chars[i] <> ']' LOOP
        IF chars[i] = '-' AND i < n AND chars[i + 1] <> ']' AND prior IS NOT NULL THEN
          i := i + 1;
          IF pg.ascii(prior) <= pg.ascii(chars[i]) THEN class := class || pack._code(prior) || '-' || pack._code(chars[i]); END IF;
          prior := NULL;
        ELSE
          class := class || pack._code(chars[i]);
          prior := chars[i];
        END IF;
        i := i + 1;
      END LOOP;
      -- A bracket that is never closed matches nothing.
      IF i > n THEN RETURN '[^\s\S]'; END IF;
      result := result || '[' || CASE WHEN is_negated THEN '^' ELSE '' END || class || ']';
    ELSE
      result := result || CASE WHEN c ~ '^[0-9A-Za-z]$' THEN c ELSE pack._code(c) END;
    END IF;
    i := i + 1;
  END LOOP;
  RETURN result || '$';
END`,
    { language: 'plpgsql' },
  ),
  define('_code(text) RETURNS text', String.raw`'\U' || pg.lpad(pg.to_hex(pg.ascii($1)), 8, '0')`),
  define(
    'quote(v value) RETURNS text',
    `CASE ($1).kind WHEN 1 THEN ($1).i::text
      WHEN 2 THEN CASE ($1).r WHEN 'Infinity' THEN '9.0e+999' WHEN '-Infinity' THEN '-9.0e+999' ELSE pack.cast_text(($1).r) END
      WHEN 4 THEN 'X''' || pg.upper(pg.encode(($1).b, 'hex')) || ''''
      WHEN 3 THEN '''' || pg.replace(($1).t, '''', '''''') || ''''
      WHEN 5 THEN '''' || pg.replace(($1).t, '''', '''''') || ''''
      ELSE 'NULL' END`,
    { isStrict: false },
  ),
  define(
    'soundex(x text) RETURNS text',
    `
DECLARE
  -- By bytes without their highest bit, as SQLite reads them.
  bytes bytea := pack._bytes(pg."substring"(x, '[A-Za-z].*$'));
  code text;
  prior text := '';
  result text;
BEGIN
  IF bytes IS NULL THEN RETURN '?000'; END IF;
  FOR i IN 0 .. pg.length(bytes) - 1 LOOP
    code := pg.chr(pg.get_byte(bytes, i) & 127 | 64);
    code := CASE WHEN pg.get_byte(bytes, i) & 127 >= 64 THEN pg.translate(pg.upper(code COLLATE "C"), '${CAPITALS}', '01230120022455012623010202') ELSE '0' END;
    IF code !~ '^[1-6]$' THEN code := ''; END IF;
    IF result IS NULL THEN
      result := pg.upper(pg.chr(pg.get_byte(bytes, i)) COLLATE "C");
    ELSIF code <> '' AND code <> prior THEN
      result := result || code;
    END IF;
    prior := code;
    EXIT WHEN pg.length(result) = 4;
  END LOOP;
  RETURN pg.rpad(result, 4, '0');
END`,
    { language: 'plpgsql', isStrict: false },
  ),
  ...concats(),
];

/** `concat` and `concat_ws`: NULLs are left out. */
function concats(): string[] {
  const parts = 'pg.unnest(REST) WITH ORDINALITY AS parts(kind, i, r, t, b, place)';
  const joined = (rest: string, separator: string): string =>
    `(SELECT pg.string_agg(pack._text(ROW(kind, i, r, t, b)::value ), ${separator} ORDER BY place) FROM ${parts.replace('REST', rest)} WHERE kind IS NOT NULL)`;
  return [
    define('concat_values(a value) RETURNS text', `COALESCE(pack._text($1), '')`, { isStrict: false }),
    define('concat_values(a value, VARIADIC rest value[]) RETURNS text', `COALESCE(${joined('$1 || $2', `''`)}, '')`, {
      isStrict: false,
    }),
    define(
      'concat_ws_values(separator value, a value) RETURNS text',
      `CASE WHEN ($1).kind IS NOT NULL THEN COALESCE(pack._text($2), '') END`,
      {
        isStrict: false,
      },
    ),
    define(
      'concat_ws_values(separator value, a value, VARIADIC rest value[]) RETURNS text',
      `CASE WHEN ($1).kind IS NOT NULL THEN COALESCE(${joined('$2 || $3', 'pack._text($1)')}, '') END`,
      { isStrict: false },
    ),
  ];
}

/** `substr` and its other name. */
function substring(name: string): string[] {
  const made: string[] = [];
  for (const position of ['bigint', 'integer']) {
    for (const [type, length] of [
      ['text', 'pg.char_length'],
      ['bytea', 'pg.length'], // SQLite has no pointer for an empty blob, and NULL for its parts
    ] as const) {
      const x = type === 'bytea' ? `NULLIF($1, ''::bytea)` : '$1';
      made.push(
        define(
          `${name}(x ${type}, p ${position}) RETURNS ${type}`,
          `CASE WHEN $2 > 0 THEN pg.substr(${x}, LEAST($2, 2147483647)::integer)
            ELSE (SELECT pg.substr(${x}, s.start, s.count) FROM pack._slice($2, 1000000000, ${length}($1)) s) END`,
        ),
        define(
          `${name}(x ${type}, p ${position}, q ${position}) RETURNS ${type}`,
          `CASE WHEN $2 > 0 AND $3 >= 0 THEN pg.substr(${x}, LEAST($2, 2147483647)::integer, LEAST($3, 2147483647)::integer)
            ELSE (SELECT pg.substr(${x}, s.start, s.count) FROM pack._slice($2, $3, ${length}($1)) s) END`,
        ),
      );
    }
  }
  return [
    ...made,
    define(`${name}(v value, p bigint) RETURNS text`, `pack.${name}(pack._text($1), $2)`),
    define(`${name}(v value, p bigint, q bigint) RETURNS text`, `pack.${name}(pack._text($1), $2, $3)`),
  ];
}
