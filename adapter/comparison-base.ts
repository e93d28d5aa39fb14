import type { Key } from './spec.ts';
import type { Position } from './store.ts';

/**
 * What an incremental comparison goes on from: a comparison that has seen every row of some tables. The primary's
 * changelog is kept from its position on, for as long as this stands.
 */
export interface ComparisonBase {
  /** The capture that {@link position} belongs to. */
  readonly captureId: string;
  readonly epoch: number;
  /** Every row that has changed since was not compared after that. */
  readonly position: Position;
  /** Whether the comparison has ended: until then the changelog is only kept for it. */
  readonly isComplete: boolean;
  readonly tables: Readonly<Record<string, BaseTable>>;
  /** Rows that the backfill had copied in all: more of them would be copied anew. */
  readonly rowsCopied: number;
}

/** What is known of one table. */
export interface BaseTable {
  /** How far the rolling share has come; `null` at its beginning. */
  readonly after: Key | null;
  /** Rows that were not the same, and are looked at each time, whether they change or not. */
  readonly open: readonly Key[];
}

/** A base as it is kept. */
export interface StoredBase {
  /** `null` when there is none any more. */
  readonly base: ComparisonBase | null;
  /** Why there is none any more. */
  readonly droppedBecause: string | null;
}

/** Where the base is kept: in PostgreSQL, so that every process sees it. */
export interface ComparisonBases {
  /** What was kept last; `undefined` when nothing ever was. */
  comparisonBase(): Promise<StoredBase | undefined>;
  /** Keeps this base instead of any other. It expires unless it is kept again. */
  keepComparisonBase(base: ComparisonBase, options: { readonly expiresMs: number }): Promise<void>;
  /** Forgets the base, so that the changelog need not be kept: the next comparison looks at everything, and says why. */
  dropComparisonBase(reason: string): Promise<void>;
  /** The position from which on the changelog of this capture must be kept; `null` when nobody needs it. */
  heldPosition(captureId: string): Promise<Position | null>;
}
