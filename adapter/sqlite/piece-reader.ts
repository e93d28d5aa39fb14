import type Database from 'better-sqlite3';
import { Unholdable } from '../codec/unholdable.ts';
import { keyOf } from '../spec.ts';
import type { Key, Row, SqlValue, TableSpec } from '../spec.ts';
import type { Cursor, PieceRequest } from '../store.ts';
import { bindings } from './bindings.ts';
import { ExactSelect } from './exact-select.ts';
import type { SpelledPage } from './spelled-page.ts';
import { SpelledPages } from './spelled-pages.ts';
import { afterSql, assertNoNullKeys, bytesOf, quotedColumns } from './step-rows.ts';

/** More rows at a time gain nothing (and one at a time, by the driver's iterator, takes a fifth longer). */
const PAGE_ROWS = 200;
/** Of those that SQLite spells out. */
const SPELLED_PAGE_ROWS = 1_000;
/** About so much is in memory at a time. */
const PAGE_BYTES = 2 ** 20;
const FIRST_PAGE_ROWS = 20;

/** Takes the rows of a piece, one by one. */
export interface RowTaker {
  take(row: Row): void;
  /** Takes a row that a page stands at, and returns its size; `null` when it must be taken in the other way. */
  takeSpelled(page: SpelledPage): number | null;
  /** Keeps where it stands. What it returns goes back there: the rows since will come once more. */
  mark(): () => void;
}

/** Reads one piece of a backfill: the rows after its cursor, in the order of the key, as many as were asked for. */
export class PieceReader {
  readonly #db: Database.Database;
  readonly #request: PieceRequest;
  readonly #before: Cursor | undefined;
  #cursor: Cursor | null = null;

  constructor(db: Database.Database, request: PieceRequest, before: Cursor | undefined) {
    this.#db = db;
    this.#request = request;
    this.#before = before;
  }

  get table(): TableSpec {
    return this.#request.table;
  }

  /** Where the backfill stands after the piece; `null` before it has been read to its end. */
  get cursor(): Cursor | null {
    return this.#cursor;
  }

