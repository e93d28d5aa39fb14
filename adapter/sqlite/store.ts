import type Database from 'better-sqlite3';
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { ValueRefused } from '../codec.ts';
import { CrossfadeError, isCrossfadeError, messageOf } from '../errors.ts';
import { decodeKey, encodeKey, keyColumns, keyOf } from '../spec.ts';
import type { Key, Row, TableShape, TableSpec } from '../spec.ts';
import { parseStage } from '../stage.ts';
import type {
  Cursor,
  Fenced,
  InstallRequest,
  Intent,
  Position,
  Progress,
  Quarantined,
  Role,
  StepApplied,
  StepReading,
  StepRequest,
  StepToApply,
  Store,
  StoreState,
} from '../store.ts';
import { isRowRefusal, openConnection, retryWhileBusy, writeTransaction } from './connection.ts';
import { describeTables, replacingIndexes, widenChangelog } from './describe.ts';
import { formatPosition, parsePosition } from './position.ts';
import { BOOKKEEPING_TABLES, BOOKKEEPING_VERSION, bookkeepingSql, captureTriggers, fenceTriggers, keyNames, literal, quote } from './sql.ts';
import { RowLookup, selectPage, StepReader } from './step-reader.ts';

interface StateRow {
  readonly version: bigint;
  readonly role: Role;
  readonly epoch: bigint;
  readonly stage: string;
  readonly intent: Intent | null;
  readonly attempt: bigint;
  readonly final_position: string | null;
  readonly attempt_expires_ms: bigint;
  readonly capture_id: string | null;
  readonly step: bigint;
  readonly watermark: string | null;
  readonly watermark_capture_id: string | null;
  readonly handover: string | null;
}

/** Entries forgotten in one go: bounds how long the write lock is held. */
const PRUNE_ENTRIES = 2_000;

/**
 * SQLite as a {@link Store}. Two connections of its own: `#db` for everything short, and one that holds a step's
 * snapshot open while PostgreSQL takes the rows.
 */
export class SqliteStore implements Store {
  readonly name = 'sqlite';
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #snapshots: Database.Database;
  readonly #reader: StepReader;

  private constructor(path: string, db: Database.Database, snapshots: Database.Database) {
    this.#path = path;
    this.#db = db;
    this.#snapshots = snapshots;
    this.#reader = new StepReader(snapshots, path);
  }

  /** @throws CrossfadeError `SQLITE_UNREADABLE`. */
  static open(path: string): SqliteStore {
    const db = openConnection(path);
    return new SqliteStore(realpathSync(path), db, openConnection(path));
  }

  async describe(): Promise<readonly TableShape[]> {
    return this.describeNow();
  }

