import Database from 'better-sqlite3';
import { Unholdable } from '../codec/unholdable.ts';
import { CrossfadeError, messageOf } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { SqlValue } from '../spec.ts';

/**
 * Makes lines of values whole again that came from another thread, in place: structured clone keeps the fields of an
 * {@link Unholdable}, and not that it is one. Everything else arrives as it was, bit for bit.
 */
export function reviveValues<T extends readonly (readonly SqlValue[])[]>(lines: T): T {
  for (const line of lines) {
    line.forEach((value, index) => {
      if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return;
      (line as SqlValue[])[index] = revived(value);
    });
  }
  return lines;
}

function revived({ original, reason }: Unholdable): Unholdable {
  return typeof original === 'string' ? Unholdable.inPostgres(original, reason) : Unholdable.inSqlite(original);
}

/** An error on its way between threads. */
export interface ErrorRecord {
  readonly kind: 'crossfade' | 'sqlite' | 'other';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly cause: ErrorRecord | null;
}

/** What structured clone keeps of an error; of Crossfade's own ones and SQLite's everything that callers look at. */
export function recordOfError(error: unknown): ErrorRecord {
  const cause = error instanceof Error && error.cause !== undefined ? recordOfError(error.cause) : null;
  const message = messageOf(error);
  if (error instanceof CrossfadeError) {
    return { kind: 'crossfade', code: error.code, message, hint: error.hint, cause };
  }
  if (error instanceof Database.SqliteError) return { kind: 'sqlite', code: error.code, message, hint: '', cause };
  return { kind: 'other', code: '', message, hint: '', cause };
}

export function errorOfRecord({ kind, code, message, hint, cause }: ErrorRecord): Error {
  const because = cause === null ? {} : { cause: errorOfRecord(cause) };
  if (kind === 'crossfade') return new CrossfadeError(code as ErrorCode, message, { hint, ...because });
  return kind === 'sqlite' ? new Database.SqliteError(message, code) : new Error(message, because);
}
