/** What SQLite holds in place of a value of a type that it does not have. */
export interface PlainValue {
  readonly sql: string;
  readonly kind: 'integer' | 'text' | 'blob';
}

/**
 * The SQL of what SQLite holds in place of a column of PostgreSQL's, by the column's form; undefined where that has no SQL.
 *
 * @param type PostgreSQL's name of the type, long or short.
 */
export function plainSql(sql: string, type: string, declared: string | undefined): PlainValue | undefined {
  // A column that holds several forms comes back in the one that it names.
  const form = declared?.replace(/ mixed$/, '') ?? DEFAULTS[type.replace(/\(.*\)/, '')] ?? type;
  const unit = UNITS[form];
  if (unit !== undefined) return { sql: `(extract(epoch FROM ${sql}) * ${unit})::bigint`, kind: 'integer' };
  const pattern = PATTERNS[form];
  if (pattern !== undefined) {
    const moment = /^timestamp.*with time zone|^timestamptz/.test(type) ? `(${sql} AT TIME ZONE 'UTC')` : sql;
    return { sql: `to_char(${moment}, '${pattern}')`, kind: 'text' };
  }
  switch (form) {
    case 'jsonb':
    case 'json':
    case 'json-exact':
    case 'uuid':
      return { sql: `${sql}::text`, kind: 'text' };
    case 'uuid-upper':
      return { sql: `upper(${sql}::text COLLATE "C")`, kind: 'text' };
    case 'uuid-hex':
      return { sql: `replace(${sql}::text, '-', '')`, kind: 'text' };
    case 'uuid-blob':
      return { sql: `decode(replace(${sql}::text, '-', ''), 'hex')`, kind: 'blob' };
    default:
      return undefined;
  }
}

const DEFAULTS: Readonly<Record<string, string>> = {
  'timestamp with time zone': 'datetime',
  'timestamp without time zone': 'datetime',
  'time without time zone': 'time',
};

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
