import type { ClientBase } from 'pg';
import { quote } from '../../adapter/postgres/sql.ts';
import type { ForeignKeyAction } from '../sqlite/schema.ts';

/** A PostgreSQL schema as its catalog tells it; expressions as PostgreSQL prints them. */
export interface LiveSchema {
  readonly tables: ReadonlyMap<string, LiveTable>;
  readonly views: ReadonlyMap<string, LiveView>;
}

export interface LiveTable {
  readonly columns: ReadonlyMap<string, LiveColumn>;
  /** The names of {@link columns}, in order. */
  readonly order: readonly string[];
  readonly primaryKey: LiveKey | null;
  readonly uniques: ReadonlyMap<string, LiveKey>;
  readonly checks: ReadonlyMap<string, string>;
  readonly foreignKeys: ReadonlyMap<string, LiveForeignKey>;
  /** Without those behind keys. */
  readonly indexes: ReadonlyMap<string, LiveIndex>;
  /** Of the user's, by name: the definition. */
  readonly triggers: ReadonlyMap<string, string>;
}

export interface LiveColumn {
  readonly type: string;
  readonly collation: string | null;
  readonly notNull: boolean;
  readonly default: string | null;
  readonly generated: string | null;
  readonly isIdentity: boolean;
  readonly comment: string | null;
}

export interface LiveKey {
  readonly name: string;
  readonly columns: readonly string[];
}

export interface LiveForeignKey {
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
  readonly onUpdate: ForeignKeyAction;
  readonly onDelete: ForeignKeyAction;
  readonly deferrable: 'no' | 'initially immediate' | 'initially deferred';
  readonly valid: boolean;
}

export interface LiveIndex {
  readonly unique: boolean;
  readonly parts: readonly LiveIndexPart[];
  readonly where: string | null;
}

