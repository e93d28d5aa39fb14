import type Database from 'better-sqlite3';
import type { SqlValue } from '../spec.ts';

/** To read the rows again for each of so many columns costs less than an array for each row. */
const READ_ALONE = 3;

/** Columns of some rows, as values of JavaScript's. */
export class ValueColumns {
  readonly #names: readonly string[];
  readonly #statements: readonly Database.Statement[];

  /** `names` are SQL, and `rest` is what follows them in a SELECT. */
  constructor(prepare: (sql: string) => Database.Statement, names: readonly string[], rest: string) {
    this.#names = names;
    this.#statements = this.#isAlone
      ? names.map((name) => prepare(`SELECT ${name} ${rest}`).pluck())
      : [prepare(`SELECT ${names.join(', ')} ${rest}`).raw()];
  }

  /** The values, column by column. */
  read(bound: readonly unknown[]): readonly (readonly SqlValue[])[] {
    if (this.#isAlone) return this.#statements.map((statement) => statement.all(...bound) as SqlValue[]);
    const rows = (this.#statements[0]?.all(...bound) ?? []) as SqlValue[][];
    return this.#names.map((_, index) => rows.map((row) => row[index] ?? null));
  }

  get #isAlone(): boolean {
    return this.#names.length <= READ_ALONE;
  }
}
