/**
 * A default as a person would write it: a constant without the cast to the type that its column has anyway. Anything
 * else stays as it is.
 */
export function plainDefault(sql: string, type: string): string {
  if (type === 'text') return /^('(?:[^']|'')*')::text$/.exec(sql)?.[1] ?? sql;
  const number = /^\(?'?(-?\d+(?:\.\d+)?)'?\)?((?:::double precision)?(?:::numeric)?)$/.exec(sql);
  const [, digits, casts] = number ?? [];
  // More digits than a double keeps would not mean the same without the cast.
  if (digits === undefined || digits.length > 15) return sql;
  if (type === 'bigint') return casts === '' ? digits : sql;
  return type === 'double precision' || type.startsWith('numeric') ? digits : sql;
}

/** A condition or expression in one pair of parentheses, whether it brings its own or not. */
export function inParentheses(sql: string): string {
  return isEnclosed(sql) ? sql : `(${sql})`;
}

/** Whether the first parenthesis is closed by the last character; those within quotes do not count. */
function isEnclosed(sql: string): boolean {
  if (!sql.startsWith('(')) return false;
  const bare = sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, (quoted) => ' '.repeat(quoted.length));
  let depth = 0;
  for (const [index, character] of [...bare].entries()) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth === 0) return index === [...bare].length - 1;
  }
  return false;
}
