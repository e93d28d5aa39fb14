import type Database from 'better-sqlite3';
import type {
  ColumnDeclaration,
  DefaultDeclaration,
  ForeignKeyAction,
  ForeignKeyDeclaration,
  IndexDeclaration,
  TableDeclaration,
} from '../table-declaration.ts';
import { literal, quote } from './sql.ts';

/** What these tables declare; those that do not exist are left out. */
export function tableDeclarations(db: Database.Database, names: readonly string[]): readonly TableDeclaration[] {
  return names
    .map((name) => ({
      name,
      columns: columnsOf(db, name),
      indexes: indexesOf(db, name),
      foreignKeys: foreignKeysOf(db, name),
    }))
    .filter(({ columns }) => columns.length > 0);
}

interface ColumnRow {
  readonly name: string;
  readonly notnull: bigint;
  readonly dflt_value: string | null;
}

function columnsOf(db: Database.Database, table: string): ColumnDeclaration[] {
  const rows = db
    .prepare(`SELECT name, "notnull", dflt_value FROM pragma_table_xinfo(${literal(table)}) WHERE hidden <> 1`)
    .all() as ColumnRow[];
  return rows.map((row) => ({
    name: row.name,
    notNull: row.notnull === 1n,
    default: defaultOf(row.dflt_value),
    equality: equalityOf(db, table, row.name),
  }));
}

/** SQLite answers itself: two texts are put where the column's would be, and compared as the column's are. */
function equalityOf(db: Database.Database, table: string, column: string): ColumnDeclaration['equality'] {
  const texts = `SELECT ${quote(column)} AS x FROM ${quote(table)} WHERE 0 UNION ALL VALUES ('a'), ('A'), ('a ')`;
  try {
    return db.prepare(`SELECT count(DISTINCT x) FROM (${texts})`).pluck().get() === 3n ? 'exact' : 'loose';
  } catch {
    // A collation that the application registers on its own connections.
    return 'loose';
  }
}

function defaultOf(sql: string | null): DefaultDeclaration {
  if (sql === null || /^\s*\(*null\)*\s*$/i.test(sql)) return { kind: 'none' };
  const bare = sql.trim().replace(/^\(([^()]*)\)$/, '$1');
  const quoted = /^'((?:[^']|'')*)'$/.exec(bare)?.[1] ?? /^"((?:[^"])*)"$/.exec(bare)?.[1];
  if (quoted !== undefined) return { kind: 'constant', text: quoted.replaceAll("''", "'") };
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(bare)) return { kind: 'constant', text: bare.replace(/^\+/, '') };
  const blob = /^x'([0-9a-f]*)'$/i.exec(bare)?.[1];
  if (blob !== undefined) return { kind: 'constant', text: `\\x${blob.toLowerCase()}` };
  if (/^(true|false)$/i.test(bare)) return { kind: 'constant', text: /^true$/i.test(bare) ? '1' : '0' };
  return { kind: 'expression' };
}

interface IndexRow {
  readonly name: string;
  readonly unique: bigint;
  readonly partial: bigint;
}

interface IndexColumnRow {
  readonly name: string | null;
  readonly coll: string;
}

function indexesOf(db: Database.Database, table: string): IndexDeclaration[] {
  const rows = db.prepare(`SELECT * FROM pragma_index_list(${literal(table)})`).all() as IndexRow[];
  const indexes = rows.map((row) => ({
    name: row.name,
    isUnique: row.unique === 1n,
    isPartial: row.partial === 1n,
    columns: (
      db
        .prepare(`SELECT name, coll FROM pragma_index_xinfo(${literal(row.name)}) WHERE key = 1`)
        .all() as IndexColumnRow[]
    ).map(({ name, coll }) => (coll === 'BINARY' ? name : null)),
  }));
  // An INTEGER PRIMARY KEY has no index of its own: it is the rowid.
  const keys = db
    .prepare(`SELECT name FROM pragma_table_info(${literal(table)}) WHERE pk > 0 ORDER BY pk`)
    .pluck()
    .all() as string[];
  const isThere = indexes.some(
    ({ columns, isUnique, isPartial }) =>
      isUnique &&
      !isPartial &&
      columns.length === keys.length &&
      columns.every((name) => name === null || keys.includes(name)),
  );
  if (keys.length > 0 && !isThere)
    indexes.push({ name: 'the primary key', isUnique: true, isPartial: false, columns: keys });
  return indexes;
}

interface ForeignKeyRow {
  readonly id: bigint;
  readonly from: string;
  readonly table: string;
  readonly to: string | null;
  readonly on_update: ForeignKeyAction;
  readonly on_delete: ForeignKeyAction;
}

function foreignKeysOf(db: Database.Database, table: string): ForeignKeyDeclaration[] {
  const rows = db
    .prepare(`SELECT * FROM pragma_foreign_key_list(${literal(table)}) ORDER BY id, seq`)
    .all() as ForeignKeyRow[];
  const keys = new Map<bigint, ForeignKeyRow[]>();
  for (const row of rows) keys.set(row.id, [...(keys.get(row.id) ?? []), row]);
  return [...keys.values()].flatMap((parts) => {
    const [first] = parts;
    if (first === undefined) return [];
    return [
      {
        columns: parts.map((part) => part.from),
        parent: first.table,
        parentColumns: parts.flatMap((part) => (part.to === null ? [] : [part.to])),
        onUpdate: first.on_update,
        onDelete: first.on_delete,
      },
    ];
  });
}
