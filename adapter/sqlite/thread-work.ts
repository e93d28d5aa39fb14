import type Database from 'better-sqlite3';
import type { Key, Row, TableSpec } from '../spec.ts';
import type { Batch, Cursor, StepApplied, StepRequest } from '../store.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { openConnection, writeTransaction } from './connection.ts';
import { DigestWork } from './digest-work.ts';
import type { DigestCalls } from './digest-work.ts';
import { Spool } from './spool.ts';
import type { TransferableRows } from './piece-encoder.ts';
import { selectPage } from './piece-reader.ts';
import { RowLookup } from './step-reader.ts';
import { StepWork } from './step-work.ts';
import type { SentBatch, StepOutline } from './step-work.ts';
import { applyStep } from './step-writer.ts';
import type { StepClaim } from './step-writer.ts';
import { atOnce } from './interruptible.ts';
import { reviveValues } from './thread-values.ts';

/** What the thread is asked for, and what it answers. Everything goes through structured clone. */
export interface ThreadCalls extends DigestCalls {
  /** Opens a step under a number of the caller's own, and reads what has changed. Its snapshot stays until it is closed. */
  openStep: { with: { step: number; request: Omit<StepRequest, 'signal'> }; gives: StepOutline };
  /** Begins to read an open step's rows, or all but the piece, from the first one on. */
  rewind: { with: { step: number; what: 'all' | 'others' }; gives: void };
  /** The next rows of an open step, or `null` after the last ones. */
  nextBatch: { with: number; gives: SentBatch | null };
  /** Begins to read an open step's piece, from the first row on. */
  rewindPiece: { with: number; gives: void };
  /** The next rows of the piece, or `null` after the last ones. */
  nextRows: { with: number; gives: TransferableRows | null };
  /** Where the backfill stands after an open step; `null` before the piece has been read to its end. */
  cursor: { with: number; gives: Cursor | null };
  closeStep: { with: number; gives: void };
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

type Handlers = {
  [C in keyof ThreadCalls]: (
    argument: ThreadCalls[C]['with'],
  ) => ThreadCalls[C]['gives'] | Promise<ThreadCalls[C]['gives']>;
};

/**
 * What the thread does, with connections of its own: one for each step that is open, one that applies steps and one that
 * reads rows at any time. In each of them it does what the store does with those on the event loop.
 */
export class ThreadWork implements Handlers {
  readonly #path: string;
  /** The steps that are open: mostly one, and two while one is read ahead. */
  readonly #steps = new Map<number, StepWork>();
  /** Those of steps that have ended, to be used again. */
  readonly #idle: StepWork[] = [];
  #applies: Database.Database | null = null;
  #rows: Database.Database | null = null;
  #spooled: Spool | null = null;
  #digests: DigestWork | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async openStep({ step, request }: ThreadCalls['openStep']['with']): Promise<StepOutline> {
    const work = this.#idle.pop() ?? new StepWork(openConnection(this.#path));
    this.#steps.set(step, work);
    return await work.open(request);
  }

  rewind({ step, what }: ThreadCalls['rewind']['with']): void {
    this.#step(step).rewind(what);
  }

  nextBatch(step: number): SentBatch | null {
    return this.#step(step).nextBatch();
  }

  rewindPiece(step: number): void {
    this.#step(step).rewindPiece();
  }

  nextRows(step: number): TransferableRows | null {
    return this.#step(step).nextRows();
  }

  cursor(step: number): Cursor | null {
    return this.#step(step).cursor;
  }

  closeStep(step: number): void {
    const work = this.#steps.get(step);
    if (work === undefined) return;
    this.#steps.delete(step);
    work.close();
    this.#idle.push(work);
  }

  #step(step: number): StepWork {
    const work = this.#steps.get(step);
    if (work === undefined) throw new RangeError(`step ${step} is not open`);
    return work;
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

  digestBoundaries(request: DigestCalls['digestBoundaries']['with']): readonly Key[] {
    return this.#digesting().boundaries(request);
  }

  digestRows(request: DigestCalls['digestRows']['with']): readonly Row[] {
    return this.#digesting().rows(request);
  }

  digestAsPrimary(request: DigestCalls['digestAsPrimary']['with']): DigestCalls['digestAsPrimary']['gives'] {
    return atOnce(this.#digesting().asPrimary(request));
  }

  openDigest(snapshot: DigestCalls['openDigest']['with']): DigestCalls['openDigest']['gives'] {
    return this.#digesting().open(snapshot);
  }

  digestsIn(request: DigestCalls['digestsIn']['with']): DigestCalls['digestsIn']['gives'] {
    return atOnce(this.#digesting().digests(request));
  }

  closeDigest(snapshot: number): void {
    this.#digests?.close(snapshot);
  }

  #digesting(): DigestWork {
    return (this.#digests ??= DigestWork.inThread(this.#path));
  }

  #applying(): Database.Database {
    return (this.#applies ??= openConnection(this.#path, { synchronous: 'NORMAL' }));
  }
}

/** Runs a call by its name. */
export function answer<C extends keyof ThreadCalls>(
  work: Handlers,
  { call, argument }: { readonly call: C; readonly argument: ThreadCalls[C]['with'] },
): ThreadCalls[C]['gives'] | Promise<ThreadCalls[C]['gives']> {
  return work[call](argument);
}
