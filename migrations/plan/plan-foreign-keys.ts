import type { SqliteForeignKey, SqliteSchema, SqliteTable } from '../sqlite/schema.ts';
import { Names } from './names.ts';
import type { PlannedForeignKey, PlannedTable } from './plan.ts';
import type { Planning } from './planning.ts';

/**
 * The foreign keys of a table. SQLite declares them without looking: a parent may be missing, or not be unique, which is
 * an error there only when somebody writes; PostgreSQL refuses such a declaration, so it is rejected here by name.
 *
 * @param hasOrphans whether rows are known to break the key: it is then made NOT VALID, and holds new rows only.
 */
export function planForeignKeys(
  planning: Planning,
  table: SqliteTable,
  settings: { schema: SqliteSchema; hasOrphans: (key: SqliteForeignKey) => boolean; checks: PlannedTable['checks'] },
): readonly PlannedForeignKey[] {
  const names = new Names(settings.checks.map(({ name }) => name));
  return table.foreignKeys.flatMap((key): PlannedForeignKey[] => {
    const name = names.give(key.name ?? `${table.name}_${key.columns.join('_')}_fkey`);
    const place = { table: table.name, constraint: name };
    const omissible = `foreign-key:${table.name}.${key.columns.join(',')}` as const;
    if (planning.isOmitted(omissible, place)) return [];
    const parent = settings.schema.tables.find((other) => sameName(other.name, key.parent));
    if (parent === undefined) {
      const message = `refers to the table "${key.parent}", which does not exist`;
      planning.reject({ code: 'foreign-key-without-parent', place, message, remedy: 'create the table' }, omissible);
      return [];
    }
    const parentColumns = key.parentColumns.map(
      (column) => parent.columns.find((other) => sameName(other.name, column))?.name ?? column,
    );
    if (parentColumns.length !== key.columns.length || !isUnique(parent, parentColumns)) {
      const target = parentColumns.length === 0 ? `"${parent.name}"` : `"${parent.name}" (${parentColumns.join(', ')})`;
      const message = `refers to ${target}, which is no primary key and has no unique index of exactly these columns`;
      const remedy = 'make the columns it refers to unique in SQLite';
      planning.reject({ code: 'foreign-key-mismatch', place, message, remedy }, omissible);
      return [];
    }
    const valid = !settings.hasOrphans(key);
    if (!valid) {
      planning.findings.push({
        severity: 'warning',
        code: 'orphans',
        place,
        message: `holds rows whose row in "${parent.name}" is missing, so the key is made NOT VALID: new rows are held to it, these are not`,
        remedy: `\`crossfade audit\` counts them; mend them in SQLite, or later in PostgreSQL, and then ALTER TABLE … VALIDATE CONSTRAINT`,
      });
    }
    return [
      {
        name,
        columns: key.columns,
        parent: parent.name,
        parentColumns,
        onUpdate: key.onUpdate,
        onDelete: key.onDelete,
        deferrable: key.deferrable,
        valid,
      },
    ];
  });
}

/** Whether PostgreSQL will find a unique index behind the columns: one that neither has a condition nor is collated. */
function isUnique(table: SqliteTable, columns: readonly string[]): boolean {
  const keys = [
    table.primaryKey,
    ...table.uniques.map(({ parts }) => parts).filter(isPlain),
    ...table.indexes
      .filter(({ unique, where }) => unique && where === null)
      .map(({ parts }) => parts)
      .filter(isPlain),
  ];
  return keys.some(
    (parts) =>
      parts.length === columns.length && parts.every(({ column }) => column !== null && columns.includes(column)),
  );
}

function isPlain(parts: SqliteTable['primaryKey']): boolean {
  return parts.every(({ collation }) => collation.toUpperCase() === 'BINARY');
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
