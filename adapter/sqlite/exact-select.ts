import type Database from 'better-sqlite3';
import { Unholdable } from '../codec/unholdable.ts';
import type { SqlValue } from '../spec.ts';

/** What the driver decodes bytes to that are not UTF-8, without a word. */
const REPLACEMENT = '\uFFFD';

/**
 * `SELECT columns rest`, with every value as SQLite holds it. SQLite takes any bytes for text, so a row in which the
 * driver shows U+FFFD is read once more with its bytes: text that is not UTF-8 becomes an {@link Unholdable}.
 *
 * In a database in UTF-16 the bytes are not looked at: SQLite itself has made them UTF-8 by then.
 */
export class ExactSelect {
  readonly #db: Database.Database;
  readonly #columns: readonly string[];
  readonly #rest: string;
  readonly #statement: Database.Statement;
  #withBytes: Database.Statement | null = null;
  #isUtf8: boolean | null = null;

  /** `columns` are SQL: names, quoted as they must be. */
  constructor(db: Database.Database, columns: readonly string[], rest: string) {
    this.#db = db;
    this.#columns = columns;
    this.#rest = rest;
    this.#statement = db.prepare(`SELECT ${columns.join(', ')} ${rest}`).raw();
  }

  get(...parameters: readonly unknown[]): SqlValue[] | undefined {
    const row = this.#statement.get(...parameters) as SqlValue[] | undefined;
    if (row === undefined || !this.#isSuspect(row)) return row;
    const again = this.#bytes().get(...parameters) as SqlValue[] | undefined;
    return again && this.#exact(again);
  }

  all(...parameters: readonly unknown[]): SqlValue[][] {
    const rows = this.#statement.all(...parameters) as SqlValue[][];
    if (!rows.some((row) => this.#isSuspect(row))) return rows;
    return (this.#bytes().all(...parameters) as SqlValue[][]).map((row) => this.#exact(row));
  }

  #isSuspect(row: readonly SqlValue[]): boolean {
    // Every row of every table comes by here: a loop costs a third of a call for each value.
    for (const value of row) {
      if (typeof value !== 'string' || !value.includes(REPLACEMENT)) continue;
      this.#isUtf8 ??= this.#db.pragma('encoding', { simple: true }) === 'UTF-8';
      return this.#isUtf8;
    }
    return false;
  }

  #bytes(): Database.Statement {
    const bytes = this.#columns.map((column) => `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) END`);
    this.#withBytes ??= this.#db.prepare(`SELECT ${[...this.#columns, ...bytes].join(', ')} ${this.#rest}`).raw();
    return this.#withBytes;
  }

  #exact(row: readonly SqlValue[]): SqlValue[] {
    const width = this.#columns.length;
    return row.slice(0, width).map((value, index) => {
      const bytes = row[width + index];
      if (typeof value !== 'string' || !(bytes instanceof Uint8Array)) return value;
      return Buffer.from(value).equals(bytes) ? value : Unholdable.inSqlite(bytes);
    });
  }
}
