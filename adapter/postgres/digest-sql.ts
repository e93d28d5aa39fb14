import { digestColumns } from '../digest.ts';
import type { DigestColumn, DigestSalt, KeyRange } from '../digest.ts';
import { toPostgres } from '../codec.ts';
import type { Key, TableSpec } from '../spec.ts';
import { keyColumns } from '../spec.ts';
import { columnList, sameKey, unnestKeys } from './rows.ts';
import { baseType, quote } from './sql.ts';

/** Statements of a table's digests. */
export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** The digest of each range, numbered as they are. */
export function rangeDigests(table: TableSpec, ranges: readonly KeyRange[], salt: DigestSalt): Statement {
  return digests(table, ranges, { salt, from: `${quote(table.name)} t`, values: [] });
}

/** The share that the rows of some keys have in the digest of each range; `keys` are arrays, one a column. */
export function keysDigests(
  table: TableSpec,
  ranges: readonly KeyRange[],
  salt: DigestSalt,
  keys: readonly unknown[],
): Statement {
  const from = `${unnestKeys(table, 1)} JOIN ${quote(table.name)} t ON ${sameKey(table, 't')}`;
  return digests(table, ranges, { salt, from, values: keys });
}

function digests(
  table: TableSpec,
  ranges: readonly KeyRange[],
  {
    salt,
    from,
    values: first,
  }: { readonly salt: DigestSalt; readonly from: string; readonly values: readonly unknown[] },
): Statement {
  const values = [...first];
  const selects = ranges.map((range, part) => {
    const found = within(table, range, 1 + values.length);
    values.push(...found.values);
    const rest = `FROM ${from}${where(found.conditions)}`;
    return `SELECT ${part} AS part, count(*) AS rows, sum(${rowHash(table, salt)}) AS sum ${rest}`;
  });
  return { text: selects.join(' UNION ALL '), values };
}

/** The key of the last of so many rows of a range. */
export function boundaryQuery(table: TableSpec, range: KeyRange, rows: number): Statement {
  const { conditions, values } = within(table, range, 1);
  const names = keyNames(table);
  return {
    text: `SELECT ${names.join(', ')} FROM ${quote(table.name)} t${where(conditions)} ORDER BY ${names.join(', ')} LIMIT 1 OFFSET ${rows - 1}`,
    values,
  };
}

/** The key of every so many-th row of a range, in its order. */
export function boundariesQuery(table: TableSpec, range: KeyRange, rows: number): Statement {
  const { conditions, values } = within(table, range, 1);
  const names = keyNames(table);
  const keys = names.map((_, index) => `key_${index}`);
  const named = names.map((name, index) => `${name} AS ${keys[index]}`);
  return {
    text: `SELECT ${keys.join(', ')}
      FROM (SELECT ${named.join(', ')}, row_number() OVER (ORDER BY ${names.join(', ')}) AS place FROM ${quote(table.name)} t${where(conditions)}) placed
      WHERE place % ${rows} = 0 ORDER BY place`,
    values,
  };
}

/** The first rows of a range, in its order. */
export function rowsQuery(table: TableSpec, range: KeyRange, limit: number): Statement {
  const { conditions, values } = within(table, range, 1);
  return {
    text: `SELECT ${columnList(table, 't.')} FROM ${quote(table.name)} t${where(conditions)} ORDER BY ${keyNames(table).join(', ')} LIMIT ${limit}`,
    values,
  };
}

function keyNames(table: TableSpec): string[] {
  return keyColumns(table).map((column) => `t.${quote(column.name)}`);
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function within(table: TableSpec, range: KeyRange, first: number): { conditions: string[]; values: (string | null)[] } {
  const conditions: string[] = [];
  const values: (string | null)[] = [];
  const bound = (operator: '>' | '>=' | '<' | '<=', key: Key | null): void => {
    if (key === null) return;
    const columns = keyColumns(table).slice(0, key.length);
    const names = keyNames(table).slice(0, key.length);
    const marks = columns.map((column, index) => `$${first + values.length + index}::${baseType(column)}`);
    values.push(...columns.map((column, index) => toPostgres(column, key[index] ?? null)));
    conditions.push(`(${names.join(', ')}) ${operator} (${marks.join(', ')})`);
  };
  bound(range.includesAfter === true ? '>=' : '>', range.after);
  bound(range.excludesUpTo === true ? '<' : '<=', range.upTo);
  return { conditions, values };
}

/** Each column's hash is the next one's seed. A NULL is hashed as what stands for it. */
function rowHash(table: TableSpec, salt: DigestSalt): string {
  const hash = digestColumns(table).reduce((seed, column) => columnHash(column, seed, salt), `'${salt.seed}'::int8`);
  return `hashint8extended(1, ${hash})`;
}

function columnHash({ column, kind, mark }: DigestColumn, seed: string, salt: DigestSalt): string {
  const name = `t.${quote(column.name)}`;
  const absent = `'${salt.text}'::text`;
  const text = (value: string): string => `hashtextextended(coalesce(${value}, ${absent}) COLLATE "C", ${seed})`;
  const bytes = (value: string): string => {
    const present = `coalesce(${value}, convert_to(${absent}, 'UTF8'))`;
    return salt.blobsInArrays
      ? `hash_array_extended(ARRAY[${present}], ${seed})`
      : `hashbyteaextended(${present}, ${seed})`;
  };
  switch (kind) {
    case 'integer': {
      const value = `coalesce(${name}${column.type === 'boolean' ? '::int4' : ''}::int8, '${salt.integer}'::int8)`;
      return `hashint8extended(${value}, ${seed} # ${value})`;
    }
    case 'double':
      return `hashfloat8extended(coalesce(${name}::float8, '${salt.double}'::float8), ${seed} # ${marked(mark)}::int8)`;
    case 'text':
      return text(`${name}::text`);
    case 'blob':
      return bytes(name);
    case 'binary': {
      // Without a scale of the column's own each value has its own: 1.5 and 1.50 are one.
      const hasScale = column.postgresType.includes('(');
      return bytes(`${column.type}_send(${column.type === 'numeric' && !hasScale ? `trim_scale(${name})` : name})`);
    }
    case 'other':
      return text(`${name}::text`);
    default: {
      const never: never = kind;
      throw new TypeError(`no such kind: ${String(never)}`);
    }
  }
}

/** The mark in both halves of 64 bits. */
function marked(mark: number): string {
  return `'${BigInt.asIntN(64, (BigInt(mark) << 32n) ^ BigInt.asUintN(32, BigInt(mark)))}'`;
}
