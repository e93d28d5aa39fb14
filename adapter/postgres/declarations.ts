import type pg from 'pg';
import type {
  ColumnDeclaration,
  DefaultDeclaration,
  ForeignKeyAction,
  ForeignKeyDeclaration,
  IndexDeclaration,
  TableDeclaration,
} from '../table-declaration.ts';

/** What these tables of the current schema declare; those that do not exist are left out. */
export async function tableDeclarations(
  client: pg.Pool | pg.ClientBase,
  names: readonly string[],
): Promise<readonly TableDeclaration[]> {
  const columns = await rowsOf<ColumnRow>(client, COLUMNS, names);
  const indexes = await rowsOf<IndexRow>(client, INDEXES, names);
  const foreignKeys = await rowsOf<ForeignKeyRow>(client, FOREIGN_KEYS, names);
  const declared = new Set(columns.map(({ tbl }) => tbl));
  return names
    .filter((name) => declared.has(name))
    .map((name) => ({
      name,
      columns: columns.filter(({ tbl }) => tbl === name).map(columnOf),
      indexes: indexes.filter(({ tbl }) => tbl === name).map(indexOf),
      foreignKeys: foreignKeys.filter(({ tbl }) => tbl === name).map(foreignKeyOf),
    }));
}

/** As JSON, since every other value would arrive as text. */
async function rowsOf<R>(client: pg.Pool | pg.ClientBase, sql: string, names: readonly string[]): Promise<R[]> {
  const { rows } = await client.query<{ all: string | null }>(`SELECT json_agg(r)::text AS all FROM (${sql}) r`, [
    [...names],
  ]);
  return JSON.parse(rows[0]?.all ?? '[]') as R[];
}

const OURS = 'c.relnamespace = current_schema()::regnamespace AND c.relname = ANY($1::text[])';

interface ColumnRow {
  readonly tbl: string;
  readonly name: string;
  readonly not_null: boolean;
  readonly default: string | null;
  readonly is_exact: boolean;
}

const COLUMNS = `
  SELECT c.relname AS tbl, a.attname AS name, a.attnotnull AS not_null,
         CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default,
         coalesce((SELECT l.collisdeterministic FROM pg_collation l WHERE l.oid = a.attcollation), true) AS is_exact
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relkind IN ('r', 'p') AND ${OURS} ORDER BY c.relname, a.attnum`;

function columnOf(row: ColumnRow): ColumnDeclaration {
  return {
    name: row.name,
    notNull: row.not_null,
    default: defaultOf(row.default),
    equality: row.is_exact ? 'exact' : 'loose',
  };
}

function defaultOf(expression: string | null): DefaultDeclaration {
  // A sequence is what gives out the ids of a key; SQLite does that without a default.
  if (expression === null || /^(NULL\b|nextval\()/.test(expression)) return { kind: 'none' };
  const bare = expression.replace(/::[\w\s"().,[\]]+$/, '').replace(/^\(([^()]*)\)$/, '$1');
  const quoted = /^'((?:[^']|'')*)'$/.exec(bare)?.[1];
  if (quoted !== undefined) return { kind: 'constant', text: quoted.replaceAll("''", "'") };
  if (/^-?[\d.]+(e[+-]?\d+)?$/i.test(bare)) return { kind: 'constant', text: bare };
  if (bare === 'true' || bare === 'false') return { kind: 'constant', text: bare === 'true' ? '1' : '0' };
  return { kind: 'expression' };
}

interface IndexRow {
  readonly tbl: string;
  readonly name: string;
  readonly is_unique: boolean;
  readonly is_partial: boolean;
  readonly columns: readonly (string | null)[];
}

const INDEXES = `
  SELECT c.relname AS tbl, x.relname AS name, i.indisunique AS is_unique, i.indpred IS NOT NULL AS is_partial,
         (SELECT json_agg(CASE WHEN l.collisdeterministic IS NOT false THEN a.attname END ORDER BY u.place)
          FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u(num, place)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.num AND u.num > 0
          LEFT JOIN pg_collation l ON l.oid = i.indcollation[u.place - 1]
          WHERE u.place <= i.indnkeyatts) AS columns
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE i.indisvalid AND ${OURS} ORDER BY c.relname, x.relname`;

function indexOf(row: IndexRow): IndexDeclaration {
  return { name: row.name, isUnique: row.is_unique, isPartial: row.is_partial, columns: row.columns };
}

interface ForeignKeyRow {
  readonly tbl: string;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parent_columns: readonly string[];
  readonly on_update: string;
  readonly on_delete: string;
}

const FOREIGN_KEYS = `
  SELECT c.relname AS tbl, p.relname AS parent, k.confupdtype AS on_update, k.confdeltype AS on_delete,
         (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u(num, place)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num) AS columns,
         (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY AS u(num, place)
          JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num) AS parent_columns
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
  WHERE k.contype = 'f' AND ${OURS} ORDER BY c.relname, k.conname`;

/** `confupdtype` and `confdeltype` of pg_constraint. */
const ACTIONS: Readonly<Record<string, ForeignKeyAction>> = {
  a: 'NO ACTION',
  r: 'RESTRICT',
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
};

function foreignKeyOf(row: ForeignKeyRow): ForeignKeyDeclaration {
  return {
    columns: row.columns,
    parent: row.parent,
    parentColumns: row.parent_columns,
    onUpdate: ACTIONS[row.on_update] ?? 'NO ACTION',
    onDelete: ACTIONS[row.on_delete] ?? 'NO ACTION',
  };
}
