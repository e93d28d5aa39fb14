import type { Form } from '../codec/form.ts';

/**
 * Puts SQL that was written for SQLite into PostgreSQL's words, where the answer is the same. `createRewriter` of
 * `knex-crossfade/schema` makes one; the router is given it with the option `rewrite`.
 */
export interface Rewriter {
  /** What becomes of raw SQL that has no sound translation. Whatever the query builder alone makes is not meant by it. */
  readonly untranslatable: 'refuse' | 'as-is';
  /**
   * Looks at SQLite's side of the schema, and takes PostgreSQL's. Called before the first statement, and again after the
   * schema has changed.
   */
  open(facts: SchemaFacts): StatementRewriter;
}

/** What a rewriter knows of one schema. */
export interface StatementRewriter {
  rewrite(statement: StatementToRewrite): RewrittenStatement | RefusedStatement;
}

export interface StatementToRewrite {
  readonly sql: string;
  /** What is bound to each of SQLite's parameters, in the order of their numbers. */
  readonly bound: readonly BoundClass[];
  /** Whether what is compared with a column of a type that SQLite does not have is in that column's form. */
  readonly isNative: boolean;
}

export interface RewrittenStatement {
  readonly outcome: 'rewritten';
  readonly sql: string;
  /** What to bind to `$1`, `$2`…; the same of SQLite's parameters may occur more than once. */
  readonly parameters: readonly BoundParameter[];
  /** The generated key's column that was added to an insert, which has no RETURNING of its own. */
  readonly insertedKey?: string;
  /** The generated key's column, where the insert's own RETURNING names it. */
  readonly returnedKey?: string;
}

export interface RefusedStatement {
  readonly outcome: 'refused';
  /** The construct, in kebab-case. */
  readonly code: string;
  /** What it is, without the statement's text. */
  readonly reason: string;
  readonly remedy: string;
}

/**
 * What is bound to a parameter, as far as SQLite's rules look at it. A JavaScript number is a real in SQLite, a whole one
 * too: `whole` is one that an integer can be told by, `bit` is 0 or 1. A text that says a number is told apart, because a
 * column of numbers takes it for one.
 */
export type BoundClass = 'null' | 'integer' | 'bit' | 'whole' | 'real' | 'text' | 'integer-text' | 'real-text' | 'blob';

/** One parameter of a statement in PostgreSQL's words. */
export interface BoundParameter {
  /** Which of SQLite's parameters, by its number from 1; or what SQLite's session knows. */
  readonly key: number | SessionValue;
  /** As what it goes to PostgreSQL. */
  readonly type: BoundType;
  /** The type of the column in whose form the value is, for types that SQLite does not have. */
  readonly postgresType?: string;
  readonly form?: string;
  /** Whether it goes into that column; otherwise it is compared with it. */
  readonly isAssigned?: boolean;
}

/** What a connection to SQLite knows of the statements before. */
export type SessionValue = 'last_insert_rowid' | 'changes' | 'total_changes';

export type BoundType =
  | 'integer'
  | 'real'
  | 'numeric'
  | 'text'
  | 'blob'
  | 'boolean'
  | 'json'
  | 'jsonb'
  | 'uuid'
  | 'timestamptz'
  | 'timestamp'
  | 'date'
  | 'time'
  | 'null';

/** PostgreSQL's side of the schema, and where SQLite's is. */
export interface SchemaFacts {
  /** The path of the SQLite file, which is opened read-only and closed again. */
  readonly sqlite: string;
  /** The tables and views that a query means by their names alone. */
  readonly tables: readonly TableFacts[];
  /** Whether PostgreSQL has the function pack. */
  readonly hasPack: boolean;
}

export interface TableFacts {
  readonly name: string;
  readonly isView: boolean;
  readonly columns: readonly {
    readonly name: string;
    /** As `format_type` gives it. */
    readonly type: string;
    readonly notNull: boolean;
    /** How SQLite holds its values, where that is declared. */
    readonly form: Form | undefined;
  }[];
  readonly primaryKey: readonly string[];
  /** The columns of each unique index that has no condition. */
  readonly uniques: readonly (readonly string[])[];
  /** Whether something is done when a row of it goes: a trigger, or a foreign key that points to it. */
  readonly minds: boolean;
}
