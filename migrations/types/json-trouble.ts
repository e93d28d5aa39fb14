/**
 * Why PostgreSQL would not take a text as JSON: `invalid` for `json` and `jsonb`, `beyond-jsonb` for `jsonb` only.
 * `null` where both take it.
 */
export function jsonTrouble(text: string): 'invalid' | 'beyond-jsonb' | null {
  // Most text is no JSON, and shows it with its first character.
  if (!FIRST.test(text)) return 'invalid';
  try {
    JSON.parse(text);
  } catch {
    return 'invalid';
  }
  return /\\u0000|\\ud[89a-f]/i.test(text) ? 'beyond-jsonb' : null;
}

const FIRST = /^[ \t\r\n]*["{[\-\dtfn]/;
