import type { TableSpec } from './spec.ts';

/**
 * What a backfill is at. Kept in PostgreSQL, so that whoever runs the Mirror after a crash goes on from there:
 * `copying` rows; making the `indexes` again that were set aside; setting `sequences`; `analyzing` the tables;
 * `validating` the foreign keys; `done`.
 */
export type FillPhase = (typeof FILL_PHASES)[number];

export const FILL_PHASES = ['copying', 'indexes', 'sequences', 'analyzing', 'validating', 'done'] as const;

/** How fast a backfill may be at most; `null`: as fast as it can. */
export interface FillLimits {
  readonly rowsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** A foreign key that rows break, or that PostgreSQL has never checked. No row values. */
export interface BrokenForeignKey {
  readonly table: string;
  readonly name: string;
  readonly parent: string;
  /** Rows without their parent. */
  readonly orphans: number;
  /** Why it is not validated, when that is not for its orphans. */
  readonly reason: string | null;
  /** The statement that finds the orphans in PostgreSQL. */
  readonly statement: string;
}

/** About how large a table is. */
export interface TableSize {
  readonly rows: number;
  /** What the values of a row take on average, in bytes. */
  readonly bytesPerRow: number;
}

/** Why a backfill is slower than it could be; a closed set, for metrics. */
export const SLOWED_BY = [
  'none',
  'rows-limit',
  'bytes-limit',
  'traffic',
  'event-loop',
  'write-latency',
  'commit-latency',
  'lock-waits',
  'replication',
] as const;

/** How fast a backfill is now, as the process that copies says about once a second. */
export interface FillReport {
  readonly rowsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly slowedBy: (typeof SLOWED_BY)[number];
  /** The same for people: `slowed: event loop 35 ms`; `null` at full speed. */
  readonly reason: string | null;
  /** What the present phase is busy with, such as an index; `null` while rows are copied. */
  readonly busyWith: string | null;
}

/** What PostgreSQL remembers of a backfill beside its cursors. */
export interface FillRecord extends FillLimits {
  readonly phase: FillPhase;
  readonly isPaused: boolean;
  /** About how many rows each table had when it was looked at. */
  readonly sizes: Readonly<Record<string, TableSize>>;
  /** Tables whose indexes are not set aside. */
  readonly keeps: readonly string[];
  /** Names of the indexes that are to be made again. */
  readonly indexesAside: readonly string[];
  readonly brokenForeignKeys: readonly BrokenForeignKey[];
  /** What a person should know: an index that could not be set aside, a sequence that may not be set. */
  readonly notes: readonly string[];
  /** `null` when nobody has said anything for some seconds. */
  readonly report: FillReport | null;
}

/** What a process that copies learns about once a second. */
export interface FillBeat extends FillLimits {
  readonly isPaused: boolean;
  /** Sessions of this database that wait for a lock. */
  readonly lockWaits: number;
  /** How far the slowest replica is behind, in bytes; 0 where there is none, or none may be seen. */
  readonly replicaLagBytes: number;
  /** How long PostgreSQL took to commit the report durably, in ms. */
  readonly commitMs: number;
}

/** What became of the next index that is to be made again. */
export type IndexOutcome =
  | { readonly outcome: 'none' }
  | { readonly outcome: 'made'; readonly name: string; readonly table: string }
  /** A row that was copied does not fit into it, so that it would have been refused: the table is copied anew, with its indexes. */
  | { readonly outcome: 'refused'; readonly name: string; readonly table: string; readonly reason: string };

/**
 * The work around a backfill of PostgreSQL, and what is remembered of it. Each step is one transaction, so that a crash
 * at any point loses nothing and the next process goes on.
 */
export interface FillRecords {
  /** `null` where an earlier release installed Crossfade. */
  read(): Promise<FillRecord | null>;
  /** Makes the record where there is none; from `done` goes back to `copying` when a table is to be copied. */
  begin(): Promise<FillRecord>;
  /** Says how fast it goes, and learns what others want. */
  beat(report: FillReport | null): Promise<FillBeat>;
  rememberSizes(sizes: Readonly<Record<string, TableSize>>): Promise<void>;
  pause(isPaused: boolean): Promise<void>;
  /** Changes the limits that are given. */
  limit(limits: Partial<FillLimits>): Promise<void>;
  /** Moves on to the next phase, unless somebody else has, or rows are to be copied again. */
  advance(from: FillPhase, to: FillPhase): Promise<boolean>;
  /** Tables in the order of their foreign keys, parents first; those of a cycle by name. */
  order(tables: readonly TableSpec[]): Promise<readonly TableSpec[]>;
  /** Those of these tables with indexes that {@link setIndexesAside} would drop, were they empty. */
  withIndexesToSetAside(tables: readonly TableSpec[]): Promise<readonly TableSpec[]>;
  /**
   * Drops those indexes of an empty table of which the backfill has not begun that are faster to make after it, and
   * remembers them. Resolves to their names.
   */
  setIndexesAside(table: TableSpec): Promise<readonly string[]>;
  /** Makes one index again; `ofTable`: of this table only. */
  makeNextIndex(options?: { readonly ofTable?: string }): Promise<IndexOutcome>;
  /** Makes every index again. @throws CrossfadeError `INDEX_NOT_RESTORED` for one that rows do not fit into. */
  makeAllIndexes(options?: { readonly ofTable?: string }): Promise<void>;
  /** Empties a table and begins its backfill anew; its indexes are not set aside again. */
  refill(table: TableSpec): Promise<void>;
  /** Sequences go on after the highest id, and after what the primary has given out. Does nothing as primary (PROTOCOL.md R22). */
  setSequences(tables: readonly TableSpec[], given: ReadonlyMap<string, bigint>): Promise<void>;
  /** Has PostgreSQL learn what the tables hold; `onTable` is called with each before its turn. */
  analyze(tables: readonly TableSpec[], onTable: (table: string) => void): Promise<void>;
  /** Has PostgreSQL check every foreign key of these tables, and remembers those that do not hold. */
  validate(tables: readonly TableSpec[]): Promise<readonly BrokenForeignKey[]>;
  /** Ends what is under way of the long ones of these, and their connection. */
  close(): Promise<void>;
}
