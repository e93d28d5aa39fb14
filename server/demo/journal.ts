/** What names a row: the values of its key. One column is enough for the ledger's tables that the load writes to. */
export interface RowName {
  readonly table: string;
  readonly keyColumn: string;
  readonly key: number | string;
}

/** The columns of a row that a write has set, or `null` for a row that must not be there. */
export type Expected = Readonly<Record<string, string | number | null>> | null;

/** What a row must be at the end of the demo. */
export interface Entry extends RowName {
  readonly expected: Expected;
}

/**
 * What has been acknowledged to the demo's writers, in memory: per row the last acknowledged state. Each row belongs to
 * one writer, so "last" is never in doubt.
 */
export class Journal {
  readonly #entries = new Map<string, Entry>();
  /** Acknowledged changes of rows, those included that later ones replaced. */
  acknowledged = 0;

  /** Notes what a row is from here on, once the write that made it so has been acknowledged. */
  acknowledge(entry: Entry): void {
    this.acknowledged += 1;
    this.#entries.set(nameOf(entry), entry);
  }

  /** Forgets rows of which a write failed: both the state before and the one after would be right. */
  forget(rows: readonly RowName[]): void {
    for (const row of rows) this.#entries.delete(nameOf(row));
  }

  /** The rows to check, by table. */
  byTable(): ReadonlyMap<string, readonly Entry[]> {
    const tables = new Map<string, Entry[]>();
    for (const entry of this.#entries.values()) {
      const entries = tables.get(entry.table);
      if (entries === undefined) tables.set(entry.table, [entry]);
      else entries.push(entry);
    }
    return tables;
  }

  /** How many rows there are to check. */
  get rows(): number {
    return this.#entries.size;
  }
}

function nameOf({ table, key }: RowName): string {
  return `${table} ${typeof key} ${key}`;
}