  /**
   * The rows, one by one. May be called again: the same snapshot has the same rows, and the piece ends at the same one.
   *
   * @throws CrossfadeError `KEY_HOLDS_NULL`.
   */
  *rows(): Generator<Row> {
    const pages = new Pages(this.#db, this.table);
    const extent = this.#begin();
    while (!extent.isWhole) yield* this.#page(pages, extent, extent.nextPage(PAGE_ROWS));
    this.#end(extent);
  }

  /**
   * Hands the rows over as {@link rows} gives them, some with each step of the iteration, in less time.
   *
   * @throws CrossfadeError `KEY_HOLDS_NULL`.
   */
  *handOver(taker: RowTaker): Generator<void> {
    const pages = new Pages(this.#db, this.table);
    let spelled = SpelledPages.of(this.#db, this.table);
    let extent = this.#begin();
    let pageRows = PAGE_ROWS;
    while (!extent.isWhole) {
      const { after } = extent;
      if (spelled !== null && isPlain(after)) {
        const [before, undo] = [extent.copy(), taker.mark()];
        if (!handOverPage(spelled, extent, taker)) {
          // From here on with each value at hand, and few at a time: they may be large ones, of which nothing was known.
          undo();
          extent = before;
          spelled = null;
          pageRows = FIRST_PAGE_ROWS;
          continue;
        }
      } else {
        for (const row of this.#page(pages, extent, extent.nextPage(pageRows))) taker.take(row);
      }
      yield;
    }
    this.#end(extent);
  }

  #begin(): Extent {
    return new Extent(this.#request, this.#before?.after ?? null);
  }

  #end({ after, rows, isAtEnd }: Extent): void {
    const rowsCopied = (this.#before?.rowsCopied ?? 0) + rows;
    this.#cursor = { table: this.table.name, after, isDone: isAtEnd, rowsCopied };
  }

  *#page(pages: Pages, extent: Extent, asked: number): Generator<Row> {
    for (const row of extent.pageOf(pages.read(extent.after, asked), asked)) {
      if (this.table.key.some((position) => row[position] === null)) assertNoNullKeys(this.#db, this.table);
      yield row;
      extent.add(row, sizeOf(row));
    }
  }
}

/** How far a piece has been read, and where it ends. */
class Extent {
  readonly #request: PieceRequest;
  readonly #mostRows: number;
  readonly #mostBytes: number;
  #after: Key | null;
  #last: Row | null = null;
  #rows = 0;
  #bytes = 0;
  #isAtEnd = false;

  constructor(request: PieceRequest, after: Key | null) {
    this.#request = request;
    this.#mostRows = request.rows;
    this.#mostBytes = request.bytes ?? Infinity;
    this.#after = after;
  }

  copy(): Extent {
    const copy = new Extent(this.#request, this.after);
    copy.#rows = this.#rows;
    copy.#bytes = this.#bytes;
    return copy;
  }

  get rows(): number {
    return this.#rows;
  }

  /** The key of the last row. */
  get after(): Key | null {
    if (this.#last !== null) this.#after = keyOf(this.#request.table, this.#last);
    this.#last = null;
    return this.#after;
  }

  /** Whether the table has no more rows. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Whether the piece has no room for another row. */
  get isFull(): boolean {
    return this.#rows >= this.#mostRows || this.#bytes >= this.#mostBytes;
  }

  get isWhole(): boolean {
    return this.#isAtEnd || this.isFull;
  }

  /** How many rows to read next, so many at most. */
  nextPage(most: number): number {
    const atOnce =
      this.#rows === 0
        ? FIRST_PAGE_ROWS
        : Math.max(1, Math.min(most, Math.floor((PAGE_BYTES * this.#rows) / Math.max(1, this.#bytes))));
    return Math.min(atOnce, this.#request.rows - this.#rows);
  }

  /** Those of the rows that still belong to the piece; each is to be {@link add}ed. */
  *pageOf(page: readonly Row[], asked: number): Generator<Row> {
    let taken = 0;
    for (const row of page) {
      if (this.isFull) return;
      yield row;
      taken += 1;
    }
    if (taken === page.length) this.endPage(page.length, asked);
  }

  add(row: Row, bytes: number): void {
    this.endAt(row);
    this.count(bytes);
  }

  count(bytes: number): void {
    this.#rows += 1;
    this.#bytes += bytes;
  }

  /** The last row that was counted. */
  endAt(row: Row): void {
    this.#last = row;
  }

  /** So many rows were found where so many were asked for. */
  endPage(found: number, asked: number): void {
    this.#isAtEnd = found < asked && !this.isFull;
  }
}

/** Hands a page over; `false` when not all of it can be, and some may have been. */
function handOverPage(pages: SpelledPages, extent: Extent, taker: RowTaker): boolean {
  const { after } = extent;
  const asked = extent.nextPage(SPELLED_PAGE_ROWS);
  const page = after && pages.read(after, asked);
  if (page === null) return false;
  for (let row = 0; row < page.found && !extent.isFull; row += 1) {
    page.begin(row);
    const size = taker.takeSpelled(page);
    if (size === null) return false;
    extent.count(size);
  }
  if (!extent.isFull && !page.isAtEnd) return false;
  const last = page.found === 0 ? null : page.row();
  if (last !== null) extent.endAt(last);
  extent.endPage(page.found, asked);
  return true;
}

/** A key by which rows can be asked for in any statement. */
function isPlain(key: Key | null): key is Key {
  return key !== null && !key.some((value) => value instanceof Unholdable);
}

/** Reads rows in key order, some at a time, with statements that are compiled once. */
class Pages {
  readonly #db: Database.Database;
  readonly #table: TableSpec;
  #next: ExactSelect | null = null;

  constructor(db: Database.Database, table: TableSpec) {
    this.#db = db;
    this.#table = table;
  }

  read(after: Key | null, rows: number): readonly Row[] {
    if (!isPlain(after)) return selectPage(this.#db, this.#table, after, rows);
    this.#next ??= pageOf(this.#db, this.#table, after);
    return this.#next.all(...bindings(after), rows);
  }
}

/** Rows in key order, after a key. */
export function selectPage(db: Database.Database, table: TableSpec, after: Key | null, rows: number): readonly Row[] {
  return pageOf(db, table, after).all(...bindings(after ?? []), rows);
}

/** About how many bytes a row has. */
export function sizeOf(row: readonly SqlValue[]): number {
  let size = 0;
  for (const value of row) size += bytesOf(value);
  return size;
}

function pageOf(db: Database.Database, table: TableSpec, after: Key | null): ExactSelect {
  return new ExactSelect(db, quotedColumns(table), afterSql(table, after));
}
