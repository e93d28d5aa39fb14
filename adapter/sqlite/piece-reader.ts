import type Database from 'better-sqlite3';
import { keyColumns, keyOf } from '../spec.ts';
import type { Key, Row, SqlValue, TableSpec } from '../spec.ts';
import type { Cursor, PieceRequest } from '../store.ts';
import { bindings, placeholders } from './bindings.ts';
import { ExactSelect } from './exact-select.ts';
import { quote } from './sql.ts';
import { assertNoNullKeys, collated, quotedColumns } from './step-rows.ts';

/** What a number counts for the size of a piece. */
const NUMBER_BYTES = 8;

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
    const after = this.#before?.after ?? null;
    let rows = 0;
    let size = 0;
    let last: Row | null = null;
    const page = pageOf(this.#db, table, after);
    const instead = (before: Row | null): SqlValue[] | undefined => rowAfter(this.#db, table, before, after);
    for (const row of page.each([...bindings(after ?? []), most], instead)) {
      if (table.key.some((position) => row[position] === null)) assertNoNullKeys(this.#db, table);
      yield row;
      rows += 1;
      last = row;
      size += sizeOf(row);
      if (size >= bytes) break;
    }
    this.#cursor = {
      table: table.name,
      after: last === null ? after : keyOf(table, last),
      isDone: rows < most && size < bytes,
      rowsCopied: (this.#before?.rowsCopied ?? 0) + rows,
    };
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

function rowAfter(
  db: Database.Database,
  table: TableSpec,
  before: Row | null,
  first: Key | null,
): SqlValue[] | undefined {
  const [row] = selectPage(db, table, before === null ? first : keyOf(table, before), 1);
  return row === undefined ? undefined : [...row];
}
