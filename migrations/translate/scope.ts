import type { CatalogColumn, CatalogTable } from './catalog.ts';
import type { Affinity, Expr } from '../sqlite/schema.ts';
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
  /** NATURAL and USING leave it out of `*`, as a table to the left gives it. */
  readonly isMerged?: true;
  /** What `*` gives in its place where USING made one column of two that can both be NULL. */
  readonly mergedAs?: Fragment;
}

/** Names that an expression can use, from the inside to the outside. */
export interface Scope {
  readonly tables: readonly ScopeTable[];
  /** Columns that USING and NATURAL made one of, by name in lower case. */
  readonly merged?: ReadonlyMap<string, Fragment>;
  /** The aliases of the result's columns, which SQLite knows in WHERE, GROUP BY and HAVING; by name in lower case. */
  readonly aliases?: ReadonlyMap<string, () => Fragment>;
  /** Common table expressions, by name in lower case. */
  readonly ctes?: ReadonlyMap<string, NamedQuery>;
  /** What GROUP BY asks of the columns of these tables; without it they can be used freely. */
  readonly group?: Grouping;
  readonly parent?: Scope;
}

/** A common table expression: its columns, to be qualified. */
export interface NamedQuery {
  readonly name: string;
  readonly columns: readonly QueryColumn[];
}

/** A column of a query's result: a fragment whose SQL is of no use outside of the query. */
export interface QueryColumn {
  readonly name: string;
  readonly fragment: Fragment;
}

/** The rows of each group are one: how a column outside of aggregates is used all the same. */
export interface Grouping {
  readonly keys: readonly Expr[];
  /** Columns of which each group has one value, which PostgreSQL wants to hear: to be grouped by as well. */
  readonly further: ReadonlySet<string>;
  /** The column as it may stand there. Throws where its value is any row's. */
  readonly column: (fragment: Fragment) => Fragment;
}

/** What a name means, and where it was found. */
export interface Found {
  readonly fragment: Fragment;
  readonly scope: Scope;
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
export function resolveColumn(scope: Scope, name: string): Found | undefined {
  const wanted = name.toLowerCase();
  for (let place: Scope | undefined = scope; place !== undefined; place = place.parent) {
    const column = place.merged?.get(wanted) ?? columnOf(place.tables, wanted);
    if (column !== undefined) return { fragment: column, scope: place };
    const alias = place.aliases?.get(wanted)?.();
    // What stands behind an alias has already been looked at under GROUP BY.
    if (alias !== undefined) return { fragment: alias, scope: { tables: [] } };
    if (ROWIDS.has(wanted)) {
      const [rowid, another] = place.tables.flatMap((table) => table.rowid ?? []);
      if (rowid !== undefined && another === undefined) return { fragment: rowid, scope: place };
    }
  }
  return undefined;
}

/** What a qualified name means. */
export function resolveQualified(scope: Scope, tableName: string, name: string): Found | undefined {
  const wanted = name.toLowerCase();
  for (let place: Scope | undefined = scope; place !== undefined; place = place.parent) {
    const table = place.tables.find((one) => one.name?.toLowerCase() === tableName.toLowerCase());
    const fragment = table && (columnOf([table], wanted) ?? (ROWIDS.has(wanted) ? table.rowid : undefined));
    if (fragment !== undefined) return { fragment, scope: place };
  }
  return undefined;
}

/** The common table expression of a name, if there is one in reach. */
export function resolveQuery(scope: Scope, name: string): NamedQuery | undefined {
  for (let place: Scope | undefined = scope; place !== undefined; place = place.parent) {
    const found = place.ctes?.get(name.toLowerCase());
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The columns of a query as a table in reach. */
export function queryTable(columns: readonly QueryColumn[], name: string | null, qualifier: string): ScopeTable {
  return {
    name,
    columns: columns.map((column) => ({
      name: column.name,
      fragment: columnOfQuery(column, `${quoteName(qualifier)}.${quoteName(column.name)}`),
    })),
  };
}

/** A column of a query's result under the name it has outside. */
export function columnOfQuery({ name, fragment }: QueryColumn, sql: string): Fragment {
  const {
    constant: _,
    parameter: __,
    isLogical: ___,
    bound: ____,
    isSettled: _____,
    exact: ______,
    ...kept
  } = fragment;
  // A column of a query is compared as a column: with BINARY, unless it has another collation.
  const collation = { name: fragment.collation?.name ?? 'BINARY', isExplicit: false };
  return {
    ...kept,
    sql,
    column: name,
    collation,
    ...(fragment.isLogical === true ? { type: 'integer' as const } : {}),
  };
}

/** A table's columns where an outer join fills them with NULL. */
export function nullable(table: ScopeTable): ScopeTable {
  const weaken = (column: Fragment): Fragment => {
    const { isNotNull: _, ...fragment } = column;
    return fragment;
  };
  return {
    ...table,
    columns: table.columns.map((column) => ({ ...column, fragment: weaken(column.fragment) })),
    ...(table.rowid === undefined ? {} : { rowid: weaken(table.rowid) }),
  };
}

function columnOf(tables: readonly ScopeTable[], wanted: string): Fragment | undefined {
  for (const table of tables) {
    const column = table.columns.find((one) => one.name.toLowerCase() === wanted);
    if (column !== undefined) return column.fragment;
  }
  return undefined;
}

function columnFragment(column: CatalogColumn, qualifier: string | null): Fragment {
  const sql = qualifier === null ? quoteName(column.name) : `${quoteName(qualifier)}.${quoteName(column.name)}`;
  if (column.origin !== undefined) return columnOfQuery({ name: column.name, fragment: column.origin }, sql);
  const affinity = column.affinity ?? AFFINITY[column.type];
  return {
    sql,
    type: column.type,
    affinity,
    collation: { name: column.collation.toUpperCase(), isExplicit: false },
    column: column.name,
    ...(column.type === 'integer' && column.postgresType.toLowerCase() === 'bigint' ? { isWide: true } : {}),
    ...(isMixed(column.type, affinity) ? { isMixed: true } : {}),
    ...(column.form === undefined ? {} : { form: column.form, postgresType: column.postgresType }),
    ...(column.notNull ? { isNotNull: true } : {}),
    ...(column.isUnique === true ? { uniqueUnder: column.collation.toUpperCase() } : {}),
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
      // A column of type text that is declared DATE has NUMERIC affinity, and is of type text because all it holds is.
      return affinity === 'INTEGER' || affinity === 'REAL';
    default:
      return false;
  }
}
