/** An answer other than success that the API gives on purpose: an HTTP status, a stable code, and what to do. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  /** A stable name for programs: `FIELD_INVALID`, `NOT_FOUND`. */
  readonly code: string;
  readonly hint: string;
  /** Seconds after which the same request may succeed; set on 503. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    options: { hint: string; retryAfterSeconds?: number; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.hint = options.hint;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** A 400 that names the field (of the body or of the query) and says what it should be. */
export function fieldInvalid(field: string, expected: string, found: unknown): HttpError {
  const what = found === undefined ? 'is missing' : `holds ${describe(found)}`;
  return new HttpError(400, 'FIELD_INVALID', `field "${field}" ${what}`, { hint: `"${field}" must be ${expected}` });
}

/** What a value is, without the value itself: error answers end up in other people's logs. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string')
    return value === '' ? 'an empty text' : `a text of ${value.length} character${value.length === 1 ? '' : 's'}`;
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? `${value}` : 'an object';
}
