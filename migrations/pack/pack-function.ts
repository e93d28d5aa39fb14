import type { SqlType } from '../translate/sql-type.ts';

/**
 * What an argument or a result of the pack is: a type, or
 *
 * - `any`: PostgreSQL's type `crossfade_sqlite.value`, which holds what a SQLite value can be. Every SqlType becomes one by
 *   an implicit cast, so the argument is given as it is; only a string literal needs `::text` (PostgreSQL would read it
 *   as the text form of a composite).
 * - `common`: PostgreSQL's `anycompatible`: all arguments marked so get the one type that PostgreSQL finds for them, and
 *   so does a `common` result.
 */
export type PackType = SqlType | 'any' | 'common';

/** A function of the pack: a SQLite built-in, made in PostgreSQL's schema `crossfade_sqlite` under SQLite's own name. */
export interface PackFunction {
  /** SQLite's name, in lower case; names that SQLite does not have are told of in signatures.ts. */
  readonly name: string;
  readonly kind: 'scalar' | 'aggregate' | 'table';
  /**
   * The types of its arguments. One entry per overload that exists in PostgreSQL, but for width: where an overload for
   * `bigint` is listed, one for `integer` may exist as well (it hides a function of PostgreSQL's own).
   */
  readonly args: readonly PackType[];
  /** The type of any further arguments (none, one or many). */
  readonly variadic?: PackType;
  /** Of a table function: `null`, see `columns`. */
  readonly returns: PackType;
  /** The columns of a table function. */
  readonly columns?: readonly { readonly name: string; readonly type: PackType }[];
  readonly volatility: 'immutable' | 'stable' | 'volatile';
}
