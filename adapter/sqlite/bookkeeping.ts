import type Database from 'better-sqlite3';
import { CrossfadeError } from '../errors.ts';
import { decodeKey, encodeKey } from '../spec.ts';
import type { TableSpec } from '../spec.ts';
import { parseStage } from '../stage.ts';
import type { Cursor, Intent, Quarantined, Role, StoreState } from '../store.ts';
import type { ChangelogPosition } from './position.ts';
import { BOOKKEEPING_VERSION } from './sql.ts';

/** When a fence expires that is to stay. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER;
/** A cell's pointer, sizes and types. */
const ENTRY_OVERHEAD_BYTES = 12;

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
  readonly reconciling?: bigint;
}

/** Crossfade's own tables in a database, read and written within whatever transaction is open. */
export class Bookkeeping {
  readonly #db: Database.Database;
  /** Those that the Mirror asks with every look: to compile them takes longer than to run them. */
  readonly #asked = new Map<string, Database.Statement>();

  constructor(db: Database.Database) {
    this.#db = db;
  }

  state(): StoreState | undefined {
    if (this.#ask(`SELECT 1 FROM sqlite_master WHERE name = '_crossfade_state'`) === undefined) return undefined;
    const row = this.#ask('SELECT * FROM _crossfade_state') as StateRow | undefined;
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
      isFencedForGood: row.intent === 'fenced' && Number(row.attempt_expires_ms) === NEVER_MS,
      captureId: row.capture_id,
      step: Number(row.step),
      watermark: row.watermark,
      watermarkCaptureId: row.watermark_capture_id,
      handover: row.handover,
      isReconciling: row.reconciling === 1n,
    };
  }

  installedTables(): readonly TableSpec[] {
    if (this.state() === undefined) return [];
    const specs = this.#db.prepare('SELECT spec FROM _crossfade_tables ORDER BY name').pluck().all() as string[];
    return specs.map((spec) => JSON.parse(spec) as TableSpec);
  }

  /** The last entry of the changelog. */
  position(): ChangelogPosition {
    const entry = this.#ask('SELECT seq, tag FROM _crossfade_changes ORDER BY seq DESC LIMIT 1') as
      { seq: bigint; tag: bigint } | undefined;
    return entry ?? { seq: 0n, tag: 0n };
  }

  cursors(): readonly Cursor[] {
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

  saveCursor(cursor: Cursor): void {
    this.#db
      .prepare('UPDATE _crossfade_cursors SET after = ?, done = ?, copied = ? WHERE tbl = ?')
      .run(
        cursor.after === null ? null : encodeKey(cursor.after),
        cursor.isDone ? 1 : 0,
        cursor.rowsCopied,
        cursor.table,
      );
  }

  quarantine(): readonly Quarantined[] {
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

  /** About what an entry of the changelog takes, the page's own share included, times how many there are. */
  changelogBytes(): number {
    const { entries } = this.#db.prepare('SELECT max(seq) - min(seq) AS entries FROM _crossfade_changes').get() as {
      entries: bigint | null;
    };
    const columns = this.#db
      .prepare(`SELECT name FROM pragma_table_info('_crossfade_changes')`)
      .pluck()
      .all() as string[];
    const lengths = columns.map((name) => `coalesce(length(${name}), 0)`).join(' + ');
    const each = this.#db
      .prepare(`SELECT avg(${lengths}) FROM (SELECT * FROM _crossfade_changes ORDER BY seq DESC LIMIT 100)`)
      .pluck()
      .get() as number | null;
    return Number(entries ?? 0n) * ((each ?? 0) + ENTRY_OVERHEAD_BYTES);
  }

  noteHistory(change: { from: string; to: string; epoch: number; note: string }): void {
    this.#db
      .prepare('INSERT INTO _crossfade_history (at_ms, epoch, from_stage, to_stage, note) VALUES (?, ?, ?, ?, ?)')
      .run(Date.now(), change.epoch, change.from, change.to, change.note);
  }

  #ask(sql: string): unknown {
    let statement = this.#asked.get(sql);
    if (statement === undefined) this.#asked.set(sql, (statement = this.#db.prepare(sql)));
    return statement.get();
  }
}

function assertVersion(version: number): void {
  if (version <= BOOKKEEPING_VERSION) return;
  throw new CrossfadeError(
    'VERSION_UNKNOWN',
    `the SQLite file carries Crossfade's bookkeeping of version ${version}; this release knows version ${BOOKKEEPING_VERSION}`,
    { hint: 'run the same release of knex-crossfade in every process, the newest one' },
  );
}