  /** The same without waiting: the file is local. */
  describeNow(): readonly TableShape[] {
    return describeTables(this.#db);
  }

  async tablesWithRows(tables: readonly TableSpec[]): Promise<readonly string[]> {
    return tables
      .map((table) => table.name)
      .filter((name) => this.#db.prepare(`SELECT 1 FROM ${quote(name)} LIMIT 1`).get() !== undefined);
  }

  // ── Bookkeeping ───────────────────────────────────────────────────────────────────────────────────────────────

  async state(): Promise<StoreState | undefined> {
    return this.#state();
  }

  async installedTables(): Promise<readonly TableSpec[]> {
    return this.#installedTables();
  }

  async prepareInstall(tables: readonly TableSpec[]): Promise<void> {
    this.#assertNoNullKeys(tables);
    await this.#enterWalMode();
  }

  async install(request: InstallRequest): Promise<void> {
    const installed = this.#state();
    const isCaptured = installed?.captureId !== undefined && installed.captureId !== null;
    await this.#write(() => {
      this.#db.exec(bookkeepingSql(Math.max(1, ...request.tables.map((table) => table.key.length))));
      widenChangelog(this.#db, Math.max(1, ...request.tables.map((table) => table.key.length)));
      this.#db.exec('DELETE FROM _crossfade_tables');
      const remember = this.#db.prepare('INSERT INTO _crossfade_tables (name, spec) VALUES (?, ?)');
      const cursor = this.#db.prepare('INSERT OR IGNORE INTO _crossfade_cursors (tbl, done) VALUES (?, 1)');
      for (const table of request.tables) {
        remember.run(table.name, JSON.stringify(table));
        cursor.run(table.name);
      }
      this.#db
        .prepare('INSERT OR IGNORE INTO _crossfade_state (id, version, role, epoch, stage) VALUES (1, ?, ?, ?, ?)')
        .run(BOOKKEEPING_VERSION, request.role, request.epoch, request.stage);
      if (request.role === 'primary') this.#installCapture(request.tables);
      if (request.role === 'primary' && !isCaptured) {
        // The first entry belongs to no table: there is always one to take the watermark's fingerprint from.
        this.#db.exec('INSERT INTO _crossfade_changes (tag) VALUES (random())');
        this.#db
          .prepare('UPDATE _crossfade_state SET capture_id = ?, handover = ?')
          .run(randomUUID(), formatPosition(this.#position()));
      }
    });
  }

  async adopt(request: { captureId: string; watermark: Position; tables: readonly TableSpec[]; empties: boolean }): Promise<void> {
    await this.#write(() => {
      if (request.empties) for (const table of request.tables) this.#db.exec(`DELETE FROM ${quote(table.name)}`);
      this.#db.exec('DELETE FROM _crossfade_cursors; DELETE FROM _crossfade_quarantine');
      const cursor = this.#db.prepare('INSERT INTO _crossfade_cursors (tbl) VALUES (?)');
      for (const table of request.tables) cursor.run(table.name);
      this.#db
        .prepare('UPDATE _crossfade_state SET step = step + 1, watermark = ?, watermark_capture_id = ?')
        .run(request.watermark, request.captureId);
    });
  }

  async uninstall(): Promise<void> {
    if (this.#state() === undefined) return;
    await this.#write(() => {
      this.#dropTriggers('_crossfade\\_%');
      this.#restoreUserTriggers();
      for (const table of BOOKKEEPING_TABLES) this.#db.exec(`DROP TABLE IF EXISTS ${table}`);
    });
  }

