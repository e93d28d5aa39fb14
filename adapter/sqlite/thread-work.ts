import type Database from 'better-sqlite3';
import type { Key, Row, TableSpec } from '../spec.ts';
import type { Batch, Cursor, StepApplied, StepRequest } from '../store.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { openConnection, writeTransaction } from './connection.ts';
import { DigestWork } from './digest-work.ts';
import type { DigestCalls } from './digest-work.ts';
import { Spool } from './spool.ts';
import { encodeRows, isEncodable } from './piece-encoder.ts';
import type { TransferableRows } from './piece-encoder.ts';
import { selectPage, sizeOf } from './piece-reader.ts';
import { RowLookup, StepReader } from './step-reader.ts';
import type { SnapshotReading } from './step-reader.ts';
import { applyStep } from './step-writer.ts';
import type { StepClaim } from './step-writer.ts';
import { atOnce } from './interruptible.ts';
import { reviveValues } from './thread-values.ts';

/** A message takes the event loop's time as it arrives: at most so many rows… */
const MESSAGE_ROWS = 1_000;
/** …and about so many bytes, but at least one row. */
const MESSAGE_BYTES = 2 ** 20;

/** What the thread is asked for, and what it answers. Everything goes through structured clone. */
export interface ThreadCalls extends DigestCalls {
  /** Opens a snapshot, which stays until it is closed, and reads what has changed. */
  openStep: { with: Omit<StepRequest, 'signal'>; gives: StepOutline };
  /** Begins to read the open step's rows, or all but the piece, from the first one on. */
  rewind: { with: 'all' | 'others'; gives: void };
  /** The next rows of the open step, or `null` after the last ones. */
  nextBatch: { with: null; gives: SentBatch | null };
  /** Begins to read the open step's piece, from the first row on. */
  rewindPiece: { with: null; gives: void };
  /** The next rows of the piece, or `null` after the last ones. */
  nextRows: { with: null; gives: TransferableRows | null };
  /** Where the backfill stands after the open step; `null` before the piece has been read to its end. */
  cursor: { with: null; gives: Cursor | null };
  closeStep: { with: null; gives: void };
  /** Keeps rows for the step that is to be applied. */
  spool: { with: Batch; gives: void };
  /** Applies what was spooled since {@link clearSpool} was called, in one transaction. */
  apply: { with: StepClaim; gives: StepApplied | null };
  clearSpool: { with: null; gives: void };
  /** Rows in key order, after a key. */
  page: { with: { table: TableSpec; after: Key | null; rows: number }; gives: readonly Row[] };
  /** The rows with these keys, in the same order. */
  rowsByKey: { with: { table: TableSpec; keys: readonly Key[] }; gives: readonly (Row | undefined)[] };
}

/** What is known of a step before its rows are read. */
export interface StepOutline extends Pick<SnapshotReading, 'position' | 'changes' | 'isEmpty' | 'tables'> {
  /** Whether its piece can be had encoded. */
  readonly hasEncodedPiece: boolean;
}

/** A {@link Batch}, its table as the position among those of the request. */
export interface SentBatch extends Omit<Batch, 'table'> {
  readonly table: number;
}

type Handlers = {
  [C in keyof ThreadCalls]: (
    argument: ThreadCalls[C]['with'],
  ) => ThreadCalls[C]['gives'] | Promise<ThreadCalls[C]['gives']>;
};

/**
 * What the thread does, with connections of its own: one that holds a step's snapshot, one that applies steps and one
 * that reads rows at any time. In each of them it does what the store does with those on the event loop.
 */
