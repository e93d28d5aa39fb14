import type Database from 'better-sqlite3';
import type { TableSpec } from '../spec.ts';
import { keyColumns } from '../spec.ts';
import { replacingIndexes } from './describe.ts';
import { captureTriggers, fenceTriggers, literal, quote } from './sql.ts';

/** The triggers in a database: Crossfade's own, and the user's as far as they must step aside. Within a transaction. */
export class Triggers {
  readonly #db: Database.Database;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  /** Puts capture on these tables anew, and remembers each trigger as SQLite stores it. */
  installCapture(tables: readonly TableSpec[]): void {
    this.dropCapture();
    const remember = this.#db.prepare('INSERT INTO _crossfade_triggers (name, tbl, sql) VALUES (?, ?, ?)');
    for (const table of tables) {
      const key = keyColumns(table).map((column) => column.name);
      for (const trigger of captureTriggers(table, replacingIndexes(this.#db, table.name, key))) {
        this.#db.exec(trigger.sql);
        const stored = this.#db
          .prepare(`SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?`)
          .pluck()
          .get(trigger.name);
        remember.run(trigger.name, trigger.table, stored);
      }
    }
  }

  dropCapture(): void {
    this.#drop('_crossfade\\_capture\\_%');
    this.#db.exec('DELETE FROM _crossfade_triggers');
  }

  lowerFence(): void {
    this.#drop('_crossfade\\_fence\\_%');
  }

  /** Removes every trigger of Crossfade's. */
  dropAll(): void {
    this.#drop('_crossfade\\_%');
  }

  #drop(like: string): void {
    const names = this.#db
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE ${literal(like)} ESCAPE '\\'`)
      .pluck()
      .all() as string[];
    for (const name of names) this.#db.exec(`DROP TRIGGER ${quote(name)}`);
  }

  /** Refuses every write but the Mirror's. */
  raiseFence(tables: readonly TableSpec[]): void {
    this.#drop('_crossfade\\_fence\\_%');
    for (const table of tables) for (const { sql } of fenceTriggers(table)) this.#db.exec(sql);
  }

  /** The user's own triggers would run twice: once on PostgreSQL, whose rows arrive here, and once more here. */
  parkUsers(tables: readonly TableSpec[]): void {
    const names = tables.map((table) => literal(table.name));
    const triggers = this.#db
      .prepare(
        `SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE '\\_crossfade\\_%' ESCAPE '\\' AND tbl_name IN (${names.join(', ')})`,
      )
      .all() as { name: string; sql: string }[];
    for (const { name, sql } of triggers) {
      this.#db.prepare('INSERT INTO _crossfade_parked (name, sql) VALUES (?, ?)').run(name, sql);
      this.#db.exec(`DROP TRIGGER ${quote(name)}`);
    }
  }

  restoreUsers(): void {
    const parked = this.#db.prepare('SELECT sql FROM _crossfade_parked ORDER BY name').pluck().all() as string[];
    for (const sql of parked) this.#db.exec(sql);
    this.#db.exec('DELETE FROM _crossfade_parked');
  }
}
