import type { Key, Row } from './spec.ts';

/** What a statement is to do to one row of the secondary. */
export type MendRequest =
  | { readonly kind: 'insert'; readonly key: Key; readonly row?: Row }
  | { readonly kind: 'update'; readonly key: Key; readonly columns: readonly string[]; readonly row?: Row }
  | { readonly kind: 'delete'; readonly key: Key };

/** How one database writes a statement: the rest is the same in both. */
export interface MendDialect {
  /** A value as it is written into a statement; `undefined` when the column cannot hold it. */
  readonly literal: (position: number, value: Row[number]) => string | undefined;
  /** Where a value goes that is not shown. */
  readonly placeholder: (place: number) => string;
}
