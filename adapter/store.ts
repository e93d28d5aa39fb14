import type { ComparisonBases } from './comparison-base.ts';
import type { ComparisonRuns } from './comparison-runs.ts';
import type { Digests } from './digest.ts';
import { CrossfadeError } from './errors.ts';
import type { BrokenForeignKey, FillRecords } from './fill-records.ts';
import type { Key, Row, StoreName, TableShape, TableSpec } from './spec.ts';
import type { Stage } from './stage.ts';
import type { TableDeclaration } from './table-declaration.ts';

/**
 * A place in a store's history of committed changes, as text that only that store reads.
 * SQLite: the last changelog entry and its fingerprint. PostgreSQL: a snapshot and the history it belongs to.
 */
export type Position = string;

export type Role = 'primary' | 'secondary';

/**
 * How far an old primary has gone in giving up the writes: `fenced` may still be cancelled, `released` may not.
 */
export type Intent = 'fenced' | 'released';

/** The one row of bookkeeping that each store keeps about itself. */
export interface StoreState {
  readonly role: Role;
  /** Counts the write switches. Both stores agree except in the middle of one. */
  readonly epoch: number;
  readonly stage: Stage;
  readonly intent: Intent | null;
  /** Counts the attempts to fence, so that a late coordinator cannot release somebody else's. */
  readonly attempt: number;
  /** Where the fenced primary's history ended; the secondary must have come so far. */
  readonly finalPosition: Position | null;
  /** Whether the time the fencing coordinator gave itself is over, by this store's clock: anybody may cancel. */
  readonly attemptExpired: boolean;
  /** Whether the fence was put up to stay: a store that missed a switch. Nobody cancels it. */
  readonly isFencedForGood: boolean;
  /** Made anew each time capture is installed from scratch; `null` while nothing is captured. */
  readonly captureId: string | null;
  /** As a secondary: the number of Mirror transactions so far; each one compares and sets it. */
  readonly step: number;
  /** As a secondary: the snapshot of the primary that its rows equal. */
  readonly watermark: Position | null;
  /** As a secondary: the capture that {@link watermark} belongs to. */
  readonly watermarkCaptureId: string | null;
  /** As a primary: its position at the moment it took the writes over. */
  readonly handover: Position | null;
  /** As a secondary: whether it may hold rows that the primary does not have, until a reconciliation has ended. */
  readonly isReconciling: boolean;
}

/** How far the backfill has come in one table. Kept in the secondary, committed with the rows. */
export interface Cursor {
  readonly table: string;
  /** The last key copied, or `null` before the first piece. */
  readonly after: Key | null;
  readonly isDone: boolean;
  readonly rowsCopied: number;
}

/** A change the secondary could not hold, and why. */
export interface Quarantined {
  readonly table: string;
  readonly key: Key;
  readonly reason: string;
  readonly since: Date;
}

/** What the Mirror needs to know of the secondary to begin: read in one go, held in memory, forgotten on any error. */
export interface Progress {
  readonly state: StoreState;
  readonly cursors: readonly Cursor[];
  readonly quarantine: readonly Quarantined[];
}

/** A piece of a step: the named rows of one table as they are in the step's snapshot. */
export interface Batch {
  readonly table: TableSpec;
  /** Every row of the table is to be deleted first (TRUNCATE). */
  readonly empties: boolean;
  readonly present: readonly Row[];
  /** Keys that have no row in the snapshot. */
  readonly absent: readonly Key[];
}

