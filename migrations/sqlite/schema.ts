import type { Expr, Select, Span, Stmt } from 'sqlite3-parser';
import type { Finding } from '../finding.ts';

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
  /** What is in the file and not in here, since it belongs to a tool. */
  readonly leftOut: readonly LeftOut[];
  /** What is broken in the schema itself: a view over a missing table. Broken views are not among {@link views}. */
  readonly findings: readonly Finding[];
}

/** A table, view, index or trigger of SQLite's, Knex's or Crossfade's own. */
export interface LeftOut {
  readonly kind: 'table' | 'view' | 'index' | 'trigger';
  readonly name: string;
  readonly owner: 'sqlite' | 'knex' | 'crossfade';
}

/**
 * An expression: the SQL as it stands in the schema, and what the parser made of it; spans are places in `sql`.
 *
 * Names in double quotes that name no column are string literals to SQLite (https://sqlite.org/quirks.html#dblquote), and
 * are string literals in `ast`. TRUE and FALSE are names in `ast`, unless a column has that name.
 */
export interface SqliteExpression {
  readonly sql: string;
  readonly ast: Expr;
  /** The texts that stand in double quotes, or bare after DEFAULT, and yet are string literals; usually none. */
  readonly quotedAsNames: readonly string[];
}

/** What SQLite does with a row that breaks a constraint, where it says other than ABORT. PostgreSQL always does that. */
export type ConflictAction = 'ROLLBACK' | 'FAIL' | 'IGNORE' | 'REPLACE';

/** https://sqlite.org/datatype3.html#determination_of_column_affinity */
export type Affinity = 'INTEGER' | 'REAL' | 'TEXT' | 'BLOB' | 'NUMERIC';

export interface SqliteTable {
  readonly name: string;
  readonly columns: readonly SqliteColumn[];
  /** The primary key's columns in its order; empty if none is declared. */
  readonly primaryKey: readonly IndexPart[];
  /** The name of the primary key's constraint, if it was given one. */
  readonly primaryKeyName: string | null;
  /** Of the primary key's ON CONFLICT; null for the usual ABORT. */
  readonly primaryKeyConflict: ConflictAction | null;
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
  /** Of NOT NULL's ON CONFLICT; null for the usual ABORT. REPLACE puts the default in the place of NULL. */
  readonly notNullConflict: ConflictAction | null;
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
  /** As the parent itself is spelled; as declared here if there is none of that name. */
  readonly parent: string;
  /** The parent's columns, its primary key where the declaration named none; empty if that cannot be told. */
  readonly parentColumns: readonly string[];
  readonly onUpdate: ForeignKeyAction;
  readonly onDelete: ForeignKeyAction;
  readonly deferrable: 'no' | 'initially immediate' | 'initially deferred';
  /** The word after MATCH in upper case, if any; SQLite ignores it. */
  readonly match: string | null;
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
  /** Of its ON CONFLICT; null for the usual ABORT. */
  readonly onConflict: ConflictAction | null;
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
  /** Its spans are places in {@link sql}. Names that are string literals to SQLite are string literals in it. */
  readonly select: Select;
  /** The stored CREATE VIEW. */
  readonly sql: string;
  /** See {@link SqliteExpression.quotedAsNames}. */
  readonly quotedAsNames: readonly string[];
}

export interface SqliteTrigger {
  readonly name: string;
  /** The table or view it is on. */
  readonly table: string;
  /** Its spans are places in {@link sql}. Names that are string literals to SQLite are string literals in it. */
  readonly statement: Extract<Stmt, { type: 'CreateTriggerStmt' }>;
  /** The stored CREATE TRIGGER. */
  readonly sql: string;
  /** See {@link SqliteExpression.quotedAsNames}. */
  readonly quotedAsNames: readonly string[];
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
