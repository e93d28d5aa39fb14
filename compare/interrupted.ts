import { isCrossfadeError } from '../adapter/errors.ts';

/** The comparison cannot go on: what it has not looked at yet stays untold. The message says why. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Whether an error only means that the comparison could not be finished (a database is down, the Mirror stands still),
 * as opposed to a mistake in the call or in the code.
 */
export function interrupts(error: unknown): boolean {
  if (error instanceof Interrupted) return true;
  if (isCrossfadeError(error)) return error.retryable || error.code === 'MIRROR_STOPPED';
  const isMistake = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return error instanceof Error && error.name !== 'AbortError' && !isMistake;
}