/** What the Mirror asks of the primary. */
export interface StepRequest {
  /** The primary must be one at this epoch, and must not have released the writes: else the step is `STEP_OUTDATED`. */
  readonly epoch: number;
  /** All changes after this position are read. */
  readonly after: Position;
  readonly captureId: string;
  readonly tables: readonly TableSpec[];
  /** The backfill as it stands; changes of keys past a cursor are left to the piece that will copy them. */
  readonly cursors: readonly Cursor[];
  /** Quarantined keys, by table: read along whenever the step touches their table, since another row's change may free them. */
  readonly retry: ReadonlyMap<string, readonly Key[]>;
  /** The next piece to copy; `null` when the backfill is done or paused. */
  readonly piece: PieceRequest | null;
  /** Aborted when nobody wants the step any more: a large one then fails soon, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How much of which table the next piece of a backfill has. */
export interface PieceRequest {
  readonly table: TableSpec;
  /** At most so many rows… */
  readonly rows: number;
  /** …and about so many bytes, but at least one row. @default no limit */
  readonly bytes?: number;
}

/** Rows as `codec/binary.ts` writes them. */
export interface EncodedRows {
  /** For each row the number of its columns as an int16, and its values in the order of {@link TableSpec.columns}. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Rows that the codec refused; they are not among the others. */
  readonly refused: readonly { readonly key: Key; readonly reason: string }[];
}

/** The piece of a step in the form that PostgreSQL takes in fastest. */
export interface EncodedPiece {
  readonly table: TableSpec;
  /** Its rows, some at a time. May be read more than once; every reading gives the same rows. */
  encoded(): AsyncIterable<EncodedRows>;
  /** All that {@link StepReading.batches} gives but the piece. */
  otherBatches(): AsyncIterable<Batch>;
}

/** One snapshot of the primary, open for reading. */
export interface StepReading {
  /** The snapshot itself: the watermark, once the step is applied. */
  readonly position: Position;
  /** What it was read after. The step may only be applied to a secondary whose watermark this is. */
  readonly after: Position;
  /** Changelog entries since the watermark. */
  readonly changes: number;
  /** Whether there is anything to apply: changes, keys or a piece. A snapshot may move on with nothing in it. */
  readonly isEmpty: boolean;
  /** Whether it has all it needs of the primary: it stays good when the snapshot is closed. */
  readonly isWhole: boolean;
  /** The tables of which the snapshot holds changes. */
  readonly tables: ReadonlySet<string>;
  /** Where the backfill stood. The step may only be applied where it stands there still. */
  readonly from: readonly Cursor[];
  /** The backfill's cursor after this step, or `null` without a piece; known when the piece has been read to its end. */
  readonly cursor: Cursor | null;
  /** The piece, where the primary can give it encoded; `null` without one, and where it comes with the other rows only. */
  readonly piece: EncodedPiece | null;
  /**
   * Resolves when the piece has been read to its end for the first time: the step after this one may then be read, while this
   * one is still on its way. Left out where steps cannot be open beside each other, or had better not be.
   */
  readonly readToEnd?: Promise<void>;
  /** The rows. May be read more than once; every reading gives the same snapshot. Memory is bounded by a batch. */
  batches(): Iterable<Batch> | AsyncIterable<Batch>;
  /** Resolves when everything in the snapshot would survive a power failure of the primary; `undefined` when it would now. */
  durable(): Promise<void> | undefined;
}

/** What a store says to a step from it when it is no longer, or not any more to be, the primary of that epoch. */
export function stepOutdated(store: StoreName, found: string): CrossfadeError {
  return new CrossfadeError('STEP_OUTDATED', `${store} ${found}`, {
    hint: 'nothing; the Mirror reads its state again',
  });
}

/** What the Mirror hands to the secondary. Epoch, step, capture and watermark are compared before anything is written. */
export interface StepToApply {
  readonly epoch: number;
  readonly step: number;
  readonly captureId: string;
  readonly reading: StepReading;
  readonly quarantine: readonly Quarantined[];
  /** As {@link StepRequest.signal}. A step that fails so has changed nothing. */
  readonly signal?: AbortSignal;
}

/** What applying a step did. */
export interface StepApplied {
  readonly upserted: number;
  readonly deleted: number;
  /** The whole quarantine as it is now. */
  readonly quarantine: readonly Quarantined[];
}

/** What {@link Store.fence} found. */
export interface Fenced {
  readonly attempt: number;
  readonly finalPosition: Position;
}

/** The state of both stores right after an install. */
export interface InstallRequest {
  readonly tables: readonly TableSpec[];
  readonly role: Role;
  readonly stage: Stage;
  readonly epoch: number;
}

/** A stored result of the comparer. */
export interface ComparisonRecord extends ComparisonDetail {
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly outcome: 'match' | 'mismatch' | 'inconclusive';
  /** Whether every mirrored table was looked at as a whole. */
  readonly isFull: boolean;
  readonly rowsCompared: number;
  readonly missing: number;
  readonly extra: number;
  readonly differing: number;
  readonly inconclusive: number;
}

/** What a stored result of the comparer says beyond its sums. Missing in results that were stored without. */
export interface ComparisonDetail {
  readonly quarantined?: number;
  readonly sequencesBehind?: number;
  /** Places where the two schemas differ in a way that mirroring cannot go on with. */
  readonly schemaDrift?: number;
  /** How much was looked at: `full`, or why it was less. */
  readonly mode?: string;
  readonly tables?: readonly TableCounts[];
}

/** What a comparison found in one table. */
export interface TableCounts {
  readonly table: string;
  readonly rowsCompared: number;
  readonly missing: number;
  readonly extra: number;
  readonly differing: number;
  readonly inconclusive: number;
  readonly quarantined: number;
  readonly sequencesBehind: number;
}

/** What is kept of a comparison beside its {@link ComparisonRecord}. */
export interface ComparisonKept {
  /** The report as JSON, if there is one. Kept of the last few runs. */
  readonly report: string | null;
}

/** Differences that a comparison found, for {@link ComparisonHistory.firstSeen}. */
export interface DifferencesSeen {
  /** What names each difference for good. Only a digest of it is stored. */
  readonly found: readonly { readonly table: string; readonly name: string }[];
  /** Tables in which every difference was listed: what is not in {@link found} is forgotten. */
  readonly wholeTables: readonly string[];
  readonly at: Date;
}

/** Past runs of the comparer. */
export interface ComparisonHistory {
  /** Stores a run, and forgets the oldest ones. */
  add(record: ComparisonRecord, kept: ComparisonKept): Promise<void>;
  /** The last runs, the newest first. Empty where none has been stored. */
  list(options: { readonly limit: number; readonly onlyFull?: boolean }): Promise<readonly ComparisonRecord[]>;
  /** The newest report that is kept, as JSON. */
  lastReport(): Promise<string | undefined>;
  /** When each of these differences was found for the first time, in the order given; notes those that are new. */
  firstSeen(seen: DifferencesSeen): Promise<readonly Date[]>;
  /** Forgets when they were found: they are mended. */
  forget(mended: DifferencesSeen['found']): Promise<void>;
}

/** The claim of one process to run the Mirror. For economy only; safety is the compare-and-set of each step. */
export interface Lease {
  readonly holder: string;
  /** What a person needs to find the process: `host web-1, process 4242 (server)`. */
  readonly description: string;
  /** Seconds until it expires unless renewed, by the database's clock. */
  readonly secondsLeft: number;
}

/**
 * One database seen as rows that change. Two implementations, `sqlite/store.ts` and `postgres/store.ts`; nothing
 * outside those folders knows a dialect.
 *
 * Errors: `CrossfadeError` for what Crossfade understands; a driver's error for an infrastructure failure
 * (connection, timeout, disk), which callers treat as "try again later". Methods that compare and set return
 * `null` or `false` when the comparison fails, and then have changed nothing.
 */
export interface Store {
  readonly name: StoreName;
  /** Digests of rows, for the comparer. */
  readonly digests: Digests;

