/** Knex's pool, as far as it is looked at from outside. */
type Pool = Readonly<Record<string, unknown>>;

const COUNTS = new Set(['numUsed', 'numFree', 'numPendingAcquires', 'numPendingValidations', 'numPendingCreates']);
const LISTENING = new Set(['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners']);

/**
 * The pool that the application sees: that of the dialect that it is written for, but what it counts is of both
 * databases, and whoever listens hears of both. So a gauge of connections in use goes on when the reads or writes move.
 */
export function routedPool(own: Pool, other: () => Pool | undefined): Pool {
  const known = views.get(own);
  if (known !== undefined) return known;
  const view = viewOf(own, other);
  views.set(own, view);
  return view;
}

/** Each pool has one view. */
const views = new WeakMap<Pool, Pool>();

function viewOf(ownPool: Pool, other: () => Pool | undefined): Pool {
  return new Proxy(ownPool, {
    get: (pool, name) => {
      const own: unknown = Reflect.get(pool, name);
      if (typeof own !== 'function' || typeof name !== 'string') return own;
      const call = (on: Pool, args: readonly unknown[]): unknown =>
        Reflect.apply(Reflect.get(on, name) as typeof own, on, args);
      if (COUNTS.has(name)) {
        return () => Number(call(pool, [])) + both(other(), (theirs) => Number(call(theirs, [])), 0);
      }
      if (LISTENING.has(name)) {
        return (...args: unknown[]) => {
          both(other(), (theirs) => call(theirs, args), undefined);
          return call(pool, args);
        };
      }
      return (...args: unknown[]) => call(pool, args);
    },
  });
}

/** The other database's part, while it has a pool. */
function both<T>(pool: Pool | undefined, work: (pool: Pool) => T, otherwise: T): T {
  return pool === undefined ? otherwise : work(pool);
}
