import type { RoutingWish } from './routing-scope.ts';
import type { StoreName } from './spec.ts';

/** Leave to write: the store that takes it. Each permit is left exactly once, when the write or transaction has ended. */
export interface WritePermit {
  readonly store: StoreName;
  leave(): void;
}

/** What the router knows of a read when it asks where to run it. */
export interface ReadRequest {
  /** Names of the tables that it names, as far as known; empty for raw SQL. */
  readonly tables: readonly string[];
  /** What its `queryContext` asks for. */
  readonly wish?: RoutingWish;
}

/**
 * Directs the application's queries to the stores. The router asks before each query; the stage, the write switch and
 * the Mirror's lag decide. Every decision about a read is synchronous, since Knex chooses its client synchronously.
 */
export interface Traffic {
  /** The store that answers this read, now. */
  readStore(request: ReadRequest): StoreName;
  /**
   * Leave to write. Normally at once; during a write switch a promise that resolves when the writes go on.
   *
   * @throws CrossfadeError `SWITCHING` when the switch takes longer than its limit.
   */
  enter(): WritePermit | Promise<WritePermit>;
  /**
   * Called once a write has committed, before its caller hears of it. Resolves when it may be acknowledged: at once
   * (`undefined`), or when the Mirror has passed it or the wait limit is over. Never rejects.
   */
  committed(store: StoreName, wish?: RoutingWish): Promise<void> | undefined;
  /** A write met this store's fence: learns where the writes go now. Resolves when {@link enter} may be tried again. */
  fenced(store: StoreName): Promise<void>;
  /** Where else this read may be answered after `store` could not be reached, or `undefined`. */
  fallback(store: StoreName): StoreName | undefined;
  /** @throws CrossfadeError `SCHEMA_CHANGE_REFUSED` while a schema change in one database alone would break the mirror. */
  admitSchemaChange(): void;
}
