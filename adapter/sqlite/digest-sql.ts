import { digestColumns, isSpelled } from '../digest.ts';
import type { DigestColumn, KeyRange } from '../digest.ts';
import { keyColumns } from '../spec.ts';
import type { Key, TableSpec } from '../spec.ts';
import { bindings, placeholders } from './bindings.ts';
import { collated } from './step-rows.ts';
import { quote } from './sql.ts';

/** The rest of a statement, after what it selects: columns of `t`. */
export interface Rest {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** The rows of a range, in the order of their keys. */
export function fromRange(table: TableSpec, range: KeyRange): Rest {
  const { conditions, values } = within(table, range);
  return { sql: `FROM ${quote(table.name)} t${where(conditions)} ORDER BY ${keyNames(table).join(', ')}`, values };
}

/** The rows of a range with some keys, in the order of these. */
export function fromRangeWithKeys(table: TableSpec, range: KeyRange, keys: readonly Key[]): Rest {
  const { conditions, values } = within(table, range);
  const lines = keys.map((key) => `(${placeholders(key).join(', ')})`).join(', ');
  const isKey = keyNames(table).map((name, index) => `${name} = k.column${index + 1}`);
  return {
    // A CROSS JOIN is read from the left to the right.
    sql: `FROM (VALUES ${lines}) k CROSS JOIN ${quote(table.name)} t${where([...isKey, ...conditions])}`,
    values: [...keys.flatMap(bindings), ...values],
  };
}

/** The key's columns, compared as the table compares them. */
export function keyNames(table: TableSpec): string[] {
  return keyColumns(table).map((column) => collated(column, 't.'));
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function within(table: TableSpec, range: KeyRange): { conditions: string[]; values: unknown[] } {
  const { after, upTo, includesAfter = false, excludesUpTo = false } = range;
  const bound = (operator: '>' | '>=' | '<' | '<=', key: Key): string => {
    const names = keyNames(table).slice(0, key.length);
    const marks = placeholders(key);
    return names.length === 1
      ? `${names[0]} ${operator} ${marks[0]}`
      : `(${names.join(', ')}) ${operator} (${marks.join(', ')})`;
  };
  return {
    conditions: [
      ...(after === null ? [] : [bound(includesAfter ? '>=' : '>', after)]),
      ...(upTo === null ? [] : [bound(excludesUpTo ? '<' : '<=', upTo)]),
    ],
    values: [...bindings(after ?? []), ...bindings(upTo ?? [])],
  };
}

/** More arguments than that are left to another call: SQLite takes 127 by default. */
const ARGUMENTS = 96;

/**
 * How many rows these are, and all of them spelled out one after the other as one blob: for each column its storage
 * class, then the bytes of a text or the digits of an integer up to a NUL, or a blob behind its length.
 */
export function spelledRows(table: TableSpec, { sql, values }: Rest): Rest {
  const parts = digestColumns(table)
    .filter(({ kind }) => isSpelled(kind))
    .flatMap(spelling);
  const calls: string[] = [];
  for (let start = 0; start < parts.length; start += ARGUMENTS) {
    calls.push(`concat(${parts.slice(start, start + ARGUMENTS).join(', ')})`);
  }
  const row = calls.length === 0 ? `''` : calls.join(' || ');
  return {
    sql: `SELECT count(*), CAST(group_concat(spelled, '') AS BLOB) FROM (SELECT ${row} AS spelled ${sql})`,
    values,
  };
}

function spelling({ column, kind }: DigestColumn): string[] {
  const name = `t.${quote(column.name)}`;
  return kind === 'blob'
    ? [`typeof(${name})`, `octet_length(${name})`, `':'`, name]
    : [`typeof(${name})`, name, 'char(0)'];
}
