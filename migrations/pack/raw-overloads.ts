import { define } from './define.ts';

/**
 * Overloads for SQL that was written for SQLite and runs with the pack first on the search path. A string literal there has
 * no type yet, and PostgreSQL would try to read it as a composite: where a value goes, text must be able to go as well.
 */
export const RAW_OVERLOADS = [
  ...['printf'].flatMap((name) =>
    combinations(4).map((types) =>
      define(
        `${name}(format text, ${types.map((type, i) => `a${i} ${type}`).join(', ')}) RETURNS text`,
        `CASE WHEN $1 IS NOT NULL THEN pack._printf($1, ARRAY[${types.map((_, i) => `$${i + 2}::crossfade_sqlite.value`).join(', ')}]) END`,
        { isStrict: false },
      ),
    ),
  ),
  ...Object.entries({ json_replace: 2, json_insert: 3, json_set: 4 }).flatMap(([name, mode]) =>
    ['text', 'value'].flatMap((first) =>
      combinations(2).map((types) =>
        define(
          `${name}(v ${first}, ${types.map((type, i) => `p${i} text, a${i} ${type}`).join(', ')}) RETURNS json`,
          `CASE WHEN NOT ($1 IS NULL) THEN pack._json_change($1::crossfade_sqlite.value, ARRAY[${types
            .map((_, i) => `$${2 * i + 2}::crossfade_sqlite.value, $${2 * i + 3}::crossfade_sqlite.value`)
            .join(', ')}], ${mode}) END`,
          { isStrict: false },
        ),
      ),
    ),
  ),
  define('quote(text) RETURNS text', 'pack.quote($1::crossfade_sqlite.value)', { isStrict: false }),
  define('instr(a text, b value) RETURNS bigint', 'pg.strpos($1, pack._text($2))::bigint'),
  define('instr(a value, b text) RETURNS bigint', 'pg.strpos(pack._text($1), $2)::bigint'),
  define('like(a text, b value) RETURNS boolean', 'pack."like"($1::crossfade_sqlite.value, $2)'),
  define('glob(a text, b value) RETURNS boolean', 'pack.glob($1::crossfade_sqlite.value, $2)'),
  define('replace(a value, b text, c text) RETURNS text', 'pg.replace(pack._text($1), $2, $3)'),
  define('replace(a text, b text, c value) RETURNS text', 'pg.replace($1, $2, pack._text($3))'),
  define('round(v text) RETURNS double precision', 'pack.round(pack.cast_real($1), 0::bigint)'),
  define('round(v text, bigint) RETURNS double precision', 'pack.round(pack.cast_real($1), $2)'),
];

/** Every row of `text` and `value` from one up to so many. */
function combinations(most: number): string[][] {
  const all: string[][] = [];
  for (let n = 1; n <= most; n++) {
    for (let bits = 0; bits < 2 ** n; bits++) {
      all.push(Array.from({ length: n }, (_, i) => ((bits >> i) & 1 ? 'text' : 'value')));
    }
  }
  return all;
}
