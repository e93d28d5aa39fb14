import type { Row, SqlValue, TableSpec } from '../adapter/spec.ts';
import type { Store } from '../adapter/store.ts';

/** The highest id that the rows of a table were seen to hold, for the column that a sequence fills. */
export class HighestId {
  readonly #table: TableSpec;
  readonly #position: number;
  #highest: bigint | undefined;

  constructor(table: TableSpec) {
    this.#table = table;
    this.#position = table.columns.findIndex((column) => column.sequence !== null);
  }

  see(rows: readonly Row[]): void {
    if (this.#position < 0) return;
    for (const row of rows) {
      const id: SqlValue = row[this.#position] ?? null;
      if (typeof id === 'bigint') this.raise(id);
    }
  }

  raise(id: bigint | null): void {
    if (id !== null && (this.#highest === undefined || id > this.#highest)) this.#highest = id;
  }

  /**
   * The column whose sequence would give out an id that one of the rows seen already has; `undefined` when all is
   * well. To be asked after the rows were read: a sequence only moves on.
   */
  async behind(primary: Store): Promise<string | undefined> {
    const column = this.#table.columns[this.#position];
    if (column === undefined || this.#highest === undefined || this.#highest < 1n) return undefined;
    const given = (await primary.sequences()).get(this.#table.name);
    return given !== undefined && given < this.#highest ? column.name : undefined;
  }
}
