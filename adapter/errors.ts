/**
 * Every error that Crossfade throws on purpose: one class, one list of codes.
 *
 * `retryable` says whether the same call may succeed when it is made again, unchanged, a little later.
 */
const CODES = {
  CONFIG_INVALID: { retryable: false },
  SQLITE_UNREADABLE: { retryable: false },
  SQLITE_IN_MEMORY: { retryable: false },
  SQLITE_BUSY: { retryable: true },
  POSTGRES_UNREACHABLE: { retryable: true },
  POSTGRES_REFUSED: { retryable: false },
  POSTGRES_RIGHTS: { retryable: false },
  TABLE_MISSING: { retryable: false },
  TABLE_WITHOUT_KEY: { retryable: false },
  TABLE_NOT_EMPTY: { retryable: false },
  KEY_HOLDS_NULL: { retryable: false },
  COLUMN_MISMATCH: { retryable: false },
  TYPE_UNSUPPORTED: { retryable: false },
  NOT_INSTALLED: { retryable: false },
  VERSION_UNKNOWN: { retryable: false },
  STAGE_UNKNOWN: { retryable: false },
  STAGE_SKIPPED: { retryable: false },
  GATE_REFUSED: { retryable: false },
  SWITCH_TIMED_OUT: { retryable: true },
  SWITCH_LOST: { retryable: true },
  SWITCHING: { retryable: true },
  FENCED: { retryable: true },
  MIRROR_TAKEN: { retryable: true },
  MIRROR_STOPPED: { retryable: false },
  WAIT_TIMED_OUT: { retryable: true },
  STEP_OUTDATED: { retryable: true },
  HISTORY_LOST: { retryable: false },
  CAPTURE_BROKEN: { retryable: false },
  SCHEMA_CHANGE_REFUSED: { retryable: false },
  FACADE_REFUSED: { retryable: false },
  THREAD_LOST: { retryable: true },
  BREAKER_OPEN: { retryable: true },
  TRANSACTION_ABORTED: { retryable: false },
  ROW_NOT_FOUND: { retryable: false },
  SQL_INVALID: { retryable: false },
  SQL_UNTRANSLATABLE: { retryable: false },
  SCHEMA_UNCLEAR: { retryable: false },
  MIGRATION_FAILED: { retryable: false },
  INDEX_NOT_RESTORED: { retryable: false },
  NO_BACKFILL: { retryable: false },
  DISK_TOO_SMALL: { retryable: false },
  CLOSED: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

/** A stable name for what went wrong; scripts and handlers may depend on it. */
export type ErrorCode = keyof typeof CODES;

/**
 * An error with a stable `code`, whether a retry can help, and what to do about it.
 *
 * `message` says what was attempted, on what, and what was found; `hint` says what to do.
 * Neither ever holds a connection string, a password or a row's values other than its key.
 */
export class CrossfadeError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CrossfadeError';
    this.code = code;
    this.retryable = CODES[code].retryable;
    this.hint = options.hint;
  }
}

/** Whether `error` is a {@link CrossfadeError}, and, when a code is given, one with that code. */
export function isCrossfadeError(error: unknown, code?: ErrorCode): error is CrossfadeError {
  return error instanceof CrossfadeError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown, for logs and status lines. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
