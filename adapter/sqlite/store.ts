import type Database from 'better-sqlite3';
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { CrossfadeError, isCrossfadeError, messageOf } from '../errors.ts';
import { keyColumns } from '../spec.ts';
import type { Key, Row, TableShape, TableSpec } from '../spec.ts';
import type { TableDeclaration } from '../table-declaration.ts';
import { stageRow } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { stepOutdated } from '../store.ts';
import type {
  Batch,
  Fenced,
  InstallRequest,
  Position,
  Progress,
  StepApplied,
  StepReading,
  StepRequest,
  StepToApply,
  Store,
  StoreState,
} from '../store.ts';
import { Bookkeeping, NEVER_MS } from './bookkeeping.ts';
import { openConnection, retryWhileBusy, writeTransaction } from './connection.ts';
import { tableDeclarations } from './declarations.ts';
import { describeTables, widenChangelog } from './describe.ts';
import { SqliteDigests } from './digests.ts';
import { Durability } from './durability.ts';
import { ExactSelect } from './exact-select.ts';
import { LargeSteps } from './large-steps.ts';
import { formatPosition, parsePosition } from './position.ts';
import { BOOKKEEPING_TABLES, BOOKKEEPING_VERSION, bookkeepingSql, keyNames, quote } from './sql.ts';
import { lostCapture, verifyCapture } from './verify-capture.ts';
import { selectPage } from './piece-reader.ts';
import { RowLookup, StepReader } from './step-reader.ts';
import type { SnapshotReading } from './step-reader.ts';
import { applyStep } from './step-writer.ts';
import { SqliteThread } from './thread.ts';
import { reviveValues } from './thread-values.ts';
import { Triggers } from './triggers.ts';
import { WalFile } from './wal-file.ts';

/** More rows than that are read, and applied, by a thread. */
const ROWS_ON_LOOP = 1_000;
/** How long a step waits for SQLite's lock before it is given up, which shows in the status, and read again. */
const STEP_BUSY_LIMIT_MS = 1_000;
/** Entries forgotten in one go: bounds how long the write lock is held. */
const PRUNE_ENTRIES = 2_000;

/**
 * SQLite as a {@link Store}. Three connections of its own: `#db` for everything short, every commit of which is durable;
 * one that reads steps; and one that applies them, which become durable together, by {@link flush}. What is large is
 * left to a thread, which has its own.
 */
export class SqliteStore implements Store {
  readonly name = 'sqlite';
  readonly digests: SqliteDigests;
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #snapshots: Database.Database;
  readonly #steps: Database.Database;
  readonly #wal: WalFile;
  readonly #durability: Durability;
  readonly #thread: SqliteThread;
  readonly #large: LargeSteps;
  /** The schema and the tables in which capture was last found as it was installed. */
  #captureSeen = '';
  /** Somebody may have taken the file out of it while no connection was open; since then it stays as it is. */
  #isInWalMode = false;
  /** Resolves when the last step that was handed in has ended, well or not. */
  #applying: Promise<unknown> = Promise.resolve();
  readonly #reader: StepReader;
  readonly #books: Bookkeeping;
  readonly #triggers: Triggers;

  private constructor(path: string, connections: Record<'db' | 'snapshots' | 'steps', Database.Database>) {
    this.#path = path;
    this.#db = connections.db;
    this.#snapshots = connections.snapshots;
    this.#steps = connections.steps;
    this.#wal = new WalFile(realpathSync(path));
    this.#durability = new Durability(this.#wal);
    this.#thread = new SqliteThread(path);
    this.digests = new SqliteDigests(path, connections.db);
    this.#large = new LargeSteps(this.#thread, this.#durability);
    this.#reader = new StepReader(connections.snapshots);
    this.#books = new Bookkeeping(connections.db);
    this.#triggers = new Triggers(connections.db);
  }

  /** @throws CrossfadeError `SQLITE_UNREADABLE`. */
  static open(path: string): SqliteStore {
    return new SqliteStore(path, {
      db: openConnection(path),
      snapshots: openConnection(path),
      steps: openConnection(path, { synchronous: 'NORMAL' }),
    });
  }

  async describe(): Promise<readonly TableShape[]> {
    return retryWhileBusy(() => this.describeNow());
  }

