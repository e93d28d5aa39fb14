import type { BrokenForeignKey, FillLimits, FillPhase, FillReport } from './fill-records.ts';
import type { StoreName } from './spec.ts';
import type { Stage } from './stage.ts';
import type { ComparisonRecord, Intent } from './store.ts';

/** A condition of a step from one stage to the next. */
export interface Gate {
  /** A stable name: `backfill`, `comparison`, `shadow-reads`, `quarantine`, `lag`, `constraints`, `confirmation`. */
  readonly name: string;
  readonly passes: boolean;
  /** What was found: `orders: 12000 of about 50000 rows copied`. */
  readonly found: string;
  /** What to do about it; empty when it passes. */
  readonly remedy: string;
}

/** How far a backfill has come. JSON as it stands; no row values. */
export interface BackfillStatus {
  /** Every row is copied, and what comes after it is done too: indexes, sequences, statistics, foreign keys. */
  readonly isDone: boolean;
  readonly phase: FillPhase;
  /** What the present phase is at, such as a table or an index; `null` when nothing is to be said. */
  readonly busyWith: string | null;
  /** A person has paused it. Changes are mirrored all the same. */
  readonly isPaused: boolean;
  readonly rowsCopied: number;
  /** About how many there are; `null` before they have been counted. */
  readonly rowsExpected: number | null;
  /** Over the last seconds, as the process that copies says; `null` when none says anything. */
  readonly rowsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  /** Until the last row is copied, at this rate; `null` when it cannot be told. */
  readonly secondsLeft: number | null;
  /** What holds it back. */
  readonly slowedBy: FillReport['slowedBy'];
  /** The same for people, such as `slowed: event loop 35 ms`; `null` at full speed. */
  readonly reason: string | null;
  /** The speed it is limited to. */
  readonly limits: FillLimits;
  /** Indexes that are to be made again when the rows are copied. */
  readonly indexesAside: readonly string[];
  /** Foreign keys that did not hold when they were checked after the last row. */
  readonly brokenForeignKeys: readonly BrokenForeignKey[];
  /** What else a person should know of it. */
  readonly notes: readonly string[];
  readonly tables: readonly {
    readonly table: string;
    readonly rowsCopied: number;
    readonly rowsExpected: number | null;
    readonly isDone: boolean;
  }[];
  /** After a reconciliation: rows of the secondary that the primary did not have. */
  readonly rowsRemoved?: number;
}

export interface MirrorStatus {
  /** `running` here; `elsewhere` in another process; `idle` when the stage needs none; `stopped` on a fatal error. */
  readonly runs: 'running' | 'elsewhere' | 'idle' | 'stopped';
  /** The process that holds the lease, or `null`. */
  readonly holder: string | null;
  /** Why it stopped, or the last error it is retrying after; `null` when all is well. */
  readonly error: string | null;
  /** Seconds since the oldest change that the secondary does not hold yet was seen; 0 when there is none. */
  readonly lagSeconds: number;
}

/** Everything worth knowing at a glance. JSON as it stands: no secrets, no row values. */
export interface Status {
  readonly isInstalled: boolean;
  readonly stage: Stage;
  /** The stage the flag asks for, or `null` without one. */
  readonly wantedStage: Stage | null;
  readonly epoch: number;
  /** Where writes go, or `null` in the middle of a write switch. */
  readonly primary: StoreName | null;
  readonly intent: Intent | null;
  readonly reads: StoreName;
  /** The conditions of the next stage, towards the wanted one or else onward; empty at the end of the road. */
  readonly nextStage: Stage | null;
  readonly gates: readonly Gate[];
  readonly mirror: MirrorStatus;
  readonly backfill: BackfillStatus | null;
  readonly quarantined: readonly { readonly table: string; readonly rows: number }[];
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Whether each store answered just now. */
  readonly reachable: { readonly sqlite: boolean; readonly postgres: boolean };
  readonly lastComparison: ComparisonRecord | null;
  /** The last comparisons, the newest first; without their counts by table. */
  readonly comparisons: readonly ComparisonRecord[];
  /** The last write switch that this process made. */
  readonly lastSwitch: { readonly to: StoreName; readonly pauseMs: number; readonly at: Date } | null;
}
