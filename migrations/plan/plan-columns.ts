import type { Form } from '../../adapter/codec/form.ts';
import type { SqliteColumn, SqliteTable } from '../sqlite/schema.ts';
import { sqlTypeOf } from '../translate/sql-type.ts';
import { inlineGenerated } from './inline-generated.ts';
import { plainDefault } from './plain-sql.ts';
import type { PlannedColumn } from './plan.ts';
import type { Planning } from './planning.ts';

/** The PostgreSQL type of a column, and how SQLite holds its values where that is not plain from the type. */
export interface PlannedType {
  readonly type: string;
  readonly form: Form | null;
}

/** The columns of a table. */
export function planColumns(
  planning: Planning,
  table: SqliteTable,
  settings: { types: (column: string) => PlannedType; highestId: bigint },
): readonly PlannedColumn[] {
  return table.columns.map((column): PlannedColumn => {
    const { type, form } = settings.types(column.name);
    return {
      name: column.name,
      type,
      collation: sqlTypeOf(type) === 'text' ? 'C' : null,
      notNull: column.notNull,
      default: column.isRowid ? null : planDefault(planning, table, column, type),
      generated: planGenerated(planning, table, column, type),
      identity: column.isRowid ? { next: settings.highestId + 1n } : null,
      form,
    };
  });
}

function planDefault(planning: Planning, table: SqliteTable, column: SqliteColumn, type: string): string | null {
  if (column.default === null) return null;
  const place = { table: table.name, column: column.name };
  const omissible = `default:${table.name}.${column.name}` as const;
  if (planning.isOmitted(omissible, place)) return null;
  const expected = sqlTypeOf(type);
  const sql = planning.expression({
    expression: column.default,
    purpose: 'default',
    place,
    omissible,
    table,
    ...(expected === undefined ? {} : { expected }),
  });
  return sql === null ? null : plainDefault(sql, type);
}

/** PostgreSQL's generated columns are stored, and may not name each other: what they name is written out instead. */
function planGenerated(planning: Planning, table: SqliteTable, column: SqliteColumn, type: string): string | null {
  if (column.generated === null) return null;
  const place = { table: table.name, column: column.name };
  if (!column.generated.stored) {
    planning.findings.push({
      severity: 'note',
      code: 'virtual-becomes-stored',
      place,
      message: 'computed when it is read in SQLite, stored in PostgreSQL',
    });
  }
  const expected = sqlTypeOf(type);
  return planning.expression({
    expression: inlineGenerated(table, column.generated.expression),
    purpose: 'generated',
    place,
    omissible: `table:${table.name}`,
    table,
    ...(expected === undefined ? {} : { expected }),
  });
}
