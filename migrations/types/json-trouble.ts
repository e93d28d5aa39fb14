import { jsonbText } from '../../adapter/codec/jsonb-text.ts';
import { ValueRefused } from '../../adapter/codec/value-refused.ts';

/**
 * Why PostgreSQL would not take a text as JSON: `invalid` for `json` and `jsonb`, `beyond-jsonb` for `jsonb` only.
 * `null` where both take it.
 */
export function jsonTrouble(text: string): 'invalid' | 'beyond-jsonb' | null {
  // Most text is no JSON, and shows it with its first character.
  if (!FIRST.test(text)) return 'invalid';
  try {
    jsonbText(text);
    return null;
  } catch (error) {
    if (!(error instanceof ValueRefused)) throw error;
    return isJson(text) ? 'beyond-jsonb' : 'invalid';
  }
}

const FIRST = /^[ \t\r\n]*["{[\-\dtfn]/;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
