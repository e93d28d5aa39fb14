import type pg from 'pg';
import { ValueRefused } from '../codec.ts';
import { openCursors } from '../open-cursors.ts';
import { encodeKey, keyColumns, keyOf } from '../spec.ts';
import type { ColumnSpec, Key, Row, TableSpec } from '../spec.ts';
import type { Batch, EncodedPiece, Position, Quarantined, StepApplied, StepReading, StepToApply } from '../store.ts';
import { decodeKey } from '../spec.ts';
import { isRowRefusal, sqlState } from './connection.ts';
import { copyPiece, isCopyUnsupported, quarantineRows } from './copy-piece.ts';
import type { RefusedRow } from './copy-piece.ts';
import { columnList, bindColumns, sameKey, unnestKeys } from './rows.ts';
import type { Queryable } from './rows.ts';
import { allAnswers } from './session.ts';
import type { Session } from './session.ts';
import { baseType, quote } from './sql.ts';

/** A step of at most so many rows is applied by one statement. */
const SMALL_STEP_ROWS = 1_000;
/** A small step that touches more tables than this is rare; its statement would be prepared for nothing. */
const SMALL_STEP_TABLES = 8;
const KEPT_SHAPES = 200;

/**
 * Applies steps on one session. Three ways, from the fastest to the surest; each begins with the compare-and-set of
 * the state row and commits the watermark with the rows:
 *
 * 1. one statement for all tables, for a small step: one round trip, with the commit behind it as soon as the primary's
 *    disk allows;
 * 2. one transaction of updates and inserts, for any size, in bounded memory;
 * 3. one transaction that first deletes every changed row and then inserts, row by row where it must. Unique values
 *    may move between rows within a step, so upserts can collide (PROTOCOL.md R26); and a row that PostgreSQL cannot
 *    hold goes to quarantine here, the rest goes on.
 *
 * In 2 and 3 a piece of a backfill is copied after all else. Its rows are new: a change past the cursor is left to the
 * piece. So with the changes applied the table is the snapshot up to the old cursor, and with the piece up to the new one;
 * none of the piece's unique values is still held by a row that has lost it in that snapshot. Two things are otherwise: a
 * secondary that is being reconciled may hold the piece's rows already, or others with their values; and PostgreSQL may
 * refuse a row, and with it the COPY. Then the piece's rows come with the others, as in 3.
 */
export class StepWriter {
  readonly #session: Session;
  /** The statements for small steps by the step's shape: which tables, and what is done to them. */
  readonly #shapes = new Map<string, string>();
  readonly #tables = new WeakMap<TableSpec, number>();
  #lastTable = 0;
  /** The tables that had none of the rows of the last batch. */
  readonly #wereNew = new WeakSet<TableSpec>();
  /** Pieces of which PostgreSQL has refused a row. */
  readonly #refusedPieces = new WeakSet<EncodedPiece>();
  /** The tables that take no COPY. */
  readonly #notCopied = new WeakSet<TableSpec>();
  /** Resolves when nothing more will be sent of the steps so far. */
  #turnsEnd: Promise<void> = Promise.resolve();

  constructor(session: Session) {
    this.#session = session;
  }

