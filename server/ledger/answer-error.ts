import type { ErrorRequestHandler, RequestHandler } from 'express';
import { isCrossfadeError, messageOf } from '../../adapter/errors.ts';
import { isInfrastructureError } from '../../adapter/infrastructure-error.ts';
import { HttpError } from './http-error.ts';

/** Answers a request for a path that the API does not have. */
export const answerUnknownPath: RequestHandler = (request, _response, next) => {
  next(
    new HttpError(404, 'NOT_FOUND', `there is nothing at ${request.method} ${request.path}`, {
      hint: 'GET / lists what there is',
    }),
  );
};

/**
 * Answers every error as `{ error: { code, message, hint } }`. What the API did not foresee is logged for the operator
 * and answered without its text, which may hold SQL or values.
 */
export function answerError(log: (message: string) => void): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const error = toHttpError(thrown);
    if (error.code === 'INTERNAL') log(`${request.method} ${request.path} failed: ${withoutSql(thrown)}`);
    if (error.retryAfterSeconds !== undefined) response.set('Retry-After', String(error.retryAfterSeconds));
    response.status(error.status).json({ error: { code: error.code, message: error.message, hint: error.hint } });
  };
}

/** What a driver's error says of itself, in either database's words. */
interface DriverError {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly message?: unknown;
  readonly constraint?: unknown;
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (isCrossfadeError(error)) {
    if (error.retryable) return unavailable(error.code, error.message, error.hint, error);
    return internal(error);
  }
  const fromBody = bodyError(error);
  if (fromBody !== undefined) return fromBody;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const known = driverError(cause);
    if (known !== undefined) return known;
  }
  return internal(error);
}

/** What Express's body parser throws: the fault of the request. */
function bodyError(error: unknown): HttpError | undefined {
  const type: unknown = error instanceof Error && 'type' in error ? error.type : undefined;
  switch (type) {
    case 'entity.parse.failed':
      return new HttpError(400, 'JSON_INVALID', 'the body is not JSON', { hint: 'send one JSON object', cause: error });
    case 'entity.too.large':
      return new HttpError(413, 'BODY_TOO_LARGE', 'the body is larger than 256 kB', {
        hint: 'send less',
        cause: error,
      });
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new HttpError(415, 'ENCODING_UNSUPPORTED', "the body's encoding is not supported", {
        hint: 'send UTF-8',
        cause: error,
      });
    default:
      return undefined;
  }
}

function driverError(error: DriverError): HttpError | undefined {
  const code = typeof error.code === 'string' ? error.code : '';
  const message = typeof error.message === 'string' ? error.message : '';
  if (
    code === '23505' ||
    code === 'SQLITE_CONSTRAINT_UNIQUE' ||
    code === 'SQLITE_CONSTRAINT_PRIMARYKEY' ||
    message.includes('UNIQUE constraint failed')
  ) {
    const column = uniqueColumn(error, message);
    return new HttpError(409, 'NOT_UNIQUE', `another row already has this ${column}`, {
      hint: `choose another ${column}, or change the row that has it`,
      cause: error,
    });
  }
  if (code === '23503' || code === '23001' || message.includes('FOREIGN KEY constraint failed')) {
    return new HttpError(409, 'REFERENCE_BROKEN', 'the row names one that does not exist, or is named by others', {
      hint: 'check the ids in the request; delete what belongs to a row before the row',
      cause: error,
    });
  }
  if (code === '23514' || message.includes('CHECK constraint failed')) {
    return new HttpError(400, 'CHECK_FAILED', 'the row breaks a rule of its table', {
      hint: 'check the values',
      cause: error,
    });
  }
  if (isPassing(code) || isInfrastructureError(error)) {
    return unavailable('DATABASE_UNAVAILABLE', 'the database does not answer at the moment', 'try again', error);
  }
  return undefined;
}

/** Deadlocks, serialization failures, locks and time limits: what a retry may get past. */
function isPassing(code: string): boolean {
  return /^(40001|40P01|55P03|57014)$|^SQLITE_(BUSY|LOCKED)/.test(code);
}

/** `UNIQUE constraint failed: accounts.email` and `Key (email)=(…) already exists.` both name the column. */
function uniqueColumn(error: DriverError, message: string): string {
  const sqlite = /UNIQUE constraint failed: (?:\w+\.)?(\w+)/.exec(message)?.[1];
  const postgres = typeof error.detail === 'string' ? /^Key \((\w+)\)/.exec(error.detail)?.[1] : undefined;
  return sqlite ?? postgres ?? 'value';
}

function unavailable(code: string, message: string, hint: string, cause: unknown): HttpError {
  return new HttpError(503, code, message, { hint, cause, retryAfterSeconds: 1 });
}

function internal(cause: unknown): HttpError {
  return new HttpError(500, 'INTERNAL', 'the server could not do this', {
    hint: "the reason is in the server's log",
    cause,
  });
}

/** Knex puts the statement, values included, and " - " before the driver's message. */
function withoutSql(error: unknown): string {
  return messageOf(error).split(' - ').at(-1) ?? '';
}
