import type { SqlValue } from '../spec.ts';
import type { Unholdable } from './unholdable.ts';

/** A value that SQLite holds, and that is not NULL. */
export type Holdable = Exclude<SqlValue, null | Unholdable>;

/** What SQLite's `typeof()` says of a value. */
export function storageClass(value: Holdable): 'integer' | 'real' | 'text' | 'blob' {
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return 'real';
  return typeof value === 'string' ? 'text' : 'blob';
}
