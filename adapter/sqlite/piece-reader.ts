import type Database from 'better-sqlite3';
import { Unholdable } from '../codec/unholdable.ts';
import { keyColumns, keyOf } from '../spec.ts';
import type { Key, Row, SqlValue, TableSpec } from '../spec.ts';
import type { Cursor, PieceRequest } from '../store.ts';
import { bindings, placeholders } from './bindings.ts';
import { ExactSelect } from './exact-select.ts';
import { quote } from './sql.ts';
import { assertNoNullKeys, collated, quotedColumns } from './step-rows.ts';

/** What a number counts for the size of a piece. */
const NUMBER_BYTES = 8;
/** More rows at a time gain nothing (and one at a time, by the driver's iterator, takes a fifth longer). */
const PAGE_ROWS = 200;
/** About so much is in memory at a time. */
const PAGE_BYTES = 2 ** 20;
const FIRST_PAGE_ROWS = 20;

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
    const { table, rows: most, bytes = Infinity } = this.#request;
    const pages = new Pages(this.#db, table);
    let after = this.#before?.after ?? null;
    let last: Row | null = null;
    let rows = 0;
    let size = 0;
    let atOnce = FIRST_PAGE_ROWS;
    let isAtEnd = false;
    while (!isAtEnd && rows < most && size < bytes) {
      const asked = Math.min(atOnce, most - rows);
      const page = pages.read(after, asked);
      isAtEnd = page.length < asked;
      for (const row of page) {
        if (table.key.some((position) => row[position] === null)) assertNoNullKeys(this.#db, table);
        yield row;
        last = row;
        rows += 1;
        size += sizeOf(row);
        if (size < bytes) continue;
        isAtEnd = false;
        break;
      }
      if (last !== null) after = keyOf(table, last);
      atOnce = Math.max(1, Math.min(PAGE_ROWS, Math.floor((PAGE_BYTES * rows) / Math.max(1, size))));
    }
    this.#cursor = {
      table: table.name,
      after,
      isDone: isAtEnd,
      rowsCopied: (this.#before?.rowsCopied ?? 0) + rows,
    };
  }
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
    if (after === null || after.some((value) => value instanceof Unholdable))
      return selectPage(this.#db, this.#table, after, rows);
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
  for (const value of row) {
    if (typeof value === 'string') size += value.length;
    else if (value instanceof Uint8Array) size += value.byteLength;
    else size += NUMBER_BYTES;
  }
  return size;
}

/** To be bound: the key, and how many rows. */
function pageOf(db: Database.Database, table: TableSpec, after: Key | null): ExactSelect {
  const key = keyColumns(table).map((column) => collated(column, ''));
  const marks = placeholders(after ?? []).join(', ');
  const where =
    after === null ? '' : `WHERE ${key.length === 1 ? `${key[0]} > ${marks}` : `(${key.join(', ')}) > (${marks})`}`;
  return new ExactSelect(
    db,
    quotedColumns(table),
    `FROM ${quote(table.name)} ${where} ORDER BY ${key.join(', ')} LIMIT ?`,
  );
}
