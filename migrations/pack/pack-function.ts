import type { SqlType } from '../translate/sql-type.ts';

/** A function of the pack: a SQLite built-in, made in PostgreSQL's schema `crossfade_sqlite` under SQLite's own name. */
export interface PackFunction {
  /** SQLite's name, in lower case. */
  readonly name: string;
  readonly kind: 'scalar' | 'aggregate' | 'table';
  /** The types of its arguments. One entry per overload that exists in PostgreSQL. */
  readonly args: readonly SqlType[];
  /** The type of any further arguments. */
  readonly variadic?: SqlType;
  readonly returns: SqlType;
  readonly volatility: 'immutable' | 'stable' | 'volatile';
}
