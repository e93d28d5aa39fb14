import type { KeyRange } from './digest.ts';
import type { Key } from './spec.ts';

/** A comparison that several processes may work on, one after the other or at the same time. */
export interface ComparisonRun {
  readonly id: string;
  /** This process in this run. */
  readonly holder: string;
  readonly startedAt: Date;
  /** To be called at the end, however it ends: from then on this process is not there any more. */
  leave(): Promise<void>;
}

/** A range that one process compares. */
export interface ClaimedRange {
  readonly id: string;
  readonly range: KeyRange;
}

/**
 * Comparisons that can be gone on with: which ranges are done, which are in whose hands, and what was found. Kept in
 * PostgreSQL until a run is finished and its last process has left.
 *
 * A process that dies loses its claims at once, one that does not renew them after a while: then another compares these
 * ranges again.
 */
export interface ComparisonRuns {
  /** The unfinished run of this scope, if it is not older than `maxAgeMs`; otherwise a new one. To be left. */
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
  /**
   * Keeps what this holder has found in a table so far; these ranges are done, its other claims are renewed. Resolves to
   * `false`, and keeps nothing, when one of these ranges is in other hands by now.
   */
  saveFindings(of: {
    readonly run: string;
    readonly table: string;
    readonly holder: string;
    readonly findings: string;
    readonly done: readonly string[];
    readonly expiresMs: number;
  }): Promise<boolean>;
  /** Renews all claims of a holder. */
  renewClaims(of: { readonly run: string; readonly holder: string; readonly expiresMs: number }): Promise<void>;
  /** Leaves what a holder has claimed in a table to whoever comes first. */
  releaseClaims(of: { readonly run: string; readonly table: string; readonly holder: string }): Promise<void>;
  /**
   * How many ranges are in somebody's hands, or not cut yet.
   *
   * @throws CrossfadeError `POSTGRES_UNREACHABLE`, as do the others that read: this process was cut off for so long that
   * the run was finished and forgotten.
   */
  unfinishedRanges(run: string): Promise<number>;
  /** What every holder has found, as it was saved. */
  savedFindings(
    run: string,
  ): Promise<readonly { readonly table: string; readonly holder: string; readonly findings: string }[]>;
  /** Ends a run. `false` when another process has. */
  finishRun(run: string): Promise<boolean>;
}
