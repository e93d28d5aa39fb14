import type Database from 'better-sqlite3';
import { getPriority, setPriority } from 'node:os';
import { keysAsked, splitAt } from '../digest.ts';
import type { DigestRequest, KeyRange, PrimaryDigests, RangeDigest } from '../digest.ts';
import { keyColumns } from '../spec.ts';
import type { Key, Row, TableSpec } from '../spec.ts';
import type { Position } from '../store.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { openConnection } from './connection.ts';
import { boundaryOf, RangeHasher } from './digest-range.ts';
import { fromRange } from './digest-sql.ts';
import { ExactSelect } from './exact-select.ts';
import { parsePosition } from './position.ts';
import { keyNames } from './sql.ts';
import { quotedColumns } from './step-rows.ts';
import type { Interruptible } from './interruptible.ts';
import { reviveValues } from './thread-values.ts';

/** What is asked of it: as calls that a thread answers for {@link SqliteDigests}. */
export interface DigestCalls {
  digestBoundary: { with: { table: TableSpec; range: KeyRange; rows: number }; gives: Key | null };
  digestBoundaries: { with: { table: TableSpec; range: KeyRange; rows: number }; gives: readonly Key[] };
  digestRows: { with: { table: TableSpec; range: KeyRange; limit: number }; gives: readonly Row[] };
  digestAsPrimary: { with: DigestRequest & { watermark: Position; maxKeys: number }; gives: PrimaryDigests };
  /** Opens a snapshot of a secondary, which stays until it is closed. Gives the watermark of {@link SecondaryDigests}. */
  openDigest: { with: number; gives: Position | null };
  digestsIn: { with: DigestRequest & { snapshot: number }; gives: readonly RangeDigest[] };
  closeDigest: { with: number; gives: void };
}

/** Lets everybody else go first: nobody waits for a comparison. */
const NICENESS = 10;
const NICEST = 19;

/**
 * What is done for digests, in connections of its own: one for each snapshot that is open at the same time.
 */
export class DigestWork {
  readonly #path: string;
  readonly #pieceBytes: number | undefined;
  #db: Database.Database | null = null;
  readonly #snapshots = new Map<number, Database.Database>();
  readonly #idle: Database.Database[] = [];
  hasEnded = false;
  readonly #hashers = new WeakMap<Database.Database, Map<string, RangeHasher>>();

  /** `pieceBytes`: about how much is read before it may be interrupted. */
  constructor(path: string, { pieceBytes }: { readonly pieceBytes?: number } = {}) {
    this.#path = path;
    this.#pieceBytes = pieceBytes;
  }

  /** That of a thread which does nothing else. */
  static inThread(path: string): DigestWork {
    // On Linux this is about the thread alone; elsewhere it would be about the process.
    if (process.platform === 'linux') setPriority(0, Math.min(getPriority(0) + NICENESS, NICEST));
    return new DigestWork(path);
  }

  boundary({ table, range, rows }: DigestCalls['digestBoundary']['with']): Key | null {
    return boundaryOf(this.#select, table, { range: revived(range), rows });
  }

  boundaries({ table, range, rows }: DigestCalls['digestBoundaries']['with']): readonly Key[] {
    const keys: Key[] = [];
    let rest = revived(range);
    for (;;) {
      const key = boundaryOf(this.#select, table, { range: rest, rows });
      if (key === null) return keys;
      keys.push(key);
      [, rest] = splitAt(rest, key);
    }
  }

  rows({ table, range, limit }: DigestCalls['digestRows']['with']): readonly Row[] {
    const rest = fromRange(table, revived(range));
    return new ExactSelect(this.#own(), quotedColumns(table), `${rest.sql} LIMIT ?`).all(...rest.values, limit);
  }

  *asPrimary(request: DigestCalls['digestAsPrimary']['with']): Interruptible<PrimaryDigests> {
    const db = this.#begin();
    try {
      const since = changedKeysOf(db, request);
      const hasher = this.#hasher(db, request);
      const digests = yield* digestsAsked(hasher, request);
      if (since.length > request.maxKeys) return { digests, changed: 'many', ofChanged: [] };
      const changed = keysAsked(request, since);
      return {
        digests,
        changed,
        ofChanged: changed.length === 0 ? [] : yield* ofEach(request, (range) => hasher.ofKeys(range, changed)),
      };
    } finally {
      this.#end(db);
    }
  }

  open(snapshot: number): Position | null {
    const db = this.#begin();
    this.#snapshots.set(snapshot, db);
    const state = new Bookkeeping(db).state();
    return state?.role === 'secondary' ? state.watermark : null;
  }

  *digests(request: DigestCalls['digestsIn']['with']): Interruptible<readonly RangeDigest[]> {
    const db = this.#snapshots.get(request.snapshot);
    if (db === undefined) throw new RangeError(`there is no snapshot ${request.snapshot}`);
    return yield* digestsAsked(this.#hasher(db, request), request);
  }

  close(snapshot: number): void {
    const db = this.#snapshots.get(snapshot);
    if (db === undefined) return;
    this.#snapshots.delete(snapshot);
    this.#end(db);
  }

  /** Closes its connections: those that are in use now, when they are not any more. */
  end(): void {
    this.hasEnded = true;
    this.#db?.close();
    this.#db = null;
    for (const db of this.#idle.splice(0)) db.close();
  }

  readonly #select = (columns: readonly string[], rest: string): ExactSelect => {
    return new ExactSelect(this.#own(), columns, rest);
  };

  #own(): Database.Database {
    return (this.#db ??= openConnection(this.#path));
  }

  /** A connection in a snapshot of its own. */
  #begin(): Database.Database {
    const db = this.#idle.pop() ?? openConnection(this.#path);
    db.exec('BEGIN');
    return db;
  }

  #end(db: Database.Database): void {
    if (db.inTransaction) db.exec('ROLLBACK');
    if (this.hasEnded) db.close();
    else this.#idle.push(db);
  }

  #hasher(db: Database.Database, { table, salt }: DigestRequest): RangeHasher {
    let hashers = this.#hashers.get(db);
    if (hashers === undefined) this.#hashers.set(db, (hashers = new Map()));
    const name = `${salt.seed} ${JSON.stringify(table)}`;
    let hasher = hashers.get(name);
    if (hasher === undefined) {
      // One table after the other, and one comparison after the other.
      if (hashers.size > MAX_HASHERS) hashers.clear();
      const pieces = this.#pieceBytes === undefined ? {} : { pieceBytes: this.#pieceBytes };
      hashers.set(name, (hasher = new RangeHasher(db, { table, salt, ...pieces })));
    }
    return hasher;
  }
}

const MAX_HASHERS = 16;

function digestsAsked(hasher: RangeHasher, request: DigestRequest): Interruptible<readonly RangeDigest[]> {
  const keys = request.keys && reviveValues(request.keys);
  return ofEach(request, (range) => (keys === undefined ? hasher.ofRange(range) : hasher.ofKeys(range, keys)));
}

function* ofEach(
  { ranges }: DigestRequest,
  digest: (range: KeyRange) => Interruptible<RangeDigest>,
): Interruptible<readonly RangeDigest[]> {
  const digests: RangeDigest[] = [];
  for (const range of ranges) digests.push(yield* digest(revived(range)));
  return digests;
}

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
