import type Database from 'better-sqlite3';
import { keyColumns } from '../spec.ts';
import type { SqlValue, TableSpec } from '../spec.ts';
import type { Batch, Cursor, StepRequest } from '../store.ts';
import { bindings, isInSqlite, placeholders } from './bindings.ts';
import { ExactSelect } from './exact-select.ts';
import { batchOf, collated, isSameKey, quotedColumns, upToCursor } from './step-rows.ts';
import { keyNames, quote } from './sql.ts';

/** Changelog entries that are looked through in one go: bounds the time for which the event loop is held. */
const PIECE_ENTRIES = 20_000;

/**
 * The distinct keys of a step that is too large for memory, in one temporary table for each table that has changed.
 * Lives within the read transaction that is the step's snapshot.
 */
export class StepKeys {
  readonly #db: Database.Database;
  readonly #request: StepRequest;
  readonly #names = new Map<string, string>();

  private constructor(db: Database.Database, request: StepRequest) {
    this.#db = db;
    this.#request = request;
  }

  /** Collects the keys of the entries after `after` up to `last`, a piece at a time, and those in quarantine. */
  static async collect(
    db: Database.Database,
    request: StepRequest,
    { after, last }: { after: bigint; last: bigint },
  ): Promise<StepKeys> {
    const keys = new StepKeys(db, request);
    keys.#addRequested();
    for (let from = after; from < last;) {
      const to = from + BigInt(PIECE_ENTRIES) < last ? from + BigInt(PIECE_ENTRIES) : last;
      keys.#addChanged(from, to);
      from = to;
      await new Promise(setImmediate);
    }
    return keys;
  }

  /** The tables of which there are keys. */
  get tables(): ReadonlySet<string> {
    return new Set(this.#names.keys());
  }

  /** A table's rows that these keys name, and the keys without a row. */
  *batches(table: TableSpec, rows: number): Iterable<Batch> {
    const name = this.#names.get(table.name);
    if (name === undefined) return;
    const names = keyNames(table.key.length);
    const same = keyColumns(table).map((column, index) => `${collated(column, 't.')} = k.${names[index]}`);
    const page = new ExactSelect(
      this.#db,
      ['k.id', ...names.map((key) => `k.${key}`), ...quotedColumns(table, 't.')],
      `FROM ${name} k LEFT JOIN main.${quote(table.name)} t ON ${same.join(' AND ')} WHERE k.id > ? ORDER BY k.id LIMIT ${rows}`,
    );
    for (let from: SqlValue = 0n; ;) {
      const found = page.all(from);
      const last = found.at(-1);
      if (last === undefined) return;
      from = last[0] as bigint;
      yield batchOf(
        this.#db,
        table,
        found.map((line) => {
          const key = line.slice(1, 1 + names.length);
          const row = line.slice(1 + names.length);
          return { key, row: isSameKey(table, { row, key }) ? row : undefined };
        }),
      );
    }
  }

  #addRequested(): void {
    const { tables, retry } = this.#request;
    for (const table of tables) {
      const asked = (retry.get(table.name) ?? []).filter(isInSqlite);
      if (asked.length === 0) continue;
      const name = this.#tableFor(table);
      const names = keyNames(table.key.length).join(', ');
      for (const key of asked) {
        const marks = placeholders(key).join(', ');
        this.#db.prepare(`INSERT OR IGNORE INTO ${name} (${names}) VALUES (${marks})`).run(...bindings(key));
      }
      const cursor = this.#cursorOf(table);
      const copied = whereCopied(table, cursor);
      if (copied !== null)
        this.#db.prepare(`DELETE FROM ${name} WHERE NOT (${copied})`).run(...bindings(cursor?.after ?? []));
    }
  }

  #addChanged(from: bigint, to: bigint): void {
    const specs = new Map(this.#request.tables.map((table) => [table.name, table]));
    const changed = this.#db
      .prepare('SELECT DISTINCT tbl FROM _crossfade_changes WHERE seq > ? AND seq <= ? AND tbl IS NOT NULL')
      .pluck()
      .all(from, to) as string[];
    for (const tableName of changed) {
      const table = specs.get(tableName);
      if (table === undefined) continue;
      const names = keyNames(table.key.length).join(', ');
      const cursor = this.#cursorOf(table);
      const copied = whereCopied(table, cursor);
      this.#db
        .prepare(
          `INSERT OR IGNORE INTO ${this.#tableFor(table)} (${names})
           SELECT ${names} FROM _crossfade_changes WHERE seq > ? AND seq <= ? AND tbl = ? ${copied === null ? '' : `AND ${copied}`}`,
        )
        .run(from, to, tableName, ...(copied === null ? [] : bindings(cursor?.after ?? [])));
    }
  }

  #cursorOf(table: TableSpec): Cursor | undefined {
    return this.#request.cursors.find((cursor) => cursor.table === table.name);
  }

  #tableFor(table: TableSpec): string {
    let name = this.#names.get(table.name);
    if (name === undefined) {
      name = `temp.step_keys_${this.#names.size}`;
      this.#names.set(table.name, name);
      const names = keyNames(table.key.length).join(', ');
      this.#db.exec(
        `DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} (id INTEGER PRIMARY KEY, ${names}, UNIQUE (${names}))`,
      );
    }
    return name;
  }
}

/** PROTOCOL.md R3, R4: the keys that the backfill has passed, by the order that the table itself has; `null` for all. */
function whereCopied(table: TableSpec, cursor: Cursor | undefined): string | null {
  if (cursor === undefined || cursor.isDone) return null;
  return cursor.after === null ? '0' : upToCursor(table, keyNames(table.key.length), cursor.after);
}
