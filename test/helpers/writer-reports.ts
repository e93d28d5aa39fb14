import type { CrossfadeOptions, Stage } from '../../adapter/index.ts';

export interface WriterSettings {
  readonly options: Omit<CrossfadeOptions, 'logger' | 'registry' | 'knex'>;
  /** Counts the processes of one test, so that each writes rows of its own. */
  readonly run: number;
  /** How many writes are under way at once. */
  readonly lanes: number;
  /** How long a lane rests between two writes, in ms. @default 0 */
  readonly pauseMs?: number;
}

export type WriterReport =
  | { readonly type: 'ready' }
  /** A row of `settings` is there. */
  | { readonly type: 'inserted'; readonly name: string }
  /** The lane's counter in `settings` has come so far. */
  | { readonly type: 'counted'; readonly name: string; readonly value: number }
  /** An account is there with as many payments as its balance says. */
  | { readonly type: 'booked'; readonly email: string }
  | { readonly type: 'moved'; readonly stage: Stage }
  /** A move that was ordered ended otherwise. */
  | { readonly type: 'not moved'; readonly reason: string }
  | { readonly type: 'retryable'; readonly code: string }
  | { readonly type: 'failed'; readonly message: string };

export type WriterOrder = { readonly moveTo: Stage };

/** The payments of each booking. */
export const PAYMENTS = 3;
