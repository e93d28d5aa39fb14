import { valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { Untranslatable } from './translation.ts';

/** What SQLite holds in place of a value of a type that it does not have, by the column's form. */
export function plainOfNative(fragment: Fragment): Fragment {
  const { sql, type, isNotNull } = fragment;
  const more = isNotNull === true ? { isNotNull } : {};
  // A column that holds several forms comes back in the one that it names.
  const form = fragment.form?.replace(/ mixed$/, '') ?? type;
  const unit = UNITS[form];
  if (unit !== undefined) {
    return valueOf(`(extract(epoch FROM ${sql}) * ${unit})::bigint`, 'integer', { ...more, isWide: true });
  }
  const pattern = PATTERNS[form];
  if (pattern !== undefined) {
    const moment = type === 'timestamptz' ? `(${sql} AT TIME ZONE 'UTC')` : sql;
    return valueOf(`to_char(${moment}, '${pattern}')`, 'text', { ...more, isNeverNumber: true });
  }
  switch (form) {
    case 'jsonb':
    case 'json':
    case 'json-exact':
      return valueOf(`${sql}::text`, 'text', more);
    case 'uuid':
      return valueOf(`${sql}::text`, 'text', { ...more, isNeverNumber: true });
    case 'uuid-upper':
      return valueOf(`upper(${sql}::text COLLATE "C")`, 'text', { ...more, isNeverNumber: true });
    case 'uuid-hex':
      return valueOf(`replace(${sql}::text, '-', '')`, 'text', more);
    case 'uuid-blob':
      return valueOf(`decode(replace(${sql}::text, '-', ''), 'hex')`, 'blob', more);
    default:
      throw new Untranslatable(
        'native-value',
        `a column of type ${type}, which SQLite holds in the form ${form}, is used as a value`,
        'keep this column as text or bigint (profile faithful, or its type in the configuration)',
      );
  }
}

const UNITS: Readonly<Record<string, number>> = { 'epoch-s': 1, 'epoch-ms': 1_000, 'epoch-us': 1_000_000 };

const DATE = 'YYYY-MM-DD';
const TIME = 'HH24:MI:SS';
const PATTERNS: Readonly<Record<string, string>> = {
  datetime: `${DATE} ${TIME}`,
  'datetime-ms': `${DATE} ${TIME}.MS`,
  'datetime-us': `${DATE} ${TIME}.US`,
  iso: `${DATE}"T"${TIME}"Z"`,
  'iso-ms': `${DATE}"T"${TIME}.MS"Z"`,
  'iso-us': `${DATE}"T"${TIME}.US"Z"`,
  'iso-local': `${DATE}"T"${TIME}`,
  'iso-local-ms': `${DATE}"T"${TIME}.MS`,
  'iso-local-us': `${DATE}"T"${TIME}.US`,
  date: DATE,
  time: TIME,
  'time-ms': `${TIME}.MS`,
  'time-us': `${TIME}.US`,
  'time-min': 'HH24:MI',
};
