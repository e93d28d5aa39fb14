import type pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { toPostgres } from '../codec.ts';
import { CrossfadeError } from '../errors.ts';
import { encodeKey, keyColumns, keyOf } from '../spec.ts';
import type { Key, Row, TableSpec } from '../spec.ts';
import { stepOutdated } from '../store.ts';
import type { Batch, Cursor, Intent, Role, StepReading, StepRequest } from '../store.ts';
import {
  changedSince,
  forgottenTo,
  formatPosition,
  fromSnapshotRow,
  includes,
  parsePosition,
  SNAPSHOT_COLUMNS,
} from './position.ts';
import type { SnapshotPosition, SnapshotRow } from './position.ts';
import { decodeValue, encodeColumns, selectByKeys, selectPage } from './rows.ts';
import { allAnswers } from './session.ts';
import type { Session } from './session.ts';
import { baseType, literal, quote } from './sql.ts';
import { captureQuery, verifyCapture } from './verify-capture.ts';
import type { CaptureRow } from './verify-capture.ts';

/** Rows in one batch: bounds memory. */
const BATCH_ROWS = 1_000;
/** Rows in one piece of a backfill: they are held in memory. */
const PIECE_ROWS = 2_000;
/** A step of at most so many changes is read at once. */
const SMALL_STEP = 1_000;
/** How long the API's own commits have to flush the WAL, before a flush is asked for. */
const FLUSH_GRACE_MS = 2;
const FLUSH_POLL_MS = 5;
const FLUSH_LIMIT_MS = 10_000;

const STATE_SQL = `
  SELECT ${SNAPSHOT_COLUMNS}, CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() END::text AS lsn, pg_is_in_recovery() AS is_standby,
         s.role, s.epoch, s.capture_id, s.intent, s.final_position, s.pruned_to
  FROM crossfade.state s`;

interface SnapshotState extends SnapshotRow {
  readonly lsn: string;
  readonly is_standby: string;
  readonly role: Role;
  readonly epoch: string;
  readonly capture_id: string | null;
  readonly intent: Intent | null;
  readonly final_position: string | null;
  readonly pruned_to: string | null;
}

/** What reads steps: the Mirror's session, and a pool for what must not stand in its transaction. */
interface Source {
  readonly session: Session;
  readonly bookkeeping: pg.Pool;
}

/** A change as the changelog has it; without a key where the whole table was emptied. */
interface Change {
  readonly tbl: string;
  readonly key: readonly (string | null)[] | null;
}

/**
 * Reads a step in one REPEATABLE READ transaction of the given session.
 *
 * The tables are locked before the snapshot is taken (LOCK TABLE takes none): TRUNCATE and rewriting DDL do not keep
 * to snapshots, so an older one would find the table empty (PROTOCOL.md R7).
 *
 * What is asked first is asked in one go. Of a small step the rows are asked for in one more, with the end of the
 * transaction; a larger one is read while it is applied.
 */
