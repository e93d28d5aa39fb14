import { inspect } from 'node:util';

type Escape = (this: object, value: unknown, context?: object) => string;

/**
 * Lets Knex print statements with values that it cannot print itself: a `bigint`, alone or in an object. It prints the
 * statement of every error, and so would throw an error of its own in place of the one at hand.
 */
export function printsEveryBinding(prototype: object): void {
  const own: Escape = Reflect.get(prototype, '_escapeBinding');
  const escape: Escape = function (value, context) {
    if (typeof value === 'bigint') return String(value);
    try {
      return own.call(this, value, context);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return `'${inspect(value, { breakLength: Number.POSITIVE_INFINITY }).replaceAll("'", "''")}'`;
    }
  };
  Object.defineProperty(prototype, '_escapeBinding', { value: escape, configurable: true, writable: true });
}
