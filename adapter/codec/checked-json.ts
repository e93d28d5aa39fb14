import { checkedText } from './checked-text.ts';
import { ValueRefused } from './value-refused.ts';

/** PostgreSQL's own limit depends on the size of its stack, and ends the statement; SQLite's functions take 1,000. */
export const MAX_DEPTH = 1_000;

/** Refuses what PostgreSQL's `json` does not take, and keeps every byte of the rest. @throws ValueRefused */
export function checkedJson(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    throw new ValueRefused('text that is not valid JSON');
  }
  if (text.length > MAX_DEPTH && depthOf(text) > MAX_DEPTH)
    throw new ValueRefused(`JSON nested more than ${MAX_DEPTH} deep`);
  return checkedText(text);
}

/** How deep valid JSON is nested. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '[' || character === '{') deepest = Math.max(deepest, (depth += 1));
    else if (character === ']' || character === '}') depth -= 1;
  }
  return deepest;
}

/** Where the string that begins here ends: at the next quotation mark with an even number of backslashes before it. */
export function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
  } while (end > 0 && isEscaped(text, end));
  return end;
}

function isEscaped(text: string, place: number): boolean {
  let first = place;
  while (text[first - 1] === '\\') first -= 1;
  return (place - first) % 2 === 1;
}
