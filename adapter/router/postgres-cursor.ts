import type { Duplex } from 'node:stream';
import type { QueryObject } from './knex-internals.ts';
import type { RowReader } from './row-stream.ts';

/** How many rows the server sends at once, unless the stream's options say otherwise. */
const ROWS_AT_ONCE = 100;

/** A read whose rows are wanted one by one. */
export interface CursorRequest {
  readonly query: QueryObject;
  /** Runs a statement on the connection. */
  readonly run: (query: QueryObject) => Promise<QueryObject>;
  /** Whether the connection is in a transaction of the application's; a cursor lives in one. */
  readonly isInTransaction: boolean;
  readonly rowsAtOnce: number | undefined;
  /** Who wants them. */
  readonly stream: Duplex;
  /** Called once, before it is ended. */
  readonly onEnd: () => void;
  /** Called once, when its connection is free again; rows may be left to be taken. */
  readonly onRead: () => void;
}

let opened = 0;

/**
 * A cursor in PostgreSQL. Other than with the protocol's own portals, which drivers stream with, other statements may
 * run on its connection meanwhile, as code in a transaction of SQLite's is used to.
 */
export class PostgresCursor implements RowReader {
  readonly #request: CursorRequest;
  readonly #name: string;
  readonly #rowsAtOnce: number;
  #kept: readonly unknown[] = [];
  #failure: { readonly error: unknown } | undefined;
  #isRead = false;
  /** One thing at a time. */
  #turn: Promise<unknown>;

  /** Declares it at once, so that what is run after this does not come before it. */
  constructor(request: CursorRequest) {
    this.#request = request;
    this.#rowsAtOnce = request.rowsAtOnce ?? ROWS_AT_ONCE;
    this.#name = `crossfade_stream_${++opened}`;
    this.#turn = this.#declare();
  }

  next(): Promise<readonly unknown[]> {
    return this.#inTurn(async () => {
      if (this.#kept.length === 0 && !this.#isRead) await this.#read(this.#rowsAtOnce);
      const rows = this.#kept;
      this.#kept = [];
      if (rows.length === 0 && this.#failure !== undefined) throw this.#failure.error;
      return rows;
    });
  }

  /** Reads the rest into memory, before its transaction ends or its table changes. Never rejects. */
  finish(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isRead) return;
      // Nobody takes what a stream that was left would get.
      if (this.#request.stream.destroyed) await this.#end('COMMIT');
      else await this.#read('ALL');
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#end('COMMIT'));
  }

  async #declare(): Promise<void> {
    const { query, run, isInTransaction } = this.#request;
    try {
      if (!isInTransaction) await run({ sql: 'BEGIN', bindings: [] });
      await run({ ...query, sql: `DECLARE ${this.#name} NO SCROLL CURSOR FOR ${query.sql}` });
    } catch (error) {
      this.#failure = { error };
      await this.#end('ROLLBACK');
    }
  }

  /** Whoever makes it read is not the one to get its error. */
  async #read(limit: number | 'ALL'): Promise<void> {
    const { query, run } = this.#request;
    try {
      const { response } = await run({
        ...query,
        sql: `FETCH FORWARD ${limit} FROM ${this.#name}`,
        method: 'select',
        bindings: [],
      });
      const { rows } = response as { readonly rows: readonly unknown[] };
      this.#kept = this.#kept.concat(rows);
      if (limit === 'ALL' || rows.length < limit) await this.#end('COMMIT');
    } catch (error) {
      this.#failure = { error };
      await this.#end('ROLLBACK');
    }
  }

  async #end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (this.#isRead) return;
    this.#isRead = true;
    const { run, isInTransaction, onEnd, onRead } = this.#request;
    onEnd();
    try {
      // A connection that is lost has lost its cursor, too.
      await run({ sql: isInTransaction ? `CLOSE ${this.#name}` : how, bindings: [] });
    } catch {
      // Nor is anything to be undone where only rows were read.
    } finally {
      onRead();
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return await turn;
  }
}
