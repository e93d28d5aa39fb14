import { sqlTypeOf } from '../translate/sql-type.ts';
import type { IndexPart, SqliteIndex, SqliteTable } from '../sqlite/schema.ts';
import type { PlannedColumn, PlannedIndex, PlannedIndexPart } from './plan.ts';
import { collated } from './planning.ts';
import type { Planning } from './planning.ts';

interface IndexesToPlan {
  readonly table: SqliteTable;
  readonly columns: readonly PlannedColumn[];
  /** The names that indexes have in PostgreSQL. */
  readonly names: ReadonlyMap<string, string>;
}

/** The indexes of a table that CREATE INDEX made. */
export function planIndexes(planning: Planning, { table, columns, names }: IndexesToPlan): readonly PlannedIndex[] {
  return table.indexes.flatMap((index): PlannedIndex[] => {
    const place = { table: table.name, index: index.name };
    const omissible = `index:${index.name}` as const;
    if (planning.isOmitted(omissible, place)) return [];
    const parts: PlannedIndexPart[] = [];
    for (const part of index.parts) {
      const planned = planPart(planning, { table, index, part, columns });
      if (planned === null) return [];
      parts.push(planned);
    }
    let where: string | null = null;
    if (index.where !== null) {
      where = planning.expression({ expression: index.where, purpose: 'where', place, omissible, table });
      if (where === null) return [];
    }
    const name = names.get(index.name) ?? index.name;
    if (name !== index.name) {
      planning.findings.push({
        severity: 'note',
        code: 'renamed',
        place,
        message: `is named "${name}" in PostgreSQL, whose names have at most 63 bytes and are shared by tables, views and indexes`,
      });
    }
    return [{ name, unique: index.unique, parts, where }];
  });
}

interface PartToPlan {
  readonly table: SqliteTable;
  readonly index: SqliteIndex;
  readonly part: IndexPart;
  readonly columns: readonly PlannedColumn[];
}

function planPart(planning: Planning, { table, index, part, columns }: PartToPlan): PlannedIndexPart | null {
  const place = { table: table.name, index: index.name };
  const omissible = `index:${index.name}` as const;
  const { descending } = part;
  const unknown = (): null => {
    const message = `the collation ${part.collation} is the application's own, and PostgreSQL does not have it`;
    planning.reject({ code: 'unknown-collation', place, message }, omissible);
    return null;
  };
  if (part.column === null) {
    if (part.expression === null)
      throw new TypeError(`index "${index.name}" has a part that is neither column nor expression`);
    const sql = planning.expression({ expression: part.expression, purpose: 'index', place, omissible, table });
    if (sql === null) return null;
    const collation = part.collation.toUpperCase();
    // A collation says nothing about what is no text.
    const expression = { BINARY: sql, NOCASE: `lower((${sql})::text COLLATE "C")`, RTRIM: `rtrim((${sql})::text)` }[
      collation
    ];
    return expression === undefined ? unknown() : { column: null, expression, descending, nullsFirst: !descending };
  }
  const column = columns.find(({ name }) => name === part.column);
  if (column === undefined)
    throw new TypeError(`index "${index.name}" names the column "${part.column}", which its table lacks`);
  const type = sqlTypeOf(column.type);
  if (type === 'json') {
    const message = `has the column "${column.name}" of type json, which PostgreSQL cannot order`;
    const remedy = `make it text or jsonb with columns: { "${table.name}.${column.name}": "text" }`;
    planning.reject({ code: 'json-in-index', place, message, remedy }, omissible);
    return null;
  }
  const isKey = table.primaryKey.some((key) => key.column === column.name);
  // An order by a column that is never NULL asks for no place of NULLs.
  const nullsFirst = column.notNull || isKey ? descending : !descending;
  if (type !== 'text' || part.collation.toUpperCase() === 'BINARY') {
    return { column: column.name, expression: null, descending, nullsFirst };
  }
  const expression = collated(column.name, part.collation);
  return expression === null ? unknown() : { column: null, expression, descending, nullsFirst };
}
