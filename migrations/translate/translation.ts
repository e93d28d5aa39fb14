import type { BoundParameter } from '../../adapter/compat/rewriter.ts';
import type { Finding } from '../finding.ts';
import type { Fragment } from './fragment.ts';
import type { SqlType } from './sql-type.ts';

/** A remark on a translation: a finding whose place the caller knows. */
export type Remark = Pick<Finding, 'severity' | 'code' | 'message' | 'remedy'>;

/** An expression in PostgreSQL's words that gives what SQLite's gave. */
export interface Translation {
  readonly sql: string;
  readonly type: SqlType;
  /** Whether it is equal for equal inputs, for ever: what indexes and generated columns ask for. */
  readonly immutable: boolean;
  /** Whether it calls the function pack (schema `crossfade_sqlite`). */
  readonly usesPack: boolean;
  readonly remarks: readonly Remark[];
}

/** A query in PostgreSQL's words. */
export interface QueryTranslation extends Omit<Translation, 'type' | 'immutable'> {
  /** The columns of its result; empty for a statement that returns none. */
  readonly columns: readonly {
    readonly name: string;
    readonly type: SqlType;
    /** What else is known of its values, for queries that read from this one. */
    readonly origin: Fragment;
  }[];
  /** Of a statement that is about to be run: what to bind, in the order of PostgreSQL's numbers. */
  readonly bound?: readonly BoundParameter[];
  /**
   * What to bind, in the order of PostgreSQL's numbers: `$1` is the first. `key` is the number that SQLite counts for
   * `?` and `?3` (from 1), or the name as written (`:name`, `@name`, `$name`). A parameter that is used with two types
   * occurs twice.
   */
  readonly parameters: readonly { readonly key: string | number; readonly type: SqlType }[];
}

/** A construct that has no sound translation: what it is, and what to do instead. The caller adds the place. */
export class Untranslatable extends Error {
  override readonly name = 'Untranslatable';
  /** Stable, in kebab-case. */
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}
