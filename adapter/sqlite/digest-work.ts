import type Database from 'better-sqlite3';
import { getPriority, setPriority } from 'node:os';
import { NO_ROWS } from '../digest.ts';
import type { DigestRequest, KeyRange, PrimaryDigest, RangeDigest } from '../digest.ts';
import { keyColumns } from '../spec.ts';
import type { Key, Row, TableSpec } from '../spec.ts';
import type { Position } from '../store.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { openConnection } from './connection.ts';
import { boundaryOf, RangeHasher } from './digest-range.ts';
import { fromRangeInOrder } from './digest-sql.ts';
import { ExactSelect } from './exact-select.ts';
import { parsePosition } from './position.ts';
import { keyNames } from './sql.ts';
import { quotedColumns } from './step-rows.ts';
import { reviveValues } from './thread-values.ts';

/** The calls that a thread answers for {@link SqliteDigests}. */
export interface DigestCalls {
  digestBoundary: { with: { table: TableSpec; range: KeyRange; rows: number }; gives: Key | null };
  digestRows: { with: { table: TableSpec; range: KeyRange; limit: number }; gives: readonly Row[] };
  digestAsPrimary: { with: DigestRequest & { watermark: Position; maxKeys: number }; gives: PrimaryDigest };
  /** Opens a snapshot, which stays until it is closed. */
  digestAsSecondary: {
    with: DigestRequest & { snapshot: number };
    gives: { digest: RangeDigest; watermark: Position | null };
  };
  digestOfKeys: { with: DigestRequest & { snapshot: number; keys: readonly Key[] }; gives: RangeDigest };
  closeDigest: { with: number; gives: void };
}

/** Lets everybody else go first: nobody waits for a comparison. */
const NICENESS = 10;
const NICEST = 19;

interface Snapshot {
  readonly db: Database.Database;
  isOpen: boolean;
}

/** What a thread does for digests, in connections of its own: one for each snapshot that is open at the same time. */
export class DigestWork {
  readonly #path: string;
  #db: Database.Database | null = null;
  readonly #snapshots = new Map<number, Snapshot>();
  readonly #idle: Database.Database[] = [];
  readonly #hashers = new WeakMap<Database.Database, Map<string, RangeHasher>>();

  constructor(path: string) {
    this.#path = path;
    // On Linux this is about the thread alone; elsewhere it would be about the process.
    if (process.platform === 'linux') setPriority(0, Math.min(getPriority(0) + NICENESS, NICEST));
  }

  boundary({ table, range, rows }: DigestCalls['digestBoundary']['with']): Key | null {
    return boundaryOf(this.#own(), table, { range: revived(range), rows });
  }

  rows({ table, range, limit }: DigestCalls['digestRows']['with']): readonly Row[] {
    const rest = fromRangeInOrder(table, revived(range));
    return new ExactSelect(this.#own(), quotedColumns(table), `${rest.sql} LIMIT ?`).all(...rest.values, limit);
  }

  asPrimary(request: DigestCalls['digestAsPrimary']['with']): PrimaryDigest {
    const db = this.#own();
    const range = revived(request.range);
    db.exec('BEGIN');
    try {
      const changed = changedKeysOf(db, request);
      const hasher = this.#hasher(db, request);
      const digest = hasher.ofRange(range);
      if (changed.length > request.maxKeys) return { digest, changed: 'many', ofChanged: NO_ROWS };
      return { digest, changed, ofChanged: hasher.ofKeys(range, changed) };
    } finally {
      db.exec('ROLLBACK');
    }
  }

  asSecondary(request: DigestCalls['digestAsSecondary']['with']): DigestCalls['digestAsSecondary']['gives'] {
    const db = this.#idle.pop() ?? openConnection(this.#path);
    this.#snapshots.set(request.snapshot, { db, isOpen: true });
    db.exec('BEGIN');
    const digest = this.#hasher(db, request).ofRange(revived(request.range));
    const state = new Bookkeeping(db).state();
    return { digest, watermark: state?.role === 'secondary' ? state.watermark : null };
  }

  ofKeys(request: DigestCalls['digestOfKeys']['with']): RangeDigest {
    const { db } = this.#snapshots.get(request.snapshot) ?? { db: this.#own() };
    return this.#hasher(db, request).ofKeys(revived(request.range), reviveValues(request.keys));
  }

  close(snapshot: number): void {
    const open = this.#snapshots.get(snapshot);
    if (open === undefined) return;
    this.#snapshots.delete(snapshot);
    if (open.db.inTransaction) open.db.exec('ROLLBACK');
    this.#idle.push(open.db);
  }

  #own(): Database.Database {
    return (this.#db ??= openConnection(this.#path));
  }

  #hasher(db: Database.Database, { table, salt }: DigestRequest): RangeHasher {
    let hashers = this.#hashers.get(db);
    if (hashers === undefined) this.#hashers.set(db, (hashers = new Map()));
    const name = `${salt.seed} ${JSON.stringify(table)}`;
    let hasher = hashers.get(name);
    if (hasher === undefined) {
      // One table after the other, and one comparison after the other.
      if (hashers.size > MAX_HASHERS) hashers.clear();
      hashers.set(name, (hasher = new RangeHasher(db, { table, salt })));
    }
    return hasher;
  }
}

const MAX_HASHERS = 16;

function revived(range: KeyRange): KeyRange {
  for (const key of [range.after, range.upTo]) if (key !== null) reviveValues([key]);
  return range;
}

function changedKeysOf(
  db: Database.Database,
  { table, watermark, maxKeys }: DigestCalls['digestAsPrimary']['with'],
): readonly Key[] {
  const names = keyNames(keyColumns(table).length);
  const rest = `FROM (SELECT DISTINCT ${names.join(', ')} FROM _crossfade_changes WHERE seq > ? AND tbl = ? LIMIT ?)`;
  return new ExactSelect(db, names, rest).all(parsePosition(watermark).seq, table.name, maxKeys + 1);
}
