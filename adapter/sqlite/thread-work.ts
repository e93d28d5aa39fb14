import type Database from 'better-sqlite3';
import type { Key, Row, SqlValue, TableSpec } from '../spec.ts';
import type { Batch, StepApplied, StepRequest } from '../store.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { openConnection, writeTransaction } from './connection.ts';
import { DigestWork } from './digest-work.ts';
import type { DigestCalls } from './digest-work.ts';
import { Spool } from './spool.ts';
import { RowLookup, selectPage, StepReader } from './step-reader.ts';
import type { SnapshotReading } from './step-reader.ts';
import { applyStep } from './step-writer.ts';
import type { StepClaim } from './step-writer.ts';
import { reviveValues } from './thread-values.ts';

/** A message takes the event loop's time as it arrives: at most so many rows… */
const MESSAGE_ROWS = 1_000;
/** …and about so many bytes, but at least one row. */
const MESSAGE_BYTES = 2 ** 20;

/** What the thread is asked for, and what it answers. Everything goes through structured clone. */
export interface ThreadCalls extends DigestCalls {
  /** Opens a snapshot, which stays until it is closed, and reads what has changed. */
  openStep: { with: Omit<StepRequest, 'signal'>; gives: StepOutline };
  /** Begins to read the open step's rows, from the first one on. */
  rewind: { with: null; gives: void };
  /** The next rows of the open step, or `null` after the last ones. */
  nextBatch: { with: null; gives: SentBatch | null };
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
export type StepOutline = Pick<SnapshotReading, 'position' | 'changes' | 'isEmpty' | 'tables' | 'cursor'>;

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
    const { position, changes, isEmpty, tables, cursor } = reading;
    return { position, changes, isEmpty, tables, cursor };
  }

  rewind(): void {
    this.#portions = this.#step === null ? null : portions(this.#step.reading.batches())[Symbol.iterator]();
  }

  nextBatch(): SentBatch | null {
    const next = this.#portions?.next();
    if (next === undefined || next.done === true) return null;
    const { table, ...rest } = next.value;
    return { table: this.#step?.tables.indexOf(table) ?? -1, ...rest };
  }

  closeStep(): void {
    this.#portions?.return?.();
    this.#portions = null;
    this.#step = null;
    this.#reader?.close();
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
    return this.#digesting().asPrimary(request);
  }

  digestAsSecondary(request: DigestCalls['digestAsSecondary']['with']): DigestCalls['digestAsSecondary']['gives'] {
    return this.#digesting().asSecondary(request);
  }

  digestOfKeys(request: DigestCalls['digestOfKeys']['with']): DigestCalls['digestOfKeys']['gives'] {
    return this.#digesting().ofKeys(request);
  }

  closeDigest(snapshot: number): void {
    this.#digests?.close(snapshot);
  }

  #digesting(): DigestWork {
    return (this.#digests ??= new DigestWork(this.#path));
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

function sizeOf(row: readonly SqlValue[]): number {
  let size = 0;
  for (const value of row) {
    if (typeof value === 'string') size += value.length;
    else if (value instanceof Uint8Array) size += value.byteLength;
  }
  return size;
}