  /** The same without waiting: the file is local. */
  describeNow(): readonly TableShape[] {
    return describeTables(this.#db);
  }

  async declarations(tables: readonly string[]): Promise<readonly TableDeclaration[]> {
    return tableDeclarations(this.#db, tables);
  }

  async tablesWithRows(tables: readonly TableSpec[]): Promise<readonly string[]> {
    return tables
      .map((table) => table.name)
      .filter((name) => this.#db.prepare(`SELECT 1 FROM ${quote(name)} LIMIT 1`).get() !== undefined);
  }

  // ── Bookkeeping ───────────────────────────────────────────────────────────────────────────────────────────────

  // What is asked before the install waits for writers: until then the file may not be in WAL mode.

  async state(): Promise<StoreState | undefined> {
    return retryWhileBusy(() => this.#books.state());
  }

  async installedTables(): Promise<readonly TableSpec[]> {
    return retryWhileBusy(() => this.#books.installedTables());
  }

  async prepareInstall(tables: readonly TableSpec[]): Promise<void> {
    await retryWhileBusy(() => this.#assertNoNullKeys(tables));
    await this.#enterWalMode();
  }

  async install(request: InstallRequest): Promise<void> {
    await this.#write(() => {
      // In the transaction: two processes may install at once. Capture that was broken begins anew, which voids the watermark.
      const isCaptured = (this.#books.state()?.captureId ?? null) !== null && lostCapture(this.#db) === undefined;
      this.#db.exec(bookkeepingSql(Math.max(1, ...request.tables.map((table) => table.key.length))));
      addReconciling(this.#db);
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
      if (request.role === 'primary') this.#triggers.installCapture(request.tables);
      else {
        this.#triggers.raiseFence(request.tables);
        this.#triggers.parkUsers(request.tables);
      }
      if (request.role === 'primary' && !isCaptured) {
        // The first entry belongs to no table: there is always one to take the watermark's fingerprint from.
        this.#db.exec('INSERT INTO _crossfade_changes (tag) VALUES (random())');
        this.#db
          .prepare('UPDATE _crossfade_state SET capture_id = ?, handover = ?')
          .run(randomUUID(), formatPosition(this.#books.position()));
      }
    });
  }

  async adopt(request: {
    captureId: string;
    watermark: Position;
    tables: readonly TableSpec[];
    empties: boolean;
    reconciles?: boolean;
  }): Promise<void> {
    await this.#large.interrupt(stepOutdated('sqlite', 'begins to follow anew'));
    await this.#write(() => {
      if (this.#books.state()?.role !== 'secondary') throw stepOutdated('sqlite', 'is not the secondary any more');
      this.#db.exec('UPDATE _crossfade_state SET mirroring = 1');
      if (request.empties) for (const table of request.tables) this.#db.exec(`DELETE FROM ${quote(table.name)}`);
      this.#db.exec('DELETE FROM _crossfade_cursors; DELETE FROM _crossfade_quarantine');
      const cursor = this.#db.prepare('INSERT INTO _crossfade_cursors (tbl) VALUES (?)');
      for (const table of request.tables) cursor.run(table.name);
      this.#db
        .prepare(
          'UPDATE _crossfade_state SET step = step + 1, watermark = ?, watermark_capture_id = ?, reconciling = ?, mirroring = 0',
        )
        .run(request.watermark, request.captureId, request.reconciles === true ? 1 : 0);
    });
  }

  async reconciled(): Promise<void> {
    await this.#write(() => {
      this.#db.exec(`UPDATE _crossfade_state SET reconciling = 0 WHERE role = 'secondary'`);
    });
  }

  async uninstall(): Promise<void> {
    if (this.#books.state() === undefined) return;
    await this.#large.interrupt(stepOutdated('sqlite', 'was uninstalled'));
    await this.#write(() => {
      this.#triggers.dropAll();
      this.#triggers.restoreUsers();
      for (const table of BOOKKEEPING_TABLES) this.#db.exec(`DROP TABLE IF EXISTS ${table}`);
    });
  }

  async recordStage(change: { from: string; to: string; epoch: number; note: string }): Promise<boolean> {
    return this.#write(() => {
      const { changes } = this.#db
        .prepare('UPDATE _crossfade_state SET stage = ? WHERE stage = ? AND epoch = ? AND intent IS NULL')
        .run(change.to, change.from, change.epoch);
      if (changes === 1) this.#books.noteHistory(change);
      return changes === 1;
    });
  }

  warmUp(tables: readonly TableSpec[]): void {
    const startThread = async (): Promise<void> => {
      if (tables.some((table) => this.#reader.isLong(table))) await this.#thread.use(async () => {});
    };
    startThread().catch(() => {});
  }

  // ── As primary ────────────────────────────────────────────────────────────────────────────────────────────────

  async position(): Promise<Position> {
    return formatPosition(this.#books.position());
  }

  async hasChangesAfter(watermark: Position): Promise<boolean> {
    return (
      this.#books.position().seq !== parsePosition(watermark).seq ||
      this.#books.state()?.role !== 'primary' ||
      !this.#reader.isVerified
    );
  }

  async changedKeys(table: TableSpec, after: Position): Promise<readonly Key[]> {
    const names = keyNames(table.key.length);
    const changed = `FROM (SELECT DISTINCT ${names.join(', ')} FROM _crossfade_changes WHERE seq > ? AND tbl = ?)`;
    return new ExactSelect(this.#db, names, changed).all(parsePosition(after).seq, table.name);
  }

  reaches(watermark: Position, position: Position): boolean {
    return parsePosition(watermark).seq >= parsePosition(position).seq;
  }

  async read<T>(request: StepRequest, use: (reading: StepReading) => Promise<T>): Promise<T> {
    if (!this.#isInWalMode) await this.#enterWalMode();
    if (this.#reader.isLarge(request)) return this.#large.read(request, use);
    try {
      const reading = await this.#reader.open(request);
      const durable = this.#durability.of({ seq: parsePosition(reading.position).seq, isEmpty: reading.isEmpty });
      return await use(onLoop(reading, durable));
    } finally {
      this.#reader.close();
    }
  }

  async verifyCapture(tables: readonly TableSpec[]): Promise<void> {
    // Whatever takes capture away changes the schema.
    const version = this.#db.pragma('schema_version', { simple: true });
    const seen = JSON.stringify([Number(version), tables.map(({ name }) => name)]);
    if (seen === this.#captureSeen) return;
    verifyCapture(this.#db, tables);
    this.#captureSeen = seen;
  }

  async keepsSince(position: Position): Promise<boolean> {
    const { seq, tag } = parsePosition(position);
    return this.#db.prepare('SELECT 1 FROM _crossfade_changes WHERE seq = ? AND tag = ?').get(seq, tag) !== undefined;
  }

  async prune(watermark: Position): Promise<number> {
    const { seq } = parsePosition(watermark);
    const oldest = this.#db.prepare('SELECT min(seq) FROM _crossfade_changes').pluck().get() as bigint | null;
    if (oldest === null || oldest >= seq) return 0;
    const forget = (): number =>
      this.#db
        .prepare(
          'DELETE FROM _crossfade_changes WHERE seq IN (SELECT seq FROM _crossfade_changes WHERE seq < ? ORDER BY seq LIMIT ?)',
        )
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
      const state = this.#books.state();
      if (state === undefined || stageRow(state.stage).mirrorsTo !== null) return;
      this.#triggers.dropCapture();
      const { seq } = this.#books.position();
      this.#db.prepare('DELETE FROM _crossfade_changes WHERE seq < ?').run(seq);
      this.#db.exec('UPDATE _crossfade_state SET capture_id = NULL');
    });
  }

  async stopCapture(note: string): Promise<void> {
    await this.#write(() => {
      const state = this.#books.state();
      if (state?.role !== 'primary' || state.captureId === null) return;
      this.#triggers.dropCapture();
      // Emptying a table whole frees its pages without reading them; the next number goes on after the last one given out.
      const { seq } = this.#books.position();
      this.#db.exec('DELETE FROM _crossfade_changes');
      this.#db.prepare('INSERT INTO _crossfade_changes (seq, tag) VALUES (?, random())').run(seq + 1n);
      this.#db.exec('UPDATE _crossfade_state SET capture_id = NULL');
      this.#books.noteHistory({ from: state.stage, to: state.stage, epoch: state.epoch, note });
    });
  }

  async recapture(tables: readonly TableSpec[]): Promise<{ captureId: string; position: Position }> {
    const captureId = randomUUID();
    return this.#write(() => {
      if (this.#books.state()?.role !== 'primary') throw stepOutdated('sqlite', 'is not the primary any more');
      this.#triggers.installCapture(tables);
      this.#db.exec('INSERT INTO _crossfade_changes (tag) VALUES (random())');
      const position = formatPosition(this.#books.position());
      this.#db.prepare('UPDATE _crossfade_state SET capture_id = ?, handover = ?').run(captureId, position);
      return { captureId, position };
    });
  }

  async touch(table: TableSpec, keys: readonly Key[]): Promise<void> {
    const names = keyNames(table.key.length);
    await this.#write(() => {
      const state = this.#books.state();
      if (state?.role !== 'primary' || state.intent !== null) throw stepOutdated('sqlite', 'is not the primary now');
      const record = this.#db.prepare(
        `INSERT INTO _crossfade_changes (tag, tbl, ${names.join(', ')}) VALUES (random(), ?, ${names.map(() => '?').join(', ')})`,
      );
      for (const key of keys) record.run(table.name, ...key);
    });
  }

  async changelogBytes(): Promise<number> {
    return this.#books.state() === undefined ? 0 : this.#books.changelogBytes();
  }

  // ── As secondary ──────────────────────────────────────────────────────────────────────────────────────────────

  async progress(): Promise<Progress> {
    const state = this.#books.state();
    if (state === undefined) throw notInstalled(this.#path);
    return { state, cursors: this.#books.cursors(), quarantine: this.#books.quarantine() };
  }

  /**
   * All rows are fetched before the transaction begins: within it nothing is waited for, so that a slow or paused other
   * side never keeps SQLite's only write lock held. Those of a large step wait in temporary tables, not in memory.
   */
  apply(step: StepToApply): Promise<StepApplied | null> {
    const before = this.#applying;
    const applied = this.#applyAfter(before, step);
    this.#applying = applied.catch(() => {});
    return applied;
  }

  async #applyAfter(before: Promise<unknown>, step: StepToApply): Promise<StepApplied | null> {
    const ready = async (): Promise<void> => {
      await Promise.all([step.reading.durable(), before]);
      if (!this.#isInWalMode) await this.#enterWalMode();
    };
    // Of a step that is read bit by bit nobody knows how much it is.
    const rest = each(step.reading.batches());
    const fetched: Batch[] = [];
    let rows = 0;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      const batch = next.value;
      fetched.push(batch);
      rows += batch.present.length + batch.absent.length;
      if (rows <= ROWS_ON_LOOP && !batch.empties) continue;
      const applied = await this.#large.apply(step, { fetched, rest, ready });
      this.#wal.expectMuch();
      return applied;
    }
    await ready();
    return writeTransaction(
      this.#steps,
      () => applyStep(this.#steps, new Bookkeeping(this.#steps), { step, batches: () => fetched }),
      STEP_BUSY_LIMIT_MS,
    );
  }

  async flush(): Promise<Position | null> {
    const watermark = this.#books.state()?.watermark ?? null;
    await this.#wal.sync();
    return watermark;
  }

  // ── The write switch ──────────────────────────────────────────────────────────────────────────────────────────

  async prepareUnfence(): Promise<void> {
    // Rehearsed and undone: after the release nothing may fail any more (PROTOCOL.md R19, R21).
    const rehearsed = new Error('rehearsed');
    await this.#write(() => {
      this.#openForWrites();
      throw rehearsed;
    }).catch((error: unknown) => {
      if (error === rehearsed) return;
      if (isCrossfadeError(error)) throw error;
      throw new CrossfadeError('GATE_REFUSED', `SQLite could not take the writes over: ${messageOf(error)}`, {
        hint: 'somebody changed the schema of the SQLite file meanwhile; undo that, and try again',
        cause: error,
      });
    });
  }

  async fence(expected: { epoch: number; expiresMs: number | 'never'; waitMs: number }): Promise<Fenced | null> {
    return this.#write(() => {
      const state = this.#books.state();
      if (state?.role !== 'primary' || state.intent !== null || state.epoch !== expected.epoch) return null;
      this.#triggers.raiseFence(this.#books.installedTables());
      const finalPosition = formatPosition(this.#books.position());
      this.#db
        .prepare(
          `UPDATE _crossfade_state SET intent = 'fenced', attempt = attempt + 1, final_position = ?, attempt_expires_ms = ?`,
        )
        .run(finalPosition, expected.expiresMs === 'never' ? NEVER_MS : Date.now() + expected.expiresMs);
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
      if (changes === 1) this.#triggers.lowerFence();
      return changes === 1;
    });
  }

  async retireFence(): Promise<void> {
    // Its triggers were dropped when it came down.
  }

  async release(expected: { epoch: number; attempt: number }): Promise<boolean> {
    return this.#write(
      () =>
        this.#db
          .prepare(
            `UPDATE _crossfade_state SET intent = 'released' WHERE intent = 'fenced' AND epoch = ? AND attempt = ?`,
          )
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
      const state = this.#books.state();
      if (state?.role !== 'secondary' || state.epoch !== expected.epoch || state.watermark === null) return false;
      if (!expected.reached(state.watermark) || this.#books.quarantine().length > 0) return false;
      for (const table of this.#books.installedTables())
        this.#advanceSequence(table, expected.sequences.get(table.name));
      this.#openForWrites();
      this.#db
        .prepare(
          `UPDATE _crossfade_state SET role = 'primary', epoch = epoch + 1, stage = ?, handover = ?, capture_id = coalesce(capture_id, ?)`,
        )
        .run(expected.stage, formatPosition(this.#books.position()), randomUUID());
      this.#books.noteHistory({
        from: state.stage,
        to: expected.stage,
        epoch: state.epoch + 1,
        note: 'write switch: took the writes over',
      });
      return true;
    });
  }

  async record(expected: { epoch: number; stage: string; captureId: string; handover: Position }): Promise<boolean> {
    return this.#write(() => {
      const from = this.#books.state()?.stage ?? expected.stage;
      const { changes } = this.#db
        .prepare(
          `UPDATE _crossfade_state SET role = 'secondary', epoch = epoch + 1, stage = ?, intent = NULL, final_position = NULL,
             step = step + 1, watermark = ?, watermark_capture_id = ?
           WHERE role = 'primary' AND intent = 'released' AND epoch = ?`,
        )
        .run(expected.stage, expected.handover, expected.captureId, expected.epoch);
      if (changes !== 1) return false;
      // Behind the fence nobody writes but the Mirror, so neither capture nor the user's own triggers may fire.
      this.#triggers.dropCapture();
      this.#triggers.parkUsers(this.#books.installedTables());
      this.#books.noteHistory({
        from,
        to: expected.stage,
        epoch: expected.epoch + 1,
        note: 'write switch: gave the writes up',
      });
      return true;
    });
  }

  async seize(expected: { epoch: number; stage: Stage }): Promise<boolean> {
    await this.#large.interrupt(stepOutdated('sqlite', 'took the writes over'));
    return this.#write(() => {
      const state = this.#books.state();
      if (state?.role !== 'secondary' || state.epoch !== expected.epoch) return false;
      this.#openForWrites();
      this.#db.exec('INSERT INTO _crossfade_changes (tag) VALUES (random())');
      this.#db
        .prepare(
          `UPDATE _crossfade_state SET role = 'primary', epoch = epoch + 2, stage = ?, capture_id = ?, handover = ?, intent = NULL`,
        )
        .run(expected.stage, randomUUID(), formatPosition(this.#books.position()));
      const note = `forced failover: PostgreSQL was given up; SQLite stood at ${state.watermark ?? 'no watermark'}`;
      this.#books.noteHistory({ from: state.stage, to: expected.stage, epoch: state.epoch + 2, note });
      return true;
    });
  }

  async demote(to: { epoch: number; stage: Stage }): Promise<void> {
    await this.#large.interrupt(stepOutdated('sqlite', 'was given another epoch'));
    await this.#write(() => {
      const state = this.#books.state();
      if (state === undefined || (state.role === 'secondary' && state.epoch === to.epoch)) return;
      const tables = this.#books.installedTables();
      this.#triggers.raiseFence(tables);
      this.#triggers.dropCapture();
      this.#triggers.parkUsers(tables);
      this.#db
        .prepare(
          `UPDATE _crossfade_state SET role = 'secondary', epoch = ?, stage = ?, intent = NULL, final_position = NULL,
             attempt = attempt + 1, step = step + 1, capture_id = NULL, watermark = NULL, watermark_capture_id = NULL`,
        )
        .run(to.epoch, to.stage);
      this.#books.noteHistory({ from: state.stage, to: to.stage, epoch: to.epoch, note: 'demoted: missed a switch' });
    });
  }

  async sequences(): Promise<ReadonlyMap<string, bigint>> {
    const hasTable = this.#db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'`).get() !== undefined;
    const given = hasTable
      ? (this.#db.prepare('SELECT name, seq FROM sqlite_sequence WHERE seq IS NOT NULL').raw().all() as [
          string,
          bigint,
        ][])
      : [];
    const names = new Set(this.#books.installedTables().map((table) => table.name));
    return new Map(given.filter(([name]) => names.has(name)));
  }

  // ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async page(table: TableSpec, after: Key | null, rows: number): Promise<readonly Row[]> {
    if (rows <= ROWS_ON_LOOP) return selectPage(this.#db, table, after, rows);
    return this.#thread.use(async (call) => reviveValues(await call('page', { table, after, rows })));
  }

  async rowsByKey(table: TableSpec, keys: readonly Key[]): Promise<readonly (Row | undefined)[]> {
    if (keys.length > ROWS_ON_LOOP) {
      const rows = await this.#thread.use((call) => call('rowsByKey', { table, keys }));
      reviveValues(rows.filter((row) => row !== undefined));
      return rows;
    }
    const lookup = new RowLookup(this.#db, table);
    return keys.map((key) => lookup.find(key));
  }

  async count(table: TableSpec): Promise<number> {
    return Number(
      this.#db
        .prepare(`SELECT count(*) FROM ${quote(table.name)}`)
        .pluck()
        .get(),
    );
  }

  /** SQLite checks foreign keys only as rows change; rows that break one stay as they are. */
  async brokenConstraints(): Promise<readonly never[]> {
    return [];
  }

  async ping(): Promise<void> {
    this.#db.prepare('SELECT 1').get();
  }

  async close(): Promise<void> {
    await this.#thread.close();
    await this.digests.close();
    this.#wal.close();
    this.#steps.close();
    this.#snapshots.close();
    this.#db.close();
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #write<T>(work: () => T, limitMs?: number): Promise<T> {
    // A step of this very process: it ends by itself, however long it takes.
    await this.#large.isUnlocked;
    return writeTransaction(this.#db, work, limitMs);
  }

  /** The change needs one moment in which no other connection is in a transaction. */
  async #enterWalMode(): Promise<void> {
    const mode = await retryWhileBusy(() => this.#db.pragma('journal_mode = WAL', { simple: true }));
    this.#isInWalMode = mode === 'wal';
    if (this.#isInWalMode) return;
    throw new CrossfadeError(
      'SQLITE_UNREADABLE',
      `could not put the SQLite file into WAL mode: it stayed in "${String(mode)}"`,
      { hint: 'WAL needs a local disk (no network file system); see https://sqlite.org/wal.html' },
    );
  }

  #assertNoNullKeys(tables: readonly TableSpec[]): void {
    for (const table of tables) {
      const isNull = keyColumns(table).map((column) => `${quote(column.name)} IS NULL`);
      const rows = this.#db
        .prepare(`SELECT count(*) FROM ${quote(table.name)} WHERE ${isNull.join(' OR ')}`)
        .pluck()
        .get() as bigint;
      if (rows === 0n) continue;
      throw new CrossfadeError('KEY_HOLDS_NULL', `table "${table.name}" holds ${rows} rows with a NULL in their key`, {
        hint: `PostgreSQL keys cannot be NULL; give these rows a key or delete them: SELECT * FROM ${quote(table.name)} WHERE ${isNull.join(' OR ')}`,
      });
    }
  }

  #openForWrites(): void {
    this.#triggers.lowerFence();
    this.#triggers.installCapture(this.#books.installedTables());
    this.#triggers.restoreUsers();
  }

  /** AUTOINCREMENT never gives out an id twice: it must know the ids that PostgreSQL gave out and rows that are gone. */
  #advanceSequence(table: TableSpec, given: bigint | undefined): void {
    if (!table.autoIncrement || given === undefined) return;
    const moved = this.#db
      .prepare('UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?')
      .run(given, table.name);
    if (moved.changes === 0)
      this.#db.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table.name, given);
  }
}

/** On the event loop a piece is small, and comes with the other rows. */
function onLoop(reading: SnapshotReading, durable: StepReading['durable']): StepReading {
  const { position, after, changes, isEmpty, isWhole, tables, from } = reading;
  return {
    position,
    after,
    changes,
    isEmpty,
    isWhole,
    tables,
    from,
    get cursor() {
      return reading.cursor;
    },
    piece: null,
    batches: () => reading.batches(),
    durable,
  };
}

async function* each(batches: Iterable<Batch> | AsyncIterable<Batch>): AsyncGenerator<Batch, undefined> {
  yield* batches;
}

/** A column that bookkeeping made by an earlier release lacks. */
function addReconciling(db: Database.Database): void {
  const columns = db.prepare(`SELECT name FROM pragma_table_info('_crossfade_state')`).pluck().all();
  if (columns.includes('reconciling')) return;
  db.exec('ALTER TABLE _crossfade_state ADD COLUMN reconciling INTEGER NOT NULL DEFAULT 0');
}

function notInstalled(path: string): CrossfadeError {
  return new CrossfadeError('NOT_INSTALLED', `Crossfade is not installed in the SQLite file "${path}"`, {
    hint: 'run: crossfade install',
  });
}
