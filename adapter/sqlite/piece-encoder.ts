import { copyColumn } from '../codec/binary.ts';
import type { BinaryWriter } from '../codec/binary.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { ValueRefused } from '../codec/value-refused.ts';
import { keyOf } from '../spec.ts';
import type { Row, TableSpec } from '../spec.ts';
import type { EncodedRows } from '../store.ts';
import type { PieceReader, RowTaker } from './piece-reader.ts';
import type { SpelledPage } from './spelled-page.ts';
import { spelledWriter } from './spelled-writer.ts';
import type { SpelledWriter } from './spelled-writer.ts';

/** Large enough that a message costs nothing beside it, small enough to be sent without holding the event loop. */
const CHUNK_BYTES = 2 ** 18;
/** Of so many refused rows a message is sent as well. */
const CHUNK_REFUSED = 1_000;

/** {@link EncodedRows} whose bytes have memory of their own, so that they may be transferred to another thread. */
export type TransferableRows = EncodedRows & { readonly bytes: Uint8Array<ArrayBuffer> };

/** Whether every column of a table has a binary form. */
export function isEncodable(table: TableSpec): boolean {
  return table.columns.every((column) => copyColumn(column) !== null);
}

/** The rows of a piece of an {@link isEncodable} table as PostgreSQL takes them, about 256 KiB at a time. */
export function* encodePiece(piece: Pick<PieceReader, 'table' | 'handOver'>): Generator<TransferableRows> {
  const encoder = new RowEncoder(piece.table);
  const pages = piece.handOver(encoder);
  for (const _ of pages) if (encoder.isFull) yield encoder.chunk();
  if (!encoder.isEmpty) yield encoder.chunk();
}

class RowEncoder implements RowTaker {
  readonly #table: TableSpec;
  readonly #columns: readonly BinaryWriter[];
  readonly #spelled: readonly SpelledWriter[];
  readonly #out = new ByteWriter(CHUNK_BYTES * 2);
  #refused: EncodedRows['refused'][number][] = [];
  #count = 0;

  constructor(table: TableSpec) {
    this.#table = table;
    this.#columns = table.columns.map(copyColumn).filter((column): column is BinaryWriter => column !== null);
    this.#spelled = table.columns
      .map((column, index) => spelledWriter(column, { isKey: table.key.includes(index) }))
      .filter((writer) => writer !== null);
  }

  get isFull(): boolean {
    return this.#out.end >= CHUNK_BYTES || this.#refused.length >= CHUNK_REFUSED;
  }

  get isEmpty(): boolean {
    return this.#count === 0 && this.#refused.length === 0;
  }

  take(row: Row): void {
    const start = this.#out.end;
    try {
      writeRow(this.#out, this.#columns, row);
      this.#count += 1;
    } catch (error) {
      if (!(error instanceof ValueRefused)) throw error;
      this.#out.end = start;
      this.#refused.push({ key: keyOf(this.#table, row), reason: error.message });
    }
  }

  takeSpelled(page: SpelledPage): number | null {
    const out = this.#out;
    out.int16(this.#spelled.length);
    for (let index = 0; index < this.#spelled.length; index += 1) if (!this.#isWritten(index, page)) return null;
    this.#count += 1;
    return page.size;
  }

  #isWritten(index: number, page: SpelledPage): boolean {
    try {
      return this.#spelled[index]?.(page, this.#out) === true;
    } catch (error) {
      if (error instanceof ValueRefused) return false;
      throw error;
    }
  }

  mark(): () => void {
    const [end, count, refused] = [this.#out.end, this.#count, this.#refused.length];
    return () => {
      this.#out.end = end;
      this.#count = count;
      this.#refused.length = refused;
    };
  }

  /** What was taken since the last one. */
  chunk(): TransferableRows {
    const sent = { bytes: this.#out.take(), rows: this.#count, refused: this.#refused };
    this.#refused = [];
    this.#count = 0;
    return sent;
  }
}

function writeRow(out: ByteWriter, columns: readonly BinaryWriter[], row: Row): void {
  out.int16(columns.length);
  for (let index = 0; index < columns.length; index += 1) columns[index]?.(row[index] ?? null, out);
}
