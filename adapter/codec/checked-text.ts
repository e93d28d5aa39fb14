import { ValueRefused } from './value-refused.ts';

/** Refuses what PostgreSQL's UTF-8 text cannot hold. @throws ValueRefused */
export function checkedText(value: string): string {
  if (value.includes('\0')) throw new ValueRefused('text with a NUL character, which PostgreSQL cannot hold');
  if (!value.isWellFormed()) throw new ValueRefused('text with a lone surrogate, which is not valid UTF-8');
  return value;
}
