import type { ColumnCoding } from '../codec.ts';
import { ColumnForms } from './column-forms.ts';
import type { FormOverrides } from './column-forms.ts';

/** What the router knows of one of PostgreSQL's tables. */
export interface CatalogEntry {
  readonly table: string;
  readonly primaryKey: readonly string[];
  /** The one column that an insert into SQLite would report as its `lastInsertRowid`, or `undefined`. */
  readonly integerKey: string | undefined;
  /** Columns of a type that SQLite does not have, and for which it takes what is bound as it is: a Date as a number. */
  readonly formed: ReadonlyMap<string, ColumnCoding>;
}

const LOOK_UP = `
  SELECT c.relname AS "table", a.attname AS "column",
         CASE WHEN a.attnum = ANY (i.indkey) THEN 1 ELSE 0 END AS "isKey",
         CASE WHEN a.atttypid IN (20, 21, 23) THEN 1 ELSE 0 END AS "isInteger",
         CASE WHEN a.atttypid IN (1082, 1114, 1184, 2950) THEN 1 ELSE 0 END AS "isFormed",
         c.relname || '.' || a.attname AS "name", format_type(a.atttypid, a.atttypmod) AS "type", col_description(c.oid, a.attnum) AS "comment"
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
  WHERE c.oid = to_regclass($1)`;

/** Runs a statement on the connection of the query that wants to know. */
export type RunSql = (sql: string, bindings: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

/**
 * What a write must know of its table before it can be compiled for PostgreSQL; looked up once a table. An insert on
 * SQLite tells the id of its last row unasked: on PostgreSQL the router must know which column to ask for.
 */
export class Catalog {
  readonly #byIdentifier = new Map<string, CatalogEntry>();
  readonly #byName = new Map<string, CatalogEntry>();
  /** In which form each column's values are to come out. */
  readonly forms: ColumnForms;

  constructor(overrides?: FormOverrides) {
    this.forms = new ColumnForms(overrides);
  }

  /** A table by its quoted and perhaps qualified name; `undefined` before {@link look}. */
  of(identifier: string): CatalogEntry | undefined {
    return this.#byIdentifier.get(identifier);
  }

  /** A table by its bare name, if it has been looked up. */
  named(table: string): CatalogEntry | undefined {
    return this.#byName.get(table);
  }

  /** Makes {@link of} know a table, if there is one of that name. */
  async look(identifier: string, run: RunSql): Promise<void> {
    const rows = await run(LOOK_UP, [identifier]);
    const [first] = rows;
    // A table that is not there may be made later.
    if (first === undefined) return;
    const primaryKey = columnsWith(rows, 'isKey');
    const integers = columnsWith(rows, 'isInteger');
    const [single] = primaryKey;
    const entry: CatalogEntry = {
      table: String(first['table']),
      primaryKey,
      integerKey: single !== undefined && primaryKey.length === 1 && integers.includes(single) ? single : undefined,
      formed: new Map(
        rows.filter((row) => row['isFormed'] === 1).map((row) => [String(row['column']), this.forms.codingOf(row)]),
      ),
    };
    this.#byIdentifier.set(identifier, entry);
    this.#byName.set(entry.table, entry);
  }

  /** After a schema change: everything is looked up again. */
  forget(): void {
    this.#byIdentifier.clear();
    this.#byName.clear();
    this.forms.forget();
  }
}

function columnsWith(rows: readonly Record<string, unknown>[], mark: string): string[] {
  return rows.filter((row) => row[mark] === 1).map((row) => String(row['column']));
}