export class ThreadWork implements Handlers {
  readonly #path: string;
  #snapshots: Database.Database | null = null;
  #steps: Database.Database | null = null;
  #rows: Database.Database | null = null;
  #reader: StepReader | null = null;
  #spooled: Spool | null = null;
  #step: { readonly tables: readonly TableSpec[]; readonly reading: SnapshotReading } | null = null;
  #portions: Iterator<Batch> | null = null;
  #encoded: Iterator<TransferableRows> | null = null;
  #digests: DigestWork | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async openStep(request: ThreadCalls['openStep']['with']): Promise<StepOutline> {
    this.#snapshots ??= openConnection(this.#path);
    this.#reader ??= new StepReader(this.#snapshots);
    const keys = [...request.retry.values()].flat();
    reviveValues([...keys, ...request.cursors.flatMap(({ after }) => (after === null ? [] : [after]))]);
    const reading = await this.#reader.open(request);
    this.#step = { tables: request.tables, reading };
    const { position, changes, isEmpty, tables } = reading;
    return {
      position,
      changes,
      isEmpty,
      tables,
      hasEncodedPiece: request.piece !== null && isEncodable(request.piece.table),
    };
  }

  rewind(what: 'all' | 'others'): void {
    this.#endReading();
    if (this.#step === null) return;
    const { reading } = this.#step;
    this.#portions = portions(what === 'all' ? reading.batches() : reading.otherBatches())[Symbol.iterator]();
  }

  nextBatch(): SentBatch | null {
    const next = this.#portions?.next();
    if (next === undefined || next.done === true) return null;
    const { table, ...rest } = next.value;
    return { table: this.#step?.tables.indexOf(table) ?? -1, ...rest };
  }

  rewindPiece(): void {
    this.#endReading();
    const piece = this.#step?.reading.piece ?? null;
    if (piece !== null) this.#encoded = encodeRows(piece.table, piece.rows());
  }

  nextRows(): TransferableRows | null {
    const next = this.#encoded?.next();
    return next === undefined || next.done === true ? null : next.value;
  }

  cursor(): Cursor | null {
    return this.#step?.reading.cursor ?? null;
  }

  closeStep(): void {
    this.#endReading();
    this.#step = null;
    this.#reader?.close();
  }

  /** A statement that has not been read to its end keeps the snapshot. */
  #endReading(): void {
    this.#portions?.return?.();
    this.#encoded?.return?.();
    this.#portions = null;
    this.#encoded = null;
  }

  spool(batch: Batch): void {
    reviveValues(batch.present);
    reviveValues(batch.absent);
    this.#spooled ??= new Spool(this.#applying());
    this.#spooled.add(batch);
  }

  apply(step: StepClaim): Promise<StepApplied | null> {
    const db = this.#applying();
    const batches = (): Iterable<Batch> => this.#spooled?.batches() ?? [];
    if (step.reading.cursor?.after) reviveValues([step.reading.cursor.after]);
    return writeTransaction(db, () => applyStep(db, new Bookkeeping(db), { step, batches }));
  }

  clearSpool(): void {
    this.#spooled?.clear();
    this.#spooled = null;
  }

  page({ table, after, rows }: ThreadCalls['page']['with']): readonly Row[] {
    this.#rows ??= openConnection(this.#path);
    return selectPage(this.#rows, table, after === null ? null : (reviveValues([after])[0] ?? null), rows);
  }

  rowsByKey({ table, keys }: ThreadCalls['rowsByKey']['with']): readonly (Row | undefined)[] {
    this.#rows ??= openConnection(this.#path);
    const lookup = new RowLookup(this.#rows, table);
    return reviveValues(keys).map((key) => lookup.find(key));
  }

  digestBoundary(request: DigestCalls['digestBoundary']['with']): Key | null {
    return this.#digesting().boundary(request);
  }

  digestRows(request: DigestCalls['digestRows']['with']): readonly Row[] {
    return this.#digesting().rows(request);
  }

  digestAsPrimary(request: DigestCalls['digestAsPrimary']['with']): DigestCalls['digestAsPrimary']['gives'] {
    return atOnce(this.#digesting().asPrimary(request));
  }

  digestAsSecondary(request: DigestCalls['digestAsSecondary']['with']): DigestCalls['digestAsSecondary']['gives'] {
    return atOnce(this.#digesting().asSecondary(request));
  }

  digestOfKeys(request: DigestCalls['digestOfKeys']['with']): DigestCalls['digestOfKeys']['gives'] {
    return atOnce(this.#digesting().ofKeys(request));
  }

  closeDigest(snapshot: number): void {
    this.#digests?.close(snapshot);
  }

  #digesting(): DigestWork {
    return (this.#digests ??= DigestWork.inThread(this.#path));
  }

  #applying(): Database.Database {
    return (this.#steps ??= openConnection(this.#path, { synchronous: 'NORMAL' }));
  }
}

/** Runs a call by its name. */
export function answer<C extends keyof ThreadCalls>(
  work: Handlers,
  { call, argument }: { readonly call: C; readonly argument: ThreadCalls[C]['with'] },
): ThreadCalls[C]['gives'] | Promise<ThreadCalls[C]['gives']> {
  return work[call](argument);
}

/** The same rows in batches that are small enough for a message. */
function* portions(batches: Iterable<Batch>): Iterable<Batch> {
  for (const batch of batches) {
    let rows: Row[] = [];
    let bytes = 0;
    for (const row of batch.present) {
      const size = sizeOf(row);
      if (rows.length === MESSAGE_ROWS || (rows.length > 0 && bytes + size > MESSAGE_BYTES)) {
        yield { table: batch.table, empties: false, present: rows, absent: [] };
        rows = [];
        bytes = 0;
      }
      rows.push(row);
      bytes += size;
    }
    yield { ...batch, present: rows };
  }
}
