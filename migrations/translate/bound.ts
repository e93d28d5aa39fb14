import type { Emission } from './emission.ts';
import { NULL_FRAGMENT, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import type { SqlType } from './sql-type.ts';

/**
 * What is bound to a parameter, as far as SQLite's rules look at it. A JavaScript number is a real in SQLite, a whole one
 * too: `whole` is one that an integer can be told by, `bit` is 0 or 1. A text that says a number is told apart, because a
 * column of numbers takes it for one.
 */
export type BoundClass =
  'null' | 'integer' | 'bit' | 'whole' | 'real' | 'text' | 'integer-text' | 'real-text' | 'blob';

/** One parameter of a statement that is about to be run. */
export interface BoundParameter {
  /** Which of SQLite's parameters, by its number or its name; or what SQLite's session knows. */
  readonly key: string | number | SessionValue;
  /** As what it goes to PostgreSQL. */
  readonly type: SqlType;
  /** The type of the column in whose form the value is, for types that SQLite does not have. */
  readonly postgresType?: string;
  readonly form?: string;
}

/** What a connection to SQLite knows of the statement before. */
export interface SessionValue {
  readonly session: 'last_insert_rowid' | 'changes' | 'total_changes';
}

/** A fragment's parameter, and what is bound to it. */
export interface BoundUse {
  readonly key: string | number;
  readonly holds: BoundClass;
}

/** A parameter of which is known what will be bound to it: a value of SQLite's like any other. */
export function boundFragment(bound: BoundUse, emission: Emission): Fragment {
  const { key, holds } = bound;
  const of = (type: SqlType, more: Partial<Fragment> = {}): Fragment =>
    valueOf(emission.bound({ key, type }), type, { bound, isNotNull: true, ...more });
  switch (holds) {
    case 'null':
      return NULL_FRAGMENT;
    case 'integer':
      return of('integer', { isWide: true });
    case 'bit':
    case 'whole':
    case 'real':
      return of('real');
    case 'text':
      return of('text', { isNeverNumber: true });
    case 'integer-text':
    case 'real-text':
      return of('text');
    case 'blob':
      return of('blob');
  }
}

/** A parameter as an integer, where what is bound is one or says one; undefined where it is none. */
export function boundInteger({ bound }: Fragment, emission: Emission): Fragment | undefined {
  if (bound === undefined || !WHOLE.has(bound.holds)) return undefined;
  const use = { ...bound, holds: 'integer' as const };
  return valueOf(emission.bound({ key: bound.key, type: 'integer' }), 'integer', {
    isWide: true,
    isNotNull: true,
    bound: use,
  });
}

const WHOLE: ReadonlySet<BoundClass> = new Set(['integer', 'bit', 'whole', 'integer-text']);

/** A parameter as a value of a type, whatever is bound to it. */
export function boundAs({ key }: BoundUse, type: SqlType, emission: Emission): Fragment {
  return valueOf(emission.bound({ key, type }), type, { isNotNull: true });
}
