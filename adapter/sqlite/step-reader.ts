import type Database from 'better-sqlite3';
import { Unholdable } from '../codec/unholdable.ts';
import { CrossfadeError } from '../errors.ts';
import { encodeKey, keyColumns } from '../spec.ts';
import type { Key, Row, SqlValue, TableSpec } from '../spec.ts';
import { stepOutdated } from '../store.ts';
import type { Batch, Cursor, Intent, Role, StepReading, StepRequest } from '../store.ts';
import { bindings, isInSqlite, placeholders } from './bindings.ts';
import { ExactSelect } from './exact-select.ts';
import { formatPosition, parsePosition } from './position.ts';
import { PieceReader } from './piece-reader.ts';
import { verifyCapture } from './verify-capture.ts';
import { keyNames, quote } from './sql.ts';
import { StepKeys } from './step-keys.ts';
import { assertNoNullKeys, batchOf, collated, isSameKey, quotedColumns, upToCursor } from './step-rows.ts';

/** Rows in one batch: bounds both memory and the time the event loop is held. */
const BATCH_ROWS = 1_000;
/** A step of at most so many changelog entries is read at once; a larger one while it is applied, by a thread. */
const SMALL_STEP = 1_000;
/** Of a step of at most so many changelog entries the keys are put together in memory, of a larger one in a temporary table. */
const STEP_IN_MEMORY = 4_000;

/** What is read of a step: all but when it is durable. */
export interface SnapshotReading extends Omit<StepReading, 'durable' | 'piece'> {
  readonly piece: PieceReader | null;
  batches(): Iterable<Batch>;
  /** All but the piece. */
  otherBatches(): Iterable<Batch>;
}

type Entry = readonly [seq: bigint, tag: bigint, table: string | null, ...key: SqlValue[]];

/**
 * Reads steps: a snapshot of the file, the changes since the watermark, and the rows they name.
 *
 * A read transaction in WAL mode is the snapshot. It begins at its first read, and stays the same across awaits
 * without hindering any writer, so a large step is read and applied piece by piece. A small one is read whole before it
 * is applied: while a reader is there SQLite cannot begin its log anew (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files),
 * and steps that follow each other closely would let it grow, which makes each sync of it slower.
 */
export class StepReader {
  readonly #db: Database.Database;
  #verifiedSchema = -1n;
  readonly #begin: Database.Statement;
  readonly #end: Database.Statement;
  readonly #schemaVersion: Database.Statement;
  #lastSeq: Database.Statement | null = null;
  #state: Database.Statement | null = null;
  #entries: { readonly width: number; readonly select: ExactSelect } | null = null;
  readonly #lookups = new WeakMap<TableSpec, RowLookup>();

  constructor(db: Database.Database) {
    this.#db = db;
    this.#begin = db.prepare('BEGIN');
    this.#end = db.prepare('ROLLBACK');
    this.#schemaVersion = db.prepare('PRAGMA schema_version').pluck();
  }

  /** Takes a snapshot and reads what has changed. To be closed, whether that succeeds or not. */
  async open(request: StepRequest): Promise<SnapshotReading> {
    this.#begin.run();
    const reading = await this.#read(request);
    if (reading.isWhole) this.#end.run();
    return reading;
  }

