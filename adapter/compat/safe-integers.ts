import type Database from 'better-sqlite3';
import { jsNumber } from './result-types.ts';

type SqliteRow = Readonly<Record<string, unknown>>;

/** Whether better-sqlite3 may have rounded one of these values; a real may be as large, and is not rounded. */
export function mayBeRounded(rows: readonly unknown[]): boolean {
  for (const row of rows) {
    if (typeof row !== 'object' || row === null) continue;
    for (const name in row) {
      const value = (row as SqliteRow)[name];
      if (typeof value === 'number' && (value > MAX || value < -MAX) && Number.isInteger(value)) return true;
    }
  }
  return false;
}

const MAX = Number.MAX_SAFE_INTEGER;

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
