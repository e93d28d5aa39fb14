import type Database from 'better-sqlite3';
import type { Row, TableSpec } from '../spec.ts';
import type { Batch, Cursor, StepRequest } from '../store.ts';
import { encodePiece, isEncodable } from './piece-encoder.ts';
import type { TransferableRows } from './piece-encoder.ts';
import { sizeOf } from './piece-reader.ts';
import { StepReader } from './step-reader.ts';
import type { SnapshotReading } from './step-reader.ts';
import { reviveValues } from './thread-values.ts';

/** A message takes the event loop's time as it arrives: at most so many rows… */
const MESSAGE_ROWS = 1_000;
/** …and about so many bytes, but at least one row. */
const MESSAGE_BYTES = 2 ** 20;

/**
 * While a step is always open there is always a reader, and SQLite cannot begin its log anew. From this size on there
 * is a moment without.
 */
const LOG_BYTES = 32 * 2 ** 20;

/** What is known of a step before its rows are read. */
export interface StepOutline extends Pick<SnapshotReading, 'position' | 'changes' | 'isEmpty' | 'tables'> {
  /** Whether its piece can be had encoded. */
  readonly hasEncodedPiece: boolean;
  /** Whether the step after it may be opened while this one still is. */
  readonly mayOverlap: boolean;
}

/** A {@link Batch}, its table as the position among those of the request. */
export interface SentBatch extends Omit<Batch, 'table'> {
  readonly table: number;
}

/** Reads one step at a time, over a connection that holds its snapshot. */
export class StepWork {
  readonly #db: Database.Database;
  readonly #reader: StepReader;
  #step: { readonly tables: readonly TableSpec[]; readonly reading: SnapshotReading } | null = null;
  #portions: Iterator<Batch> | null = null;
  #encoded: Iterator<TransferableRows> | null = null;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#reader = new StepReader(db);
  }

  async open(request: Omit<StepRequest, 'signal'>): Promise<StepOutline> {
    const keys = [...request.retry.values()].flat();
    reviveValues([...keys, ...request.cursors.flatMap(({ after }) => (after === null ? [] : [after]))]);
    const hasEncodedPiece = request.piece !== null && isEncodable(request.piece.table);
    const mayOverlap = hasEncodedPiece && this.#checkpoint() < LOG_BYTES;
    const reading = await this.#reader.open(request);
    this.#step = { tables: request.tables, reading };
    const { position, changes, isEmpty, tables } = reading;
    return { position, changes, isEmpty, tables, hasEncodedPiece, mayOverlap };
  }

  /** Has SQLite take over from its log into the file what it can without waiting for anybody; returns the log's size. */
  #checkpoint(): number {
    const [found] = this.#db.pragma('wal_checkpoint(PASSIVE)') as { readonly log: bigint | number }[];
    return Number(found?.log ?? 0) * Number(this.#db.pragma('page_size', { simple: true }));
  }

  /** Where the backfill stands after the step; `null` before its piece has been read to its end. */
  get cursor(): Cursor | null {
    return this.#step?.reading.cursor ?? null;
  }

  /** Begins to read the rows, or all but the piece, from the first one on. */
  rewind(what: 'all' | 'others'): void {
    this.#portions?.return?.();
    this.#portions = null;
    if (this.#step === null) return;
    const { reading } = this.#step;
    this.#portions = portions(what === 'all' ? reading.batches() : reading.otherBatches())[Symbol.iterator]();
  }

  /** The next rows, or `null` after the last ones. */
  nextBatch(): SentBatch | null {
    const next = this.#portions?.next();
    if (next === undefined || next.done === true) return null;
    const { table, ...rest } = next.value;
    return { table: this.#step?.tables.indexOf(table) ?? -1, ...rest };
  }

  /** Begins to read the piece, from the first row on. */
  rewindPiece(): void {
    this.#encoded?.return?.();
    this.#encoded = null;
    const piece = this.#step?.reading.piece ?? null;
    if (piece !== null) this.#encoded = encodePiece(piece);
  }

  /** The next rows of the piece, or `null` after the last ones. */
  nextRows(): TransferableRows | null {
    const next = this.#encoded?.next();
    return next === undefined || next.done === true ? null : next.value;
  }

  close(): void {
    // A statement that has not been read to its end keeps the snapshot.
    this.#portions?.return?.();
    this.#encoded?.return?.();
    this.#portions = null;
    this.#encoded = null;
    this.#step = null;
    this.#reader.close();
  }
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
