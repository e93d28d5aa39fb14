import type Database from 'better-sqlite3';
import { Unholdable } from '../codec/unholdable.ts';
import type { Key, Row, SqlValue, TableSpec } from '../spec.ts';
import type { Batch } from '../store.ts';

/**
 * The batches of a step that is too large for memory, in temporary tables of a connection. Those are not part of the
 * database: filling them takes no lock, so it may be done bit by bit. Columns have no type, so every value stays exact.
 */
export class Spool {
  readonly #db: Database.Database;
  readonly #batches: {
    readonly table: TableSpec;
    readonly empties: boolean;
    readonly kept: Batch | null;
    readonly at: number;
  }[] = [];

  constructor(db: Database.Database) {
    this.#db = db;
  }

  add(batch: Batch): void {
    const at = this.#batches.length;
    const { table, empties, present, absent } = batch;
    // Such values cannot be written down in SQLite, and are rare.
    const isOdd = [...present, ...absent].some((values) => values.some((value) => value instanceof Unholdable));
    this.#batches.push({ table, empties, kept: isOdd ? batch : null, at });
    if (isOdd) return;
    this.#db.exec('BEGIN');
    try {
      this.#write(`present_${table.columns.length}`, table.columns.length, { at, lines: present });
      this.#write(`absent_${table.key.length}`, table.key.length, { at, lines: absent });
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** The batches as they were added. May be read again. */
  *batches(): Iterable<Batch> {
    for (const { table, empties, kept, at } of this.#batches) {
      yield (
        kept ?? {
          table,
          empties,
          present: this.#read(`present_${table.columns.length}`, at),
          absent: this.#read(`absent_${table.key.length}`, at),
        }
      );
    }
  }

  clear(): void {
    const tables = this.#db
      .prepare(`SELECT name FROM temp.sqlite_master WHERE type = 'table' AND name LIKE 'spool\\_%' ESCAPE '\\'`)
      .pluck()
      .all() as string[];
    for (const name of tables) this.#db.exec(`DROP TABLE temp.${name}`);
  }

  #write(name: string, width: number, { at, lines }: { at: number; lines: readonly (Row | Key)[] }): void {
    const columns = Array.from({ length: width }, (_, index) => `c${index}`);
    this.#db
      .exec(`CREATE TABLE IF NOT EXISTS temp.spool_${name} (id INTEGER PRIMARY KEY, batch INTEGER, ${columns.join(', ')});
      CREATE INDEX IF NOT EXISTS temp.spool_${name}_batch ON spool_${name} (batch)`);
    const insert = this.#db.prepare(
      `INSERT INTO temp.spool_${name} (batch, ${columns.join(', ')}) VALUES (?, ${columns.map(() => '?').join(', ')})`,
    );
    for (const line of lines) insert.run(at, ...line);
  }

  #read(name: string, at: number): SqlValue[][] {
    const lines = this.#db
      .prepare(`SELECT * FROM temp.spool_${name} WHERE batch = ? ORDER BY id`)
      .raw()
      .all(at) as SqlValue[][];
    return lines.map((line) => line.slice(2));
  }
}