  async apply(step: StepToApply): Promise<StepApplied | null> {
    // Quarantined rows are tried again one by one, and must leave the quarantine when they go through.
    if (step.quarantine.length === 0) {
      try {
        return await this.#inTurn(async (mine) => {
          const small = await smallStep(step);
          await mine.begins;
          return small === null ? this.#upsertAll(step) : this.#applyAtOnce(step, small, mine.end);
        });
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
    // What was sent behind it meanwhile finds another step number than it expects, and does nothing.
    return await this.#inTurn(async (mine) => {
      await mine.begins;
      const { piece } = step.reading;
      const isCopied = piece !== null && !this.#isNotCopied(piece);
      try {
        return await this.#replaceAll(step);
      } catch (error) {
        // Once more, with the piece's rows among the others.
        if (isCopied && this.#isNotCopied(piece)) return await this.#replaceAll(step);
        throw error;
      }
    });
  }

  /** Steps share one session: what one sends may stand behind what another has sent, never in its midst. */
  async #inTurn<T>(work: (mine: { begins: Promise<void>; end: () => void }) => Promise<T>): Promise<T> {
    const begins = this.#turnsEnd;
    let end = (): void => {};
    this.#turnsEnd = new Promise((resolve) => (end = resolve));
    try {
      return await work({ begins, end });
    } finally {
      end();
    }
  }

  // ── 1. One statement ──────────────────────────────────────────────────────────────────────────────────────────

  async #applyAtOnce(step: StepToApply, batches: readonly Batch[], sent: () => void): Promise<StepApplied | null> {
    const values: (string | number | Buffer)[] = [
      step.reading.position,
      step.epoch,
      step.captureId,
      step.step,
      step.reading.after,
    ];
    let upserted = 0;
    let deleted = 0;
    for (const { table, present, absent } of batches) {
      if (absent.length > 0) values.push(...bindColumns(keyColumns(table), absent));
      if (present.length > 0) values.push(...bindColumns(table.columns, present));
      upserted += present.length;
      deleted += absent.length;
    }
    const [begun, answer] = this.#session.atOnce(() => [
      this.#session.run('BEGIN'),
      this.#query<{ claimed: string }>(this.#statementFor(batches), values),
    ]);
    const [, { rows }] = await allAnswers([begun, answer, this.#endWhenDurable(step.reading, sent)]);
    return rows[0]?.claimed === '1' ? { upserted, deleted, quarantine: [] } : null;
  }

  /**
   * The primary's disk and this server work at the same time; only the commit waits for the disk (PROTOCOL.md R11, R15b).
   * It need not wait for the answer to what was sent before it: of a transaction that has failed, COMMIT makes a ROLLBACK.
   */
  async #endWhenDurable(reading: StepReading, sent: () => void): Promise<void> {
    try {
      const durable = reading.durable();
      if (durable !== undefined) await durable;
    } catch (error) {
      await this.#session.run('ROLLBACK').catch(() => {});
      throw error;
    }
    const committed = this.#session.run('COMMIT');
    sent();
    await committed;
  }

  #statementFor(batches: readonly Batch[]): string {
    const shape = batches
      .map(
        ({ table, present, absent }) =>
          `${this.#numberOf(table)}${absent.length > 0 ? '-' : ''}${present.length > 0 ? '+' : ''}`,
      )
      .join();
    let text = this.#shapes.get(shape);
    if (text === undefined) {
      // Specs are read anew after each error, and then count as other tables.
      if (this.#shapes.size >= KEPT_SHAPES) this.#shapes.clear();
      this.#shapes.set(shape, (text = atOnceSql(batches)));
    }
    return text;
  }

  #numberOf(table: TableSpec): number {
    let number = this.#tables.get(table);
    if (number === undefined) this.#tables.set(table, (number = this.#lastTable += 1));
    return number;
  }

  // ── 2. A transaction of updates and inserts ───────────────────────────────────────────────────────────────────────────────

  #upsertAll(step: StepToApply): Promise<StepApplied | null> {
    return this.#transaction(step, async (secondary) => {
      let upserted = 0;
      let deleted = 0;
      const piece = this.#pieceToCopy(step, secondary);
      // While PostgreSQL works on one batch the next is read. No more than two are in memory.
      let working: Promise<unknown> = Promise.resolve();
      try {
        const batches = piece === null ? step.reading.batches() : piece.otherBatches();
        for await (const { table, empties, present, absent } of batches) {
          const sent = [
            empties ? this.#session.run(`DELETE FROM ${quote(table.name)}`) : undefined,
            absent.length > 0 ? this.#query(deleteSql(table, 1), bindColumns(keyColumns(table), absent)) : undefined,
            present.length > 0 ? this.#put(table, present) : undefined,
          ];
          const before = working;
          working = allAnswers(sent);
          working.catch(() => {});
          await before;
          upserted += present.length;
          deleted += absent.length;
        }
        await working;
      } catch (error) {
        // Nothing of it may be sent once the transaction has been rolled back.
        await working.catch(() => {});
        throw error;
      }
      if (piece === null) return { upserted, deleted, quarantine: [] };
      const copied = await this.#copy(piece);
      const quarantine = copied.refused > 0 ? await readQuarantine(this.#session) : [];
      return { upserted: upserted + copied.rows, deleted, quarantine };
    });
  }

  /** The piece of a step, where it may be copied. */
  #pieceToCopy(
    { reading: { piece } }: StepToApply,
    { isReconciling }: { isReconciling: boolean },
  ): EncodedPiece | null {
    if (piece === null || isReconciling) return null;
    return this.#isNotCopied(piece) ? null : piece;
  }

  #isNotCopied(piece: EncodedPiece): boolean {
    return this.#refusedPieces.has(piece) || this.#notCopied.has(piece.table);
  }

  async #copy(piece: EncodedPiece): Promise<{ rows: number; refused: number }> {
    try {
      const { rows, refused } = await copyPiece(this.#session, piece);
      await quarantineRows(this.#session, piece.table, refused);
      return { rows, refused: refused.length };
    } catch (error) {
      if (isCopyUnsupported(error)) this.#notCopied.add(piece.table);
      else if (isRefusal(error)) this.#refusedPieces.add(piece);
      throw error;
    }
  }

  /**
   * Updates the rows that are there and inserts the others, by two statements of which mostly the first will do: ON
   * CONFLICT costs a fifth to a third more, since it locks each row before it updates it, and promises each before it
   * inserts it.
   */
  async #put(table: TableSpec, rows: readonly Row[]): Promise<void> {
    const values = bindColumns(table.columns, rows);
    const insertsFirst = this.#wereNew.has(table) || restOf(table).length === 0;
    if (insertsFirst) {
      const { rowCount: inserted } = await this.#query(insertMissingSql(table), values);
      if (inserted === rows.length || restOf(table).length === 0) return;
    }
    this.#wereNew.delete(table);
    const { rowCount: updated } = await this.#query(updateSql(table), values);
    if (updated === 0) this.#wereNew.add(table);
    if (updated !== rows.length && !insertsFirst) await this.#query(insertMissingSql(table), values);
  }

  // ── 3. Delete everything that changed, then insert ────────────────────────────────────────────────────────────

  #replaceAll(step: StepToApply): Promise<StepApplied | null> {
    return this.#transaction(step, async (secondary) => {
      let upserted = 0;
      let deleted = 0;
      const piece = this.#pieceToCopy(step, secondary);
      const batches = (): AnyBatches => (piece === null ? step.reading.batches() : piece.otherBatches());
      const released = new Set<TableSpec>();
      for await (const { table, empties, present, absent } of batches()) {
        if (!released.has(table)) await this.#release(table);
        released.add(table);
        if (empties) await this.#session.run(`DELETE FROM ${quote(table.name)}`);
        await this.#remove(table, [...absent, ...present.map((row) => keyOf(table, row))]);
        deleted += absent.length;
      }
      for await (const { table, present } of batches()) {
        if (present.length > 0) upserted += await this.#insert(table, present);
      }
      if (piece !== null) upserted += (await this.#copy(piece)).rows;
      return { upserted, deleted, quarantine: await readQuarantine(this.#session) };
    });
  }

  /** A step that touches a table has all its quarantined keys (R29). One may have another spelling by now: 5 for 5.0. */
  async #release(table: TableSpec): Promise<void> {
    await this.#query('DELETE FROM crossfade.quarantine WHERE tbl = $1', [table.name]);
  }

  async #remove(table: TableSpec, keys: readonly Key[]): Promise<void> {
    if (keys.length === 0) return;
    // A key that PostgreSQL cannot even be asked for has no row there.
    const askable = keys.filter((key) => refusalOf(() => bindColumns(keyColumns(table), [key])) === undefined);
    if (askable.length > 0) await this.#query(deleteSql(table, 1), bindColumns(keyColumns(table), askable));
  }

  /**
   * Inserts what it can. What the codec refuses is known by name; of what PostgreSQL refuses the rows are halved until the
   * single ones are found. Resolves to how many went in.
   */
  async #insert(table: TableSpec, rows: readonly Row[]): Promise<number> {
    if (rows.length === 0) return 0;
    await this.#session.run('SAVEPOINT rows');
    try {
      await this.#query(insertSql(table), bindColumns(table.columns, rows));
      await this.#session.run('RELEASE SAVEPOINT rows');
      return rows.length;
    } catch (error) {
      if (!isRowRefusal(error) && !(error instanceof ValueRefused)) throw error;
      // Rolling back to a savepoint keeps it; thousands of them would slow each other down.
      await this.#session.run('ROLLBACK TO SAVEPOINT rows; RELEASE SAVEPOINT rows');
      if (error instanceof ValueRefused) return await this.#insert(table, await this.#withoutRefused(table, rows));
      const [row] = rows;
      if (row !== undefined && rows.length === 1) {
        await quarantineRows(this.#session, table, [{ key: keyOf(table, row), reason: reasonOf(error) }]);
        return 0;
      }
      const middle = Math.ceil(rows.length / 2);
      const first = await this.#insert(table, rows.slice(0, middle));
      return first + (await this.#insert(table, rows.slice(middle)));
    }
  }

  /** Those of the rows that the codec takes; the others are in quarantine. */
  async #withoutRefused(table: TableSpec, rows: readonly Row[]): Promise<readonly Row[]> {
    const refused: RefusedRow[] = [];
    const taken = rows.filter((row) => {
      const reason = refusalOf(() => bindColumns(table.columns, [row]));
      if (reason !== undefined) refused.push({ key: keyOf(table, row), reason });
      return reason === undefined;
    });
    await quarantineRows(this.#session, table, refused);
    return taken;
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #transaction(
    step: StepToApply,
    work: (secondary: { isReconciling: boolean }) => Promise<StepApplied>,
  ): Promise<StepApplied | null> {
    await this.#session.run('BEGIN');
    try {
      const claim: (Position | number)[] = [
        step.reading.position,
        step.epoch,
        step.captureId,
        step.step,
        step.reading.after,
      ];
      const open = openCursors(step.reading.from);
      if (open.size > 0) claim.push(JSON.stringify(Object.fromEntries(open)));
      const expected = { knowsQuarantine: step.quarantine.length > 0, isFilling: open.size > 0 };
      const { rows } = await this.#query<{ reconciling: string }>(`${claimSql(expected)} RETURNING reconciling`, claim);
      const [state] = rows;
      if (state === undefined) {
        await this.#session.run('ROLLBACK');
        return null;
      }
      const applied = await work({ isReconciling: state.reconciling === 't' });
      const { cursor } = step.reading;
      if (cursor !== null) {
        await this.#query('UPDATE crossfade.cursors SET after = $2, done = $3, copied = $4 WHERE tbl = $1', [
          cursor.table,
          cursor.after === null ? null : encodeKey(cursor.after),
          cursor.isDone,
          cursor.rowsCopied,
        ]);
      }
      await step.reading.durable();
      await this.#session.run('COMMIT');
      return applied;
    } catch (error) {
      await this.#session.run('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  #query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<pg.QueryResult<R>> {
    return this.#session.query<R>({ text, values });
  }
}

