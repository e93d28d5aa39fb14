import type { StoreName } from '../spec.ts';
import type { QueryKind } from './classify.ts';
import type { QueryObject } from './knex-internals.ts';
import type { PreparedQuery } from './prepared-query.ts';

/** An answer that is on its way to its caller. */
export interface Answered {
  /** The store that answered. */
  readonly store: StoreName;
  /** What the caller gets: the very object, which the caller may change at once. */
  readonly answer: unknown;
  /** How long the caller waited for it, in seconds. */
  readonly seconds: number;
  /** The query in both dialects. To be called at once: the builder may be changed and run again. */
  prepare(): PreparedQuery;
}

/** A statement that is about to run. */
export interface Statement {
  readonly kind: QueryKind;
  /** The query as a store gets it. To be called at once, as in {@link Answered}. In transactions for SQLite alone. */
  readonly compile: (store: StoreName) => QueryObject | undefined;
  /** Who wrote its SQL: the API itself, Knex for either database, or both. */
  readonly authorship: () => Authorship;
}

/** `mixed` is a query of the builder with raw SQL in it. */
export type Authorship = 'raw' | 'builder' | 'mixed';

/**
 * Looks at the application's queries. Called on their own path, so it must be quick; what it throws is swallowed. A part
 * that is missing costs nothing.
 */
export interface QueryObserver {
  /** After each read that is in no transaction, is no stream, and was answered. */
  onAnswer?: ((answered: Answered) => void) | undefined;
  /** Before each statement; in a transaction only when that is SQLite's. */
  onStatement?: ((statement: Statement) => void) | undefined;
}