  close(): void {
    if (this.#db.inTransaction) this.#end.run();
  }

  /** Whether reading and applying such a step would hold the event loop for too long: a look from outside its snapshot. */
  isLarge({ after, piece, retry }: StepRequest): boolean {
    if (this.#hasLongPiece({ piece })) return true;
    this.#lastSeq ??= this.#db.prepare('SELECT max(seq) FROM _crossfade_changes').pluck();
    const last = (this.#lastSeq.get() as bigint | null) ?? 0n;
    let entries = Number(last - parsePosition(after).seq);
    for (const keys of retry.values()) entries += keys.length;
    return entries > SMALL_STEP;
  }

  #hasLongPiece({ piece }: Pick<StepRequest, 'piece'>): boolean {
    return piece !== null && this.isLong(piece.table);
  }

  #pieceOf({ piece, cursors }: StepRequest): PieceReader | null {
    if (piece === null) return null;
    const before = cursors.find((cursor) => cursor.table === piece.table.name);
    return new PieceReader(this.#db, piece, before);
  }

  /** Whether pieces of this table are to be read by a thread. */
  isLong({ name }: TableSpec): boolean {
    const some = this.#db
      .prepare(`SELECT count(*) FROM (SELECT 1 FROM ${quote(name)} LIMIT ${SMALL_STEP + 1})`)
      .pluck();
    return (some.get() as bigint) > SMALL_STEP;
  }

  /** Whether the schema is still the one under which capture was last found intact (PROTOCOL.md R16). */
  get isVerified(): boolean {
    return this.#schemaVersion.get() === this.#verifiedSchema;
  }

  async #read(request: StepRequest): Promise<SnapshotReading> {
    const after = parsePosition(request.after);
    const width = Math.max(1, ...request.tables.map((table) => table.key.length));
    const entries = this.#entriesOf(width).all(after.seq) as unknown as Entry[];
    this.#assertSameHistory(request, after, entries[0]);
    this.#assertCapture(request);

    const isInMemory = entries.length <= STEP_IN_MEMORY;
    const last = isInMemory ? entries.at(-1) : this.#lastEntry();
    const position = { seq: last?.[0] ?? after.seq, tag: last?.[1] ?? after.tag };
    const keys = isInMemory
      ? this.#keysInMemory(request, entries.slice(1))
      : await StepKeys.collect(this.#db, request, { after: after.seq, last: position.seq });
    const piece = this.#pieceOf(request);
    const isWhole = entries.length <= SMALL_STEP && !this.#hasLongPiece(request);
    const hasChanges = position.seq > after.seq;
    const isEmpty = !hasChanges && piece === null;
    const batches = (): Iterable<Batch> => this.#batches({ request, keys, piece });
    const whole = isWhole ? [...batches()] : null;
    return {
      position: formatPosition(position),
      after: request.after,
      from: request.cursors,
      changes: Number(position.seq - after.seq),
      isEmpty,
      isWhole,
      tables: keys.tables,
      get cursor() {
        return piece?.cursor ?? null;
      },
      piece,
      batches: () => whole ?? batches(),
      otherBatches: () => this.#batches({ request, keys, piece: null }),
    };
  }

  /**
   * Only the primary has anything to say; and a caller that waits for the Mirror must not be told by an empty step from
   * a store that has given the writes up.
   * PROTOCOL.md R15a: the watermark's own entry must still be there, unchanged, or numbers were given out twice.
   */
  #assertSameHistory(request: StepRequest, after: { seq: bigint; tag: bigint }, first: Entry | undefined): void {
    this.#state ??= this.#db.prepare('SELECT capture_id, role, epoch, intent FROM _crossfade_state');
    const state = this.#state.get() as StateRow | undefined;
    if (state?.role !== 'primary' || Number(state.epoch) !== request.epoch || state.intent === 'released') {
      throw stepOutdated('sqlite', 'is not the primary of this epoch any more');
    }
    const captureId = state.capture_id;
    if (captureId === request.captureId && first?.[0] === after.seq && first[1] === after.tag) return;
    if (captureId === request.captureId && first !== undefined && first[0] > after.seq) {
      throw new CrossfadeError(
        'HISTORY_LOST',
        `PostgreSQL stands at entry ${after.seq} of the SQLite changelog, which was forgotten since: an older state of it was put back (a restored backup)`,
        { hint: 'copy the rows again: crossfade backfill --reconcile' },
      );
    }
    throw new CrossfadeError(
      'HISTORY_LOST',
      captureId === request.captureId
        ? `the SQLite changelog no longer holds entry ${after.seq}, which PostgreSQL has applied: the file went back in time (a restored copy, or a power failure)`
        : 'capture was installed anew in SQLite since PostgreSQL last followed it: changes in between are unknown',
      { hint: 'copy the rows again: crossfade backfill --reconcile' },
    );
  }

  /** PROTOCOL.md R16: looked at only when the schema has changed since the last look. */
  #assertCapture(request: StepRequest): void {
    const version = this.#schemaVersion.get() as bigint;
    if (version === this.#verifiedSchema) return;
    verifyCapture(this.#db, request.tables);
    this.#verifiedSchema = version;
  }

  #entriesOf(width: number): ExactSelect {
    if (this.#entries?.width === width) return this.#entries.select;
    const select = new ExactSelect(
      this.#db,
      ['seq', 'tag', 'tbl', ...keyNames(width)],
      `FROM _crossfade_changes WHERE seq >= ? ORDER BY seq LIMIT ${STEP_IN_MEMORY + 1}`,
    );
    this.#entries = { width, select };
    return select;
  }

  #lastEntry(): Entry {
    return this.#db.prepare('SELECT seq, tag FROM _crossfade_changes ORDER BY seq DESC LIMIT 1').raw().get() as Entry;
  }

  #keysInMemory(request: StepRequest, entries: readonly Entry[]): Keys {
    const byTable = new Map<string, Map<string, Key>>();
    const specs = new Map(request.tables.map((table) => [table.name, table]));
    const cursors = new Map(request.cursors.map((cursor) => [cursor.table, cursor]));
    const add = (table: TableSpec, key: Key): void => {
      if (key.includes(null)) return assertNoNullKeys(this.#db, table);
      if (!this.#isCopied(table, cursors.get(table.name), key)) return;
      let keys = byTable.get(table.name);
      if (keys === undefined) byTable.set(table.name, (keys = new Map()));
      keys.set(encodeKey(key), key);
    };
    for (const [, , name, ...key] of entries) {
      const table = specs.get(name ?? '');
      if (table !== undefined) add(table, key.slice(0, table.key.length));
    }
    for (const table of request.tables) {
      const isTouched = byTable.has(table.name) || request.piece?.table === table;
      if (isTouched) for (const key of request.retry.get(table.name) ?? []) add(table, key);
    }
    const lookUp = (table: TableSpec, keys: readonly Key[]): Batch => this.#lookUp(table, keys);
    return {
      tables: new Set(byTable.keys()),
      *batches(table, rows) {
        const keys = [...(byTable.get(table.name)?.values() ?? [])];
        for (let start = 0; start < keys.length; start += rows) yield lookUp(table, keys.slice(start, start + rows));
      },
    };
  }

  /** PROTOCOL.md R3, R4: whether the backfill has passed this key, by the order that the table itself has. */
  #isCopied(table: TableSpec, cursor: Cursor | undefined, key: Key): boolean {
    if (cursor === undefined || cursor.isDone) return true;
    if (cursor.after === null) return false;
    const upTo = this.#db.prepare(`SELECT ${upToCursor(table, placeholders(key), cursor.after)}`).pluck();
    return upTo.get(...bindings(key), ...bindings(cursor.after)) === 1n;
  }

  *#batches(step: { request: StepRequest; keys: Keys; piece: PieceReader | null }): Iterable<Batch> {
    for (const table of step.request.tables) {
      yield* step.keys.batches(table, BATCH_ROWS);
      if (step.piece !== null && step.request.piece?.table === table) yield* inBatches(table, step.piece.rows());
    }
  }

