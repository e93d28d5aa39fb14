import type { SqliteForeignKey, SqliteSchema, SqliteTable } from '../sqlite/schema.ts';
import type { Finding } from '../finding.ts';
import type { Catalog, CatalogTable } from '../translate/catalog.ts';
import { sqlTypeOf } from '../translate/sql-type.ts';
import { fits } from './names.ts';
import { Omissions } from './omissions.ts';
import { planChecks } from './plan-checks.ts';
import { planColumns } from './plan-columns.ts';
import type { PlannedType } from './plan-columns.ts';
import { planForeignKeys } from './plan-foreign-keys.ts';
import { planIndexes } from './plan-indexes.ts';
import { planKeys } from './plan-keys.ts';
import type { KnexMigration, Plan, PlannedTable } from './plan.ts';
import { planTriggers } from './plan-triggers.ts';
import { planViews } from './plan-views.ts';
import { Planning } from './planning.ts';
import { rejectConflictClauses } from './reject-conflict-clauses.ts';

/** What {@link buildPlan} takes. */
export interface PlanSettings {
  readonly schema: SqliteSchema;
  /** The PostgreSQL type of each column. */
  readonly types: (table: string, column: string) => PlannedType;
  /** The highest id that a table has given out, for tables with an INTEGER PRIMARY KEY; 0 if none. */
  readonly highestId: (table: string) => bigint;
  /** Whether rows are known to break a foreign key. */
  readonly hasOrphans: (table: string, key: SqliteForeignKey) => boolean;
  /** What to leave out; see `Omissions`. */
  readonly omit: readonly string[];
  readonly knexMigrations: readonly KnexMigration[];
}

/** The columns that every PostgreSQL table has: https://www.postgresql.org/docs/current/ddl-system-columns.html */
const SYSTEM_COLUMNS = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

/**
 * Turns a SQLite schema into the PostgreSQL schema that holds the same: every construct is in the plan, or in its
 * findings as a rejection that names it. The catalog is what statements on that schema are translated against.
 */
export function buildPlan(settings: PlanSettings): { readonly plan: Plan; readonly catalog: Catalog } {
  const { schema } = settings;
  const omissions = new Omissions(settings.omit);
  const catalog = new PlanCatalog({
    types: settings.types,
    tables: schema.tables.filter(({ name }) => !omissions.has(`table:${name}`)),
  });
  const planning = new Planning({
    catalog,
    taken: [...schema.tables, ...schema.views].map(({ name }) => name),
    omit: settings.omit,
  });
  const kept = schema.tables.filter(({ name }) => !planning.isOmitted(`table:${name}`, { table: name }));
  for (const table of kept) {
    checkNames(planning, table);
    rejectConflictClauses(planning, table);
  }
  const indexNames = new Map(
    kept.flatMap(({ indexes }) => indexes.map(({ name }) => [name, planning.names.give(name)])),
  );
  const tables = kept.map((table) => planTable(planning, table, settings, indexNames));
  for (const { name, module, shadowOf } of schema.virtualTables) {
    if (shadowOf !== null || planning.isOmitted(`table:${name}`, { table: name })) continue;
    planning.reject(virtualTable(name, module ?? 'unknown'), `table:${name}`);
  }
  const views = planViews(planning, schema, (view) => catalog.define(view));
  const triggers = planTriggers(planning, schema);
  for (const entry of planning.omissions.unused) {
    planning.findings.push({
      severity: 'warning',
      code: 'omit-names-nothing',
      place: {},
      message: `omit holds "${entry}", which names nothing in this schema`,
      remedy: 'take it out, or spell it as the report does',
    });
  }
  const { usesPack, findings } = planning;
  return { plan: { tables, views, triggers, usesPack, findings, knexMigrations: settings.knexMigrations }, catalog };
}

