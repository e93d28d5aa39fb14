import type Database from 'better-sqlite3';
import { messageOf } from '../../../adapter/errors.ts';
import { literal, quote } from '../../../adapter/sqlite/sql.ts';
import type { Finding } from '../../finding.ts';
import type { SqliteCheck, SqliteTable } from '../../sqlite/schema.ts';

/** A CHECK that SQLite can evaluate here. */
export interface EvaluableCheck {
  /** An expression that is 1 for a row that breaks it. */
  readonly violated: string;
  readonly finding: Finding;
}

/**
 * The CHECKs of a table, as expressions to be evaluated for rows that are there already: a row may be older than its
 * constraint, or written with `ignore_check_constraints`. One that cannot be evaluated is a finding.
 */
export function evaluableChecks(
  db: Database.Database,
  table: SqliteTable,
): { readonly checks: readonly EvaluableCheck[]; readonly findings: readonly Finding[] } {
  const checks: EvaluableCheck[] = [];
  const findings: Finding[] = [];
  for (const check of table.checks) {
    const place = placeOf(table, check);
    // Only what is false breaks a CHECK: NULL passes, and of NULL this makes NULL.
    const violated = `NOT (${evaluable(check)})`;
    const trouble = troubleWith(db, table, violated);
    if (trouble === null) checks.push({ violated, finding: broken(place, check) });
    else findings.push(notEvaluated(place, trouble));
  }
  return { checks, findings };
}

/** SQLite takes a name in double quotes that names nothing for text, unless it was built not to. */
function evaluable({ expression: { sql, quotedAsNames } }: SqliteCheck): string {
  return quotedAsNames.reduce((text, word) => text.replaceAll(quote(word), literal(word)), sql);
}

function troubleWith(db: Database.Database, table: SqliteTable, violated: string): string | null {
  try {
    db.prepare(`SELECT ${violated} FROM ${quote(table.name)} LIMIT 0`);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function placeOf(table: SqliteTable, { name, column }: SqliteCheck): Finding['place'] {
  return {
    table: table.name,
    ...(column === null ? {} : { column }),
    ...(name === null ? {} : { constraint: name }),
  };
}

function broken(place: Finding['place'], { expression }: SqliteCheck): Finding {
  return {
    severity: 'rejection',
    code: 'check-violated',
    place,
    message: `rows break CHECK (${expression.sql}): they are older than it, or were written with ignore_check_constraints`,
    remedy: 'mend the rows with UPDATE',
  };
}

/** That nothing is known of a CHECK, and why. */
export function notEvaluated(place: Finding['place'], trouble: string): Finding {
  return {
    severity: 'warning',
    code: 'check-not-evaluated',
    place,
    message: `whether all rows keep a CHECK is not known, since it cannot be evaluated here: ${trouble}`,
    remedy: 'register the functions that it needs',
  };
}
