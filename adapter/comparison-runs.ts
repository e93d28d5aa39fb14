import type { KeyRange } from './digest.ts';
import type { Key } from './spec.ts';

/** A comparison that several processes may work on, one after the other or at the same time. */
export interface ComparisonRun {
  readonly id: string;
  readonly startedAt: Date;
}

/** A range that one process compares. */
export interface ClaimedRange {
  readonly id: string;
  readonly range: KeyRange;
}

/**
 * Comparisons that can be gone on with: which ranges are done, which are in whose hands, and what was found. Kept in
 * PostgreSQL. A process that does not renew its claims loses them, and the ranges are compared again by another.
 */
export interface ComparisonRuns {
  /** The unfinished run of this scope, if it is not older than `maxAgeMs`; otherwise a new one. */
  joinRun(request: {
    /** Equal for comparisons that look at the same. */
    readonly scope: string;
    readonly tables: readonly { readonly name: string; readonly range: KeyRange }[];
    readonly maxAgeMs: number;
  }): Promise<ComparisonRun>;
  /**
   * Claims a range of a table: one whose claim has expired, or the next one, which `cut` ends. `null` when none is left
   * to be claimed.
   */
  claimRange(
    of: { readonly run: string; readonly table: string; readonly holder: string; readonly expiresMs: number },
    cut: (rest: KeyRange) => Promise<Key | null>,
  ): Promise<ClaimedRange | null>;
  /** Keeps what this holder has found in a table so far; these ranges are done, its other claims are renewed. */
  saveFindings(of: {
    readonly run: string;
    readonly table: string;
    readonly holder: string;
    readonly findings: string;
    readonly done: readonly string[];
    readonly expiresMs: number;
  }): Promise<void>;
  /** Renews all claims of a holder. */
  renewClaims(of: { readonly run: string; readonly holder: string; readonly expiresMs: number }): Promise<void>;
  /** How many ranges are in somebody's hands, or not cut yet. */
  unfinishedRanges(run: string): Promise<number>;
  /** What every holder has found, as it was saved. */
  savedFindings(
    run: string,
  ): Promise<readonly { readonly table: string; readonly holder: string; readonly findings: string }[]>;
  /** Ends a run. `false` when another process has. */
  finishRun(run: string): Promise<boolean>;
}
