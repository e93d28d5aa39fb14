import type { SqliteSchema } from '../sqlite/schema.ts';
import type { PlannedTrigger } from './plan.ts';
import type { Planning } from './planning.ts';

/** The triggers: each is rejected by name, until it can be proven to do the same in PL/pgSQL. */
export function planTriggers(planning: Planning, schema: SqliteSchema): readonly PlannedTrigger[] {
  for (const { name, table } of schema.triggers) {
    const place = { table, trigger: name };
    if (planning.isOmitted(`trigger:${name}`, place)) continue;
    planning.reject(
      {
        code: 'trigger',
        place,
        message: 'is written for SQLite',
        remedy: `write it for PostgreSQL in a migration of its own`,
      },
      `trigger:${name}`,
    );
  }
  return [];
}
