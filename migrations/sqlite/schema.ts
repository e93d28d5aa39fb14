import type { Expr, Select, Span, Stmt } from 'sqlite3-parser';

/**
 * A SQLite database's schema as SQLite itself has understood it: the structure comes from its introspection pragmas,
 * the expressions from its stored SQL through the parser. Names are spelled as they were declared.
 */
export interface SqliteSchema {
  readonly tables: readonly SqliteTable[];
  readonly views: readonly SqliteView[];
  readonly triggers: readonly SqliteTrigger[];
  /** Tables that hold no rows of their own, or rows that only a module understands: FTS5, rtree and their shadows. */
  readonly virtualTables: readonly SqliteVirtualTable[];
}

/** An expression: the SQL as it stands in the schema, and what the parser made of it. */
export interface SqliteExpression {
  readonly sql: string;
  readonly ast: Expr;
}

/** https://sqlite.org/datatype3.html#determination_of_column_affinity */
export type Affinity = 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB' | 'NUMERIC';

export interface SqliteTable {
  readonly name: string;
  readonly columns: readonly SqliteColumn[];
  /** The primary key's columns in its order; empty if none is declared. */
  readonly primaryKey: readonly IndexPart[];
  /** The name of the primary key's constraint, if it was given one. */
  readonly primaryKeyName: string | null;
  readonly autoIncrement: boolean;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  readonly checks: readonly SqliteCheck[];
  readonly foreignKeys: readonly SqliteForeignKey[];
  /** Declared as UNIQUE constraints. */
  readonly uniques: readonly SqliteUnique[];
  /** Made by CREATE INDEX. */
  readonly indexes: readonly SqliteIndex[];
  /** The stored CREATE TABLE. */
  readonly sql: string;
}

export interface SqliteColumn {
  readonly name: string;
  /** As declared, `''` if it has none. */
  readonly declaredType: string;
  readonly affinity: Affinity;
  readonly notNull: boolean;
  readonly default: SqliteExpression | null;
  readonly generated: { readonly expression: SqliteExpression; readonly stored: boolean } | null;
  /** `BINARY`, `NOCASE`, `RTRIM`, or the name of one that an application brings. */
  readonly collation: string;
  /** The INTEGER PRIMARY KEY: another name of the rowid, which gives out ids by itself and never holds NULL. */
  readonly isRowid: boolean;
}

export interface SqliteCheck {
  readonly name: string | null;
  readonly expression: SqliteExpression;
  /** The column it was declared with; null for a table's constraint. */
  readonly column: string | null;
}

/** What a foreign key does when its parent goes: https://sqlite.org/foreignkeys.html#fk_actions */
export type ForeignKeyAction = 'NO ACTION' | 'RESTRICT' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT';

export interface SqliteForeignKey {
  readonly name: string | null;
  readonly columns: readonly string[];
  readonly parent: string;
  /** The parent's columns, its primary key where the declaration named none; empty if that cannot be told. */
  readonly parentColumns: readonly string[];
  readonly onUpdate: ForeignKeyAction;
  readonly onDelete: ForeignKeyAction;
  readonly deferrable: 'no' | 'initially immediate' | 'initially deferred';
}

/** One part of an index or key: a column, or an expression. */
export interface IndexPart {
  readonly column: string | null;
  /** Where {@link column} is null. */
  readonly expression: SqliteExpression | null;
  readonly collation: string;
  readonly descending: boolean;
}

export interface SqliteUnique {
  readonly name: string | null;
  readonly parts: readonly IndexPart[];
}

export interface SqliteIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly parts: readonly IndexPart[];
  readonly where: SqliteExpression | null;
  readonly sql: string;
}

export interface SqliteView {
  readonly name: string;
  /** As SQLite names them. */
  readonly columns: readonly string[];
  readonly select: Select;
  readonly sql: string;
}

export interface SqliteTrigger {
  readonly name: string;
  readonly table: string;
  readonly statement: Extract<Stmt, { type: 'CreateTriggerStmt' }>;
  readonly sql: string;
}

export interface SqliteVirtualTable {
  readonly name: string;
  /** `fts5`, `rtree`…; null for a shadow table. */
  readonly module: string | null;
  /** The virtual table that a shadow table belongs to. */
  readonly shadowOf: string | null;
  readonly sql: string;
}

export type { Expr, Select, Span, Stmt };
