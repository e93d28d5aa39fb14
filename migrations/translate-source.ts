import type Database from 'better-sqlite3';
import { isFormOf } from '../adapter/codec/form.ts';
import { literal, quote } from '../adapter/sqlite/sql.ts';
import type { Finding } from './finding.ts';
import type { SchemaSource, SourceRequest } from './open-schema-source.ts';
import { buildPlan } from './plan/build-plan.ts';
import { Omissions } from './plan/omissions.ts';
import type { KnexMigration, Plan } from './plan/plan.ts';
import type { SchemaConfig } from './schema-config.ts';
import { readSchema } from './sqlite/read-schema.ts';
import type { SqliteForeignKey, SqliteSchema, SqliteTable } from './sqlite/schema.ts';
import type { Catalog } from './translate/catalog.ts';
import { takeCensuses } from './types/census.ts';
import { chooseTypes, findingsOf } from './types/choose-types.ts';
import type { ChosenTypes } from './types/choose-types.ts';
import type { TableCensus } from './types/column-census.ts';
import { withFormPrecision } from './types/form-precision.ts';
import { readOverrides } from './types/override.ts';

/**
 * Translates the schema of a source that is open: looks at the rows, chooses types, plans. The source stays open.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR` or `CONFIG_INVALID`.
 */
export async function translateSource(source: SchemaSource, request: SchemaRequest): Promise<SchemaTranslation> {
  const { db } = source;
  const schema = readSchema(db);
  const omissions = new Omissions(request.omit ?? []);
  const kept = withoutOmitted(schema, omissions);
  const censuses =
    (request.readsData ?? true)
      ? await takeCensuses(db, kept, {
          overrides: readOverrides(kept, request.columns ?? {}),
          onProgress: request.onProgress,
          signal: request.signal,
          sampleRows: request.sampleRows,
        })
      : new Map<string, TableCensus>();
  const types = chooseTypes(kept, {
    censuses,
    ...(request.columns === undefined ? {} : { columns: request.columns }),
    ...(request.profile === undefined ? {} : { profile: request.profile }),
  });
  const { plan, catalog } = buildPlan({
    schema,
    types: (table, column) => {
      const choice = types.get(table)?.get(column);
      if (choice === undefined) throw new RangeError(`no type was chosen for "${table}"."${column}"`);
      const { type, form } = choice;
      return { type: withFormPrecision(type, form), form: form !== null && isFormOf(type, form) ? form : null };
    },
    highestId: (table) => highestId(db, schema, table),
    hasOrphans: (table, key) => hasOrphans(db, schema, table, key),
    omit: request.omit ?? [],
    knexMigrations: knexMigrations(db),
  });
  const findings = [...source.findings, ...schema.findings, ...findingsOf(types), ...plan.findings];
  return { source: { kind: request.kind, path: request.path }, schema, plan, findings, catalog, types, kept };
}

/** How far the look at the rows has come. */
export interface SchemaProgress {
  readonly table: string;
  readonly rows: number;
}

/** What {@link translateSchema} takes. */
export interface SchemaRequest extends SchemaConfig, SourceRequest {
  /** Whether types are chosen by what the columns really hold, and not by declarations alone. @default true */
  readonly readsData?: boolean;
  /** How many rows of a table are looked at, spread over it. @default all of them */
  readonly sampleRows?: number;
  readonly onProgress?: (progress: SchemaProgress) => void;
  readonly signal?: AbortSignal;
}

/** A SQLite schema in PostgreSQL's words. */
export interface SchemaTranslation {
  readonly source: { readonly kind: 'sqlite' | 'migrations'; readonly path: string };
  readonly schema: SqliteSchema;
  readonly plan: Plan;
  /** All that was found and decided, the plan's findings included; PostgreSQL has not been asked yet. */
  readonly findings: readonly Finding[];
  /** The planned tables and views, as the translation of a statement finds them. */
  readonly catalog: Catalog;
  /** The type of each column of the tables that are not left out. */
  readonly types: ChosenTypes;
  /** The schema without what the configuration leaves out. */
  readonly kept: SqliteSchema;
}

/** What is left out asks for no types, and joins none. */
function withoutOmitted(schema: SqliteSchema, omissions: Omissions): SqliteSchema {
  const tables = schema.tables
    .filter(({ name }) => !omissions.has(`table:${name}`))
    .map((table) => ({
      ...table,
      foreignKeys: table.foreignKeys.filter(
        ({ columns }) => !omissions.has(`foreign-key:${table.name}.${columns.join(',')}`),
      ),
    }));
  return { ...schema, tables };
}

function highestId(db: Database.Database, schema: SqliteSchema, name: string): bigint {
  const table = schema.tables.find((other) => other.name === name);
  const column = table?.columns.find(({ isRowid }) => isRowid);
  if (table === undefined || column === undefined) return 0n;
  const highest = db
    .prepare(`SELECT max(${quote(column.name)}) FROM ${quote(name)}`)
    .safeIntegers()
    .pluck()
    .get() as bigint | null;
  const given = table.autoIncrement
    ? (db.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').safeIntegers().pluck().get(name) as
        bigint | undefined)
    : undefined;
  return [highest ?? 0n, given ?? 0n, 0n].reduce((a, b) => (a > b ? a : b));
}

/** Whether a row has no parent, looked for up to the first one. */
function hasOrphans(db: Database.Database, schema: SqliteSchema, name: string, key: SqliteForeignKey): boolean {
  const parent = schema.tables.find((table) => table.name.toLowerCase() === key.parent.toLowerCase());
  if (parent === undefined || key.parentColumns.length !== key.columns.length) return false;
  const joins = key.columns.map(
    (column, index) => `p.${quote(key.parentColumns[index] ?? '')} = c.${quote(column)}${bytewise(parent, key)}`,
  );
  const given = key.columns.map((column) => `c.${quote(column)} IS NOT NULL`);
  const sql = `SELECT 1 FROM ${quote(name)} c WHERE ${given.join(' AND ')}
    AND NOT EXISTS (SELECT 1 FROM ${quote(parent.name)} p WHERE ${joins.join(' AND ')}) LIMIT 1`;
  return db.prepare(sql).get() !== undefined;
}

/** PostgreSQL will compare byte by byte, where SQLite compares as the parent's columns do. */
function bytewise(parent: SqliteTable, key: SqliteForeignKey): string {
  const isCollated = parent.columns.some(
    ({ name, collation }) => key.parentColumns.includes(name) && collation.toUpperCase() !== 'BINARY',
  );
  return isCollated ? ' COLLATE BINARY' : '';
}

function knexMigrations(db: Database.Database): readonly KnexMigration[] {
  const table = db
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name = ${literal('knex_migrations')}`)
    .get();
  if (table === undefined) return [];
  return db
    .prepare('SELECT id, name, batch, migration_time AS migrationTime FROM knex_migrations ORDER BY id')
    .safeIntegers()
    .all() as KnexMigration[];
}
