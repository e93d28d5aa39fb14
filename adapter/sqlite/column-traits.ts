import Database from 'better-sqlite3';
import { affinity } from '../codec/affinity.ts';
import type { Affinity } from '../codec/affinity.ts';
import { literal, quote } from './sql.ts';

/** How SQLite converts and compares the values of a column. */
export interface ColumnTraits {
  readonly affinity: Affinity;
  readonly collation: 'BINARY' | 'NOCASE' | 'RTRIM';
  /** As `PRAGMA table_info` tells it. */
  readonly declared: ColumnDeclaration;
}

/** What SQLite's pragma tells of a column, beside its name. */
export interface ColumnDeclaration {
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
}

/** The traits of every column of every table, by `table.column` in lower case. The file is opened read-only. */
export function columnTraits(path: string): ReadonlyMap<string, ColumnTraits> {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const traits = new Map<string, ColumnTraits>();
    const tables = db
      .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
      .pluck()
      .all();
    for (const table of tables.map(String)) {
      const columns = db
        .prepare(
          `SELECT name, type, "notnull", dflt_value FROM pragma_table_xinfo(${literal(table)}) WHERE hidden <> 1`,
        )
        .all();
      for (const { name, ...declared } of columns as (ColumnDeclaration & { readonly name: string })[]) {
        traits.set(`${table}.${name}`.toLowerCase(), {
          affinity: affinity(declared.type),
          collation: collationOf(db, table, name),
          declared,
        });
      }
    }
    return traits;
  } finally {
    db.close();
  }
}

/** SQLite answers itself: texts are put where the column's would be, and told apart as the column's are. */
function collationOf(db: Database.Database, table: string, column: string): ColumnTraits['collation'] {
  const isOne = (other: string): boolean => {
    const texts = `SELECT ${quote(column)} AS x FROM ${quote(table)} WHERE 0 UNION ALL VALUES ('a'), (${literal(other)})`;
    return db.prepare(`SELECT count(DISTINCT x) = 1 FROM (${texts})`).pluck().get() === 1;
  };
  try {
    return isOne('A') ? 'NOCASE' : isOne('a ') ? 'RTRIM' : 'BINARY';
  } catch {
    // A collation that the application registers on its own connections.
    return 'BINARY';
  }
}
