import { indexExpressions, tokensOf } from './index-expressions.ts';

/** The expressions of a table's generated columns by name, in lower case, as its CREATE TABLE statement writes them. */
export function generatedExpressions(createTable: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const definition of indexExpressions(createTable)) {
    const expression = expressionIn(definition);
    if (expression !== undefined) found.set(nameOf(definition), expression);
  }
  return found;
}

/** What stands in the parentheses behind AS. */
function expressionIn(definition: string): string | undefined {
  let depth = 0;
  let before = '';
  let inside = '';
  for (const token of tokensOf(definition)) {
    if (token === ')') depth -= 1;
    if (depth > 0) inside += token;
    else if (token !== '(' && token !== ')') before += token;
    if (token === '(') depth += 1;
    if (token !== ')' || depth > 0) continue;
    if (/\bAS\s*$/i.test(before)) return inside;
    inside = '';
    before += ' ';
  }
  return undefined;
}

function nameOf(definition: string): string {
  const [first = ''] = tokensOf(definition);
  const closing = { '"': '"', '`': '`', "'": "'", '[': ']' }[first[0] ?? ''];
  const name =
    closing === undefined
      ? (/^[^\s(]+/.exec(definition)?.[0] ?? '')
      : first.slice(1, -1).replaceAll(closing + closing, closing);
  return name.toLowerCase();
}
