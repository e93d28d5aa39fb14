import type { ShapeTally } from './shape-tally.ts';

/** Where the tallies of query shapes are kept, across restarts and for all processes. */
export interface ShapeSink {
  /** Adds to what is there. All of them, or none. */
  add(tallies: readonly ShapeTally[]): Promise<void>;
  all(): Promise<readonly ShapeTally[]>;
  /** Forgets everything, to begin anew after something was mended. */
  forget(): Promise<void>;
}

/** How many shapes a sink keeps: those seen last. */
export const KEPT_SHAPES = 5_000;
