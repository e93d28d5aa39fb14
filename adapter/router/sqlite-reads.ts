import type { Duplex } from 'node:stream';
import type { RowReader } from './row-stream.ts';

/** How many rows are read before anybody else has a turn. */
const ROWS_AT_ONCE = 32;

/** A read whose rows are wanted one by one. */
export interface RowsRequest {
  /** Begins the read. */
  readonly begin: () => Iterator<unknown>;
  /** Who wants them. */
  readonly stream: Duplex;
  /** What is made of a `bigint` in a column; left out, it stays one. */
  readonly integer?: (value: bigint, column: string) => unknown;
  /** Called once, when nothing is read any more; rows may be left to be taken. */
  readonly onRead: () => void;
}

/**
 * The reads that are under way on one connection of SQLite. While there is one, SQLite refuses everything but reads there;
 * so what is left is read to the end first, into memory, as Knex does with all rows of every stream.
 */
export class SqliteReads {
  readonly #open = new Set<OpenRead>();

  open(request: RowsRequest): RowReader {
    const read: OpenRead = new OpenRead({
      ...request,
      onRead: () => {
        this.#open.delete(read);
        request.onRead();
      },
    });
    this.#open.add(read);
    return read;
  }

  /** Reads all of them to the end. */
  finish(): void {
    for (const read of this.#open) read.finish();
  }
}

class OpenRead implements RowReader {
  readonly #request: RowsRequest;
  readonly #rows: Iterator<unknown>;
  #kept: unknown[] = [];
  #failure: { readonly error: unknown } | undefined;
  #isRead = false;

  constructor(request: RowsRequest) {
    this.#request = request;
    this.#rows = request.begin();
  }

  next(): readonly unknown[] {
    if (this.#kept.length === 0 && !this.#isRead) this.#read(ROWS_AT_ONCE);
    const rows = this.#kept;
    this.#kept = [];
    if (rows.length === 0 && this.#failure !== undefined) throw this.#failure.error;
    return rows;
  }

  finish(): void {
    // Nobody takes what a stream that was left would get.
    if (this.#request.stream.destroyed) this.close();
    else this.#read(Number.POSITIVE_INFINITY);
  }

  close(): void {
    if (!this.#isRead) this.#rows.return?.();
    this.#end();
  }

  /** Whoever makes it read is not the one to get its error. */
  #read(limit: number): void {
    try {
      for (let count = 0; count < limit && !this.#isRead; count++) {
        const { done, value } = this.#rows.next();
        if (done === true) this.#end();
        else this.#kept.push(withIntegers(value, this.#request.integer));
      }
    } catch (error) {
      this.#failure = { error };
      this.#end();
    }
  }

  #end(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    this.#request.onRead();
  }
}

function withIntegers(row: unknown, integer: RowsRequest['integer']): unknown {
  if (integer === undefined || typeof row !== 'object' || row === null) return row;
  const values = row as Record<string, unknown>;
  for (const name in values) {
    const value = values[name];
    if (typeof value === 'bigint') values[name] = integer(value, name);
  }
  return row;
}