type AnyBatches = ReturnType<StepReading['batches']>;

/** PostgreSQL's refusal of a row, or the codec's, or that of a table to be copied into. */
function isRefusal(error: unknown): boolean {
  return isRowRefusal(error) || error instanceof ValueRefused || isCopyUnsupported(error);
}

/** All batches of a step that is small enough for one statement, or `null`. */
async function smallStep(step: StepToApply): Promise<readonly Batch[] | null> {
  const isFilling = step.reading.cursor !== null || openCursors(step.reading.from).size > 0;
  if (isFilling || step.reading.changes > SMALL_STEP_ROWS) return null;
  const byTable = new Map<TableSpec, { present: Row[]; absent: Key[] }>();
  let rows = 0;
  for await (const batch of step.reading.batches()) {
    rows += batch.present.length + batch.absent.length;
    if (batch.empties || rows > SMALL_STEP_ROWS) return null;
    let merged = byTable.get(batch.table);
    if (merged === undefined) byTable.set(batch.table, (merged = { present: [], absent: [] }));
    merged.present.push(...batch.present);
    merged.absent.push(...batch.absent);
  }
  if (byTable.size > SMALL_STEP_TABLES) return null;
  return [...byTable].map(([table, { present, absent }]) => ({ table, empties: false, present, absent }));
}

