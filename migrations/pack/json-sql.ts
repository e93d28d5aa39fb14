import { define, qualified } from './define.ts';
import type { DefineOptions } from './define.ts';

const BAD_PATH = `RAISE EXCEPTION 'bad JSON path: %', path USING ERRCODE = '22023';`;

/** JSON as SQLite has it: text, minified, its order, its duplicates and the text of its numbers kept. */
export const JSON_SQL = [
  define(
    '_minified(text) RETURNS text',
    String.raw`CASE WHEN $1 ~ '[ \t\n\r]' THEN pg.regexp_replace($1, '("(?:[^"\\]|\\.)*")|[ \t\n\r]+', '\1', 'g') ELSE $1 END`,
  ),
  // Strict JSON without an exception to catch (which would forbid parallel plans): what is simple is taken away until nothing is left.
  define(
    '_is_json(x text) RETURNS boolean',
    String.raw`
DECLARE
  shape text := pg.regexp_replace(x, '"(?:[^"\\\x01-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"', 's', 'g');
  before text;
BEGIN
  shape := pg.regexp_replace(shape, '-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9a-zA-Z.+-])', 'v', 'g');
  shape := pg.regexp_replace(shape, 'true|false|null', 'v', 'g');
  IF shape !~ '^[][{}:,sv \t\n\r]*$' OR shape ~ '[sv][ \t\n\r]*[sv]' THEN RETURN false; END IF;
  shape := pg.translate(shape, E' \t\n\r', '');
  LOOP
    before := shape;
    shape := pg.regexp_replace(shape, '\[(?:[sv](?:,[sv])*)?\]|\{(?:s:[sv](?:,s:[sv])*)?\}', 'v', 'g');
    EXIT WHEN shape = before;
  END LOOP;
  RETURN shape IN ('s', 'v');
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_json(v value) RETURNS json',
    `
DECLARE
  x text := CASE WHEN v.kind = 2 THEN pack._json_text(v)::text ELSE pack._text(v) END;
BEGIN
  IF v.kind <> 5 AND NOT pack._is_json(x) THEN RAISE EXCEPTION 'malformed JSON' USING ERRCODE = '22032'; END IF;
  RETURN x::json;
END`,
    { language: 'plpgsql' },
  ),
  // A value as JSON text.
  define(
    '_json_text(v value) RETURNS text',
    `
BEGIN
  IF v IS NULL OR v.kind IS NULL THEN RETURN 'null'; END IF;
  IF v.kind = 1 THEN RETURN v.i::text; END IF;
  IF v.kind = 2 THEN RETURN CASE v.r WHEN 'Infinity' THEN '9.0e+999' WHEN '-Infinity' THEN '-9.0e+999' ELSE pack.cast_text(v.r) END; END IF;
  IF v.kind = 3 THEN RETURN pg.to_json(v.t)::text; END IF;
  IF v.kind = 5 THEN RETURN v.t; END IF;
  RAISE EXCEPTION 'JSON cannot hold BLOB values' USING ERRCODE = '22023';
END`,
    { language: 'plpgsql', isStrict: false },
  ),
  define(
    '_json_type(j json) RETURNS text',
    `CASE pg.json_typeof($1) WHEN 'number' THEN CASE WHEN $1::text ~ '[.eE]' THEN 'real' ELSE 'integer' END
      WHEN 'boolean' THEN pg.btrim($1::text, E' \\t\\n\\r') WHEN 'string' THEN 'text' ELSE pg.json_typeof($1) END`,
  ),
  define(
    '_json_value(j json) RETURNS value',
    `
DECLARE
  type text := pack._json_type(j);
BEGIN
  CASE type
    WHEN 'integer' THEN
      IF pg.length(j::text) <= 18 OR j::text::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN RETURN j::text::bigint::value; END IF;
      RETURN pack.cast_real(j::text)::value;
    WHEN 'real' THEN RETURN pack.cast_real(j::text)::value;
    WHEN 'text' THEN RETURN (j #>> '{}')::value;
    WHEN 'true' THEN RETURN 1::bigint::value;
    WHEN 'false' THEN RETURN 0::bigint::value;
    WHEN 'null' THEN RETURN NULL;
    ELSE RETURN j::value;
  END CASE;
END`,
    { language: 'plpgsql' },
  ),
  // The first step of what is left of a path: a key, or an index from the front, or one from the end. No kind: a bad path.
  define(
    '_json_step(path text, OUT kind text, OUT key text, OUT n bigint, OUT tail text) ',
    String.raw`
DECLARE
  found text[];
BEGIN
  IF path LIKE '."%' THEN
    found := pg.regexp_match(path, '^\."((?:[^"\\]|\\.)*)"(.*)$');
    IF found IS NULL THEN RETURN; END IF;
    kind := 'key';
    key := found[1];
    IF pg.strpos(key, '\') > 0 THEN key := ('"' || key || '"')::json #>> '{}'; END IF;
    tail := found[2];
  ELSIF path LIKE '.%' THEN
    found := pg.regexp_match(path, '^\.([^.[]+)(.*)$');
    IF found IS NULL THEN RETURN; END IF;
    kind := 'key'; key := found[1]; tail := found[2];
  ELSE
    found := pg.regexp_match(path, '^\[(#?)(-?)([0-9]*)\](.*)$');
    IF found IS NULL OR (found[1] = '' AND (found[2] <> '' OR found[3] = '')) OR (found[1] = '#' AND (found[2] = '') <> (found[3] = '')) THEN RETURN; END IF;
    kind := CASE WHEN found[1] = '' THEN 'front' ELSE 'end' END;
    n := CASE WHEN found[3] = '' THEN 0 ELSE LEAST(found[3]::numeric, 2147483647)::bigint END;
    tail := found[4];
  END IF;
END`,
    { language: 'plpgsql' },
  ),
  // The element at a path, NULL if there is none. The first of equal keys counts.
  define(
    '_json_get(j json, path text) RETURNS json',
    `
DECLARE
  here json := j;
  rest text := pg.substr(path, 2);
  step record;
  type text;
  at bigint;
BEGIN
  IF path NOT LIKE '$%' THEN ${BAD_PATH} END IF;
  WHILE rest <> '' LOOP
    type := pg.json_typeof(here);
    IF rest LIKE '[%' AND type <> 'array' THEN RETURN NULL; END IF;
    SELECT * INTO step FROM pack._json_step(rest);
    IF step.kind IS NULL THEN ${BAD_PATH} END IF;
    IF step.kind = 'key' THEN
      IF type <> 'object' THEN RETURN NULL; END IF;
      here := (SELECT e.value FROM pg.json_each(here) e WHERE e.key = step.key LIMIT 1);
    ELSE
      at := CASE WHEN step.kind = 'front' THEN step.n ELSE pg.json_array_length(here) - step.n END;
      IF at < 0 THEN RETURN NULL; END IF;
      here := here -> at::integer;
    END IF;
    IF here IS NULL THEN RETURN NULL; END IF;
    rest := step.tail;
  END LOOP;
  RETURN here;
END`.replaceAll('e.value FROM', 'e."value" FROM'),
    { language: 'plpgsql' },
  ),
  // What -> and ->> take for a path: a label, an index from either end, or a path.
  define(
    '_arrow_path(v value) RETURNS text',
    String.raw`CASE WHEN ($1).kind = 1 THEN CASE WHEN ($1).i < 0 THEN '$[#' || ($1).i || ']' ELSE '$[' || ($1).i || ']' END
      WHEN pack._text($1) LIKE '$%' THEN pack._text($1)
      WHEN pack._text($1) ~ '^[0-9A-Za-z]*$' THEN '$.' || pack._text($1)
      WHEN pack._text($1) ~ '^\[.+\]$' THEN '$' || pack._text($1)
      ELSE '$."' || pack._text($1) || '"' END`,
  ),
  define(
    'arrow(a value, b value) RETURNS json',
    `pack._minified(pack._json_get(pack._json($1), pack._arrow_path($2))::text)::json`,
  ),
  define(
    'arrow_value(a value, b value) RETURNS value',
    `pack._json_value(pack._json_get(pack._json($1), pack._arrow_path($2)))`,
  ),
  define('arrow_text(a value, b value) RETURNS text', `pack._text(pack.arrow_value($1, $2))`),
  ...operators(),
  ...both('json(A) RETURNS json', `pack._minified(pack._json($1)::text)::json`),
  define('json_quote(v value) RETURNS json', 'pack._json_text($1)::json', { isStrict: false }),
  define('json_quote(text) RETURNS json', 'pack._json_text($1::crossfade_sqlite.value)::json', { isStrict: false }),
  ...both('json_array_length(A) RETURNS bigint', `pack._json_count(pack._json($1))`),
  ...both('json_array_length(A, path text) RETURNS bigint', `pack._json_count(pack._json_get(pack._json($1), $2))`),
  define(
    '_json_count(json) RETURNS bigint',
    `CASE WHEN pg.json_typeof($1) = 'array' THEN pg.json_array_length($1) ELSE 0 END::bigint`,
  ),
  ...both('json_type(A) RETURNS text', `pack._json_type(pack._json($1))`),
  ...both('json_type(A, path text) RETURNS text', `pack._json_type(pack._json_get(pack._json($1), $2))`),
  define('json_valid(text) RETURNS boolean', 'pack._is_json($1)'),
  define(
    'json_valid(text, flags bigint) RETURNS boolean',
    `CASE WHEN $2 BETWEEN 1 AND 15 THEN $2 & 3 <> 0 AND pack._is_json($1) END`,
  ),
  define('json_valid(text, flags integer) RETURNS boolean', `pack.json_valid($1, $2::bigint)`),
  define(
    'json_valid(v value) RETURNS boolean',
    'CASE WHEN ($1).kind = 4 THEN false ELSE pack._is_json(pack._text($1)) END',
  ),
  ...both(
    'json_extract(A, path text) RETURNS text',
    `pack._text(pack._json_value(pack._json_get(pack._json($1), $2)))`,
  ),
  ...both(
    'json_extract(A, path text, VARIADIC paths text[]) RETURNS text',
    'pack._json_several(pack._json($1), $2 || $3)::text',
  ),
  define(
    'json_extract_value(v value, path text) RETURNS value',
    `pack._json_value(pack._json_get(pack._json($1), $2))`,
  ),
  define(
    'json_extract_value(v value, path text, VARIADIC paths text[]) RETURNS value',
    `pack._json_several(pack._json($1), $2 || $3)::value `,
  ),
  define(
    '_json_several(j json, paths text[]) RETURNS json',
    `
DECLARE
  path text;
  result text := '';
BEGIN
  FOREACH path IN ARRAY paths LOOP
    IF path IS NULL THEN RETURN NULL; END IF;
    result := result || ',' || COALESCE(pack._minified(pack._json_get(j, path)::text), 'null');
  END LOOP;
  RETURN ('[' || pg.substr(result, 2) || ']')::json;
END`,
    { language: 'plpgsql' },
  ),
  // mode: 1 remove, 2 replace, 3 insert, 4 set, 5 insert into an array. NULL: nothing changes. Empty: the element goes.
  define(
    '_json_edit(j json, path text, mode integer, made text) RETURNS text',
    `
DECLARE
  step record;
  type text := pg.json_typeof(j);
  part record;
  result text := '';
  changed text;
  found boolean := false;
  at bigint;
BEGIN
  IF path = '' THEN RETURN CASE mode WHEN 1 THEN '' WHEN 2 THEN made WHEN 4 THEN made END; END IF;
  IF path LIKE '[%' AND type <> 'array' THEN RETURN NULL; END IF;
  SELECT * INTO step FROM pack._json_step(path);
  IF step.kind IS NULL THEN ${BAD_PATH} END IF;
  IF step.kind = 'key' THEN
    IF type <> 'object' THEN RETURN NULL; END IF;
    FOR part IN SELECT e.key AS name, e."value" AS content FROM pg.json_each(j) e LOOP
      IF NOT found AND part.name = step.key THEN
        found := true;
        IF mode = 5 AND step.tail = '' THEN RAISE EXCEPTION 'not an array element: %', path; END IF;
        changed := pack._json_edit(part.content, step.tail, mode, made);
        IF changed IS NULL THEN RETURN NULL; END IF;
        IF changed = '' THEN CONTINUE; END IF;
      ELSE
        changed := part.content::text;
      END IF;
      result := result || ',' || pg.to_json(part.name)::text || ':' || changed;
    END LOOP;
    IF NOT found THEN
      IF mode < 3 THEN RETURN NULL; END IF;
      IF mode = 5 AND step.tail NOT LIKE '%]' THEN RAISE EXCEPTION 'not an array element: %', path; END IF;
      changed := pack._json_made(step.tail, mode, made);
      IF changed IS NULL THEN RETURN NULL; END IF;
      result := result || ',' || pg.to_json(step.key)::text || ':' || changed;
    END IF;
    RETURN '{' || pg.substr(result, 2) || '}';
  END IF;
  at := CASE WHEN step.kind = 'front' THEN step.n ELSE pg.json_array_length(j) - step.n END;
  IF at < 0 OR at > pg.json_array_length(j) OR (at = pg.json_array_length(j) AND mode < 3) THEN RETURN NULL; END IF;
  FOR part IN SELECT e."value" AS content, e.ordinality - 1 AS place FROM pg.json_array_elements(j) WITH ORDINALITY e LOOP
    changed := part.content::text;
    IF part.place = at THEN
      IF mode = 5 AND step.tail = '' THEN
        changed := made || ',' || changed;
      ELSE
        changed := pack._json_edit(part.content, step.tail, mode, made);
        IF changed IS NULL THEN RETURN NULL; END IF;
        IF changed = '' THEN CONTINUE; END IF;
      END IF;
    END IF;
    result := result || ',' || changed;
  END LOOP;
  IF at = pg.json_array_length(j) THEN
    changed := pack._json_made(step.tail, mode, made);
    IF changed IS NULL THEN RETURN NULL; END IF;
    result := result || ',' || changed;
  END IF;
  RETURN '[' || pg.substr(result, 2) || ']';
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_json_made(path text, mode integer, made text) RETURNS text',
    `CASE WHEN $1 = '' THEN $3 ELSE pack._json_edit(CASE WHEN $1 LIKE '.%' THEN '{}'::json ELSE '[]'::json END, $1, $2, $3) END`,
  ),
  define(
    '_json_change(v value, arguments value[], mode integer) RETURNS json',
    `
DECLARE
  j text := pack._minified(pack._json(v)::text);
  path text;
  made text;
  i integer := 1;
BEGIN
  IF COALESCE(pg.array_length(arguments, 1), 0) % 2 = 1 THEN RAISE EXCEPTION 'a JSON function that changes needs an odd number of arguments'; END IF;
  WHILE i < COALESCE(pg.array_length(arguments, 1), 0) LOOP
    path := pack._text(arguments[i]);
    IF path IS NULL THEN RETURN NULL; END IF;
    IF path NOT LIKE '$%' THEN ${BAD_PATH} END IF;
    made := pack._json_text(arguments[i + 1]);
    IF path = '$' THEN
      IF mode IN (2, 4) THEN j := made; END IF;
    ELSE
      j := COALESCE(pack._json_edit(j::json, pg.substr(path, 2), mode, made), j);
    END IF;
    i := i + 2;
  END LOOP;
  RETURN j::json;
END`,
    { language: 'plpgsql' },
  ),
  ...Object.entries({ json_replace: 2, json_insert: 3, json_set: 4, json_array_insert: 5 }).flatMap(([name, mode]) => [
    define(`${name}(v value) RETURNS json`, `pack._json_change($1, '{}', ${mode})`),
    define(`${name}(v value, VARIADIC arguments value[]) RETURNS json`, `pack._json_change($1, $2, ${mode})`),
  ]),
  ...both('json_remove(A) RETURNS json', `pack._minified(pack._json($1)::text)::json`),
  ...both(
    'json_remove(A, VARIADIC paths text[]) RETURNS json',
    `pack._json_removed(pack._minified(pack._json($1)::text), $2)`,
  ),
  define(
    '_json_removed(j text, paths text[]) RETURNS json',
    `
DECLARE
  path text;
BEGIN
  FOREACH path IN ARRAY paths LOOP
    IF path IS NULL OR path = '$' THEN RETURN NULL; END IF;
    IF path NOT LIKE '$%' THEN ${BAD_PATH} END IF;
    j := COALESCE(pack._json_edit(j::json, pg.substr(path, 2), 1, ''), j);
  END LOOP;
  RETURN j::json;
END`,
    { language: 'plpgsql' },
  ),
  // RFC 7396.
  define(
    '_json_merged(target json, patch json) RETURNS text',
    `
DECLARE
  names text[] := '{}';
  contents text[] := '{}';
  part record;
  at integer;
  result text := '';
BEGIN
  IF pg.json_typeof(patch) <> 'object' THEN RETURN patch::text; END IF;
  IF pg.json_typeof(target) = 'object' THEN
    FOR part IN SELECT e.key AS name, e."value" AS content FROM pg.json_each(target) e LOOP
      names := names || part.name;
      contents := contents || part.content::text;
    END LOOP;
  END IF;
  FOR part IN SELECT e.key AS name, e."value" AS content FROM pg.json_each(patch) e LOOP
    at := pg.array_position(names, part.name);
    IF at IS NOT NULL THEN
      IF pg.json_typeof(part.content) = 'null' THEN
        names := names[:at - 1] || names[at + 1:];
        contents := contents[:at - 1] || contents[at + 1:];
      ELSE
        contents[at] := pack._json_merged(contents[at]::json, part.content);
      END IF;
    ELSIF pg.json_typeof(part.content) <> 'null' THEN
      names := names || part.name;
      contents := contents || pack._json_merged('{}', part.content);
    END IF;
  END LOOP;
  FOR i IN 1..COALESCE(pg.array_length(names, 1), 0) LOOP
    result := result || ',' || pg.to_json(names[i])::text || ':' || contents[i];
  END LOOP;
  RETURN '{' || pg.substr(result, 2) || '}';
END`,
    { language: 'plpgsql' },
  ),
  define(
    'json_patch(a value, b value) RETURNS json',
    `pack._minified(pack._json_merged(pack._json($1), pack._json($2)))::json`,
  ),
  define(
    'json_patch(a text, b text) RETURNS json',
    `pack.json_patch($1::crossfade_sqlite.value, $2::crossfade_sqlite.value)`,
  ),
  define(
    '_json_array(arguments value[]) RETURNS json',
    `
DECLARE
  parts text[] := '{}';
  argument value;
BEGIN
  IF COALESCE(pg.array_length(arguments, 1), 0) = 0 THEN RETURN '[]'; END IF;
  FOREACH argument IN ARRAY arguments LOOP parts := parts || pack._json_text(argument); END LOOP;
  RETURN ('[' || pg.array_to_string(parts, ',') || ']')::json;
END`,
    { language: 'plpgsql' },
  ),
  define(
    '_json_object(arguments value[]) RETURNS json',
    `
DECLARE
  parts text[] := '{}';
  n integer := COALESCE(pg.array_length(arguments, 1), 0);
BEGIN
  IF n % 2 = 1 THEN RAISE EXCEPTION 'json_object() requires an even number of arguments'; END IF;
  FOR i IN 1..n / 2 LOOP
    IF (arguments[2 * i - 1]).kind IS NULL OR (arguments[2 * i - 1]).kind NOT IN (3, 5) THEN RAISE EXCEPTION 'json_object() labels must be TEXT'; END IF;
    parts := parts || (pg.to_json((arguments[2 * i - 1]).t)::text || ':' || pack._json_text(arguments[2 * i]));
  END LOOP;
  RETURN ('{' || pg.array_to_string(parts, ',') || '}')::json;
END`,
    { language: 'plpgsql' },
  ),
  ...['json_array', 'json_object'].flatMap((name) => [
    define(`${name}() RETURNS json`, `pack._${name}('{}')`),
    define(`${name}(VARIADIC arguments value[]) RETURNS json`, `pack._${name}($1)`),
  ]),
  define(
    '_json_pretty(j json, indent text, depth integer) RETURNS text',
    `
DECLARE
  part record;
  result text := '';
BEGIN
  IF pg.json_typeof(j) = 'object' THEN
    FOR part IN SELECT e.key AS name, e."value" AS content FROM pg.json_each(j) e LOOP
      result := result || E',\\n' || pg.repeat(indent, depth + 1) || pg.to_json(part.name)::text || ': ' || pack._json_pretty(part.content, indent, depth + 1);
    END LOOP;
    IF result = '' THEN RETURN '{}'; END IF;
    RETURN '{' || pg.substr(result, 2) || E'\\n' || pg.repeat(indent, depth) || '}';
  ELSIF pg.json_typeof(j) = 'array' THEN
    FOR part IN SELECT e."value" AS content FROM pg.json_array_elements(j) e LOOP
      result := result || E',\\n' || pg.repeat(indent, depth + 1) || pack._json_pretty(part.content, indent, depth + 1);
    END LOOP;
    IF result = '' THEN RETURN '[]'; END IF;
    RETURN '[' || pg.substr(result, 2) || E'\\n' || pg.repeat(indent, depth) || ']';
  END IF;
  RETURN j::text;
END`,
    { language: 'plpgsql' },
  ),
  ...both('json_pretty(A) RETURNS text', `pack._json_pretty(pack._minified(pack._json($1)::text)::json, '    ', 0)`),
  ...both(
    'json_pretty(A, indent text) RETURNS text',
    `pack._json_pretty(pack._minified(pack._json($1)::text)::json, COALESCE($2, '    '), 0)`,
    { isStrict: false },
  ),
  ...tables(),
];

/** A function of JSON for text (string literals are that) and for any value. */
function both(signature: string, expression: string, options: DefineOptions = {}): string[] {
  const asValue = expression.replaceAll('_json($1)', '_json($1::crossfade_sqlite.value)');
  return [
    define(signature.replace('A', 'v value'), expression, options),
    define(signature.replace('A', 'v text'), asValue, options),
  ];
}

/** `->` and `->>` between a text and a label, a path or an index. */
function operators(): string[] {
  return ['text', 'bigint', 'integer'].flatMap((right) =>
    (
      [
        ['->', 'arrow'],
        ['->>', 'arrow_text'],
      ] as const
    ).map(([operator, name]) =>
      [
        define(
          `_${name}(a text, b ${right}) RETURNS ${operator === '->' ? 'json' : 'text'}`,
          `pack.${name}($1::crossfade_sqlite.value, $2::crossfade_sqlite.value)`,
        ),
        qualified(`DO $do$ BEGIN
          CREATE OPERATOR pack.${operator} (LEFTARG = text, RIGHTARG = ${right}, FUNCTION = pack._${name});
        EXCEPTION WHEN duplicate_function THEN NULL; END $do$;\n`),
      ].join(''),
    ),
  );
}

/** json_each and json_tree, with values as text and as values. */
function tables(): string[] {
  const columns = (type: string): string =>
    `"key" ${type}, "value" ${type}, "type" text, "atom" ${type}, "id" bigint, "parent" bigint, "fullkey" text, "path" text`;
  const typed = columns('value');
  const walk = define(
    `_json_walk(j json, number bigint, above bigint, name value, full_path text, own_path text, depth integer) RETURNS TABLE (${typed})`,
    String.raw`
DECLARE
  part record;
  inner_row record;
  next bigint := number;
  sort text := pg.json_typeof(j);
  label text;
BEGIN
  "key" := name;
  "value" := pack._json_value(j);
  "type" := pack._json_type(j);
  "atom" := CASE WHEN sort IN ('array', 'object') THEN NULL ELSE "value" END;
  "id" := number;
  "parent" := above;
  "fullkey" := full_path;
  "path" := own_path;
  RETURN NEXT;
  IF depth = 0 OR sort NOT IN ('array', 'object') THEN RETURN; END IF;
  next := next + 1;
  FOR part IN
    SELECT e.key AS name, NULL::bigint AS place, e."value" AS content FROM pg.json_each(CASE WHEN sort = 'object' THEN j ELSE '{}'::json END) e
    UNION ALL
    SELECT NULL, e.ordinality - 1, e."value" FROM pg.json_array_elements(CASE WHEN sort = 'array' THEN j ELSE '[]'::json END) WITH ORDINALITY e
  LOOP
    label := full_path || CASE WHEN part.name IS NULL THEN '[' || part.place || ']'
      WHEN part.name ~ '^[A-Za-z][A-Za-z0-9]*$' THEN '.' || part.name ELSE '.' || pg.to_json(part.name)::text END;
    FOR inner_row IN SELECT * FROM pack._json_walk(part.content, next, number,
      CASE WHEN part.name IS NULL THEN part.place::crossfade_sqlite.value ELSE part.name::crossfade_sqlite.value END, label, full_path, depth - 1)
    LOOP
      "key" := inner_row.key;
      "value" := inner_row."value";
      "type" := inner_row.type;
      "atom" := inner_row.atom;
      "id" := inner_row.id;
      "parent" := inner_row.parent;
      "fullkey" := inner_row.fullkey;
      "path" := inner_row.path;
      RETURN NEXT;
      next := next + 1;
    END LOOP;
  END LOOP;
END`,
    { language: 'plpgsql', isStrict: false },
  );
  // The key and the path of the place that the walk begins at.
  const start = define(
    '_json_root(path text, OUT name value, OUT above text) ',
    String.raw`
DECLARE
  found text[] := pg.regexp_match(path, '^(.*)(\[[0-9]+\]|\."(?:[^"\\]|\\.)*"|\.[^.[]+)$');
BEGIN
  above := COALESCE(found[1], path);
  IF found[2] LIKE '[%' THEN name := pg.btrim(found[2], '[]')::bigint;
  ELSIF found[2] LIKE '."%' THEN name := pg.substr(found[2], 3, pg.length(found[2]) - 3);
  ELSIF found[2] IS NOT NULL THEN name := pg.substr(found[2], 2); END IF;
END`,
    { language: 'plpgsql' },
  );
  const made = (['each', 'tree'] as const).flatMap((kind) =>
    (['value', 'text'] as const).flatMap((type) =>
      [false, true].flatMap((hasPath) =>
        [`json_${kind}`, `json_${kind}_value`].map((name) => {
          const isTyped = name.endsWith('_value');
          const as = (column: string): string => (isTyped ? `w."${column}"` : `pack._text(w."${column}")`);
          const root = hasPath ? '$2' : `'$'`;
          const json = `pack._json($1::crossfade_sqlite.value)`;
          const element = hasPath ? `pack._json_get(${json}, $2)` : json;
          const source =
            kind === 'tree'
              ? `(SELECT pack._json_root(${root}) AS r) s, LATERAL pack._json_walk(x.element, 0, NULL, (s.r).name, ${root}, (s.r).above, 1000) w`
              : `pack._json_walk(x.element, 0, NULL, NULL, ${root}, ${root}, 1) w`;
          const filter =
            kind === 'tree' ? '' : ` AND (w.id > 0 OR pg.json_typeof(x.element) NOT IN ('array', 'object'))`;
          const parent = kind === 'tree' ? 'w.parent' : 'NULL::bigint';
          return define(
            `${name}(v ${type}${hasPath ? ', root text' : ''}) RETURNS TABLE (${columns(isTyped ? 'value' : 'text')})`,
            `SELECT ${as('key')}, ${as('value')}, w.type, ${as('atom')}, w.id, ${parent}, w.fullkey, w.path
            FROM (SELECT ${element} AS element) x, LATERAL ${source}
            WHERE x.element IS NOT NULL${filter}`.replaceAll('LATERAL (SELECT', '(SELECT'),
            { language: 'query' },
          );
        }),
      ),
    ),
  );
  return [walk, start, ...made];
}
