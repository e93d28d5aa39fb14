import type { ConflictAction, SqliteTable } from '../sqlite/schema.ts';
import type { Planning } from './planning.ts';

/**
 * Rejects every `ON CONFLICT` of a table's constraints: the constraint itself is carried over, but what SQLite does with
 * a row that breaks it is more than to refuse it, and PostgreSQL can only refuse.
 */
export function rejectConflictClauses(planning: Planning, table: SqliteTable): void {
  const clauses: readonly (readonly [what: string, action: ConflictAction | null])[] = [
    ['primary key', table.primaryKeyConflict],
    ...table.columns.map(({ name, notNullConflict }) => [`NOT NULL of "${name}"`, notNullConflict] as const),
    ...table.uniques.map(
      ({ parts, onConflict }) => [`UNIQUE (${parts.map(({ column }) => column).join(', ')})`, onConflict] as const,
    ),
  ];
  const found = clauses.flatMap(([what, action]) => (action === null ? [] : [`${what}: ON CONFLICT ${action}`]));
  if (found.length === 0) return;
  planning.reject(
    {
      code: 'conflict-clause',
      place: { table: table.name },
      message: `its constraints do more than refuse (${found.join('; ')}), which PostgreSQL's cannot`,
      remedy:
        'say it in the statements that write (INSERT OR REPLACE, ON CONFLICT DO …), and rebuild the table without it',
    },
    `conflict-clause:${table.name}`,
  );
}