export interface LiveIndexPart {
  /** Null for an expression. */
  readonly column: string | null;
  readonly expression: string | null;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface LiveView {
  readonly columns: readonly string[];
  readonly select: string;
}

/** `confupdtype` and `confdeltype` of pg_constraint. */
const FOREIGN_KEY_ACTIONS: Readonly<Record<string, ForeignKeyAction>> = {
  a: 'NO ACTION',
  r: 'RESTRICT',
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
};

/** What Crossfade keeps in the user's own schema: its triggers. */
const NOT_OURS = `t.tgname NOT LIKE 'crossfade\\_%'`;

/** Reads a schema of a PostgreSQL database. */
export async function introspect(client: ClientBase, schema: string): Promise<LiveSchema> {
  const rows = async <R extends object>(sql: string): Promise<readonly R[]> =>
    (await client.query<R>(sql, [schema])).rows;
  const columns = await rows<ColumnRow>(`
    SELECT c.relname AS tbl, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           (SELECT l.collname FROM pg_collation l WHERE l.oid = a.attcollation AND l.collname <> 'default') AS collation,
           a.attnotnull::int AS not_null, pg_get_expr(d.adbin, d.adrelid) AS expression, (a.attgenerated <> '')::int AS generated,
           (a.attidentity <> '')::int AS identity, col_description(c.oid, a.attnum) AS comment
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = $1::regnamespace
    ORDER BY c.relname, a.attnum`);
  const constraints = await rows<ConstraintRow>(`
    SELECT c.relname AS tbl, k.conname AS name, k.contype AS kind, p.relname AS parent,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(num, place)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.place) AS columns,
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(num, place)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.place) AS parent_columns,
           k.confupdtype AS on_update, k.confdeltype AS on_delete, k.condeferrable::int AS deferrable,
           k.condeferred::int AS deferred, k.convalidated::int AS valid, pg_get_expr(k.conbin, k.conrelid) AS expression
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class p ON p.oid = k.confrelid
    WHERE c.relnamespace = $1::regnamespace AND k.contype IN ('p', 'u', 'c', 'f')
    ORDER BY c.relname, k.conname`);
  const indexes = await rows<IndexRow>(`
    SELECT c.relname AS tbl, x.relname AS name, i.indisunique::int AS is_unique, pg_get_expr(i.indpred, i.indrelid) AS where_sql,
           u.place, a.attname AS col, CASE WHEN u.num = 0 THEN pg_get_indexdef(i.indexrelid, u.place::int, true) END AS expression,
           i.indoption[u.place - 1] & 1 AS descending, (i.indoption[u.place - 1] & 2) / 2 AS nulls_first
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS u(num, place)
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.num AND u.num > 0
    WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND u.place <= i.indnkeyatts
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    ORDER BY c.relname, x.relname, u.place`);
  const triggers = await rows<{ tbl: string; name: string; definition: string }>(`
    SELECT c.relname AS tbl, t.tgname AS name, pg_get_triggerdef(t.oid) || E'\\n' || coalesce(pg_get_functiondef(t.tgfoid), '') AS definition
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = $1::regnamespace AND ${NOT_OURS} ORDER BY 1, 2`);
  const views = await rows<{ name: string; columns: readonly string[]; definition: string }>(`
    SELECT c.relname AS name, pg_get_viewdef(c.oid) AS definition,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum) AS columns
    FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = $1::regnamespace ORDER BY 1`);

  const perTable = {
    columns: group(columns),
    constraints: group(constraints),
    indexes: group(indexes),
    triggers: group(triggers),
  };
  const tables = new Map<string, LiveTable>();
  for (const [name, own] of perTable.columns) {
    const keys = perTable.constraints.get(name) ?? [];
    tables.set(name, {
      columns: new Map(own.map((row) => [row.name, liveColumn(row)])),
      order: own.map((row) => row.name),
      primaryKey: keys.find(({ kind }) => kind === 'p') ?? null,
      uniques: new Map(keys.filter(({ kind }) => kind === 'u').map((row) => [row.name, row])),
      checks: new Map(keys.filter(({ kind }) => kind === 'c').map((row) => [row.name, row.expression ?? ''])),
      foreignKeys: new Map(keys.filter(({ kind }) => kind === 'f').map((row) => [row.name, liveForeignKey(row)])),
      indexes: liveIndexes(perTable.indexes.get(name) ?? []),
      triggers: new Map(
        (perTable.triggers.get(name) ?? []).map((row) => [row.name, withoutSchema(row.definition, schema)]),
      ),
    });
  }
  return {
    tables,
    views: new Map(views.map((row) => [row.name, { columns: row.columns, select: row.definition }])),
  };
}

interface ColumnRow {
  readonly tbl: string;
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
  readonly not_null: number;
  readonly expression: string | null;
  readonly generated: number;
  readonly identity: number;
  readonly comment: string | null;
}

interface ConstraintRow {
  readonly tbl: string;
  readonly name: string;
  readonly kind: 'p' | 'u' | 'c' | 'f';
  readonly columns: readonly string[];
  readonly parent: string | null;
  readonly parent_columns: readonly string[];
  readonly on_update: string;
  readonly on_delete: string;
  readonly deferrable: number;
  readonly deferred: number;
  readonly valid: number;
  readonly expression: string | null;
}

interface IndexRow {
  readonly tbl: string;
  readonly name: string;
  readonly is_unique: number;
  readonly where_sql: string | null;
  readonly col: string | null;
  readonly expression: string | null;
  readonly descending: number;
  readonly nulls_first: number;
}

/** A definition that is the same in every schema: PostgreSQL writes the schema's name into functions. */
function withoutSchema(definition: string, schema: string): string {
  return definition.replaceAll(`${/^[a-z_][a-z0-9_]*$/.test(schema) ? schema : quote(schema)}.`, '');
}

function liveColumn(row: ColumnRow): LiveColumn {
  return {
    type: row.type,
    collation: row.collation,
    notNull: row.not_null === 1,
    default: row.generated === 1 ? null : row.expression,
    generated: row.generated === 1 ? row.expression : null,
    isIdentity: row.identity === 1,
    comment: row.comment,
  };
}

function liveForeignKey(row: ConstraintRow): LiveForeignKey {
  return {
    columns: row.columns,
    parent: row.parent ?? '',
    parentColumns: row.parent_columns,
    onUpdate: FOREIGN_KEY_ACTIONS[row.on_update] ?? 'NO ACTION',
    onDelete: FOREIGN_KEY_ACTIONS[row.on_delete] ?? 'NO ACTION',
    deferrable: row.deferrable === 0 ? 'no' : row.deferred === 1 ? 'initially deferred' : 'initially immediate',
    valid: row.valid === 1,
  };
}

function liveIndexes(rows: readonly IndexRow[]): ReadonlyMap<string, LiveIndex> {
  const indexes = new Map<string, { unique: boolean; parts: LiveIndexPart[]; where: string | null }>();
  for (const row of rows) {
    let index = indexes.get(row.name);
    if (index === undefined)
      indexes.set(row.name, (index = { unique: row.is_unique === 1, parts: [], where: row.where_sql }));
    index.parts.push({
      column: row.col,
      expression: row.expression,
      descending: row.descending === 1,
      nullsFirst: row.nulls_first === 1,
    });
  }
  return indexes;
}

function group<R extends { readonly tbl: string }>(rows: readonly R[]): ReadonlyMap<string, readonly R[]> {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const own = groups.get(row.tbl);
    if (own === undefined) groups.set(row.tbl, [row]);
    else own.push(row);
  }
  return groups;
}
