import type pg from 'pg';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { CrossfadeError } from '../errors.ts';
import type { ShapeSink } from '../shadow/shape-sink.ts';
import type { BrokenForeignKey } from '../fill-records.ts';
import { decodeKey, keyColumns } from '../spec.ts';
import type { Key, Row, TableShape, TableSpec } from '../spec.ts';
import type { TableDeclaration } from '../table-declaration.ts';
import { parseStage, stageRow } from '../stage.ts';
import type { Stage } from '../stage.ts';
import type {
  Fenced,
  InstallRequest,
  Position,
  Progress,
  Records,
  StepApplied,
  StepReading,
  StepRequest,
  StepToApply,
  Store,
  StoreState,
} from '../store.ts';
import { stepOutdated } from '../store.ts';
import { enterReplicaRole, isLockTimeout, sqlState } from './connection.ts';
import { lockState, noteHistory, only, STATE_SQL, toState } from './bookkeeping.ts';
import type { StateRow } from './bookkeeping.ts';
import { raiseFence, retireFenceOf } from './fence.ts';
import { PostgresFill } from './fill-records.ts';
import { FILL_ANEW_SQL } from './fill-sql.ts';
import { brokenForeignKeys } from './foreign-keys.ts';
import { COMPARISON_HISTORY_SQL } from './comparison-history.ts';
import { tableDeclarations } from './declarations.ts';
import { describeTables, guardedTables } from './describe.ts';
import { runExclusively } from './exclusive-run.ts';
import { changedKeysOf } from './changed-keys.ts';
import { PostgresComparisonRuns } from './comparison-runs.ts';
import { PostgresDigests } from './digests.ts';
import {
  changedSince,
  forgottenTo,
  formatPosition,
  fromSnapshotRow,
  includes,
  parsePosition,
  SNAPSHOT_COLUMNS,
} from './position.ts';
import type { SnapshotRow } from './position.ts';
import { SharedRecords } from './records.ts';
import { ShapeTable } from './shapes.ts';
import { encodeColumns, selectByKeys, selectPage } from './rows.ts';
import {
  BOOKKEEPING_SQL,
  BOOKKEEPING_VERSION,
  captureSql,
  dropCaptureSql,
  dropFenceSql,
  literal,
  quote,
} from './sql.ts';
import { advanceSequences, assertSequencesHold, lastIds } from './sequences.ts';
import { openMirrorClient, Session } from './session.ts';
import { StorePool } from './store-pool.ts';
import { readStep } from './step-reader.ts';
import { readQuarantine, StepWriter } from './step-writer.ts';
import { captureQuery, verifyCapture } from './verify-capture.ts';
import type { CaptureRow } from './verify-capture.ts';

/** How long to try for the locks before the pause of a write switch begins. */
const PREPARE_LIMIT_MS = 30_000;
const PRUNE_ENTRIES = 10_000;
const CLOSE_LIMIT_MS = 5_000;
const KEYS_AT_ONCE = 5_000;

interface MirrorSession {
  readonly session: Session;
  readonly writer: StepWriter;
}

/**
 * PostgreSQL as a {@link Store}. A small pool for everything short, and one session for the Mirror, which is opened
 * when needed and thrown away after any error.
 */
export class PostgresStore implements Store {
  readonly name = 'postgres';
  readonly records: Records;
  /** What shadow reads have seen of each query shape. */
  readonly shapes: ShapeSink;
  readonly digests: PostgresDigests;
  readonly #url: string;
  readonly #answerLimitMs: number;
  readonly #pool: StorePool;
  readonly #onLost = new Set<() => void>();
  /** The Mirror's session, from the moment in which it begins to be opened. */
  #mirror: Promise<MirrorSession> | null = null;

