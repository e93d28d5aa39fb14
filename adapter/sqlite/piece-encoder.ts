import { binaryColumn } from '../codec/binary.ts';
import type { BinaryWriter } from '../codec/binary.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { ValueRefused } from '../codec/value-refused.ts';
import { keyOf } from '../spec.ts';
import type { Row, TableSpec } from '../spec.ts';
import type { EncodedRows } from '../store.ts';

/** Large enough that a message costs nothing beside it, small enough to be sent without holding the event loop. */
const CHUNK_BYTES = 2 ** 18;
/** Of so many refused rows a message is sent as well. */
const CHUNK_REFUSED = 1_000;

/** {@link EncodedRows} whose bytes have memory of their own, so that they may be transferred to another thread. */
export type TransferableRows = EncodedRows & { readonly bytes: Uint8Array<ArrayBuffer> };

/** Whether every column of a table has a binary form. */
export function isEncodable(table: TableSpec): boolean {
  return table.columns.every((column) => binaryColumn(column) !== null);
}

/** Rows of an {@link isEncodable} table as PostgreSQL takes them, about 256 KiB at a time. */
export function* encodeRows(table: TableSpec, rows: Iterable<Row>): Generator<TransferableRows> {
  const columns = table.columns.map(binaryColumn).filter((column): column is BinaryWriter => column !== null);
  const out = new ByteWriter(CHUNK_BYTES * 2);
  let refused: EncodedRows['refused'][number][] = [];
  let count = 0;
  const chunk = (): TransferableRows => {
    const sent = { bytes: out.take(), rows: count, refused };
    refused = [];
    count = 0;
    return sent;
  };
  for (const row of rows) {
    const start = out.end;
    try {
      writeRow(out, columns, row);
      count += 1;
    } catch (error) {
      if (!(error instanceof ValueRefused)) throw error;
      out.end = start;
      refused.push({ key: keyOf(table, row), reason: error.message });
    }
    if (out.end >= CHUNK_BYTES || refused.length >= CHUNK_REFUSED) yield chunk();
  }
  if (count > 0 || refused.length > 0) yield chunk();
}

function writeRow(out: ByteWriter, columns: readonly BinaryWriter[], row: Row): void {
  out.int16(columns.length);
  for (let index = 0; index < columns.length; index += 1) columns[index]?.(row[index] ?? null, out);
}
