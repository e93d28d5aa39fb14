import { isCrossfadeError } from './errors.ts';

/** What Node says when a connection cannot be made or breaks. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
]);

/**
 * SQLSTATEs that speak of the server instead of the statement: connection exceptions (08), insufficient resources
 * (53), shutdown, crash and start-up (57P01 to 57P03), errors of the machine underneath (58).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const SERVER_STATES = /^(?:08...|53...|57P0[123]|58...)$/;

/** What pg throws without any code. Knex puts the statement and " - " in front. */
const LOST_CONNECTION =
  /(?:^| - )(?:Connection terminated|Client has encountered a connection error|Client was closed and is not queryable|timeout expired|timeout exceeded when trying to connect)/;

/**
 * Whether an error says that a database could not be reached or could not serve anybody, so that the same call may
 * succeed later or elsewhere. The application's own mistakes (a unique violation, a syntax error, a query's own
 * time limit) are none.
 */
export function isInfrastructureError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isCrossfadeError(error)) return error.code === 'POSTGRES_UNREACHABLE';
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return NETWORK_CODES.has(code) || SERVER_STATES.test(code);
  return isPoolTimeout(error) || LOST_CONNECTION.test(error.message);
}

/** Knex uses one class for a pool that gave no connection in time and for a query's `.timeout()`. */
function isPoolTimeout(error: Error): boolean {
  if (error.name === 'KnexTimeoutError') return error.message.startsWith('Knex: Timeout acquiring a connection');
  return error.constructor.name === 'TimeoutError';
}