  /** Every user table, as the database declares it. Crossfade's own and the engine's tables are left out. */
  describe(): Promise<readonly TableShape[]>;
  /** What these tables declare beyond the types of their columns; those that do not exist are left out. */
  declarations(tables: readonly string[]): Promise<readonly TableDeclaration[]>;
  /** How many of these tables hold at least one row. */
  tablesWithRows(tables: readonly TableSpec[]): Promise<readonly string[]>;

  // ── Bookkeeping ───────────────────────────────────────────────────────────────────────────────────────────────
  /** The state row, or `undefined` when Crossfade is not installed in this database. */
  state(): Promise<StoreState | undefined>;
  /** The tables as installed. */
  installedTables(): Promise<readonly TableSpec[]>;
  /** Refuses what cannot be installed, before anything is changed. SQLite goes into WAL mode here, which is no harm by itself. */
  prepareInstall(tables: readonly TableSpec[]): Promise<void>;
  /** Puts bookkeeping, and as primary capture, as secondary the fence, on the tables. One transaction, idempotent. */
  install(request: InstallRequest): Promise<void>;
  /** As a secondary: starts to follow a capture from a position, with every cursor at its start. */
  adopt(request: {
    captureId: string;
    watermark: Position;
    tables: readonly TableSpec[];
    /** Deletes every row first. */
    empties: boolean;
    /** Keeps the rows, whatever they are: they are not those of the primary until {@link reconciled}. @default false */
    reconciles?: boolean;
  }): Promise<void>;
  /** As a secondary: the rows are those of the primary again. */
  reconciled(): Promise<void>;
  /** Removes every trace of Crossfade but the user's rows. */
  uninstall(): Promise<void>;
  /** Compare and set of the stage. */
  recordStage(change: { from: Stage; to: Stage; epoch: number; note: string }): Promise<boolean>;