/**
 * PROTOCOL.md R9: the first thing that every transaction of the Mirror does, or it does nothing.
 *
 * The number alone does not tell whose step the one before was: another Mirror may have applied one from another
 * snapshot under the same number, and a crash that takes unflushed steps back gives their numbers out again.
 *
 * A step that was read while the one before it was on its way does not know of a row that went to quarantine there, and
 * would not try it again (R29): one that knows of none wants none to be there.
 *
 * Nor does the watermark tell how far a backfill has come: {@link openCursors}.
 */
function claimSql({ knowsQuarantine, isFilling }: { knowsQuarantine: boolean; isFilling: boolean }): string {
  return `UPDATE crossfade.state SET step = step + 1, watermark = $1::text
    WHERE role = 'secondary' AND epoch = $2::integer AND watermark_capture_id = $3::text AND step = $4::bigint AND watermark = $5::text
      ${knowsQuarantine ? '' : 'AND NOT EXISTS (SELECT FROM crossfade.quarantine)'}
      AND ${isFilling ? '(SELECT jsonb_object_agg(tbl, after) FROM crossfade.cursors WHERE NOT done) = $6::jsonb' : 'NOT EXISTS (SELECT FROM crossfade.cursors WHERE NOT done)'}`;
}

/** One statement that claims the step and applies it, or does nothing at all. */
function atOnceSql(batches: readonly Batch[]): string {
  const parts = [`claim AS (${claimSql({ knowsQuarantine: false, isFilling: false })} RETURNING 1)`];
  const onlyIf = 'EXISTS (SELECT FROM claim)';
  let first = 6;
  for (const { table, present, absent } of batches) {
    if (absent.length > 0) {
      parts.push(`s${parts.length} AS (${deleteSql(table, first, onlyIf)})`);
      first += table.key.length;
    }
    if (present.length > 0) {
      parts.push(`s${parts.length} AS (${upsertSql(table, first, onlyIf)})`);
      first += table.columns.length;
    }
  }
  return `WITH ${parts.join(', ')} SELECT count(*) AS claimed FROM claim`;
}