  async recordStage(change: { from: string; to: string; epoch: number; note: string }): Promise<boolean> {
    return this.#write(() => {
      const { changes } = this.#db
        .prepare('UPDATE _crossfade_state SET stage = ? WHERE stage = ? AND epoch = ? AND intent IS NULL')
        .run(change.to, change.from, change.epoch);
      if (changes === 1) this.#noteHistory(change);
      return changes === 1;
    });
  }

  // ── As primary ────────────────────────────────────────────────────────────────────────────────────────────────

  async position(): Promise<Position> {
    return formatPosition(this.#position());
  }

  async hasChangesAfter(watermark: Position): Promise<boolean> {
    return this.#position().seq !== parsePosition(watermark).seq || this.#state()?.role !== 'primary';
  }

  async changedKeys(table: TableSpec, after: Position): Promise<readonly Key[]> {
    return this.#db
      .prepare(`SELECT DISTINCT ${keyNames(table.key.length).join(', ')} FROM _crossfade_changes WHERE seq > ? AND tbl = ?`)
      .raw()
      .all(parsePosition(after).seq, table.name) as Key[];
  }

  reaches(watermark: Position, position: Position): boolean {
    return parsePosition(watermark).seq >= parsePosition(position).seq;
  }

  async read<T>(request: StepRequest, use: (reading: StepReading) => Promise<T>): Promise<T> {
    return this.#reader.read(request, use);
  }

  async prune(watermark: Position): Promise<number> {
    const { seq } = parsePosition(watermark);
    const oldest = this.#db.prepare('SELECT min(seq) FROM _crossfade_changes').pluck().get() as bigint | null;
    if (oldest === null || oldest >= seq) return 0;
    const forget = (): number =>
      this.#db
        .prepare('DELETE FROM _crossfade_changes WHERE seq IN (SELECT seq FROM _crossfade_changes WHERE seq < ? ORDER BY seq LIMIT ?)')
        .run(seq, PRUNE_ENTRIES).changes;
    try {
      return await this.#write(forget, 0);
    } catch (error) {
      // There is always another time. To wait for somebody's long transaction would keep the Mirror from its work.
      if (isCrossfadeError(error, 'SQLITE_BUSY')) return 0;
      throw error;
    }
  }

  async dropCapture(): Promise<void> {
    await this.#write(() => {
      this.#dropCaptureTriggers();
      const { seq } = this.#position();
      this.#db.prepare('DELETE FROM _crossfade_changes WHERE seq < ?').run(seq);
      this.#db.exec('UPDATE _crossfade_state SET capture_id = NULL');
    });
  }

  // ── As secondary ──────────────────────────────────────────────────────────────────────────────────────────────

  async progress(): Promise<Progress> {
    const state = this.#state();
    if (state === undefined) throw notInstalled(this.#path);
    return { state, cursors: this.#cursors(), quarantine: this.#quarantine() };
  }

  /**
   * All rows are fetched before the transaction begins: within it there is no await, so that a paused process never
   * holds SQLite's only write lock.
   */
  async apply(step: StepToApply): Promise<StepApplied | null> {
    const batches: { table: TableSpec; empties: boolean; present: readonly Row[]; absent: readonly Key[] }[] = [];
    for await (const batch of step.reading.batches()) batches.push(batch);
    await step.reading.durable();
    return this.#write(() => {
      const claimed = this.#db
        .prepare(
          `UPDATE _crossfade_state SET step = step + 1, mirroring = 1, watermark = ?
           WHERE role = 'secondary' AND epoch = ? AND watermark_capture_id = ? AND step = ?`,
        )
        .run(step.reading.position, step.epoch, step.captureId, step.step);
      if (claimed.changes !== 1) return null;
      let upserted = 0;
      let deleted = 0;
      // PROTOCOL.md R26 in its simplest sound form: every changed row goes before the first one comes.
      for (const { table, empties, present, absent } of batches) {
        if (empties) this.#db.exec(`DELETE FROM ${quote(table.name)}`);
        const remove = this.#db.prepare(deleteByKey(table));
        const release = this.#db.prepare('DELETE FROM _crossfade_quarantine WHERE tbl = ? AND key = ?');
        for (const key of [...absent, ...present.map((row) => keyOf(table, row))]) {
          remove.run(...key);
          if (step.quarantine.length > 0) release.run(table.name, encodeKey(key));
        }
        deleted += absent.length;
      }
      for (const { table, present } of batches) {
        if (present.length === 0) continue;
        const insert = this.#db.prepare(insertRow(table));
        for (const row of present) {
          if (this.#insert(insert, table, row)) upserted += 1;
        }
      }
      if (step.reading.cursor !== null) this.#saveCursor(step.reading.cursor);
      this.#db.exec('UPDATE _crossfade_state SET mirroring = 0');
      return { upserted, deleted, quarantine: this.#quarantine() };
    });
  }

  #insert(insert: Database.Statement, table: TableSpec, row: Row): boolean {
    try {
      // SQLite would keep it as NULL, and say nothing of it.
      if (row.some(Number.isNaN)) throw new ValueRefused('not a number (NaN), which SQLite cannot hold');
      insert.run(...row);
      return true;
    } catch (error) {
      if (!isRowRefusal(error) && !(error instanceof ValueRefused)) throw error;
      this.#db
        .prepare('INSERT INTO _crossfade_quarantine (tbl, key, reason, since_ms) VALUES (?, ?, ?, ?)')
        .run(table.name, encodeKey(keyOf(table, row)), messageOf(error), Date.now());
      return false;
    }
  }

  // ── The write switch ──────────────────────────────────────────────────────────────────────────────────────────

  async prepareUnfence(): Promise<void> {
    // Triggers are made in microseconds here, in the transaction that unfences.
  }

  async fence(expected: { epoch: number; expiresMs: number; waitMs: number }): Promise<Fenced | null> {
    return this.#write(() => {
      const state = this.#state();
      if (state?.role !== 'primary' || state.intent !== null || state.epoch !== expected.epoch) return null;
      this.#raiseFence();
      const finalPosition = formatPosition(this.#position());
      this.#db
        .prepare(
          `UPDATE _crossfade_state SET intent = 'fenced', attempt = attempt + 1, final_position = ?, attempt_expires_ms = ?`,
        )
        .run(finalPosition, Date.now() + expected.expiresMs);
      return { attempt: state.attempt + 1, finalPosition };
    }, expected.waitMs);
  }

  async cancel(expected: { epoch: number; attempt: number }): Promise<boolean> {
    return this.#write(() => {
      const { changes } = this.#db
        .prepare(
          `UPDATE _crossfade_state SET intent = NULL, final_position = NULL WHERE intent = 'fenced' AND epoch = ? AND attempt = ?`,
        )
        .run(expected.epoch, expected.attempt);
      if (changes === 1) this.#dropTriggers('_crossfade\\_fence\\_%');
      return changes === 1;
    });
  }

  async release(expected: { epoch: number; attempt: number }): Promise<boolean> {
    return this.#write(
      () =>
        this.#db
          .prepare(`UPDATE _crossfade_state SET intent = 'released' WHERE intent = 'fenced' AND epoch = ? AND attempt = ?`)
          .run(expected.epoch, expected.attempt).changes === 1,
    );
  }

  async unfence(expected: {
    epoch: number;
    finalPosition: Position;
    stage: string;
    reached: (watermark: Position) => boolean;
    sequences: ReadonlyMap<string, bigint>;
  }): Promise<boolean> {
    return this.#write(() => {
      const state = this.#state();
      if (state?.role !== 'secondary' || state.epoch !== expected.epoch || state.watermark === null) return false;
      if (!expected.reached(state.watermark) || this.#quarantine().length > 0) return false;
      for (const table of this.#installedTables()) this.#advanceSequence(table, expected.sequences.get(table.name));
      this.#dropTriggers('_crossfade\\_fence\\_%');
      this.#installCapture(this.#installedTables());
      this.#restoreUserTriggers();
      this.#db
        .prepare(
          `UPDATE _crossfade_state SET role = 'primary', epoch = epoch + 1, stage = ?, handover = ?, capture_id = coalesce(capture_id, ?)`,
        )
        .run(expected.stage, formatPosition(this.#position()), randomUUID());
      this.#noteHistory({ from: state.stage, to: expected.stage, epoch: state.epoch + 1, note: 'write switch: took the writes over' });
      return true;
    });
  }

  async record(expected: { epoch: number; stage: string; captureId: string; handover: Position }): Promise<boolean> {
    return this.#write(() => {
      const from = this.#state()?.stage ?? expected.stage;
      const { changes } = this.#db
        .prepare(
          `UPDATE _crossfade_state SET role = 'secondary', epoch = epoch + 1, stage = ?, intent = NULL, final_position = NULL,
             step = step + 1, watermark = ?, watermark_capture_id = ?
           WHERE role = 'primary' AND intent = 'released' AND epoch = ?`,
        )
        .run(expected.stage, expected.handover, expected.captureId, expected.epoch);
      if (changes !== 1) return false;
      // Behind the fence nobody writes but the Mirror, so neither capture nor the user's own triggers may fire.
      this.#dropCaptureTriggers();
      this.#parkUserTriggers();
      this.#noteHistory({ from, to: expected.stage, epoch: expected.epoch + 1, note: 'write switch: gave the writes up' });
      return true;
    });
  }

  async sequences(): Promise<ReadonlyMap<string, bigint>> {
    const hasTable = this.#db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'`).get() !== undefined;
    const given = hasTable
      ? (this.#db.prepare('SELECT name, seq FROM sqlite_sequence WHERE seq IS NOT NULL').raw().all() as [string, bigint][])
      : [];
    const names = new Set(this.#installedTables().map((table) => table.name));
    return new Map(given.filter(([name]) => names.has(name)));
  }

  // ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async page(table: TableSpec, after: Key | null, rows: number): Promise<readonly Row[]> {
    return selectPage(this.#db, table, after, rows);
  }

  async rowsByKey(table: TableSpec, keys: readonly Key[]): Promise<readonly (Row | undefined)[]> {
    const lookup = new RowLookup(this.#db, table);
    return keys.map((key) => lookup.find(key));
  }

  async count(table: TableSpec): Promise<number> {
    return Number(this.#db.prepare(`SELECT count(*) FROM ${quote(table.name)}`).pluck().get());
  }

  /** SQLite checks foreign keys only as rows change; rows that break one stay as they are. */
  async brokenConstraints(): Promise<readonly string[]> {
    return [];
  }

  async ping(): Promise<void> {
    this.#db.prepare('SELECT 1').get();
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#snapshots.close();
    this.#db.close();
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  #write<T>(work: () => T, limitMs?: number): Promise<T> {
    return writeTransaction(this.#db, work, limitMs);
  }

  #state(): StoreState | undefined {
    if (this.#db.prepare(`SELECT 1 FROM sqlite_master WHERE name = '_crossfade_state'`).get() === undefined) return undefined;
    const row = this.#db.prepare('SELECT * FROM _crossfade_state').get() as StateRow | undefined;
    if (row === undefined) return undefined;
    assertVersion(Number(row.version));
    return {
      role: row.role,
      epoch: Number(row.epoch),
      stage: parseStage(row.stage),
      intent: row.intent,
      attempt: Number(row.attempt),
      finalPosition: row.final_position,
      attemptExpired: row.intent === 'fenced' && Date.now() > Number(row.attempt_expires_ms),
      captureId: row.capture_id,
      step: Number(row.step),
      watermark: row.watermark,
      watermarkCaptureId: row.watermark_capture_id,
      handover: row.handover,
    };
  }

  #installedTables(): readonly TableSpec[] {
    if (this.#state() === undefined) return [];
    const specs = this.#db.prepare('SELECT spec FROM _crossfade_tables ORDER BY name').pluck().all() as string[];
    return specs.map((spec) => JSON.parse(spec) as TableSpec);
  }

  #position(): { seq: bigint; tag: bigint } {
    const entry = this.#db.prepare('SELECT seq, tag FROM _crossfade_changes ORDER BY seq DESC LIMIT 1').get() as
      | { seq: bigint; tag: bigint }
      | undefined;
    return entry ?? { seq: 0n, tag: 0n };
  }

  #cursors(): readonly Cursor[] {
    const rows = this.#db.prepare('SELECT tbl, after, done, copied FROM _crossfade_cursors').all() as {
      tbl: string;
      after: string | null;
      done: bigint;
      copied: bigint;
    }[];
    return rows.map((row) => ({
      table: row.tbl,
      after: row.after === null ? null : decodeKey(row.after),
      isDone: row.done === 1n,
      rowsCopied: Number(row.copied),
    }));
  }

  #saveCursor(cursor: Cursor): void {
    this.#db
      .prepare('UPDATE _crossfade_cursors SET after = ?, done = ?, copied = ? WHERE tbl = ?')
      .run(cursor.after === null ? null : encodeKey(cursor.after), cursor.isDone ? 1 : 0, cursor.rowsCopied, cursor.table);
  }

  #quarantine(): readonly Quarantined[] {
    const rows = this.#db.prepare('SELECT tbl, key, reason, since_ms FROM _crossfade_quarantine').all() as {
      tbl: string;
      key: string;
      reason: string;
      since_ms: bigint;
    }[];
    return rows.map((row) => ({
      table: row.tbl,
      key: decodeKey(row.key),
      reason: row.reason,
      since: new Date(Number(row.since_ms)),
    }));
  }

  #noteHistory(change: { from: string; to: string; epoch: number; note: string }): void {
    this.#db
      .prepare('INSERT INTO _crossfade_history (at_ms, epoch, from_stage, to_stage, note) VALUES (?, ?, ?, ?, ?)')
      .run(Date.now(), change.epoch, change.from, change.to, change.note);
  }

  /** The change needs one moment in which no other connection is in a transaction. */
  async #enterWalMode(): Promise<void> {
    const mode = await retryWhileBusy(() => this.#db.pragma('journal_mode = WAL', { simple: true }));
    if (mode === 'wal') return;
    throw new CrossfadeError(
      'SQLITE_UNREADABLE',
      `could not put the SQLite file into WAL mode: it stayed in "${String(mode)}"`,
      { hint: 'WAL needs a local disk (no network file system); see https://sqlite.org/wal.html' },
    );
  }

  #assertNoNullKeys(tables: readonly TableSpec[]): void {
    for (const table of tables) {
      const isNull = keyColumns(table).map((column) => `${quote(column.name)} IS NULL`);
      const rows = this.#db.prepare(`SELECT count(*) FROM ${quote(table.name)} WHERE ${isNull.join(' OR ')}`).pluck().get() as bigint;
      if (rows === 0n) continue;
      throw new CrossfadeError('KEY_HOLDS_NULL', `table "${table.name}" holds ${rows} rows with a NULL in their key`, {
        hint: `PostgreSQL keys cannot be NULL; give these rows a key or delete them: SELECT * FROM ${quote(table.name)} WHERE ${isNull.join(' OR ')}`,
      });
    }
  }

  #installCapture(tables: readonly TableSpec[]): void {
    this.#dropCaptureTriggers();
    const remember = this.#db.prepare('INSERT INTO _crossfade_triggers (name, tbl, sql) VALUES (?, ?, ?)');
    for (const table of tables) {
      const key = keyColumns(table).map((column) => column.name);
      for (const trigger of captureTriggers(table, replacingIndexes(this.#db, table.name, key))) {
        this.#db.exec(trigger.sql);
        const stored = this.#db.prepare(`SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?`).pluck().get(trigger.name);
        remember.run(trigger.name, trigger.table, stored);
      }
    }
  }

  #dropCaptureTriggers(): void {
    this.#dropTriggers('_crossfade\\_capture\\_%');
    this.#db.exec('DELETE FROM _crossfade_triggers');
  }

  #dropTriggers(like: string): void {
    const names = this.#db
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE ${literal(like)} ESCAPE '\\'`)
      .pluck()
      .all() as string[];
    for (const name of names) this.#db.exec(`DROP TRIGGER ${quote(name)}`);
  }

  #raiseFence(): void {
    this.#dropTriggers('_crossfade\\_fence\\_%');
    for (const table of this.#installedTables()) for (const { sql } of fenceTriggers(table)) this.#db.exec(sql);
  }

  /** The user's own triggers would run twice: once on PostgreSQL, whose rows arrive here, and once more here. */
  #parkUserTriggers(): void {
    const names = this.#installedTables().map((table) => literal(table.name));
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

  #restoreUserTriggers(): void {
    const parked = this.#db.prepare('SELECT sql FROM _crossfade_parked ORDER BY name').pluck().all() as string[];
    for (const sql of parked) this.#db.exec(sql);
    this.#db.exec('DELETE FROM _crossfade_parked');
  }

  /** AUTOINCREMENT never gives out an id twice: it must know the ids that PostgreSQL gave out and rows that are gone. */
  #advanceSequence(table: TableSpec, given: bigint | undefined): void {
    if (!table.autoIncrement || given === undefined) return;
    const moved = this.#db.prepare('UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?').run(given, table.name);
    if (moved.changes === 0) this.#db.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table.name, given);
  }
}

function deleteByKey(table: TableSpec): string {
  const conditions = keyColumns(table).map((column) => `${quote(column.name)} = ?`);
  return `DELETE FROM ${quote(table.name)} WHERE ${conditions.join(' AND ')}`;
}

function insertRow(table: TableSpec): string {
  const columns = table.columns.map((column) => quote(column.name));
  return `INSERT INTO ${quote(table.name)} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
}

function assertVersion(version: number): void {
  if (version <= BOOKKEEPING_VERSION) return;
  throw new CrossfadeError(
    'VERSION_UNKNOWN',
    `the SQLite file carries Crossfade's bookkeeping of version ${version}; this release knows version ${BOOKKEEPING_VERSION}`,
    { hint: 'run the same release of knex-crossfade in every process, the newest one' },
  );
}

function notInstalled(path: string): CrossfadeError {
  return new CrossfadeError('NOT_INSTALLED', `Crossfade is not installed in the SQLite file "${path}"`, {
    hint: 'run: crossfade install',
  });
}
