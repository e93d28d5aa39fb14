import { Kept } from '../compat/kept.ts';

/** What a question mark in SQL may stand in, and those that stand for a parameter. */
const PART =
  /(?<![\w$])[eE]'(?:[^'\\]|\\[^]|'')*'|'(?:[^']|'')*'|("(?:[^"]|"")*")|--[^\n]*|\/\*[^]*?\*\/|(\$(?:[A-Za-z_]\w*)?\$)[^]*?\2|(\\*)\?/g;

/**
 * Numbers the parameters of a statement as PostgreSQL wants them. Question marks in strings and comments are left alone, as
 * SQLite leaves them; an escaped one is an operator.
 */
export function numberParameters(sql: string): string {
  return NUMBERED.of(sql);
}

const NUMBERED = new Kept(numbered);

function numbered(sql: string): string {
  let count = 0;
  return sql.replace(PART, (part: string, name?: string, _tag?: string, escapes?: string) => {
    // Knex escapes the question mark in the name of a column.
    if (name !== undefined) return name.replaceAll('\\?', '?');
    if (escapes === undefined) return part;
    if (escapes.length % 2 === 1) return '?';
    count += 1;
    return `$${count}`;
  });
}
