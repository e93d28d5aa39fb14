import { boundClass, comparedWith, INEXACT, numberOf, plain, realText } from './bound-value.ts';
import type { CatalogColumn } from './catalog.ts';
import { plainSql } from './native-text.ts';

export type Operator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/**
 * How PostgreSQL compares a column with a value as SQLite would: both sides in PostgreSQL's words, or, where the classes of
 * the two differ, what comes out whatever the column holds.
 */
export type Comparand =
  | { readonly column: string; readonly value: unknown; readonly cast: string }
  /** -1 where the column is less than the value, 1 where it is greater. */
  | { readonly outcome: -1 | 1 };

type Kind = 'integer' | 'real' | 'numeric' | 'boolean' | 'text' | 'blob' | 'formed' | 'other';

/** Of a database's types there are few. */
const kinds = new Map<string, Kind>();

/** What kind of values a column has. */
export function kindOf({ postgresType }: CatalogColumn): Kind {
  let kind = kinds.get(postgresType);
  if (kind === undefined) kinds.set(postgresType, (kind = kindOfType(postgresType)));
  return kind;
}

function kindOfType(postgresType: string): Kind {
  const type = postgresType.replace(/\(.*\)/, '');
  if (/^(smallint|integer|bigint)$/.test(type)) return 'integer';
  if (type === 'double precision' || type === 'real') return 'real';
  if (type === 'numeric' || type === 'boolean') return type;
  if (/^(text|character varying|json)$/.test(type)) return 'text';
  if (type === 'bytea') return 'blob';
  return /^(date|timestamp.*|time without.*|uuid)$/.test(type.replace(/\(.*?\)/, '')) ? 'formed' : 'other';
}

/** A column beside a value; undefined where PostgreSQL is left to judge. `sql` is the column's. */
export function comparand(sql: string, column: CatalogColumn, given: unknown): Comparand | undefined {
  if (!isBindable(given)) return undefined;
  const holds = boundClass(given);
  if (holds === 'null') return undefined;
  const value = plain(given);
  const isNumeric = column.affinity !== undefined && column.affinity !== 'TEXT' && column.affinity !== 'BLOB';
  const number = typeof value === 'string' ? numberOf(value) : value;
  const isNumber = holds !== 'text' && holds !== 'blob';
  switch (kindOf(column)) {
    case 'integer':
      if (!isNumber) return { outcome: -1 };
      return typeof number === 'bigint' || Number.isSafeInteger(number)
        ? { column: sql, value: String(number), cast: '::bigint' }
        : { column: sql, value: String(number), cast: '::numeric' };
    case 'real':
      return isNumber ? { column: sql, value: String(number), cast: '::double precision' } : { outcome: -1 };
    case 'numeric':
      return isNumber ? { column: sql, value: String(number), cast: '::numeric' } : { outcome: -1 };
    case 'boolean':
      if (!isNumber) return { outcome: -1 };
      return Number(number) === 0 || Number(number) === 1
        ? { column: sql, value: String(Number(number)), cast: '::boolean' }
        : { column: `(${sql})::integer`, value: String(number), cast: '::numeric' };
    case 'text':
      return textComparand(sql, column, { value, isNumeric });
    case 'blob':
      return holds === 'blob' ? { column: sql, value, cast: '' } : { outcome: 1 };
    case 'formed':
      return formedComparand(sql, column, value);
    default:
      return undefined;
  }
}

/** Whether it is a value: not a subquery, a callback, raw SQL. */
function isBindable(given: unknown): boolean {
  if (typeof given === 'object') return given instanceof Date || ArrayBuffer.isView(given);
  return (
    typeof given === 'string' || typeof given === 'number' || typeof given === 'bigint' || typeof given === 'boolean'
  );
}

function textComparand(
  sql: string,
  { collation, postgresType, affinity }: CatalogColumn,
  { value, isNumeric }: { readonly value: unknown; readonly isNumeric: boolean },
): Comparand | undefined {
  if (ArrayBuffer.isView(value)) return { outcome: -1 };
  const text = postgresType === 'json' ? `(${sql})::text` : sql;
  // A text that is no number is greater than every number; only in a column of texts the number becomes one.
  if (typeof value !== 'string' && (isNumeric || affinity === 'BLOB')) return { outcome: 1 };
  const given = typeof value === 'bigint' ? String(value) : typeof value === 'string' ? value : realText(Number(value));
  if (isNumeric && numberOf(given) !== undefined) return { outcome: 1 };
  if (collation === 'NOCASE') return { column: foldedSql(text), value: folded(given), cast: '' };
  if (collation === 'RTRIM') return { column: `rtrim(${text}, ' ')`, value: given.replace(/ +$/, ''), cast: '' };
  return { column: text, value: given, cast: '' };
}

/** A text under NOCASE, which folds the letters of ASCII and no others, as `lower` does under "C". */
export function foldedSql(sql: string): string {
  return `lower(${sql} collate "C")`;
}

function folded(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function formedComparand(sql: string, column: CatalogColumn, value: unknown): Comparand | undefined {
  const text = comparedWith(column, value);
  if (text !== INEXACT) return { column: sql, value: text, cast: '' };
  const held = plainSql(sql, column.postgresType, column.form);
  if (held === undefined) return undefined;
  if (held.kind === 'blob') return ArrayBuffer.isView(value) ? { column: held.sql, value, cast: '' } : { outcome: 1 };
  if (ArrayBuffer.isView(value)) return { outcome: -1 };
  const number = typeof value === 'string' ? numberOf(value) : value;
  if (held.kind === 'integer') {
    return typeof number === 'number' || typeof number === 'bigint'
      ? { column: held.sql, value: String(number), cast: '::numeric' }
      : { outcome: -1 };
  }
  const isNumeric = column.affinity !== undefined && column.affinity !== 'TEXT' && column.affinity !== 'BLOB';
  if (typeof value === 'string' && !(isNumeric && number !== undefined)) return { column: held.sql, value, cast: '' };
  return isNumeric || column.affinity === 'BLOB'
    ? { outcome: 1 }
    : { column: held.sql, value: realText(Number(value)), cast: '' };
}

/** A value as a column takes it, where SQLite makes another one of it; itself otherwise. */
export function assigned(column: CatalogColumn, given: unknown): unknown {
  if (typeof given === 'number' && Number.isNaN(given)) return null;
  const value = plain(given);
  switch (kindOf(column)) {
    case 'text':
      if (typeof value === 'bigint') return String(value);
      if (typeof value !== 'number') return given;
      return column.affinity === undefined || column.affinity === 'TEXT' ? realText(value) : String(value);
    case 'integer':
    case 'boolean': {
      const number = typeof value === 'string' ? numberOf(value) : undefined;
      return number === undefined ? given : String(number);
    }
    default:
      return given;
  }
}
