import type { BoundClass, SessionValue } from '../../adapter/compat/rewriter.ts';
import type { Emission } from './emission.ts';
import { NULL_FRAGMENT, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import type { SqlType } from './sql-type.ts';

/** A fragment's parameter, and what is bound to it. */
export interface BoundUse {
  readonly key: number;
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

/** What the connection to SQLite would know of the statements before; the router does. */
export function sessionValue(key: SessionValue, emission: Emission): Fragment {
  emission.mutable();
  return valueOf(emission.bound({ key, type: 'integer' }), 'integer', { isWide: true, isNotNull: true });
}