  #lookUp(table: TableSpec, keys: readonly Key[]): Batch {
    let lookup = this.#lookups.get(table);
    if (lookup === undefined) this.#lookups.set(table, (lookup = new RowLookup(this.#db, table)));
    const found = [];
    for (const key of keys) found.push({ key, row: lookup.find(key) });
    return batchOf(this.#db, table, found);
  }
}

interface StateRow {
  readonly capture_id: string | null;
  readonly role: Role;
  readonly epoch: bigint;
  readonly intent: Intent | null;
}

/** The keys of a step, wherever they are kept. */
type Keys = Pick<StepKeys, 'tables' | 'batches'>;

/** Finds rows by their exact key. */
export class RowLookup {
  readonly #db: Database.Database;
  readonly #table: TableSpec;
  readonly #select: ExactSelect;

  constructor(db: Database.Database, table: TableSpec) {
    this.#db = db;
    this.#table = table;
    this.#select = this.#where(keyColumns(table).map(() => '?'));
  }

  #where(marks: readonly string[]): ExactSelect {
    const conditions = keyColumns(this.#table).map((column, index) => `${collated(column, '')} = ${marks[index]}`);
    return new ExactSelect(
      this.#db,
      quotedColumns(this.#table),
      `FROM ${quote(this.#table.name)} WHERE ${conditions.join(' AND ')}`,
    );
  }

  /** The row with this very key. Where a collation takes two keys for the same, the other one's row is not it. */
  find(key: Key): Row | undefined {
    if (!isInSqlite(key)) return undefined;
    const isPlain = !key.some((value) => value instanceof Unholdable);
    const row = (isPlain ? this.#select : this.#where(placeholders(key))).get(...bindings(key));
    return row !== undefined && isSameKey(this.#table, { row, key }) ? row : undefined;
  }
}

function* inBatches(table: TableSpec, rows: Iterable<Row>): Iterable<Batch> {
  let present: Row[] = [];
  for (const row of rows) {
    present.push(row);
    if (present.length < BATCH_ROWS) continue;
    yield { table, empties: false, present, absent: [] };
    present = [];
  }
  if (present.length > 0) yield { table, empties: false, present, absent: [] };
}
