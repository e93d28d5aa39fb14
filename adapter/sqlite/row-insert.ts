import type Database from 'better-sqlite3';
import { sameValue, ValueRefused } from '../codec.ts';
import type { ColumnType } from '../codec.ts';
import { affinity } from '../codec/affinity.ts';
import type { Affinity } from '../codec/affinity.ts';
import { Unholdable } from '../codec/unholdable.ts';
import type { ColumnSpec, Row, TableSpec } from '../spec.ts';
import { columnAt } from '../spec.ts';
import { quote } from './sql.ts';

/**
 * Inserts rows of one table as they are, or not at all.
 *
 * SQLite converts what it stores to the column's affinity (https://sqlite.org/datatype3.html#type_affinity): `'007'` in a
 * column of type STRING becomes 7, an integer past 2^53 in a REAL column another one. Where the two declared types leave
 * room for that, what was stored is read back in the same statement.
 */
export class RowInsert {
  readonly #db: Database.Database;
  readonly #insert: Database.Statement;
  /** Positions of the columns that may store something else than they were given. */
  readonly #converting: readonly number[];

  constructor(db: Database.Database, table: TableSpec) {
    this.#db = db;
    this.#converting = table.columns.flatMap((column, position) => (mayConvert(column) ? [position] : []));
    const names = table.columns.map((column) => quote(column.name));
    const sql = `INSERT INTO ${quote(table.name)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
    const stored = this.#converting.map((position) => quote(columnAt(table, position).name));
    this.#insert = stored.length === 0 ? db.prepare(sql) : db.prepare(`${sql} RETURNING ${stored.join(', ')}`).raw();
  }

  /** @throws ValueRefused, or what SQLite says to the row; then there is none. */
  run(row: Row): void {
    const unholdable = row.find((value) => value instanceof Unholdable);
    if (unholdable !== undefined) throw new ValueRefused(unholdable.reason);
    if (this.#converting.length === 0) this.#insert.run(...row);
    else this.#db.transaction(() => this.#insertAndVerify(row))();
  }

  #insertAndVerify(row: Row): void {
    const stored = this.#insert.get(...row) as Row;
    const isChanged = this.#converting.some((position, index) => !isSame(row[position] ?? null, stored[index] ?? null));
    if (isChanged) throw new ValueRefused("a value that the declared type of SQLite's column would change");
  }
}

/** The same value, a number as an integer or as a real. */
function isSame(given: Row[number], stored: Row[number]): boolean {
  if (typeof given === 'bigint' && typeof stored === 'number')
    return Number.isInteger(stored) && BigInt(stored) === given;
  if (typeof given === 'number' && typeof stored === 'bigint')
    return Number.isInteger(given) && BigInt(given) === stored;
  return sameValue(given, stored);
}

/** Text that looks like a number in no part: no affinity converts it. */
const NOT_NUMERIC = ['INTEGER', 'NUMERIC', 'REAL', 'TEXT', 'BLOB'] as const;

/** Which affinities keep every value of a type, as a number at least; of moments, those that are held as a number. */
const KEPT_BY = {
  smallint: ['INTEGER', 'NUMERIC', 'REAL', 'BLOB'],
  integer: ['INTEGER', 'NUMERIC', 'REAL', 'BLOB'],
  bigint: ['INTEGER', 'NUMERIC', 'BLOB'],
  double: ['INTEGER', 'NUMERIC', 'REAL', 'BLOB'],
  numeric: ['INTEGER', 'NUMERIC', 'BLOB'],
  real: ['INTEGER', 'NUMERIC', 'REAL', 'BLOB'],
  boolean: ['INTEGER', 'NUMERIC', 'REAL', 'BLOB'],
  timestamptz: ['INTEGER', 'NUMERIC', 'BLOB'],
  timestamp: ['INTEGER', 'NUMERIC', 'BLOB'],
  date: ['INTEGER', 'NUMERIC', 'BLOB'],
  time: NOT_NUMERIC,
  // Without hyphens it may be digits only.
  uuid: ['TEXT', 'BLOB'],
  text: ['TEXT', 'BLOB'],
  character: ['TEXT', 'BLOB'],
  json: ['TEXT', 'BLOB'],
  jsonb: ['TEXT', 'BLOB'],
  blob: ['INTEGER', 'NUMERIC', 'REAL', 'TEXT', 'BLOB'],
} as const satisfies Record<ColumnType, readonly Affinity[]>;

function mayConvert(column: ColumnSpec): boolean {
  const kept: readonly Affinity[] = isPunctuated(column) ? NOT_NUMERIC : KEPT_BY[column.type];
  return !kept.includes(affinity(column.sqliteType));
}

/** Whether all its values are text with a hyphen or a colon between digits. */
function isPunctuated({ type, form: declared }: ColumnSpec): boolean {
  const form: string = declared ?? '';
  if (type === 'uuid') return !form.startsWith('uuid-hex') && !form.startsWith('uuid-blob');
  return (type === 'timestamptz' || type === 'timestamp' || type === 'date') && !/^(epoch|julian)/.test(form);
}
