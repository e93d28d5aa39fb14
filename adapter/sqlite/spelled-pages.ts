import Database from 'better-sqlite3';
import type { Key, SqlValue, TableSpec } from '../spec.ts';
import { bindings } from './bindings.ts';
import { SpelledPage, spellingOf } from './spelled-page.ts';
import type { Spelling } from './spelled-page.ts';
import { afterSql } from './step-rows.ts';
import { quote } from './sql.ts';

/** A function of SQLite takes no more arguments than 127 by default; a column needs four. */
const COLUMNS_A_CALL = 24;
/** To read the rows again for each of so many columns costs less than an array for each row. */
const READ_ALONE = 3;

/**
 * Reads rows in key order, page by page, each spelled out by SQLite as one text and one blob: to make a JavaScript value
 * of every value takes longer than all else.
 */
export class SpelledPages {
  readonly #spellings: readonly Spelling[];
  readonly #spelled: Database.Statement;
  readonly #values: readonly Database.Statement[];

  private constructor(db: Database.Database, table: TableSpec) {
    this.#spellings = table.columns.map(spellingOf);
    const names = table.columns.map(({ name }) => quote(name));
    const spelled = (...wanted: readonly Spelling[]): string[] =>
      names.flatMap((name, index) => {
        const spelling = this.#spellings[index] ?? 'value';
        return wanted.includes(spelling) ? [SQL[spelling](name)] : [];
      });
    // What is bound does not matter yet, only how many values a key has.
    const rest = afterSql(
      table,
      table.key.map(() => 0n),
    );
    const [texts, blobs] = [spelled('digits', 'text'), spelled('bytes')].map(joined);
    this.#spelled = db
      .prepare(
        `SELECT count(*), ${texts?.all}, ${blobs?.all} FROM (SELECT ${texts?.one} AS texts, ${blobs?.one} AS blobs ${rest})`,
      )
      .raw();
    this.#values = spelled('value').map((value) => db.prepare(`SELECT ${value} ${rest}`).pluck());
  }

  /** `null` where it gains nothing (many doubles), or SQLite does not have the bytes (in UTF-16). */
  static of(db: Database.Database, table: TableSpec): SpelledPages | null {
    const doubles = table.columns.filter((column) => spellingOf(column) === 'value');
    if (doubles.length > READ_ALONE || db.pragma('encoding', { simple: true }) !== 'UTF-8') return null;
    return new SpelledPages(db, table);
  }

  /** The rows after a key, at most so many; `null` when they must be read by another way, since a text is none to PostgreSQL. */
  read(after: Key, rows: number): SpelledPage | null {
    const bound = [...bindings(after), rows];
    const spelled = this.#get(bound);
    if (spelled === null) return null;
    const [count, texts, blobs] = spelled;
    const values = this.#values.map((statement) => statement.all(...bound) as SqlValue[]);
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

/**
 * How a value is spelled: as what it is if it is a number, or behind the name of its storage class and its length.
 * Whatever collation a column declares, this connection may not know it.
 */
const SQL = {
  digits: (name) => `CASE WHEN ${name} COLLATE BINARY >= '' THEN 'odd' ELSE ${name} END, ';'`,
  text: (name) => `typeof(${name}), octet_length(${name}), ':', ${name}`,
  bytes: (name) => `typeof(${name}), octet_length(${name}), ':', ${name}`,
  value: (name) => name,
} as const satisfies Record<Spelling, (name: string) => string>;

/** Columns of a row one behind the other, and all rows so. */
function joined(columns: readonly string[], index: number): { readonly one: string; readonly all: string } {
  if (columns.length === 0) return { one: 'NULL', all: 'NULL' };
  const calls: string[] = [];
  for (let start = 0; start < columns.length; start += COLUMNS_A_CALL) {
    calls.push(`concat(${columns.slice(start, start + COLUMNS_A_CALL).join(', ')})`);
  }
  return { one: calls.join(' || '), all: `CAST(group_concat(${index === 0 ? 'texts' : 'blobs'}, '') AS BLOB)` };
}
