import type { ColumnCoding } from '../codec.ts';
import { ValueRefused } from './value-refused.ts';

/**
 * Refuses microseconds that a column such as `timestamp(3)` or `time(0)` would round.
 *
 * @throws ValueRefused
 */
export function assertPrecision(micros: bigint, { postgresType }: ColumnCoding): void {
  const digits = /\((\d)\)/.exec(postgresType)?.[1];
  if (digits !== undefined && micros % 10n ** BigInt(6 - Number(digits)) !== 0n) {
    throw new ValueRefused(`more digits of a second than ${postgresType} holds`);
  }
}