  /**
   * Begins to open what a step with a piece of one of these tables needs and takes a moment to open: a hint, given before
   * a backfill. What fails is met by the step.
   */
  warmUp(tables: readonly TableSpec[]): void;

  // ── As primary ────────────────────────────────────────────────────────────────────────────────────────────────
  /** Where the history of committed changes stands now. */
  position(): Promise<Position>;
  /** Whether a step would find anything, or that this store is no longer the primary: a cheap look, for polling. */
  hasChangesAfter(watermark: Position): Promise<boolean>;
  /**
   * Keys of a table that have changed after a watermark, among the changes committed by now; `all` after a TRUNCATE.
   * Changes that the secondary has passed meanwhile may have been pruned, and are missing then.
   */
  changedKeys(table: TableSpec, after: Position): Promise<readonly Key[] | 'all'>;
  /** Whether a watermark includes everything that a position includes. */
  reaches(watermark: Position, position: Position): boolean;
  /** Opens a snapshot, reads what has changed since, and gives it to `use`; closed when `use` has ended. */
  read<T>(request: StepRequest, use: (reading: StepReading) => Promise<T>): Promise<T>;
  /** Looks whether capture is as it was installed. Steps do so too; this is for times without any. @throws CrossfadeError `CAPTURE_BROKEN`. */
  verifyCapture(tables: readonly TableSpec[]): Promise<void>;
  /** Whether the changelog still holds every change after a position, and that position is of this store's history. */
  keepsSince(position: Position): Promise<boolean>;
  /** Forgets changes that the durable watermark includes, a bounded number at a time. Resolves to how many. */
  prune(watermark: Position): Promise<number>;
  /** Removes capture, in a stage that mirrors nothing: what is written from here on is not mirrored, and any watermark is void. */
  dropCapture(): Promise<void>;
  /** Removes capture in any stage, and forgets the changelog: it must not fill the primary's disk. */
  stopCapture(note: string): Promise<void>;
  /** Puts capture on these tables anew. What was written before is unknown to it: every watermark is void. */
  recapture(tables: readonly TableSpec[]): Promise<{ readonly captureId: string; readonly position: Position }>;
  /**
   * Records these keys as changed, so that the Mirror copies their rows again, or deletes them at the secondary.
   *
   * @throws CrossfadeError `STEP_OUTDATED` when this is not a primary, or one that is giving the writes up: a switch
   * waits for what was written before it, and for nothing else.
   */
  touch(table: TableSpec, keys: readonly Key[]): Promise<void>;
  /** About how much the changelog takes on this store's disk. */
  changelogBytes(): Promise<number>;

  // ── As secondary ──────────────────────────────────────────────────────────────────────────────────────────────
  progress(): Promise<Progress>;
  /**
   * Applies one step in one transaction, or returns `null` when the state row is no longer the one expected. May be
   * called before the step before it has ended: then it is applied if that one was, and otherwise gives `null`.
   */
  apply(step: StepToApply): Promise<StepApplied | null>;

