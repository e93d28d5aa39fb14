import type Database from 'better-sqlite3';
import { jsNumber } from './result-types.ts';

type SqliteRow = Readonly<Record<string, unknown>>;

/** Whether better-sqlite3 may have rounded a value of a column not named; a real may be as large, and is not rounded. */
export function mayBeRounded(rows: readonly unknown[], except: ReadonlySet<string> = NONE): boolean {
  for (const row of rows) {
    if (typeof row !== 'object' || row === null) continue;
    for (const name in row) {
      const value = (row as SqliteRow)[name];
      if (typeof value === 'number' && (value > MAX || value < -MAX) && Number.isInteger(value) && !except.has(name))
        return true;
    }
  }
  return false;
}

const MAX = Number.MAX_SAFE_INTEGER;
const NONE: ReadonlySet<string> = new Set();

/**
 * Option of a query, by `.options()`: past 2^53 an integer is a `bigint`, as it always is when PostgreSQL answers; not what
 * better-sqlite3 makes of it unasked.
 */
export const EXACT_INTEGERS = { exactIntegers: true } as const;

/** Whether a query has the option {@link EXACT_INTEGERS}. */
export function wantsExactIntegers(options: object | undefined): boolean {
  return options !== undefined && 'exactIntegers' in options && options.exactIntegers === true;
}

/** The columns of rows with every digit in which there is an integer past 2^53. */
export function largeColumns(rows: readonly SqliteRow[]): readonly string[] {
  const names = new Set<string>();
  for (const row of rows) for (const name in row) if (typeof row[name] === 'bigint') names.add(name);
  return [...names];
}

/** The rows of a statement with every digit: past 2^53 an integer is a `bigint`, as it is when PostgreSQL answers. */
export function exactRows(statement: Database.Statement, bindings: readonly unknown[]): SqliteRow[] {
  statement.safeIntegers(true);
  try {
    const rows = statement.all(...bindings) as Record<string, unknown>[];
    for (const row of rows) {
      for (const name in row) {
        const value = row[name];
        if (typeof value === 'bigint') row[name] = jsNumber(value);
      }
    }
    return rows;
  } finally {
    statement.safeIntegers(false);
  }
}