export async function readStep<T>(
  source: Source,
  request: StepRequest,
  use: (reading: StepReading) => Promise<T>,
): Promise<T> {
  const { session } = source;
  try {
    const found = await begin(session, request);
    const changes = smallStep(request, found);
    if (changes !== null) return await use(await wholeReading(source, { request, found, changes }));
    const result = await use(await openReading(source, request, found));
    await session.run('COMMIT');
    return result;
  } catch (error) {
    await session.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

interface Found {
  readonly after: SnapshotPosition;
  readonly position: SnapshotPosition;
  readonly state: SnapshotState;
  /** One more than a small step may have, at most. */
  readonly changes: readonly Change[];
}

async function begin(session: Session, request: StepRequest): Promise<Found> {
  const after = parsePosition(request.after);
  const names = request.tables.map((table) => quote(table.name));
  const [, , state, capture, changes] = await allAnswers(
    session.atOnce(
      () =>
        [
          session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'),
          names.length === 0 ? undefined : session.run(`LOCK TABLE ${names.join(', ')} IN ACCESS SHARE MODE`),
          session.query<SnapshotState & pg.QueryResultRow>({ text: STATE_SQL }),
          request.tables.length === 0 ? undefined : session.query<CaptureRow>({ text: captureQuery(request.tables) }),
          session.query<(string | null)[]>({
            text: `SELECT tbl, to_json(key)::text FROM crossfade.changes WHERE xid >= $1::xid8 OR xid = ANY($2::xid8[]) LIMIT ${SMALL_STEP + 1}`,
            values: [String(after.xmax), `{${after.running.join(',')}}`],
            rowMode: 'array',
          }),
        ] as const,
    ),
  );
  const snapshot = state.rows[0];
  if (snapshot === undefined) throw historyLost('Crossfade is no longer installed in PostgreSQL');
  if (snapshot.role !== 'primary' || Number(snapshot.epoch) !== request.epoch || snapshot.intent === 'released') {
    throw stepOutdated('postgres', 'is not the primary of this epoch any more');
  }
  const position = { ...fromSnapshotRow(snapshot), forgotten: forgottenTo(snapshot.pruned_to) };
  assertSameHistory(request, after, position, snapshot);
  verifyCapture(capture?.rows ?? [], request.tables);
  const asChange = ([tbl, key]: readonly (string | null)[]): Change => ({
    tbl: tbl ?? '',
    key: key === null || key === undefined ? null : (JSON.parse(key) as (string | null)[]),
  });
  return { after, position, state: snapshot, changes: changes.rows.map(asChange) };
}

/** The changed keys by table, where everything that the step needs can be held in memory; `null` otherwise. */
function smallStep(request: StepRequest, { changes }: Found): ReadonlyMap<TableSpec, readonly Key[]> | null {
  const isPlain = request.piece === null && request.retry.size === 0;
  if (!isPlain || changes.length > SMALL_STEP || !request.cursors.every(({ isDone }) => isDone)) return null;
  const keys = new Map<TableSpec, Map<string, Key>>();
  const tables = new Map(request.tables.map((table) => [table.name, table]));
  for (const { tbl, key } of changes) {
    if (key === null) return null;
    const table = tables.get(tbl);
    if (table === undefined) continue;
    const ofTable = keys.get(table) ?? new Map<string, Key>();
    keys.set(table, ofTable);
    const decoded = keyColumns(table).map((column, index) => decodeValue(column, key[index] ?? null));
    ofTable.set(encodeKey(decoded), decoded);
  }
  return new Map([...keys].map(([table, ofTable]) => [table, [...ofTable.values()]]));
}

async function wholeReading(
  source: Source,
  step: { request: StepRequest; found: Found; changes: ReadonlyMap<TableSpec, readonly Key[]> },
): Promise<StepReading> {
  const { session } = source;
  const { request, found, changes } = step;
  const { looked, ended } = session.atOnce(() => ({
    looked: allAnswers([...changes].map(([table, keys]) => lookUp(session, table, keys))),
    ended: allAnswers([session.run('COMMIT'), isFlushedTo(session, found.state.lsn)] as const),
  }));
  const [whole, [, wasFlushed]] = await allAnswers([looked, ended] as const);
  return {
    position: formatPosition(found.position),
    after: request.after,
    from: request.cursors,
    changes: found.changes.length,
    isEmpty: changes.size === 0 && !isAwaited(found),
    isWhole: true,
    tables: new Set([...changes.keys()].map(({ name }) => name)),
    cursor: null,
    piece: null,
    batches: () => whole,
    durable: () => (wasFlushed ? undefined : flushed(source, found.state.lsn)),
  };
}

async function openReading(source: Source, request: StepRequest, found: Found): Promise<StepReading> {
  const { session } = source;
  const { after } = found;
  const { rows: counts } = await session.query<{ tbl: string; changes: string; emptied: string }>({
    text: `SELECT tbl, count(*) AS changes, bool_or(key IS NULL) AS emptied FROM crossfade.changes WHERE ${changedSince(after)} GROUP BY tbl`,
    isUnique: true,
  });
  const changed = new Map(
    counts.map((row) => [row.tbl, { changes: Number(row.changes), empties: row.emptied === 't' }]),
  );
  const piece = request.piece === null ? null : await readPiece(session, request, request.piece);
  return {
    position: formatPosition(found.position),
    after: request.after,
    from: request.cursors,
    changes: [...changed.values()].reduce((sum, { changes }) => sum + changes, 0),
    isEmpty: changed.size === 0 && piece === null && !isAwaited(found),
    tables: new Set(changed.keys()),
    isWhole: false,
    cursor: piece?.cursor ?? null,
    piece: null,
    batches: () => batches({ session, request, after, changed, piece: piece?.rows ?? [] }),
    durable: () => flushed(source, found.state.lsn),
  };
}

/**
 * Whether the secondary is to get here though there may be no change on the way: a write switch waits for it, or its
 * watermark does not tell yet how much has been forgotten.
 */
function isAwaited({ state, after, position }: Found): boolean {
  if ((after.forgotten ?? '0') !== position.forgotten) return true;
  return (
    state.intent === 'fenced' && state.final_position !== null && !includes(after, parsePosition(state.final_position))
  );
}

/**
 * PROTOCOL.md R12, R13: transaction numbers mean something only within one history, and only on the primary itself. A
 * server whose data folder was put back from a copy has the same identifiers; but it forgot what it had forgotten, or
 * its transactions stand before the watermark's.
 */
function assertSameHistory(
  request: StepRequest,
  after: SnapshotPosition,
  now: SnapshotPosition,
  state: SnapshotState,
): void {
  if (state.is_standby === 't')
    throw historyLost('this PostgreSQL server is a standby, whose snapshots show other transactions');
  if (state.capture_id !== request.captureId)
    throw historyLost('capture was installed anew in PostgreSQL since SQLite last followed it');
  if (state.pruned_to !== null && !includes(after, parsePosition(state.pruned_to))) {
    throw historyLost(
      'SQLite stands before changes that were forgotten since (an older copy of the file was put back)',
    );
  }
  if (now.system !== after.system)
    throw historyLost('this is another PostgreSQL server than the one that SQLite followed');
  if (now.timeline !== after.timeline) {
    throw historyLost(
      `PostgreSQL is on timeline ${now.timeline}, SQLite followed timeline ${after.timeline} (a failover or a restored backup)`,
    );
  }
  if (now.xmax < after.xmax || BigInt(now.forgotten ?? 0) < BigInt(after.forgotten ?? 0)) {
    throw historyLost('PostgreSQL went back in time, to before what SQLite has applied (a restored backup)');
  }
}

function historyLost(found: string): CrossfadeError {
  return new CrossfadeError('HISTORY_LOST', `the Mirror from PostgreSQL stopped: ${found}`, {
    hint: 'find out which rows are right before any of them is overwritten; then copy those of the primary over: crossfade backfill --reconcile',
  });
}

async function readPiece(
  session: Session,
  request: StepRequest,
  piece: NonNullable<StepRequest['piece']>,
): Promise<{ rows: readonly Row[]; cursor: Cursor }> {
  const before = request.cursors.find((cursor) => cursor.table === piece.table.name);
  const most = Math.min(piece.rows, PIECE_ROWS);
  const rows = await selectPage(session, piece.table, before?.after ?? null, most);
  const last = rows.at(-1);
  return {
    rows,
    cursor: {
      table: piece.table.name,
      after: last === undefined ? (before?.after ?? null) : keyOf(piece.table, last),
      isDone: rows.length < most,
      rowsCopied: (before?.rowsCopied ?? 0) + rows.length,
    },
  };
}

async function* batches(step: {
  session: Session;
  request: StepRequest;
  after: SnapshotPosition;
  changed: ReadonlyMap<string, { empties: boolean }>;
  piece: readonly Row[];
}): AsyncIterable<Batch> {
  for (const table of step.request.tables) {
    const changes = step.changed.get(table.name);
    if (changes?.empties) yield { table, empties: true, present: [], absent: [] };
    const isTouched = changes !== undefined || step.request.piece?.table === table;
    const extra = isTouched ? (step.request.retry.get(table.name) ?? []) : [];
    if (changes !== undefined || extra.length > 0) {
      for await (const keys of changedKeys(step, table, extra)) yield await lookUp(step.session, table, keys);
    }
    if (step.request.piece?.table === table && step.piece.length > 0) {
      yield { table, empties: false, present: step.piece, absent: [] };
    }
  }
}

async function lookUp(session: Session, table: TableSpec, keys: readonly Key[]): Promise<Batch> {
  const rows = await selectByKeys(session, table, keys);
  return {
    table,
    empties: false,
    present: rows.filter((row) => row !== undefined),
    absent: keys.filter((_, index) => rows[index] === undefined),
  };
}

/** The distinct keys that changed, and the extra ones, as far as the backfill has come. */
async function* changedKeys(
  step: { session: Session; request: StepRequest; after: SnapshotPosition },
  table: TableSpec,
  extra: readonly Key[],
): AsyncIterable<readonly Key[]> {
  const columns = keyColumns(table);
  const names = columns.map((_, index) => `k${index + 1}`);
  const parts = columns.map((column, index) => `key[${index + 1}]::${baseType(column)} AS ${names[index]}`);
  const arrays = encodeColumns(columns, extra).map((array, index) => {
    const column = columns[index];
    return column === undefined ? '' : `${literal(array)}::${baseType(column)}[]`;
  });
  const cursor = step.request.cursors.find(({ table: name }) => name === table.name);
  await step.session.run(
    `DECLARE changed NO SCROLL CURSOR FOR SELECT * FROM (
       SELECT ${parts.join(', ')} FROM crossfade.changes
         WHERE tbl = ${literal(table.name)} AND key IS NOT NULL AND ${changedSince(step.after)}
       UNION SELECT * FROM unnest(${arrays.join(', ')})) AS named(${names.join(', ')})
     WHERE ${upToCursor(table, cursor, names)}`,
  );
  try {
    while (true) {
      const { rows } = await step.session.query<(string | null)[]>({
        text: `FETCH ${BATCH_ROWS} FROM changed`,
        rowMode: 'array',
        isUnique: true,
      });
      if (rows.length > 0)
        yield rows.map((row) => columns.map((column, index) => decodeValue(column, row[index] ?? null)));
      if (rows.length < BATCH_ROWS) return;
    }
  } finally {
    await step.session.run('CLOSE changed').catch(() => {});
  }
}

/**
 * PROTOCOL.md R3, R4: changes past the backfill's cursor are left to the piece that will copy them. The changelog's keys
 * are compared under the collations of the table's own columns, which a value of the column's type alone does not have.
 */
function upToCursor(table: TableSpec, cursor: Cursor | undefined, names: readonly string[]): string {
  if (cursor === undefined || cursor.isDone) return 'true';
  const { after } = cursor;
  if (after === null) return 'false';
  const reached = keyColumns(table).map((column, index) => {
    const value = `${literal(toPostgres(column, after[index] ?? null) ?? '')}::${baseType(column)}`;
    return `coalesce((SELECT ${quote(column.name)} FROM ${quote(table.name)} LIMIT 0), ${value})`;
  });
  return `(${names.join(', ')}) <= (${reached.join(', ')})`;
}

/**
 * PROTOCOL.md R11: a snapshot may include a transaction whose end is not on disk yet; after a crash its number is given
 * out again. So nothing of a snapshot is applied before the WAL is flushed past it.
 */
async function flushed({ session, bookkeeping }: Source, lsn: string): Promise<void> {
  const deadline = performance.now() + FLUSH_LIMIT_MS;
  for (let looks = 0; performance.now() < deadline; looks += 1) {
    if (await isFlushedTo(session, lsn)) return;
    if (looks === 0) await sleep(FLUSH_GRACE_MS);
    // A commit flushes everything before it; without one the WAL writer may take most of a second.
    else if (looks === 1) await bookkeeping.query(`SELECT pg_logical_emit_message(true, 'crossfade', 'flush')`);
    else await sleep(FLUSH_POLL_MS);
  }
  throw new CrossfadeError('POSTGRES_UNREACHABLE', 'PostgreSQL did not flush its WAL in time', {
    hint: 'its disk may be overloaded or full; the Mirror tries again',
  });
}

async function isFlushedTo(session: Session, lsn: string): Promise<boolean> {
  const { rows } = await session.query<{ done: string }>({
    text: 'SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS done',
    values: [lsn],
  });
  return rows[0]?.done === 't';
}