function deleteSql(table: TableSpec, first: number, condition = 'true'): string {
  return `DELETE FROM ${quote(table.name)} t USING ${unnestKeys(table, first)} WHERE ${sameKey(table, 't')} AND ${condition}`;
}

function rowsSql(table: TableSpec, first: number): string {
  const arrays = table.columns.map((column, index) => `$${first + index}::${baseType(column)}[]`);
  return `SELECT * FROM unnest(${arrays.join(', ')})`;
}

function insertSql(table: TableSpec): string {
  return `INSERT INTO ${quote(table.name)} (${columnList(table)}) OVERRIDING SYSTEM VALUE ${rowsSql(table, 1)}`;
}

/** Inserts those rows whose keys are not there. */
function insertMissingSql(table: TableSpec): string {
  return (
    `INSERT INTO ${quote(table.name)} (${columnList(table)}) OVERRIDING SYSTEM VALUE SELECT * FROM ${givenRows(table)} ` +
    `WHERE NOT EXISTS (SELECT FROM ${quote(table.name)} t WHERE ${sameRow(table)})`
  );
}

/** Updates those rows whose keys are there. */
function updateSql(table: TableSpec): string {
  const set = restOf(table).map(({ name }) => `${quote(name)} = given.${quote(name)}`);
  return `UPDATE ${quote(table.name)} t SET ${set.join(', ')} FROM ${givenRows(table)} WHERE ${sameRow(table)}`;
}

function givenRows(table: TableSpec): string {
  const arrays = table.columns.map((column, index) => `$${index + 1}::${baseType(column)}[]`);
  return `unnest(${arrays.join(', ')}) AS given(${columnList(table)})`;
}

function sameRow(table: TableSpec): string {
  return keyColumns(table)
    .map(({ name }) => `t.${quote(name)} = given.${quote(name)}`)
    .join(' AND ');
}

function restOf(table: TableSpec): readonly ColumnSpec[] {
  const key = keyColumns(table);
  return table.columns.filter((column) => !key.includes(column));
}

function upsertSql(table: TableSpec, first: number, condition = 'true'): string {
  const key = keyColumns(table);
  const rest = restOf(table);
  const update =
    rest.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${rest.map(({ name }) => `${quote(name)} = EXCLUDED.${quote(name)}`).join(', ')}`;
  return (
    `INSERT INTO ${quote(table.name)} (${columnList(table)}) OVERRIDING SYSTEM VALUE ${rowsSql(table, first)} WHERE ${condition} ` +
    `ON CONFLICT (${key.map((column) => quote(column.name)).join(', ')}) DO ${update}`
  );
}

export async function readQuarantine(client: Queryable): Promise<readonly Quarantined[]> {
  const { rows } = await client.query<{ tbl: string; key: string; reason: string; since: string }>({
    text: `SELECT tbl, key, reason, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since FROM crossfade.quarantine ORDER BY tbl, key`,
  });
  return rows.map((row) => ({
    table: row.tbl,
    key: decodeKey(row.key),
    reason: row.reason,
    since: new Date(row.since),
  }));
}

/** Why the codec refuses; `undefined` when it does not. */
function refusalOf(encode: () => unknown): string | undefined {
  try {
    encode();
    return undefined;
  } catch (error) {
    if (error instanceof ValueRefused) return error.message;
    throw error;
  }
}

/** Why PostgreSQL refused a row, without its values: it puts those into the detail, never into these fields. */
function reasonOf(error: unknown): string {
  const named =
    error instanceof Error && 'constraint' in error && typeof error.constraint === 'string'
      ? ` (${error.constraint})`
      : '';
  return `PostgreSQL refused it: SQLSTATE ${sqlState(error) ?? 'unknown'}${named}`;
}
