import Database from 'better-sqlite3';
import type { Key, TableSpec } from '../spec.ts';
import { bindings } from './bindings.ts';
import { SpelledPage, spellingOf } from './spelled-page.ts';
import { spelledSelect } from './spelled-sql.ts';
import type { Spelling } from './spelled-sql.ts';
import { afterSql } from './step-rows.ts';
import { quote } from './sql.ts';
import { ValueColumns } from './value-columns.ts';

/**
 * Reads rows in key order, page by page, each spelled out by SQLite as one text and one blob: to make a JavaScript value
 * of every value takes longer than all else.
 */
export class SpelledPages {
  readonly #spellings: readonly Spelling[];
  readonly #spelled: Database.Statement;
  readonly #values: ValueColumns;

  private constructor(db: Database.Database, table: TableSpec) {
    this.#spellings = table.columns.map(spellingOf);
    const columns = table.columns.map(({ name }, index) => ({
      name: quote(name),
      spelling: this.#spellings[index] ?? 'value',
    }));
    // What is bound does not matter yet, only how many values a key has.
    const rest = afterSql(
      table,
      table.key.map(() => 0n),
    );
    this.#spelled = db.prepare(spelledSelect(columns, rest)).raw();
    const values = columns.filter(({ spelling }) => spelling === 'value').map(({ name }) => name);
    this.#values = new ValueColumns((sql) => db.prepare(sql), values, rest);
  }

  /** `null` where SQLite does not have the bytes: in UTF-16. */
  static of(db: Database.Database, table: TableSpec): SpelledPages | null {
    return db.pragma('encoding', { simple: true }) === 'UTF-8' ? new SpelledPages(db, table) : null;
  }

  /** The rows after a key, at most so many; `null` when they must be read by another way, since a text is none to PostgreSQL. */
  read(after: Key, rows: number): SpelledPage | null {
    const bound = [...bindings(after), rows];
    const spelled = this.#get(bound);
    if (spelled === null) return null;
    const [count, texts, blobs] = spelled;
    const values = this.#values.read(bound);
    const page = new SpelledPage(this.#spellings, { found: Number(count), texts, blobs, values });
    return page.isText ? page : null;
  }

  #get(bound: readonly unknown[]): [bigint, Buffer | null, Buffer | null] | null {
    try {
      return this.#spelled.get(...bound) as [bigint, Buffer | null, Buffer | null];
    } catch (error) {
      // One by one they are not too large.
      if (error instanceof Database.SqliteError && error.code === 'SQLITE_TOOBIG') return null;
      throw error;
    }
  }
}