  /**
   * Resolves when every step applied so far would survive a crash of this database. A step need not wait for that: one
   * that is lost goes together with its watermark, and is applied again. But nothing it stands on may be forgotten or
   * given up before (PROTOCOL.md R14, R20).
   *
   * Resolves to the watermark that stands there for good. It may be older than that of a step which was applied before:
   * the database has crashed since, and come back, and nobody need have noticed.
   */
  flush(): Promise<Position | null>;

  // ── The write switch (PROTOCOL.md section 5) ──────────────────────────────────────────────────────────────────
  /** As the next primary: everything slow that unfencing needs, before the pause begins. */
  prepareUnfence(sequences?: ReadonlyMap<string, bigint>): Promise<void>;
  /** As primary: refuses application writes from here on, after the writers in flight have ended. */
  fence(expected: { epoch: number; expiresMs: number | 'never'; waitMs: number }): Promise<Fenced | null>;
  cancel(expected: { epoch: number; attempt: number }): Promise<boolean>;
  /** As primary: takes away what a fence that is down still costs each write, where no writer must wait for that. */
  retireFence(): Promise<void>;
  release(expected: { epoch: number; attempt: number }): Promise<boolean>;
  /** As secondary: becomes primary at `epoch + 1`, with sequences at or past what the old primary gave out. */
  unfence(expected: {
    epoch: number;
    finalPosition: Position;
    stage: Stage;
    reached: (watermark: Position) => boolean;
    sequences: ReadonlyMap<string, bigint>;
  }): Promise<boolean>;
  /** As old primary: becomes secondary at `epoch + 1`, following the new primary from its handover. */
  record(expected: { epoch: number; stage: Stage; captureId: string; handover: Position }): Promise<boolean>;
  /**
   * As secondary, when the primary is gone for good: becomes primary at `epoch + 2`, with whatever it holds. The old
   * primary, should it come back, is told apart by its lower epoch.
   */
  seize(expected: { epoch: number; stage: Stage }): Promise<boolean>;
  /** As a primary that missed a switch: becomes secondary at this epoch, fenced; its watermark is void. */
  demote(to: { epoch: number; stage: Stage }): Promise<void>;
  /** The highest id each table has given out. Tables without generated ids are left out. */
  sequences(): Promise<ReadonlyMap<string, bigint>>;

  // ── Rows, for the comparer ────────────────────────────────────────────────────────────────────────────────────
  /** Rows in this store's own key order. */
  page(table: TableSpec, after: Key | null, rows: number): Promise<readonly Row[]>;
  /** The rows with these keys, in the same order; `undefined` where there is none. */
  rowsByKey(table: TableSpec, keys: readonly Key[]): Promise<readonly (Row | undefined)[]>;
  count(table: TableSpec): Promise<number>;

  /** Foreign keys that rows here violate or that are not validated: they would fail later writes. Empty in SQLite. */
  brokenConstraints(tables: readonly TableSpec[]): Promise<readonly BrokenForeignKey[]>;

  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What only the store that keeps shared records offers: PostgreSQL. */
export interface Records extends ComparisonBases {
  /** Comparisons that can be gone on with. */
  readonly runs: ComparisonRuns;
  /** What goes with a backfill of PostgreSQL. */
  readonly fill: FillRecords;
  /** Takes or renews the Mirror's lease. Resolves to the lease in force: the caller's, or another process's. */
  lease(claim: { holder: string; description: string; ttlMs: number }): Promise<Lease>;
  currentLease(): Promise<Lease | undefined>;
  releaseLease(holder: string): Promise<void>;
  recordComparison(record: ComparisonRecord): Promise<void>;
  lastComparison(options: { onlyFull: boolean }): Promise<ComparisonRecord | undefined>;
  readonly comparisons: ComparisonHistory;
  /**
   * Runs `work` unless another process runs something under the same name now; resolves to `undefined` then. The claim
   * ends with the connection, so that a process that was killed holds nobody up.
   */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<{ readonly result: T } | undefined>;
}
