import type Database from 'better-sqlite3';
import type { Key, Row, TableSpec } from '../spec.ts';
import { bindings } from './bindings.ts';
import { afterSql, bytesOf, quotedColumns } from './step-rows.ts';

/** A function of SQLite takes no more arguments than this (https://sqlite.org/limits.html, before 3.48). */
const MOST_COLUMNS = 100;
const REPLACEMENT = '\uFFFD';
const FUNCTION = '_crossfade_visit';

/** Ends a page: one of its rows must be read with its bytes, or has no key. */
const SUSPECT = new Error('a row that is to be looked at closely');

/**
 * Reads rows in key order by a function that SQLite calls with the values of each. On Node 20 the driver makes a row's
 * array value by value, which takes longer than all else; the arguments of a function come in one call.
 */
export class RowVisits {
  readonly #visitor: Visitor;
  readonly #select: Database.Statement;
  readonly #key: readonly number[];
  #found = 0;
  #take: TakeRow = unexpected;

  private constructor(db: Database.Database, table: TableSpec, after: Key) {
    this.#visitor = visitorOf(db);
    this.#key = table.key;
    const columns = quotedColumns(table);
    const names = columns.map((_, index) => `c${index}`);
    // The rows are found, ordered and limited before the function is called with any.
    const rows = `SELECT ${columns.map((column, index) => `${column} AS c${index}`).join(', ')} ${afterSql(table, after)}`;
    this.#select = db.prepare(`SELECT count(${FUNCTION}(${names.join(', ')})) FROM (${rows})`).pluck();
  }

  /** `null` for a table that has too many columns. */
  static of(db: Database.Database, table: TableSpec): RowVisits | null {
    if (table.columns.length > MOST_COLUMNS) return null;
    // What is bound does not matter yet, only how many values a key has.
    return new RowVisits(
      db,
      table,
      table.key.map(() => 0n),
    );
  }

  /** How many rows the last page had. */
  get found(): number {
    return this.#found;
  }

  /**
   * Calls `take` with the rows after a key, and how large each is, as many as there are and were asked for. Returns `false` when they must be read
   * by another way, all of them, since a text may not be UTF-8 or a key holds NULL; some may have been taken by then.
   */
  run(after: Key, rows: number, take: TakeRow): boolean {
    this.#found = 0;
    this.#take = take;
    this.#visitor.visit = this.#visit;
    try {
      this.#select.get(...bindings(after), rows);
      return true;
    } catch (error) {
      if (error === SUSPECT) return false;
      throw error;
    } finally {
      this.#visitor.visit = unexpected;
    }
  }

  /** One and the same function for all pages, for the sake of the compiler: every value of every table comes by here. */
  readonly #visit = (row: Row): void => {
    this.#found += 1;
    let bytes = 0;
    for (let index = 0; index < row.length; index += 1) {
      const value = row[index] ?? null;
      if (typeof value === 'string' && value.includes(REPLACEMENT)) throw SUSPECT;
      bytes += bytesOf(value);
    }
    for (const position of this.#key) if (row[position] === null) throw SUSPECT;
    this.#take(row, bytes);
  };
}

type TakeRow = (row: Row, bytes: number) => void;

/** What the function of a connection does with a row now. */
interface Visitor {
  visit: (row: Row) => void;
}

const visitors = new WeakMap<Database.Database, Visitor>();

function visitorOf(db: Database.Database): Visitor {
  const known = visitors.get(db);
  if (known !== undefined) return known;
  const visitor: Visitor = { visit: unexpected };
  visitors.set(db, visitor);
  db.function(FUNCTION, { varargs: true, safeIntegers: true, directOnly: true }, (...row: unknown[]) => {
    visitor.visit(row as unknown as Row);
    return null;
  });
  return visitor;
}

function unexpected(): void {
  throw new Error(`${FUNCTION} is not for anybody else`);
}
