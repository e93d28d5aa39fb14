import type { Collation, TableSpec } from '../spec.ts';
import { keyColumns } from '../spec.ts';

/** The version of the bookkeeping tables below. A release that finds a higher one refuses to start. */
export const BOOKKEEPING_VERSION = 1;

/** Begins the message of every write that the fence refuses; the router recognises it by this. */
export const FENCE_MESSAGE = 'crossfade: fenced';

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * Bookkeeping. The changelog has no constraint but its key: the outer statement's conflict clause overrides the one
 * inside a trigger, so that `INSERT OR IGNORE` would swallow the capture.
 * Its key columns have no declared type, so that a key keeps its exact type (https://sqlite.org/datatype3.html#determination_of_column_affinity).
 * `seq` is not AUTOINCREMENT, which would cost a second write per change; the row of the watermark is never pruned instead.
 */
export function bookkeepingSql(keyWidth: number): string {
  return `
    CREATE TABLE IF NOT EXISTS _crossfade_state (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      version INTEGER NOT NULL,
      role TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      stage TEXT NOT NULL,
      intent TEXT,
      attempt INTEGER NOT NULL DEFAULT 0,
      final_position TEXT,
      attempt_expires_ms INTEGER NOT NULL DEFAULT 0,
      capture_id TEXT,
      mirroring INTEGER NOT NULL DEFAULT 0,
      step INTEGER NOT NULL DEFAULT 0,
      watermark TEXT,
      watermark_capture_id TEXT,
      handover TEXT,
      reconciling INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS _crossfade_changes (
      seq INTEGER PRIMARY KEY, tag, tbl, ${keyNames(keyWidth).join(', ')}
    );
    CREATE TABLE IF NOT EXISTS _crossfade_tables (name TEXT PRIMARY KEY, spec TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _crossfade_triggers (name TEXT PRIMARY KEY, tbl TEXT NOT NULL, sql TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _crossfade_parked (name TEXT PRIMARY KEY, sql TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _crossfade_cursors (
      tbl TEXT PRIMARY KEY, after TEXT, done INTEGER NOT NULL DEFAULT 0, copied INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _crossfade_quarantine (
      tbl TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, since_ms INTEGER NOT NULL, PRIMARY KEY (tbl, key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _crossfade_history (
      id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, epoch INTEGER NOT NULL,
      from_stage TEXT NOT NULL, to_stage TEXT NOT NULL, note TEXT NOT NULL
    );`;
}

export const BOOKKEEPING_TABLES = [
  '_crossfade_state',
  '_crossfade_changes',
  '_crossfade_tables',
  '_crossfade_triggers',
  '_crossfade_parked',
  '_crossfade_cursors',
  '_crossfade_quarantine',
  '_crossfade_history',
] as const;

/** The changelog's key columns: `k1`, `k2`, … */
export function keyNames(width: number): string[] {
  return Array.from({ length: width }, (_, index) => `k${index + 1}`);
}

/** `COLLATE` for a column that is not compared byte by byte; nothing otherwise. */
export function collate(collation: Collation): string {
  return collation === 'BINARY' ? '' : ` COLLATE ${collation}`;
}

/** A unique index of a table, as far as capture must know it. */
export interface UniqueIndex {
  readonly parts: readonly {
    /** The indexed column or expression of a row. */
    readonly ofRow: string;
    /** The same of NEW, with what SQLite puts in place of a NULL when it replaces rows: the default of a NOT NULL column. */
    readonly ofNew: string;
    readonly collation: string;
  }[];
  /** The columns without a change of which no unique value changes; `null` where an expression, a predicate or a generated column decides. */
  readonly columns: readonly string[] | null;
}

export interface Trigger {
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

/**
 * The triggers that record which key changed, in the transaction of the change.
 *
 * - An update that moves the key records both keys, before it is made: a row that it pushes out may take the moved one along
 *   (ON DELETE CASCADE to its own table), and then no AFTER trigger fires.
 * - `REPLACE` deletes rows that share a unique value with the new one, and fires no delete trigger for them unless
 *   `recursive_triggers` is on (https://sqlite.org/lang_conflict.html). A BEFORE trigger therefore records the keys
 *   of the rows that hold NEW's unique values. Recording too much is harmless.
 */
export function captureTriggers(table: TableSpec, uniques: readonly UniqueIndex[]): readonly Trigger[] {
  const name = quote(table.name);
  const key = keyColumns(table);
  const columns = ['tag', 'tbl', ...keyNames(key.length)].join(', ');
  const record = (row: 'NEW' | 'OLD'): string =>
    `INSERT INTO _crossfade_changes (${columns}) VALUES (random(), ${literal(table.name)}, ${key
      .map((column) => `${row}.${quote(column.name)}`)
      .join(', ')});`;
  const moved = key
    .map((column) => `OLD.${quote(column.name)} IS NOT NEW.${quote(column.name)} COLLATE BINARY`)
    .join(' OR ');
  const trigger = (suffix: string, event: string, body: string): Trigger => {
    const triggerName = `_crossfade_capture_${suffix}_${table.name}`;
    return {
      name: triggerName,
      table: table.name,
      sql: `CREATE TRIGGER ${quote(triggerName)} ${event} BEGIN ${body} END`,
    };
  };
  const triggers = [
    trigger('insert', `AFTER INSERT ON ${name}`, record('NEW')),
    trigger('update', `AFTER UPDATE ON ${name}`, record('NEW')),
    trigger('move', `BEFORE UPDATE ON ${name} WHEN ${moved}`, `${record('OLD')} ${record('NEW')}`),
    trigger('delete', `AFTER DELETE ON ${name}`, record('OLD')),
  ];
  if (uniques.length > 0) {
    const rivals = rivalsSql(table, uniques).join(' ');
    const used = uniques.some((unique) => unique.columns === null)
      ? []
      : uniques.flatMap((unique) => unique.columns ?? []);
    const of = used.length === 0 ? '' : ` OF ${[...new Set(used)].map(quote).join(', ')}`;
    triggers.push(
      trigger('replace', `BEFORE INSERT ON ${name}`, rivals),
      trigger('replace_update', `BEFORE UPDATE${of} ON ${name}`, rivals),
    );
  }
  return triggers;
}

/** For each unique index, what records the keys of the rows that hold NEW's unique values. */
export function rivalsSql(table: TableSpec, uniques: readonly UniqueIndex[]): readonly string[] {
  const key = keyColumns(table);
  const columns = ['tag', 'tbl', ...keyNames(key.length)].join(', ');
  const found = ['random()', literal(table.name), ...key.map((column) => quote(column.name))].join(', ');
  return uniques.map(({ parts }) => {
    const same = parts.map(({ ofRow, ofNew, collation }) => `${ofRow} = ${ofNew} COLLATE ${collation}`);
    return `INSERT INTO _crossfade_changes (${columns}) SELECT ${found} FROM ${quote(table.name)} WHERE ${same.join(' AND ')};`;
  });
}

/**
 * The triggers that refuse the application's writes. Made when the fence goes up and dropped when it comes down, so
 * that they cost nothing in between; a write that began before cannot end after, since SQLite has one writer.
 */
export function fenceTriggers(table: TableSpec): readonly Trigger[] {
  return (['INSERT', 'UPDATE', 'DELETE'] as const).map((event) => {
    const name = `_crossfade_fence_${event.toLowerCase()}_${table.name}`;
    return {
      name,
      table: table.name,
      sql:
        `CREATE TRIGGER ${quote(name)} BEFORE ${event} ON ${quote(table.name)} ` +
        `WHEN (SELECT mirroring FROM _crossfade_state) = 0 BEGIN ` +
        `SELECT RAISE(ABORT, '${FENCE_MESSAGE}: this SQLite database no longer takes writes, PostgreSQL does (crossfade status)'); END`,
    };
  });
}
