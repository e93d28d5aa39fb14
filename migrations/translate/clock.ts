import { valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import type { Setting } from './translate-node.ts';
import type { SqlType } from './sql-type.ts';
import { Untranslatable } from './translation.ts';

/** What is asked of the clock. */
export type Clock = 'datetime' | 'date' | 'time' | 'unixepoch' | 'strftime';

const SECOND = "date_trunc('second', statement_timestamp())";
const UTC = "statement_timestamp() AT TIME ZONE 'UTC'";

const TEXT = {
  datetime: `to_char(${UTC}, 'YYYY-MM-DD HH24:MI:SS')`,
  date: `to_char(${UTC}, 'YYYY-MM-DD')`,
  time: `to_char(${UTC}, 'HH24:MI:SS')`,
  unixepoch: `extract(epoch FROM ${SECOND})::bigint`,
  strftime: `extract(epoch FROM ${SECOND})::bigint::text`,
} as const satisfies Record<Clock, string>;

/** The time of the statement, in UTC, as SQLite gives it: it stands still while a statement runs. */
export function clockFragment(clock: Clock, { emission, isFixed }: Setting): Fragment {
  if (isFixed) {
    throw new Untranslatable(
      'clock',
      'an index, a generated column or a CHECK depends on the time',
      'leave the clock out of it',
    );
  }
  emission.mutable();
  if (clock === 'unixepoch') return valueOf(TEXT.unixepoch, 'integer', { isWide: true, clock, isNotNull: true });
  return valueOf(TEXT[clock], 'text', {
    clock,
    isNotNull: true,
    ...(clock === 'strftime' ? { isDigits: true } : { isNeverNumber: true }),
  });
}

/** The same time as a value of one of PostgreSQL's own types, if that can be had. */
export function clockAs(clock: Clock, type: SqlType): string | undefined {
  switch (type) {
    case 'timestamptz':
      return clock === 'time' || clock === 'date' ? undefined : SECOND;
    case 'timestamp':
      return clock === 'time' || clock === 'date' ? undefined : `(${SECOND} AT TIME ZONE 'UTC')`;
    case 'date':
      return clock === 'date' ? `(${UTC})::date` : undefined;
    case 'time':
      return clock === 'time' ? `date_trunc('second', ${UTC})::time` : undefined;
    default:
      return undefined;
  }
}
