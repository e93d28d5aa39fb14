import type { KeyRange } from '../digest.ts';
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
