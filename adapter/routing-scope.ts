import { AsyncLocalStorage } from 'node:async_hooks';
import type { StoreName } from './spec.ts';

/**
 * What a piece of the application asks of the router, past what the stage says: for one query in its
 * `queryContext({ crossfade: … })`, or for everything that happens in `crossfade.scope(…)`.
 */
export interface RoutingWish {
  /**
   * The store that is to answer reads. PostgreSQL only from stage `shadow` on; a store that takes no writes may be behind
   * what this caller has written, unless it waited for that.
   */
  readonly readFrom?: StoreName;
  /** What writes wait for: the primary's commit, or the Mirror as well (for at most `waitLimitMs`). */
  readonly wait?: WaitFor;
  /** Whoever is served: the same key reads from the same store, as long as the share is the same. */
  readonly key?: string;
}

export type WaitFor = 'primary' | 'mirrored';

/** The wishes of the scopes that are open around a query. */
export class RoutingScopes {
  readonly #storage = new AsyncLocalStorage<RoutingWish>();

  get current(): RoutingWish | undefined {
    return this.#storage.getStore();
  }

  /** Runs `work` with these wishes, and with those of the scope around it where it says nothing. */
  run<T>(wish: RoutingWish, work: () => T): T {
    return this.#storage.run({ ...this.current, ...wish }, work);
  }
}

/** The wish in the context of a query, if there is one. */
export function wishOf(queryContext: unknown): RoutingWish | undefined {
  if (typeof queryContext !== 'object' || queryContext === null || !('crossfade' in queryContext)) return undefined;
  const { crossfade } = queryContext;
  return typeof crossfade === 'object' && crossfade !== null ? crossfade : undefined;
}