function planTable(
  planning: Planning,
  table: SqliteTable,
  settings: PlanSettings,
  indexNames: ReadonlyMap<string, string>,
): PlannedTable {
  const columns = planColumns(planning, table, {
    types: (column) => settings.types(table.name, column),
    highestId: settings.highestId(table.name),
  });
  const checks = planChecks(planning, table);
  const keys = planKeys(planning, table);
  return {
    name: table.name,
    columns,
    primaryKey: keys.primaryKey,
    uniques: keys.uniques,
    checks,
    foreignKeys: planForeignKeys(planning, table, {
      schema: settings.schema,
      checks,
      hasOrphans: (key) => settings.hasOrphans(table.name, key),
    }),
    indexes: [...keys.indexes, ...planIndexes(planning, { table, columns, names: indexNames })],
  };
}

/** Names that PostgreSQL cannot have as they are. */
function checkNames(planning: Planning, table: SqliteTable): void {
  if (!fits(table.name)) planning.findings.push(tooLong({ table: table.name }, 'table'));
  for (const { name } of table.columns) {
    const place = { table: table.name, column: name };
    if (!fits(name)) planning.findings.push(tooLong(place, 'column'));
    if (SYSTEM_COLUMNS.has(name)) {
      planning.findings.push({
        severity: 'rejection',
        code: 'system-column',
        place,
        message: 'has a name that every PostgreSQL table keeps for itself',
        remedy: `rename it in SQLite: ALTER TABLE "${table.name}" RENAME COLUMN "${name}" TO "${name}_"`,
      });
    }
  }
}

function tooLong(place: Finding['place'], what: string): Finding {
  return {
    severity: 'rejection',
    code: 'name-too-long',
    place,
    message: `the ${what}'s name has more than 63 bytes, and PostgreSQL would cut it`,
    remedy: 'rename it in SQLite; the two databases must have the same name',
  };
}

function virtualTable(name: string, module: string): Omit<Finding, 'severity'> {
  const substitute: Readonly<Record<string, string>> = {
    fts3: 'a tsvector column with a GIN index',
    fts4: 'a tsvector column with a GIN index',
    fts5: 'a tsvector column with a GIN index, or the extension pg_trgm',
    rtree: 'a box or range column with a GiST index',
    geopoly: 'the extension PostGIS',
  };
  const instead = substitute[module.toLowerCase()];
  return {
    code: 'virtual-table',
    place: { table: name },
    message: `is a virtual table of the module ${module}, which PostgreSQL does not have`,
    remedy: instead === undefined ? 'replace it by an ordinary table' : `build the same on PostgreSQL with ${instead}`,
  };
}

/** The planned tables and views as expressions find them. */
class PlanCatalog implements Catalog {
  readonly #tables = new Map<string, CatalogTable>();

  constructor({ tables, types }: Pick<PlanSettings, 'types'> & Pick<SqliteSchema, 'tables'>) {
    for (const table of tables) {
      this.define({
        name: table.name,
        columns: table.columns.map((column) => {
          const { type, form } = types(table.name, column.name);
          const isKey = table.primaryKey.some((part) => part.column === column.name);
          return {
            name: column.name,
            type: sqlTypeOf(type) ?? 'text',
            postgresType: type,
            affinity: column.affinity,
            collation: column.collation,
            notNull: column.notNull || isKey,
            isRowid: column.isRowid,
            ...(form === null ? {} : { form }),
          };
        }),
        primaryKey: table.primaryKey.map(({ column }) => column ?? ''),
        uniques: uniquesOf(table),
      });
    }
  }

  define(table: CatalogTable): void {
    this.#tables.set(table.name.toLowerCase(), table);
  }

  table(name: string): CatalogTable | undefined {
    return this.#tables.get(name.toLowerCase());
  }
}

/** The columns of everything unique that neither has a condition nor an expression in it. */
function uniquesOf(table: SqliteTable): readonly (readonly string[])[] {
  const indexes = table.indexes.filter(({ unique, where }) => unique && where === null);
  return [table.primaryKey, ...[...table.uniques, ...indexes].map(({ parts }) => parts)]
    .filter((parts) => parts.length > 0 && parts.every(({ column }) => column !== null))
    .map((parts) => parts.map(({ column }) => column ?? ''));
}
