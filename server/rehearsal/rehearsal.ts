import type { BrokenForeignKey } from '../../adapter/fill-records.ts';
import type { ComparisonReport } from '../../compare/report.ts';
import type { Finding } from '../../migrations/finding.ts';

/** The parts of a rehearsal, in their order. */
export type Phase = 'snapshot' | 'audit' | 'schema' | 'backfill' | 'comparison';

/** What a rehearsal found. No row values and no keys; times in seconds, sizes in bytes. */
export interface Rehearsal {
  /** Changes when a field changes its meaning. */
  readonly version: 1;
  /**
   * `clean`: the move would go through. `findings`: something must be mended before. `inconclusive`: the comparison
   * could not tell.
   */
  readonly outcome: 'clean' | 'findings' | 'inconclusive';
  readonly sqlite: { readonly path: string; readonly bytes: number; readonly snapshotBytes: number };
  readonly postgres: { readonly kind: 'embedded' | 'database'; readonly version: string; readonly bytes: number };
  /** How long each part took; those that were not come to are missing. */
  readonly seconds: Readonly<Partial<Record<Phase, number>>>;
  /** What was found in schema and rows; notes are left out. */
  readonly findings: readonly Finding[];
  /** `null` when something in the schema was rejected, so that nothing could be copied. */
  readonly backfill: RehearsedBackfill | null;
  readonly comparison: Pick<ComparisonReport, 'outcome' | 'totals' | 'reasons'> | null;
  readonly expected: Expectation | null;
}

/** What copying the rows was like. */
export interface RehearsedBackfill {
  readonly rows: number;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  readonly rowsPerSecond: number;
  /** Of the SQLite file. */
  readonly bytesPerSecond: number;
  /** Rows that PostgreSQL refused, by table and reason. */
  readonly quarantined: readonly { readonly table: string; readonly reason: string; readonly rows: number }[];
  readonly brokenForeignKeys: readonly BrokenForeignKey[];
  readonly notes: readonly string[];
}

/** How long the real run should take. */
export interface Expectation {
  readonly seconds: number;
  readonly assumptions: readonly string[];
}
