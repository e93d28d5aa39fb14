import type Database from 'better-sqlite3';

/** A row of `pragma_table_list` with the stored SQL. */
export interface TableInfo {
  readonly name: string;
  readonly type: 'table' | 'view' | 'virtual' | 'shadow';
  readonly withoutRowid: 0 | 1;
  readonly strict: 0 | 1;
  readonly sql: string | null;
}

/** A row of `pragma_table_xinfo`. `hidden` is 2 for a virtual generated column, 3 for a stored one. */
export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly notnull: 0 | 1;
  readonly dflt_value: string | null;
  readonly pk: number;
  readonly hidden: 0 | 1 | 2 | 3;
}

/** A row of `pragma_index_list`, with the key's parts and the stored SQL (null for the index of a constraint). */
export interface IndexInfo {
  readonly name: string;
  readonly unique: 0 | 1;
  readonly origin: 'c' | 'u' | 'pk';
  readonly partial: 0 | 1;
  readonly sql: string | null;
  readonly parts: readonly IndexPartInfo[];
}

/** A row of `pragma_index_xinfo`; `cid` is -1 for the rowid, -2 for an expression, which have no name. */
export interface IndexPartInfo {
  readonly cid: number;
  readonly name: string | null;
  readonly desc: 0 | 1;
  readonly coll: string;
}

/** The rows of `pragma_foreign_key_list` that make one foreign key. */
export interface ForeignKeyInfo {
  /** 0 is the one declared last. */
  readonly id: number;
  readonly table: string;
  readonly onUpdate: string;
  readonly onDelete: string;
  /** `to` is null where the declaration named no columns. */
  readonly columns: readonly { readonly from: string; readonly to: string | null }[];
}

/** A table as SQLite itself describes it. */
export interface TableFacts extends TableInfo {
  readonly columns: readonly ColumnInfo[];
  /** In the order they were made. */
  readonly indexes: readonly IndexInfo[];
  /** In the order they were declared. */
  readonly foreignKeys: readonly ForeignKeyInfo[];
}

/** A view or trigger of sqlite_schema. */
export interface StoredStatement {
  readonly name: string;
  /** What a trigger is on; of a view, its own name. */
  readonly table: string;
  readonly sql: string;
}

/** Everything of the main database's schema that SQLite tells by itself, in a handful of queries. */
export interface Introspection {
  readonly tables: readonly TableFacts[];
  /** Virtual tables and their shadows. */
  readonly others: readonly TableInfo[];
  readonly views: readonly StoredStatement[];
  readonly triggers: readonly StoredStatement[];
}

/** Asks SQLite for the schema of the main database; temporary objects are not part of it. */
export function introspect(db: Database.Database): Introspection {
  const all = (sql: string): readonly unknown[] => db.prepare(sql).safeIntegers(false).all();
  const stored = all(
    `SELECT type, name, tbl_name AS "table", sql FROM main.sqlite_schema ORDER BY rowid`,
  ) as readonly (StoredStatement & { type: string })[];
  const list = all(`SELECT l.name, l.type, l.wr AS withoutRowid, l.strict, m.sql
     FROM pragma_table_list l JOIN main.sqlite_schema m ON m.name = l.name AND m.type = 'table'
     WHERE l.schema = 'main' AND l.type <> 'view' ORDER BY m.rowid`) as readonly TableInfo[];
  // What has no root page is a virtual table, and asking for its columns would need its module.
  const ofTables = `FROM main.sqlite_schema m`;
  const areTables = `WHERE m.type = 'table' AND m.rootpage > 0`;
  const columns = grouped(
    all(`SELECT m.name AS owner, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
       ${ofTables} JOIN pragma_table_xinfo(m.name, 'main') x ${areTables} ORDER BY m.rowid, x.cid`) as readonly (ColumnInfo & {
      owner: string;
    })[],
  );
  const parts = grouped(
    all(`SELECT m.name AS owner, x.cid, x.name, x."desc", x.coll
       FROM main.sqlite_schema m JOIN pragma_index_xinfo(m.name, 'main') x WHERE m.type = 'index' AND x."key" = 1
       ORDER BY m.rowid, x.seqno`) as readonly (IndexPartInfo & { owner: string })[],
  );
  // The key of a WITHOUT ROWID table is its own tree, and has no row in sqlite_schema.
  const keyParts = grouped(
    all(`SELECT i.name AS owner, x.cid, x.name, x."desc", x.coll
       ${ofTables} JOIN pragma_index_list(m.name, 'main') i JOIN pragma_index_xinfo(i.name, 'main') x
       ${areTables} AND i.origin = 'pk' AND x."key" = 1 ORDER BY m.rowid, x.seqno`) as readonly (IndexPartInfo & {
      owner: string;
    })[],
  );
  const sqlOfIndex = new Map(stored.filter(({ type }) => type === 'index').map(({ name, sql }) => [name, sql]));
  const indexes = grouped(
    all(`SELECT m.name AS owner, i.name, i."unique", i.origin, i.partial
       ${ofTables} JOIN pragma_index_list(m.name, 'main') i ${areTables} ORDER BY m.rowid, i.seq DESC`) as readonly (Omit<
      IndexInfo,
      'parts' | 'sql'
    > & { owner: string })[],
  );
  const keys = grouped(
    all(`SELECT m.name AS owner, f.id, f."table", f."from", f."to", f.on_update AS onUpdate, f.on_delete AS onDelete
       ${ofTables} JOIN pragma_foreign_key_list(m.name, 'main') f WHERE m.type = 'table'
       ORDER BY m.rowid, f.id DESC, f.seq`) as readonly ForeignKeyRow[],
  );
  const facts = (table: TableInfo): TableFacts => ({
    ...table,
    columns: columns.get(table.name) ?? [],
    indexes: (indexes.get(table.name) ?? []).map((index) => ({
      ...index,
      sql: sqlOfIndex.get(index.name) ?? null,
      parts: parts.get(index.name) ?? keyParts.get(index.name) ?? [],
    })),
    foreignKeys: foreignKeysOf(keys.get(table.name) ?? []),
  });
  return {
    tables: list.filter(({ type }) => type === 'table').map(facts),
    others: list.filter(({ type }) => type === 'virtual' || type === 'shadow'),
    views: stored.filter(({ type }) => type === 'view'),
    triggers: stored.filter(({ type }) => type === 'trigger'),
  };
}

function grouped<T extends { owner: string }>(rows: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.owner);
    if (group === undefined) groups.set(row.owner, [row]);
    else group.push(row);
  }
  return groups;
}

interface ForeignKeyRow {
  readonly owner: string;
  readonly id: number;
  readonly table: string;
  readonly from: string;
  readonly to: string | null;
  readonly onUpdate: string;
  readonly onDelete: string;
}

function foreignKeysOf(rows: readonly ForeignKeyRow[]): readonly ForeignKeyInfo[] {
  return [...new Set(rows.map(({ id }) => id))].flatMap((id) => {
    const own = rows.filter((row) => row.id === id);
    const [first] = own;
    if (first === undefined) return [];
    const { table, onUpdate, onDelete } = first;
    return [{ id, table, onUpdate, onDelete, columns: own.map(({ from, to }) => ({ from, to })) }];
  });
}
