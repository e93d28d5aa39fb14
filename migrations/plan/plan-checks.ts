import type { SqliteTable } from '../sqlite/schema.ts';
import { Names } from './names.ts';
import type { PlannedTable } from './plan.ts';
import type { Planning } from './planning.ts';

/** The CHECK constraints of a table, named as PostgreSQL would where SQLite left them unnamed. */
export function planChecks(planning: Planning, table: SqliteTable): PlannedTable['checks'] {
  const names = new Names(table.foreignKeys.flatMap(({ name }) => (name === null ? [] : [name])));
  return table.checks.flatMap((check) => {
    const name = names.give(
      check.name ?? [table.name, ...(check.column === null ? [] : [check.column]), 'check'].join('_'),
    );
    const place = { table: table.name, constraint: name };
    const omissible = `check:${table.name}.${name}` as const;
    if (planning.isOmitted(omissible, place)) return [];
    const sql = planning.expression({ expression: check.expression, purpose: 'check', place, omissible, table });
    return sql === null ? [] : [{ name, sql }];
  });
}
