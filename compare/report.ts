import type { StoreName } from '../adapter/spec.ts';
import type { Stage } from '../adapter/stage.ts';

/**
 * What a comparison found. JSON as it stands, and stable: a field's meaning never changes within a `version`.
 * Holds keys and names of columns, never a row's other values.
 */
export interface ComparisonReport {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /**
   * `match`: both databases hold the same rows. `mismatch`: at least one row differs for certain, is in quarantine, or
   * a sequence is behind. `inconclusive`: nothing found, but not everything could be looked at; see {@link reasons}.
   */
  readonly outcome: 'match' | 'mismatch' | 'inconclusive';
  /** Why not everything could be told; empty when everything could. */
  readonly reasons: readonly string[];
  /** The stage when it began, or `null` when a database did not answer. */
  readonly stage: Stage | null;
  /** The store whose rows were taken as right, or `null` when the writes were between the stores. */
  readonly primary: StoreName | null;
  /** Whether every mirrored table was looked at as a whole. */
  readonly isFull: boolean;
  /** What was looked at: all rows of the tables; some ranges; only some keys; or what has changed, and a rolling share. */
  readonly mode: 'full' | 'sample' | 'where' | 'incremental';
  /** Why an incremental comparison looked at everything; `null` when it did not, and for any other. */
  readonly fullBecause: string | null;
  readonly totals: Counts;
  readonly tables: readonly TableReport[];
  /** The first differences, with keys; as many as `maxDifferences` allows. The counts are exact all the same. */
  readonly differences: readonly Difference[];
}

/** Rows of one table, or of all of them. */
export interface Counts {
  /** Rows of the primary that were looked up on the secondary. */
  readonly rowsCompared: number;
  /** Rows that only the primary has. */
  readonly missing: number;
  /** Rows that only the secondary has. */
  readonly extra: number;
  /** Rows that both have, with a different value in some column. */
  readonly differing: number;
  /** Rows that could not be judged, mostly because they changed each time they were looked at. */
  readonly inconclusive: number;
  /** Rows that differ because the secondary refused them, as the quarantine knows. */
  readonly quarantined: number;
  /** Sequences that would give out an id that a row already has. */
  readonly sequencesBehind: number;
  /** Ranges of keys that were compared by their digests. */
  readonly ranges: number;
  /** Those of them whose digests differed, so that a part of their rows was read. Rows on their way make some. */
  readonly rangesNarrowed: number;
}

export interface TableReport extends Counts {
  readonly table: string;
  /** Whether both sides were walked to the end. */
  readonly isComplete: boolean;
}

export type DifferenceClass = 'missing' | 'extra' | 'differing' | 'sequence behind';

export interface Difference {
  readonly table: string;
  /** The key as people read it, `["de", 3]`; `null` for a sequence. */
  readonly key: string | null;
  readonly class: DifferenceClass;
  /** The columns that differ; for a sequence, the one that it fills. Empty when the whole row is missing or extra. */
  readonly columns: readonly string[];
  /** When this comparison first saw it: ISO 8601, UTC. */
  readonly firstSeenAt: string;
  /** The key with its exact types, as `encodeKey` writes it, to be handed to the Mirror; `null` for a sequence. */
  readonly encodedKey: string | null;
  /** Only with `showValues`: what both hold, in the order of {@link columns}; of a missing or extra row nothing. */
  readonly values?: readonly ValuesOfBoth[];
}

/** A column's value in both databases, as people read it: text in double quotes, blobs as `x'00ff'`, `null`. */
export interface ValuesOfBoth {
  readonly column: string;
  readonly sqlite: string;
  readonly postgres: string;
}
