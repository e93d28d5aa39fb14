import { Unholdable } from '../codec/unholdable.ts';
import type { SqlValue } from '../spec.ts';

/** The placeholder of each value: text that is not UTF-8 can only be bound as its bytes. */
export function placeholders(values: readonly SqlValue[]): string[] {
  return values.map((value) => (value instanceof Unholdable ? 'CAST(? AS TEXT)' : '?'));
}

/** What is bound to the {@link placeholders}. */
export function bindings(values: readonly SqlValue[]): unknown[] {
  return values.map((value) => (value instanceof Unholdable ? value.original : value));
}

/** Whether a row of SQLite may have these values at all. */
export function isInSqlite(values: readonly SqlValue[]): boolean {
  return !values.some((value) => value instanceof Unholdable && value.heldBy === 'postgres');
}
