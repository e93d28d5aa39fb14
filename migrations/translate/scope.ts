import type { CatalogColumn, CatalogTable } from './catalog.ts';
import type { Affinity } from '../sqlite/schema.ts';
import { quoteName } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import type { SqlType } from './sql-type.ts';

/** A table as a FROM clause brings it into reach. */
export interface ScopeTable {
  /** What the columns are qualified with, in SQLite's words; null if they cannot be. */
  readonly name: string | null;
  readonly columns: readonly ScopeColumn[];
  /** The column that `rowid` means. */
  readonly rowid?: Fragment;
  /** The base table it is, if it is one. */
  readonly base?: CatalogTable;
}

export interface ScopeColumn {
  readonly name: string;
  readonly fragment: Fragment;
  /** NATURAL and USING leave it out of `*`, as another table gives it. */
  readonly isMerged?: true;
}

/** Names that an expression can use, from the inside to the outside. */
export interface Scope {
  readonly tables: readonly ScopeTable[];
  /** Columns that USING and NATURAL made one of, by name in lower case. */
  readonly merged?: ReadonlyMap<string, Fragment>;
  /** The aliases of the result's columns, which SQLite knows in WHERE, GROUP BY and HAVING; by name in lower case. */
  readonly aliases?: ReadonlyMap<string, () => Fragment>;
  /** Common table expressions, by name in lower case. */
  readonly ctes?: ReadonlyMap<string, CatalogTable>;
  readonly parent?: Scope;
}

const ROWIDS = new Set(['rowid', 'oid', '_rowid_']);

/** The table of a catalog in reach; `qualifier` is its alias in PostgreSQL's words, without which names stand alone. */
export function scopeTable(table: CatalogTable, name: string | null, qualifier: string | null): ScopeTable {
  const columns = table.columns.map((column) => ({ name: column.name, fragment: columnFragment(column, qualifier) }));
  const rowid = table.columns.findIndex((column) => column.isRowid === true);
  const fragment = columns[rowid]?.fragment;
  return { name, columns, base: table, ...(fragment === undefined ? {} : { rowid: fragment }) };
}

/** What a name means, or undefined if it means nothing. */
export function resolveColumn(scope: Scope, name: string): Fragment | undefined {
  const wanted = name.toLowerCase();
  for (let place: Scope | undefined = scope; place !== undefined; place = place.parent) {
    const found = place.merged?.get(wanted) ?? columnOf(place.tables, wanted) ?? place.aliases?.get(wanted)?.();
    if (found !== undefined) return found;
    if (ROWIDS.has(wanted)) {
      const rowids = place.tables.flatMap((table) => table.rowid ?? []);
      if (rowids.length === 1) return rowids[0];
    }
  }
  return undefined;
}

/** What a qualified name means. */
export function resolveQualified(scope: Scope, tableName: string, name: string): Fragment | undefined {
  const wanted = name.toLowerCase();
  for (let place: Scope | undefined = scope; place !== undefined; place = place.parent) {
    const table = place.tables.find((one) => one.name?.toLowerCase() === tableName.toLowerCase());
    const found = table && columnOf([table], wanted);
    if (found !== undefined) return found;
    if (table?.rowid !== undefined && ROWIDS.has(wanted)) return table.rowid;
  }
  return undefined;
}

/** A common table expression in reach, else a table or view of the catalog's. */
export function resolveTable(scope: Scope, name: string): CatalogTable | undefined {
  for (let place: Scope | undefined = scope; place !== undefined; place = place.parent) {
    const found = place.ctes?.get(name.toLowerCase());
    if (found !== undefined) return found;
  }
  return undefined;
}

function columnOf(tables: readonly ScopeTable[], wanted: string): Fragment | undefined {
  for (const table of tables) {
    const column = table.columns.find((one) => one.name.toLowerCase() === wanted);
    if (column !== undefined) return column.fragment;
  }
  return undefined;
}

function columnFragment(column: CatalogColumn, qualifier: string | null): Fragment {
  const affinity = column.affinity ?? AFFINITY[column.type];
  return {
    sql: qualifier === null ? quoteName(column.name) : `${quoteName(qualifier)}.${quoteName(column.name)}`,
    type: column.type,
    affinity,
    collation: { name: column.collation.toUpperCase(), isExplicit: false },
    column: column.name,
    ...(column.type === 'integer' && column.postgresType.toLowerCase() === 'bigint' ? { isWide: true } : {}),
    ...(isMixed(column.type, affinity) ? { isMixed: true } : {}),
    ...(column.form === undefined ? {} : { form: column.form }),
    ...(column.notNull ? { isNotNull: true } : {}),
  };
}

const AFFINITY = {
  integer: 'INTEGER',
  real: 'REAL',
  numeric: 'NUMERIC',
  text: 'TEXT',
  blob: 'BLOB',
  boolean: 'NUMERIC',
  json: 'TEXT',
  jsonb: 'TEXT',
  uuid: 'TEXT',
  timestamptz: 'NUMERIC',
  timestamp: 'NUMERIC',
  date: 'NUMERIC',
  time: 'NUMERIC',
  null: 'BLOB',
} as const satisfies Record<SqlType, Affinity>;

/** Whether a column of this affinity can hold values of other classes than the type tells. */
function isMixed(type: SqlType, affinity: Affinity): boolean {
  switch (type) {
    case 'integer':
    case 'boolean':
      return affinity === 'TEXT' || affinity === 'REAL';
    case 'real':
      return affinity !== 'REAL';
    case 'numeric':
      return affinity === 'REAL' || affinity === 'TEXT';
    case 'text':
    case 'json':
      return affinity !== 'TEXT' && affinity !== 'BLOB';
    default:
      return false;
  }
}
