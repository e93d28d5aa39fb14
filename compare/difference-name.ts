import type { Divergence } from './divergence.ts';

/** What a difference is known by from one comparison to the next. */
export function differenceName({
  table,
  class: kind,
  encodedKey,
  columns,
  ...others
}: Pick<Divergence, 'table' | 'class' | 'encodedKey' | 'columns'> & Partial<Pick<Divergence, 'reason'>>): {
  readonly table: string;
  readonly name: string;
} {
  return { table, name: [kind, encodedKey ?? `${columns.join(', ')} ${others.reason ?? ''}`].join(' ') };
}