  private constructor(url: string, answerLimitMs: number) {
    this.#url = url;
    this.#answerLimitMs = answerLimitMs;
    this.#pool = new StorePool(url, answerLimitMs);
    this.digests = new PostgresDigests(url, { limitMs: answerLimitMs, pool: this.#pool.plain });
    this.shapes = new ShapeTable((work) => this.#pool.transaction(work));
    const query: ConstructorParameters<typeof PostgresFill>[1] = (text, values) => this.#pool.query(text, values);
    this.records = new SharedRecords({
      query,
      fill: new PostgresFill(url, query),
      runs: new PostgresComparisonRuns(url, query),
      exclusively: (name, work) => this.#pool.reaching(() => runExclusively(this.#pool.plain, name, work)),
    });
  }

  /** Connects to nothing yet: the API must be able to start while PostgreSQL is away. */
  static open(url: string, { answerLimitMs }: Pick<Config, 'answerLimitMs'>): PostgresStore {
    return new PostgresStore(url, answerLimitMs);
  }

  async describe(): Promise<readonly TableShape[]> {
    return this.#pool.reaching(() => describeTables(this.#pool.plain));
  }

  async declarations(tables: readonly string[]): Promise<readonly TableDeclaration[]> {
    return this.#pool.reaching(() => tableDeclarations(this.#pool.plain, tables));
  }

  async tablesWithRows(tables: readonly TableSpec[]): Promise<readonly string[]> {
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await this.#pool.query(`SELECT 1 FROM ${quote(name)} LIMIT 1`);
      if (rows.length > 0) found.push(name);
    }
    return found;
  }

  /** Calls `listener` each time the server has ended the Mirror's session. */
  onLost(listener: () => void): void {
    this.#onLost.add(listener);
  }

  // ── Bookkeeping ───────────────────────────────────────────────────────────────────────────────────────────────

  async state(): Promise<StoreState | undefined> {
    return this.#readState((text) => this.#pool.query<StateRow>(text));
  }

  async installedTables(): Promise<readonly TableSpec[]> {
    if ((await this.state()) === undefined) return [];
    const { rows } = await this.#pool.query<{ spec: string }>(
      'SELECT spec FROM crossfade.tables ORDER BY name COLLATE "C"',
    );
    return rows.map((row) => JSON.parse(row.spec) as TableSpec);
  }

  async prepareInstall(tables: readonly TableSpec[]): Promise<void> {
    await this.#assertRights(tables);
  }

  async install(request: InstallRequest): Promise<void> {
    const locked = { tables: request.tables, waitMs: PREPARE_LIMIT_MS, purpose: 'locked for the install' };
    // The tables before the state row, as the Mirror's statements take them.
    await this.#pool.lockingTables(locked, async (client) => {
      await client.query(`SELECT pg_advisory_xact_lock(hashtext('crossfade install'))`);
      await client.query(BOOKKEEPING_SQL);
      await client.query(COMPARISON_HISTORY_SQL);
      await client.query('DELETE FROM crossfade.tables');
      for (const table of request.tables) {
        await client.query('INSERT INTO crossfade.tables (name, spec) VALUES ($1, $2)', [
          table.name,
          JSON.stringify(table),
        ]);
        await client.query('INSERT INTO crossfade.cursors (tbl) VALUES ($1) ON CONFLICT DO NOTHING', [table.name]);
      }
      await client.query(
        `INSERT INTO crossfade.state (id, version, role, epoch, stage, attempt) VALUES (1, $1, $2, $3, $4, 1) ON CONFLICT DO NOTHING`,
        [BOOKKEEPING_VERSION, request.role, request.epoch, request.stage],
      );
      const state = await lockState(client);
      if (state.role === 'secondary') await raiseFence(client, request.tables, Number(state.attempt));
      else await client.query(request.tables.map(captureSql).join('\n'));
    });
  }

  async adopt(request: {
    captureId: string;
    watermark: Position;
    tables: readonly TableSpec[];
    empties: boolean;
    reconciles?: boolean;
  }): Promise<void> {
    const { reconciles = false } = request;
    await this.#makeIndexesOfOthers(request.tables);
    // A session of its own: the Mirror may be in the middle of a transaction on its one.
    await this.#ownSession(async (client) => {
      await client.query('BEGIN; SET LOCAL synchronous_commit = on');
      const state = await lockState(client);
      if (state.role !== 'secondary') throw stepOutdated('postgres', 'is not the secondary any more');
      if (!request.empties && !reconciles && state.watermark_capture_id === request.captureId) return;
      // DELETE and not TRUNCATE: TRUNCATE would refuse tables that others refer to, and hide rows from running readers.
      if (request.empties) for (const { name } of request.tables) await client.query(`DELETE FROM ${quote(name)}`);
      await client.query(`DELETE FROM crossfade.cursors; DELETE FROM crossfade.quarantine; ${FILL_ANEW_SQL}`);
      for (const { name } of request.tables)
        await client.query('INSERT INTO crossfade.cursors (tbl) VALUES ($1)', [name]);
      await client.query(
        'UPDATE crossfade.state SET step = step + 1, watermark = $1, watermark_capture_id = $2, reconciling = $3',
        [request.watermark, request.captureId, reconciles],
      );
      await client.query('COMMIT');
    });
  }

  /** Tables that are not mirrored any more get back what was set aside for their backfill. */
  async #makeIndexesOfOthers(tables: readonly TableSpec[]): Promise<void> {
    const { rows } = await this.#pool.query<{ tbl: string }>(
      'SELECT DISTINCT tbl FROM crossfade.indexes_aside WHERE tbl <> ALL ($1)',
      [tables.map(({ name }) => name)],
    );
    for (const { tbl } of rows) await this.records.fill.makeAllIndexes({ ofTable: tbl });
  }

  async reconciled(): Promise<void> {
    await this.#pool.query(`UPDATE crossfade.state SET reconciling = false WHERE role = 'secondary'`);
  }

  async uninstall(): Promise<void> {
    const tables = await this.installedTables();
    if ((await this.state()) === undefined) return;
    await this.records.fill.makeAllIndexes();
    await this.#pool.transaction(async (client) => {
      await client.query(tables.map((table) => dropCaptureSql(table) + dropFenceSql(table)).join('\n'));
      await client.query('DROP SCHEMA IF EXISTS crossfade CASCADE');
    });
  }

  async recordStage(change: { from: string; to: string; epoch: number; note: string }): Promise<boolean> {
    return this.#pool.transaction(async (client) => {
      const { rowCount } = await client.query(
        'UPDATE crossfade.state SET stage = $1 WHERE stage = $2 AND epoch = $3 AND intent IS NULL',
        [change.to, change.from, change.epoch],
      );
      if (rowCount === 1) await noteHistory(client, change);
      return rowCount === 1;
    });
  }

  warmUp(): void {
    this.#inSession(async () => {}).catch(() => {});
  }

  // ── As primary ────────────────────────────────────────────────────────────────────────────────────────────────

  async position(): Promise<Position> {
    const { rows } = await this.#pool.query<SnapshotRow>(`SELECT ${SNAPSHOT_COLUMNS}`);
    return formatPosition(fromSnapshotRow(only(rows)));
  }

  async hasChangesAfter(watermark: Position): Promise<boolean> {
    const after = parsePosition(watermark);
    const { rows } = await this.#pool.query<{
      changed: string;
      final_position: string | null;
      pruned_to: string | null;
    }>(
      `SELECT EXISTS (SELECT FROM crossfade.changes WHERE ${changedSince(after)})
           OR EXISTS (SELECT FROM crossfade.state WHERE role <> 'primary') AS changed,
         (SELECT final_position FROM crossfade.state WHERE intent = 'fenced'), (SELECT pruned_to FROM crossfade.state)`,
    );
    const { changed, final_position: final, pruned_to: prunedTo } = only(rows);
    // A coordinator waits for the watermark itself to pass the fence, even when nothing has changed; and the watermark
    // must tell how much has been forgotten, or a restored backup could not be told from this server.
    if (changed === 't' || (after.forgotten ?? '0') !== forgottenTo(prunedTo)) return true;
    return final !== null && !this.reaches(watermark, final);
  }

  async changedKeys(table: TableSpec, after: Position): Promise<readonly Key[] | 'all'> {
    return this.#pool.reaching(() => changedKeysOf(this.#pool.plain, table, { after }));
  }

  reaches(watermark: Position, position: Position): boolean {
    return includes(parsePosition(watermark), parsePosition(position));
  }

  async read<T>(request: StepRequest, use: (reading: StepReading) => Promise<T>): Promise<T> {
    return this.#inSession(({ session }) => readStep({ session, bookkeeping: this.#pool.plain }, request, use));
  }

  async verifyCapture(tables: readonly TableSpec[]): Promise<void> {
    if (tables.length === 0) return;
    const { rows } = await this.#pool.query<CaptureRow>(captureQuery(tables));
    verifyCapture(rows, tables);
  }

  async keepsSince(position: Position): Promise<boolean> {
    const [now, state] = await Promise.all([
      this.position(),
      this.#pool.query<{ pruned_to: string | null }>('SELECT pruned_to FROM crossfade.state'),
    ]);
    const { pruned_to: prunedTo } = only(state.rows);
    return this.reaches(now, position) && (prunedTo === null || this.reaches(position, prunedTo));
  }

  async prune(watermark: Position): Promise<number> {
    const { xmax, running } = parsePosition(watermark);
    const kept = running.map((xid) => `'${xid}'::xid8`);
    const { rows } = await this.#pool.query<{ pruned: string }>(
      `WITH gone AS (
         DELETE FROM crossfade.changes WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM crossfade.changes WHERE xid < '${xmax}'::xid8 ${kept.length === 0 ? '' : `AND xid NOT IN (${kept.join(', ')})`}
           LIMIT ${PRUNE_ENTRIES})) RETURNING 1),
       told AS (UPDATE crossfade.state SET pruned_to = $1
         WHERE EXISTS (SELECT FROM gone) AND coalesce((pruned_to::json ->> 'xmax')::xid8 <= '${xmax}'::xid8, true))
       SELECT count(*) AS pruned FROM gone`,
      [watermark],
    );
    return Number(only(rows).pruned);
  }

  async dropCapture(): Promise<void> {
    const tables = await this.installedTables();
    await this.#pool.lockingTables(
      { tables, waitMs: PREPARE_LIMIT_MS, purpose: 'freed of capture' },
      async (client) => {
        if (stageRow(parseStage((await lockState(client)).stage)).mirrorsTo !== null) return;
        await removeCapture(client, tables);
      },
    );
  }

  async stopCapture(note: string): Promise<void> {
    const tables = await this.installedTables();
    await this.#pool.lockingTables(
      { tables, waitMs: PREPARE_LIMIT_MS, purpose: 'freed of capture' },
      async (client) => {
        const { role, capture_id: captureId, stage, epoch } = await lockState(client);
        if (role !== 'primary' || captureId === null) return;
        await removeCapture(client, tables);
        await noteHistory(client, { from: stage, to: stage, epoch: Number(epoch), note });
      },
    );
  }

  async recapture(tables: readonly TableSpec[]): Promise<{ captureId: string; position: Position }> {
    const captureId = randomUUID();
    const locked = { tables, waitMs: PREPARE_LIMIT_MS, purpose: 'captured anew' };
    const position = await this.#pool.lockingTables(locked, async (client) => {
      if ((await lockState(client)).role !== 'primary') throw stepOutdated('postgres', 'is not the primary any more');
      await client.query(tables.map(captureSql).join('\n'));
      await client.query('DELETE FROM crossfade.changes');
      const { rows } = await client.query<SnapshotRow>(`SELECT ${SNAPSHOT_COLUMNS}`);
      const now = formatPosition(fromSnapshotRow(only(rows)));
      await client.query('UPDATE crossfade.state SET capture_id = $1, handover = $2, pruned_to = NULL', [
        captureId,
        now,
      ]);
      return now;
    });
    return { captureId, position };
  }

  async touch(table: TableSpec, keys: readonly Key[]): Promise<void> {
    const columns = keyColumns(table);
    const arrays = encodeColumns(columns, keys);
    const names = columns.map((_, index) => `k${index + 1}`);
    const { rowCount } = await this.#pool.query(
      `WITH primary_now AS (SELECT FROM crossfade.state WHERE role = 'primary' AND intent IS NULL FOR SHARE)
       INSERT INTO crossfade.changes (tbl, key) SELECT $1, ARRAY[${names.join(', ')}]
       FROM unnest(${names.map((_, index) => `$${index + 2}::text[]`).join(', ')}) AS named(${names.join(', ')})
       WHERE EXISTS (SELECT FROM primary_now)`,
      [table.name, ...arrays],
    );
    if (keys.length > 0 && rowCount === 0) throw stepOutdated('postgres', 'is not the primary now');
  }

  async changelogBytes(): Promise<number> {
    const { rows } = await this.#pool.query<{ bytes: string }>(
      `SELECT pg_total_relation_size(to_regclass('crossfade.changes')) AS bytes`,
    );
    return Number(only(rows).bytes ?? 0);
  }

  // ── As secondary ──────────────────────────────────────────────────────────────────────────────────────────────

  async progress(): Promise<Progress> {
    const state = await this.state();
    if (state === undefined) {
      throw new CrossfadeError('NOT_INSTALLED', 'Crossfade is not installed in the PostgreSQL database', {
        hint: 'run: crossfade install',
      });
    }
    const { rows } = await this.#pool.query<{ tbl: string; after: string | null; done: string; copied: string }>(
      'SELECT tbl, after, done, copied FROM crossfade.cursors',
    );
    return {
      state,
      cursors: rows.map((row) => ({
        table: row.tbl,
        after: row.after === null ? null : decodeKey(row.after),
        isDone: row.done === 't',
        rowsCopied: Number(row.copied),
      })),
      quarantine: await this.#pool.reaching(() => this.#pool.withClient(readQuarantine)),
    };
  }

  async apply(step: StepToApply): Promise<StepApplied | null> {
    return this.#inSession(({ writer }) => writer.apply(step));
  }

  /** A commit takes everything before it to the disk, so an empty one will do. */
  async flush(): Promise<Position | null> {
    const { rows } = await this.#pool.query<{ watermark: string | null }>(
      `SELECT watermark, pg_logical_emit_message(true, 'crossfade', 'flush') FROM crossfade.state`,
    );
    return rows[0]?.watermark ?? null;
  }

  // ── The write switch ──────────────────────────────────────────────────────────────────────────────────────────

  async prepareUnfence(sequences: ReadonlyMap<string, bigint> = new Map()): Promise<void> {
    const tables = await this.installedTables();
    if (tables.length === 0) return;
    for (const table of tables) {
      const given = sequences.get(table.name) ?? 0n;
      await this.#pool.reaching(() => this.#pool.withClient((client) => assertSequencesHold(client, table, given)));
    }
    const { rows } = await this.#pool.query<{ captured: string }>(
      // Triggers for each row: those that earlier releases left are for each statement, and are replaced.
      `SELECT count(*) AS captured FROM pg_trigger WHERE tgname = 'crossfade_capture_update' AND tgtype & 1 = 1
         AND tgrelid IN (${tables.map((t) => `${literal(quote(t.name))}::regclass`).join(', ')})`,
    );
    const state = await this.state();
    if (Number(rows[0]?.captured) === tables.length && state?.captureId) return;
    await this.#pool.lockingTables(
      { tables, waitMs: PREPARE_LIMIT_MS, purpose: 'prepared to take the writes' },
      async (client) => {
        await client.query(tables.map(captureSql).join('\n'));
        await client.query('UPDATE crossfade.state SET capture_id = coalesce(capture_id, $1)', [randomUUID()]);
      },
    );
  }

  async fence(expected: { epoch: number; expiresMs: number | 'never'; waitMs: number }): Promise<Fenced | null> {
    const tables = await this.installedTables();
    const { waitMs } = expected;
    return this.#pool.lockingTables({ tables, waitMs, purpose: 'fenced' }, (client) =>
      this.#fenceLocked(client, tables, expected),
    );
  }

  /** PROTOCOL.md R23: a fence is DDL. The lock waits for every writer in flight; a flag alone would let old snapshots through. */
  async #fenceLocked(
    client: pg.ClientBase,
    tables: readonly TableSpec[],
    expected: { epoch: number; expiresMs: number | 'never' },
  ): Promise<Fenced | null> {
    const state = await lockState(client);
    if (state.role !== 'primary' || state.intent !== null || Number(state.epoch) !== expected.epoch) return null;
    const attempt = Number(state.attempt) + 1;
    await raiseFence(client, tables, attempt);
    const { rows } = await client.query<SnapshotRow>(`SELECT ${SNAPSHOT_COLUMNS}`);
    const finalPosition = formatPosition(fromSnapshotRow(only(rows)));
    await client.query(
      `UPDATE crossfade.state SET intent = 'fenced', attempt = $1, final_position = $2,
         attempt_expires = coalesce(clock_timestamp() + make_interval(secs => $3::double precision / 1000), 'infinity')`,
      [attempt, finalPosition, expected.expiresMs === 'never' ? null : expected.expiresMs],
    );
    return { attempt, finalPosition };
  }

  async cancel(expected: { epoch: number; attempt: number }): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `UPDATE crossfade.state SET intent = NULL, final_position = NULL, lifted = attempt
       WHERE intent = 'fenced' AND epoch = $1 AND attempt = $2`,
      [expected.epoch, expected.attempt],
    );
    return rowCount === 1;
  }

  /** A trigger that is off costs nothing. It is put on again, in any session's sight, with the next fence. */
  async retireFence(): Promise<void> {
    const tables = await this.installedTables();
    if (tables.length === 0) return;
    const { rows } = await this.#pool.query<{ tbl: string }>(
      `SELECT v.name AS tbl FROM (VALUES ${tables.map(({ name }) => `(${literal(name)}, ${literal(quote(name))}::regclass)`).join(', ')}) v(name, oid)
       JOIN pg_trigger g ON g.tgrelid = v.oid AND g.tgname = 'crossfade_fence' AND g.tgenabled <> 'D'`,
    );
    for (const { tbl } of rows) {
      const isDone = await this.#pool
        .transaction((client) => retireFenceOf(client, tbl))
        .catch((error: unknown) => {
          if (isLockTimeout(error)) return false;
          throw error;
        });
      if (!isDone) return;
    }
  }

  async release(expected: { epoch: number; attempt: number }): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `UPDATE crossfade.state SET intent = 'released' WHERE intent = 'fenced' AND epoch = $1 AND attempt = $2`,
      [expected.epoch, expected.attempt],
    );
    return rowCount === 1;
  }

  async unfence(expected: {
    epoch: number;
    finalPosition: Position;
    stage: string;
    reached: (watermark: Position) => boolean;
    sequences: ReadonlyMap<string, bigint>;
  }): Promise<boolean> {
    const tables = await this.installedTables();
    return this.#pool.transaction(async (client) => {
      const state = await lockState(client);
      if (state.role !== 'secondary' || Number(state.epoch) !== expected.epoch || state.watermark === null)
        return false;
      const { rows: held } = await client.query('SELECT 1 FROM crossfade.quarantine LIMIT 1');
      if (held.length > 0 || !expected.reached(state.watermark)) return false;
      for (const table of tables) await advanceSequences(client, table, expected.sequences.get(table.name) ?? 0n);
      const { rows } = await client.query<SnapshotRow>(`SELECT ${SNAPSHOT_COLUMNS}`);
      await client.query(
        `UPDATE crossfade.state SET role = 'primary', epoch = epoch + 1, stage = $1, lifted = attempt, handover = $2`,
        [expected.stage, formatPosition(fromSnapshotRow(only(rows)))],
      );
      await noteHistory(client, {
        from: state.stage,
        to: expected.stage,
        epoch: expected.epoch + 1,
        note: 'write switch: took the writes over',
      });
      return true;
    });
  }

  async record(expected: { epoch: number; stage: string; captureId: string; handover: Position }): Promise<boolean> {
    return this.#pool.transaction(async (client) => {
      const from = (await lockState(client)).stage;
      const { rowCount } = await client.query(
        `UPDATE crossfade.state SET role = 'secondary', epoch = epoch + 1, stage = $1, intent = NULL, final_position = NULL,
           step = step + 1, watermark = $2, watermark_capture_id = $3
         WHERE role = 'primary' AND intent = 'released' AND epoch = $4`,
        [expected.stage, expected.handover, expected.captureId, expected.epoch],
      );
      if (rowCount !== 1) return false;
      await noteHistory(client, {
        from,
        to: expected.stage,
        epoch: expected.epoch + 1,
        note: 'write switch: gave the writes up',
      });
      return true;
    });
  }

  async seize(expected: { epoch: number; stage: Stage }): Promise<boolean> {
    const tables = await this.installedTables();
    await this.prepareUnfence();
    return this.#pool.transaction(async (client) => {
      const state = await lockState(client);
      if (state.role !== 'secondary' || Number(state.epoch) !== expected.epoch) return false;
      for (const table of tables) await advanceSequences(client, table, 0n);
      const { rows } = await client.query<SnapshotRow>(`SELECT ${SNAPSHOT_COLUMNS}`);
      await client.query(
        `UPDATE crossfade.state SET role = 'primary', epoch = epoch + 2, stage = $1, lifted = attempt, capture_id = $2, handover = $3, intent = NULL`,
        [expected.stage, randomUUID(), formatPosition(fromSnapshotRow(only(rows)))],
      );
      const note = `forced failover: SQLite was given up; PostgreSQL stood at ${state.watermark ?? 'no watermark'}`;
      await noteHistory(client, { from: state.stage, to: expected.stage, epoch: expected.epoch + 2, note });
      return true;
    });
  }

  async demote(to: { epoch: number; stage: Stage }): Promise<void> {
    const tables = await this.installedTables();
    const state = await this.state();
    if (state === undefined || (state.role === 'secondary' && state.epoch === to.epoch)) return;
    await this.#pool.lockingTables({ tables, waitMs: PREPARE_LIMIT_MS, purpose: 'demoted' }, async (client) => {
      const { attempt, stage } = await lockState(client);
      await raiseFence(client, tables, Number(attempt) + 1);
      await client.query(tables.map(dropCaptureSql).join('\n'));
      await client.query(
        `UPDATE crossfade.state SET role = 'secondary', epoch = $1, stage = $2, intent = NULL, final_position = NULL,
           attempt = attempt + 1, step = step + 1, capture_id = NULL, watermark = NULL, watermark_capture_id = NULL`,
        [to.epoch, to.stage],
      );
      await noteHistory(client, { from: stage, to: to.stage, epoch: to.epoch, note: 'demoted: missed a switch' });
    });
  }

  async sequences(): Promise<ReadonlyMap<string, bigint>> {
    const tables = await this.installedTables();
    return this.#pool.reaching(() => this.#pool.withClient((client) => lastIds(client, tables)));
  }

  // ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async page(table: TableSpec, after: Key | null, rows: number): Promise<readonly Row[]> {
    return this.#pool.reaching(() => this.#pool.withClient((client) => selectPage(client, table, after, rows)));
  }

  async rowsByKey(table: TableSpec, keys: readonly Key[]): Promise<readonly (Row | undefined)[]> {
    const found: (Row | undefined)[] = [];
    for (let start = 0; start < keys.length; start += KEYS_AT_ONCE) {
      const some = keys.slice(start, start + KEYS_AT_ONCE);
      found.push(
        ...(await this.#pool.reaching(() => this.#pool.withClient((client) => selectByKeys(client, table, some)))),
      );
    }
    return found;
  }

  async count(table: TableSpec): Promise<number> {
    const { rows } = await this.#pool.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${quote(table.name)}`);
    return Number(only(rows).rows);
  }

  async brokenConstraints(tables: readonly TableSpec[]): Promise<readonly BrokenForeignKey[]> {
    return this.#pool.reaching(() => this.#pool.withClient((client) => brokenForeignKeys(client, tables)));
  }

  async ping(): Promise<void> {
    await this.#pool.query('SELECT 1');
  }

  /** Which server this is, by what all copies of its data share, and whether it only follows another one. */
  async server(): Promise<{ readonly system: string; readonly database: string; readonly isStandby: boolean }> {
    const { rows } = await this.#pool.query<{ system: string; database: string; standby: string }>(
      `SELECT system_identifier AS system, current_database() AS database, pg_is_in_recovery() AS standby
       FROM pg_control_system()`,
    );
    const { system, database, standby } = only(rows);
    return { system, database, isStandby: standby === 't' };
  }

  async close(): Promise<void> {
    this.#dropSession();
    await this.records.fill.close();
    // A network that swallows everything must not keep the process from ending.
    await Promise.race([
      Promise.all([this.#pool.end(), this.digests.close()]),
      sleep(CLOSE_LIMIT_MS, undefined, { ref: false }),
    ]);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #inSession<T>(use: (mirror: MirrorSession) => Promise<T>): Promise<T> {
    return this.#pool.reaching(async () => {
      const mirror = (this.#mirror ??= this.#openSession());
      try {
        return await use(await mirror);
      } catch (error) {
        // After any error the state of the session is unknown; a new one costs little.
        if (this.#mirror === mirror) this.#dropSession();
        throw error;
      }
    });
  }

  #openSession(): Promise<MirrorSession> {
    const mirror = Session.open(this.#url, this.#answerLimitMs).then((session) => {
      session.onEnd(() => this.#sessionEnded(mirror));
      return { session, writer: new StepWriter(session) };
    });
    return mirror;
  }

  async #ownSession(use: (client: pg.Client) => Promise<void>): Promise<void> {
    await this.#pool.reaching(async () => {
      const client = await openMirrorClient(this.#url);
      try {
        await use(client);
      } finally {
        await client.end().catch(() => {});
      }
    });
  }

  /** Not by this process: the server may have crashed, and be back with less than it had. */
  #sessionEnded(mirror: Promise<MirrorSession>): void {
    if (this.#mirror !== mirror) return;
    this.#mirror = null;
    for (const listener of this.#onLost) listener();
  }

  #dropSession(): void {
    const mirror = this.#mirror;
    this.#mirror = null;
    mirror?.then(({ session }) => session.end()).catch(() => {});
  }

  async #readState(query: (text: string) => Promise<pg.QueryResult<StateRow>>): Promise<StoreState | undefined> {
    try {
      const row = (await query(STATE_SQL)).rows[0];
      return row === undefined ? undefined : toState(row);
    } catch (error) {
      if (sqlState(error) === '42P01' || sqlState(error) === '3F000') return undefined;
      throw error;
    }
  }

  /** Without the replica role the Mirror's writes would meet foreign keys and fire the user's triggers. */
  async #assertRights(tables: readonly TableSpec[]): Promise<void> {
    const guarded = await this.#pool.reaching(() =>
      guardedTables(
        this.#pool.plain,
        tables.map((table) => table.name),
      ),
    );
    if (guarded.length === 0) return;
    const may = await this.#pool.reaching(async () => {
      const client = await this.#pool.plain.connect();
      try {
        return await enterReplicaRole(client);
      } finally {
        client.release(true);
      }
    });
    if (may) return;
    throw new CrossfadeError(
      'POSTGRES_RIGHTS',
      `the PostgreSQL role may not set session_replication_role, and table "${guarded[0]}" has foreign keys or triggers that would act on mirrored rows`,
      {
        hint: 'on PostgreSQL 15 or later run, as a superuser: GRANT SET ON PARAMETER session_replication_role TO <role>; before version 15 only a superuser may',
      },
    );
  }
}

/** Under the tables' locks and that of the state row. */
async function removeCapture(client: pg.ClientBase, tables: readonly TableSpec[]): Promise<void> {
  await client.query(tables.map(dropCaptureSql).join('\n'));
  await client.query('DELETE FROM crossfade.changes; UPDATE crossfade.state SET capture_id = NULL');
}
