import type { IndexPart, SqliteTable, SqliteUnique } from '../sqlite/schema.ts';
import type { PlannedIndex, PlannedTable } from './plan.ts';
import { collated } from './planning.ts';
import type { Planning } from './planning.ts';

/** The keys of a table: the primary key, the unique constraints, and indexes that stand for what neither can say. */
export interface PlannedKeys extends Pick<PlannedTable, 'primaryKey' | 'uniques'> {
  readonly indexes: readonly PlannedIndex[];
}

/**
 * Plans a table's primary key and unique constraints. A constraint compares as its columns do, byte by byte; one under
 * NOCASE or RTRIM becomes, or gets beside it, a unique index on what the collation compares.
 */
export function planKeys(planning: Planning, table: SqliteTable): PlannedKeys {
  const indexes: PlannedIndex[] = [];
  let primaryKey: PlannedTable['primaryKey'] = null;
  if (table.primaryKey.length > 0) {
    const columns = columnNames(table.primaryKey);
    const name = planning.names.give(table.primaryKeyName ?? `${table.name}_pkey`);
    primaryKey = { name, columns };
    if (isCollated(table.primaryKey)) {
      // Beside the key, not instead of it: rows are found by their key, byte by byte.
      const index = collatedIndex(planning, table, { name: null, parts: table.primaryKey });
      if (index !== null) indexes.push(index);
    }
    noteNullable(planning, table, columns);
  }
  const uniques: { name: string; columns: readonly string[] }[] = [];
  for (const unique of table.uniques) {
    const columns = columnNames(unique.parts);
    if (isCollated(unique.parts)) {
      const index = collatedIndex(planning, table, unique);
      if (index !== null) indexes.push(index);
    } else {
      uniques.push({ name: planning.names.give(unique.name ?? `${table.name}_${columns.join('_')}_key`), columns });
    }
  }
  if (table.primaryKey.length === 0 && !hasNaturalKey(table)) {
    planning.findings.push({
      severity: 'warning',
      code: 'no-key',
      place: { table: table.name },
      message:
        'the table has no primary key and no unique index on columns that are NOT NULL, so its rows cannot be mirrored',
      remedy: 'give it a primary key in SQLite, or leave it out of the mirror with tables.exclude',
    });
  }
  return { primaryKey, uniques, indexes };
}

function columnNames(parts: readonly IndexPart[]): readonly string[] {
  return parts.map(({ column }) => column ?? '');
}

function isCollated(parts: readonly IndexPart[]): boolean {
  return parts.some(({ collation }) => collation.toUpperCase() !== 'BINARY');
}

function collatedIndex(
  planning: Planning,
  table: SqliteTable,
  unique: Pick<SqliteUnique, 'name' | 'parts'>,
): PlannedIndex | null {
  const columns = columnNames(unique.parts);
  const wanted = unique.name ?? `${table.name}_${columns.join('_')}_key`;
  const place = { table: table.name, constraint: wanted };
  const parts = [];
  for (const { column, collation } of unique.parts) {
    const expression = collated(column ?? '', collation);
    if (expression === null) {
      const message = `the collation ${collation} is the application's own, and PostgreSQL does not have it`;
      planning.reject({ code: 'unknown-collation', place, message }, `unique:${table.name}.${columns.join(',')}`);
      return null;
    }
    const isPlain = collation.toUpperCase() === 'BINARY';
    parts.push({
      column: isPlain ? column : null,
      expression: isPlain ? null : expression,
      descending: false,
      nullsFirst: false,
    });
  }
  planning.findings.push({
    severity: 'note',
    code: 'collated-unique',
    place,
    message: 'unique regardless of case or trailing spaces: a unique index on what the collation compares',
  });
  return { name: planning.names.give(wanted), unique: true, parts, where: null };
}

/** SQLite lets NULL into a primary key that is neither the rowid nor of a WITHOUT ROWID or STRICT table. */
function noteNullable(planning: Planning, table: SqliteTable, columns: readonly string[]): void {
  if (table.withoutRowid) return;
  for (const column of table.columns) {
    if (column.isRowid || column.notNull || !columns.includes(column.name)) continue;
    planning.findings.push({
      severity: 'note',
      code: 'key-becomes-not-null',
      place: { table: table.name, column: column.name },
      message: 'part of the primary key, so NOT NULL in PostgreSQL, where SQLite would let NULL in',
    });
  }
}

/** What the Mirror takes for a key where none is declared. */
function hasNaturalKey(table: SqliteTable): boolean {
  const notNull = new Set(table.columns.filter((column) => column.notNull).map(({ name }) => name));
  const holds = (parts: readonly IndexPart[]): boolean =>
    parts.every(({ column }) => column !== null && notNull.has(column));
  return (
    table.uniques.some(({ parts }) => holds(parts)) ||
    table.indexes.some(({ unique, where, parts }) => unique && where === null && holds(parts))
  );
}
