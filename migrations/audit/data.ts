import type Database from 'better-sqlite3';
import type { Finding } from '../finding.ts';
import type { SqliteSchema } from '../sqlite/schema.ts';
import type { ChosenTypes } from '../types/choose-types.ts';
import { auditDuplicates } from './data/duplicates.ts';
import { auditForeignKeys } from './data/foreign-keys.ts';
import { auditNames } from './data/names.ts';
import { auditTableValues } from './data/table-values.ts';
import type { TableAuditOptions } from './data/table-values.ts';

export type DataAuditOptions = TableAuditOptions;

/**
 * Finds what of a database's data PostgreSQL cannot hold under the types chosen for it, row for row and by the codec's own
 * rules, in constant memory: the findings come table by table, as they are made. The connection is only read, and must
 * not be written to meanwhile; functions named `crossfade_as_postgres_…` stay on it.
 *
 * Between tables other writers may have their turn. Whoever wants all of one moment begins a read transaction first.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function* auditData(
  db: Database.Database,
  schema: SqliteSchema,
  types: ChosenTypes,
  options: DataAuditOptions = {},
): AsyncGenerator<Finding, void, undefined> {
  yield* auditNames(schema);
  for (const table of schema.tables) {
    const columns = types.get(table.name) ?? new Map();
    yield* await auditTableValues(db, table, columns, options);
    yield* auditForeignKeys(db, schema, table, options.examples);
    options.signal?.throwIfAborted();
    yield* auditDuplicates(db, table, columns, options.examples);
    options.signal?.throwIfAborted();
  }
}
