import type { StoreName } from '../spec.ts';
import type { Difference } from './compare-answers.ts';
import type { QueryShape } from './query-shape.ts';

/**
 * How a shadow read ended.
 * - `match`: both stores give the same answer, at once or after the Mirror had passed;
 * - `mismatch`: they do not, again and again, while neither side's answer changed;
 * - `ignored`: they do not, and a rule says that this is known;
 * - `inconclusive`: they do not, but both may be right, or it could not be told;
 * - `error`: the other store refused the query.
 */
export const RESULTS = ['match', 'mismatch', 'ignored', 'inconclusive', 'error'] as const;
export type ShadowResult = (typeof RESULTS)[number];

/** What a shadow read saw. */
export interface Observation {
  readonly shape: QueryShape;
  readonly at: Date;
  readonly result: ShadowResult;
  /** The store that answered the caller, and how long that took in seconds. */
  readonly control: { readonly store: StoreName; readonly seconds: number };
  /** The store that was asked afterwards. Without seconds when it refused. */
  readonly candidate: { readonly store: StoreName; readonly seconds?: number };
  /** Of an inconclusive one: why. From a small set of sentences. */
  readonly reason?: string;
  readonly difference?: Difference;
  /** Of an error: its code, and its message without values. */
  readonly error?: { readonly code: string; readonly message: string };
}
