/**
 * The parts of an index's column list, as its CREATE INDEX statement writes them: `email`, `lower(name)`, without
 * COLLATE, ASC and DESC at the end. SQLite's introspection tells everything about an index but its expressions.
 *
 * Reads no more than it must: the list is what stands in the first pair of parentheses outside quotes and comments,
 * and commas within it separate the parts unless they are quoted or nested.
 */
export function indexExpressions(createIndex: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const token of tokensOf(createIndex)) {
    if (token.startsWith('--') || token.startsWith('/*')) continue;
    if (token === ')') depth -= 1;
    if (token === ')' && depth === 0) break;
    if (depth === 1 && token === ',') {
      parts.push(part);
      part = '';
    } else if (depth > 0) part += token;
    if (token === '(') depth += 1;
  }
  return [...parts, part].map((text) => text.replace(SUFFIX, '').trim());
}

/** Quoted text and names as one token each, comments too, and every other character by itself. */
export function tokensOf(sql: string): readonly string[] {
  return sql.match(TOKENS) ?? [];
}

const TOKENS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[\s\S]/g;

/** What may follow the expression itself; its collation is known from the introspection. */
const SUFFIX = /(?:\s+COLLATE\s+(?:\w+|"[^"]*"))?(?:\s+(?:ASC|DESC))?\s*$/i;
