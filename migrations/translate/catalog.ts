import type { Affinity } from '../sqlite/schema.ts';
import type { Fragment } from './fragment.ts';
import type { SqlType } from './sql-type.ts';

/** A column as an expression finds it. */
export interface CatalogColumn {
  readonly name: string;
  readonly type: SqlType;
  /** PostgreSQL's own name of the type, with its modifier. */
  readonly postgresType: string;
  /**
   * The affinity it has in SQLite. One that does not fit the type (INTEGER for a text column) tells that SQLite's column
   * holds more than one class of values. Without it the type's own: TEXT for text.
   */
  readonly affinity?: Affinity;
  /** How SQLite compares its text; `BINARY` for all else. */
  readonly collation: string;
  readonly notNull: boolean;
  /**
   * How SQLite holds a value of a column whose PostgreSQL type is another one (adapter/codec/form.ts): `epoch-ms` in a
   * column of type timestamptz. Undefined where both hold the same.
   */
  readonly form?: string;
  /** The rowid by another name: `rowid`, `oid` and `_rowid_` mean it too. */
  readonly isRowid?: boolean;
  /** Whether no two rows have values that are equal under its collation. */
  readonly isUnique?: boolean;
  /** Of a view: what its query says of the column, which SQLite goes on to compare and compute by (NOCASE, an affinity). */
  readonly origin?: Fragment;
}

/** A table or view as an expression finds it. */
export interface CatalogTable {
  readonly name: string;
  readonly columns: readonly CatalogColumn[];
  /** The columns of PostgreSQL's primary key, which decide all others; none for a view. */
  readonly primaryKey?: readonly string[];
  /**
   * The columns of each unique constraint or unique index without a condition, the primary key's too: what REPLACE
   * removes rows by. Undefined where that is not known.
   */
  readonly uniques?: readonly (readonly string[])[];
  /** Whether something is done when one of its rows goes: a trigger, or a foreign key that points to it. */
  readonly minds?: boolean;
}

/** The tables and views of the PostgreSQL schema that is being made, by name in any case, as SQLite finds them. */
export interface Catalog {
  table(name: string): CatalogTable | undefined;
}
