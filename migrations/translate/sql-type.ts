/**
 * The type of an expression in PostgreSQL, as far as the translation must tell types apart. SQLite's values are typed one
 * by one, PostgreSQL's column by column, so each translated expression has exactly one of these.
 *
 * `null` is the untyped NULL. `boolean` is what comparisons give, and a column of that type: SQLite's 0 and 1.
 */
export type SqlType =
  | 'integer' // bigint
  | 'real' // double precision
  | 'numeric'
  | 'text'
  | 'blob' // bytea
  | 'boolean'
  | 'json'
  | 'jsonb'
  | 'uuid'
  | 'timestamptz'
  | 'timestamp'
  | 'date'
  | 'time'
  | 'null';

/** PostgreSQL's name of each, for casts. */
export const POSTGRES_NAME = {
  integer: 'bigint',
  real: 'double precision',
  numeric: 'numeric',
  text: 'text',
  blob: 'bytea',
  boolean: 'boolean',
  json: 'json',
  jsonb: 'jsonb',
  uuid: 'uuid',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  date: 'date',
  time: 'time without time zone',
  null: 'text',
} as const satisfies Record<SqlType, string>;

/** The type of a column, from PostgreSQL's name of its type with or without a modifier; `undefined` if it is none of ours. */
export function sqlTypeOf(postgresType: string): SqlType | undefined {
  const name = postgresType
    .toLowerCase()
    .replace(/\(.*\)/, '')
    .trim();
  if (['smallint', 'integer', 'bigint'].includes(name)) return 'integer';
  if (['real', 'double precision'].includes(name)) return 'real';
  if (['text', 'character varying', 'character', 'varchar', 'char'].includes(name)) return 'text';
  if (name === 'bytea') return 'blob';
  if (name === 'timestamptz' || name === 'timestamp with time zone') return 'timestamptz';
  if (name === 'timestamp' || name === 'timestamp without time zone') return 'timestamp';
  if (name === 'time' || name === 'time without time zone') return 'time';
  if (name === 'numeric' || name === 'decimal') return 'numeric';
  if (name === 'boolean' || name === 'json' || name === 'jsonb' || name === 'uuid' || name === 'date') return name;
  return undefined;
}
