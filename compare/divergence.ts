import type { StoreName } from '../adapter/spec.ts';
import type { ComparisonReport, Counts, Difference, DifferenceClass, ValuesOfBoth } from './report.ts';

/**
 * What a comparison found, with all that a person needs to mend it: the document that `crossfade compare` writes.
 *
 * As JSON it is stable: `report.schema.json` describes it. Within a `version` a field keeps its meaning and its type; fields
 * may be added. Holds keys and names of columns; a row's other values only where they were asked for.
 */
export interface DivergenceReport extends Omit<ComparisonReport, 'differences' | 'totals'> {
  readonly durationSeconds: number;
  /** Of the primary. */
  readonly rowsPerSecond: number;
  readonly totals: DivergenceTotals;
  /** The first ones of each class; as many as `maxDifferences` allows. */
  readonly differences: readonly Divergence[];
  /** How many there are beside those in {@link differences}. */
  readonly differencesLeftOff: number;
  /** Whether it holds values of rows beside their keys. */
  readonly showsValues: boolean;
  /** What must come before and after a statement that mends a row by hand; `null` when no store is secondary now. */
  readonly byHand: ByHand | null;
}

export interface DivergenceTotals extends Counts {
  /** Places where the schemas differ so that mirroring cannot go on, or rows would be lost. */
  readonly schemaDrift: number;
  /** Places where the schemas differ otherwise. They leave the outcome as it is. */
  readonly schemaWarnings: number;
}

export type DivergenceClass = DifferenceClass | 'quarantined' | 'schema drift';

/** In the order in which they are shown. */
export const DIVERGENCE_CLASSES = [
  'missing',
  'extra',
  'differing',
  'quarantined',
  'sequence behind',
  'schema drift',
] as const satisfies readonly DivergenceClass[];

/** One difference. */
export interface Divergence extends Omit<Difference, 'class' | 'values'> {
  readonly class: DivergenceClass;
  /** A `warning` leaves the outcome as it is. Only schema drift is ever that. */
  readonly severity: 'mismatch' | 'warning';
  /** Why, where that is known: what quarantine or schema drift is about; otherwise `null`. */
  readonly reason: string | null;
  /** When a recorded comparison saw it first, or when the row went to quarantine: ISO 8601, UTC. */
  readonly firstSeenAt: string;
  /** How long that was ago when this comparison ended. */
  readonly ageSeconds: number;
  readonly mend: Mend;
  readonly values?: readonly ValuesOfBoth[];
}

/** What would mend a difference. */
export interface Mend {
  /** Where {@link statement} is to be run: the secondary, but for sequences. `null` without a statement. */
  readonly database: StoreName | null;
  /** With placeholders for values that are not shown; `null` where no statement helps. */
  readonly statement: string | null;
  /** The command that has the Mirror do it, which is to be preferred; `null` where it cannot. */
  readonly command: string | null;
  /** What a person has to do where neither helps; otherwise `null`. */
  readonly advice: string | null;
}

export interface ByHand {
  readonly database: StoreName;
  readonly before: string;
  readonly after: string;
}

/** How many differences there are of a class, listed or not. */
export function countOf(totals: DivergenceTotals, kind: DivergenceClass): number {
  switch (kind) {
    case 'missing':
    case 'extra':
    case 'differing':
    case 'quarantined':
      return totals[kind];
    case 'sequence behind':
      return totals.sequencesBehind;
    case 'schema drift':
      return totals.schemaDrift + totals.schemaWarnings;
  }
}
