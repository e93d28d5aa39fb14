import { Unholdable } from '../adapter/codec/unholdable.ts';
import type { SqlValue } from '../adapter/spec.ts';

/** Characters of text, and bytes of a blob, that are shown of one value. */
const SHOWN_CHARACTERS = 200;
const SHOWN_BYTES = 64;

/** Where there is no row; a text would stand in quotes. */
export const NO_VALUE = '–';

/**
 * A value as people read it, with its type plain to see: `null`, `17`, `17.0` for a real, `"text"` with everything that is
 * not to be seen escaped, `x'00ff'`. Long ones are shortened, and say how long they are.
 */
export function shownValue(value: SqlValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number')
    return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
  if (typeof value === 'string') return shownText(value);
  if (value instanceof Uint8Array) return shownBytes(value);
  if (value instanceof Unholdable) {
    const { original } = value;
    return `${typeof original === 'string' ? original : shownBytes(original)} (only ${value.heldBy === 'sqlite' ? 'SQLite' : 'PostgreSQL'} can hold it)`;
  }
  const never: never = value;
  throw new TypeError(`no such value: ${String(never)}`);
}

/** What is not to be seen although it is there: it may be all that differs. */
const UNSEEN = /[\u007f-\u009f\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function shownText(text: string): string {
  const characters = Array.from(text.slice(0, SHOWN_CHARACTERS * 2));
  const isLong = characters.length > SHOWN_CHARACTERS || text.length > SHOWN_CHARACTERS * 2;
  const shown = isLong ? characters.slice(0, SHOWN_CHARACTERS).join('') : text;
  const escaped = JSON.stringify(shown).replace(
    UNSEEN,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return isLong ? `${escaped.slice(0, -1)}…" (${text.length} characters)` : escaped;
}

function shownBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex');
  return bytes.length > SHOWN_BYTES ? `x'${hex}…' (${bytes.length} bytes)` : `x'${hex}'`;
}
