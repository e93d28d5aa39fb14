import { createHash } from 'node:crypto';

/** PostgreSQL cuts longer identifiers, in bytes of UTF-8: https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
export const POSTGRES_IDENTIFIER_BYTES = 63;

/** Whether PostgreSQL keeps a name as it is. */
export function fits(name: string): boolean {
  return Buffer.byteLength(name) <= POSTGRES_IDENTIFIER_BYTES;
}

/**
 * Gives out names for what SQLite left unnamed or PostgreSQL needs unique: tables, views, indexes and the constraints
 * behind indexes share one namespace there.
 */
export class Names {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /** The wanted name, or one like it that fits and is free. The same wishes in the same order give the same names. */
  give(wanted: string): string {
    let name = fits(wanted) ? wanted : shorten(wanted, wanted);
    for (let attempt = 2; this.#taken.has(name); attempt += 1) {
      const next = `${wanted}${attempt}`;
      name = fits(next) ? next : shorten(wanted, next);
    }
    this.#taken.add(name);
    return name;
  }
}

/** The beginning of a name that is too long, and a few letters that tell it from others with the same beginning. */
function shorten(name: string, whole: string): string {
  const mark = `_${createHash('sha256').update(whole).digest('hex').slice(0, 8)}`;
  let bytes = 0;
  let kept = '';
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > POSTGRES_IDENTIFIER_BYTES - mark.length) break;
    kept += character;
  }
  return kept + mark;
}
