/** A table's primary key in PostgreSQL. */
export interface PrimaryKey {
  readonly table: string;
  readonly columns: readonly string[];
  /** The one column that an insert into SQLite would report as its `lastInsertRowid`, or `undefined`. */
  readonly integer: string | undefined;
}

const LOOK_UP = `
  SELECT c.relname AS "table", a.attname AS "column", a.atttypid IN (20, 21, 23) AS "isInteger"
  FROM pg_class c
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
  WHERE c.oid = to_regclass($1)`;

/** Runs a statement on the connection of the query that wants to know. */
export type RunSql = (sql: string, bindings: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

/**
 * The primary keys of PostgreSQL's tables, each looked up once: an insert on SQLite tells the id of its last row without
 * being asked, so on PostgreSQL the router must know which column to ask for.
 */
export class PrimaryKeys {
  readonly #byIdentifier = new Map<string, PrimaryKey>();
  readonly #byName = new Map<string, PrimaryKey>();

  /** The key of a table, by its quoted and perhaps qualified name; `undefined` before {@link look}. */
  of(identifier: string): PrimaryKey | undefined {
    return this.#byIdentifier.get(identifier);
  }

  /** The columns of a table's key, by its bare name, if it has been looked up. */
  columnsOf(table: string): readonly string[] | undefined {
    return this.#byName.get(table)?.columns;
  }

  /** Makes {@link of} know a table, if there is one of that name. */
  async look(identifier: string, run: RunSql): Promise<void> {
    const rows = await run(LOOK_UP, [identifier]);
    const [first] = rows;
    // A table that is not there may be made later.
    if (first === undefined) return;
    const columns = rows.flatMap(({ column }) => (typeof column === 'string' ? [column] : []));
    const key = {
      table: String(first['table']),
      columns,
      integer: columns.length === 1 && first['isInteger'] === 1 ? columns[0] : undefined,
    };
    this.#byIdentifier.set(identifier, key);
    this.#byName.set(key.table, key);
  }

  /** After a schema change: everything is looked up again. */
  forget(): void {
    this.#byIdentifier.clear();
    this.#byName.clear();
  }
}
