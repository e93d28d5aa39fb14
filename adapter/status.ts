import type { StoreName } from './spec.ts';
import type { Stage } from './stage.ts';
import type { ComparisonRecord, Intent } from './store.ts';

/** A condition of a step from one stage to the next. */
export interface Gate {
  /** A stable name: `backfill`, `comparison`, `quarantine`, `lag`, `constraints`, `confirmation`. */
  readonly name: string;
  readonly passes: boolean;
  /** What was found: `orders: 12000 of about 50000 rows copied`. */
  readonly found: string;
  /** What to do about it; empty when it passes. */
  readonly remedy: string;
}

export interface BackfillStatus {
  readonly isDone: boolean;
  readonly rowsCopied: number;
  readonly tables: readonly { readonly table: string; readonly rowsCopied: number; readonly isDone: boolean }[];
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
  /** The last write switch that this process made. */
  readonly lastSwitch: { readonly to: StoreName; readonly pauseMs: number; readonly at: Date } | null;
}
