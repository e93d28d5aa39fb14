import type Database from 'better-sqlite3';
import { ordersByValue } from '../digest.ts';
import type {
  DigestFitness,
  DigestRequest,
  Digests,
  KeyRange,
  PrimaryDigests,
  RangeDigest,
  SecondaryDigests,
} from '../digest.ts';
import type { Key, Row, TableSpec } from '../spec.ts';
import type { Position } from '../store.ts';
import { DigestWork } from './digest-work.ts';
import { inTurns, inTurnsWithin } from './interruptible.ts';
import { SqliteThread } from './thread.ts';
import type { Call } from './thread.ts';
import { reviveValues } from './thread-values.ts';

/** More would only wait for each other, and take the processors from everybody else. */
const THREADS = 2;
/** What is short need not wait until those have ended what they do. */
const SHORT_THREAD = THREADS;

/**
 * Up to so many rows are read on the event loop, as long as there is no thread: to start one takes as long as tens of
 * thousands of rows…
 */
const ROWS_ON_LOOP = 5_000;
/** …and more, where they are only counted; */
const COUNTED_ON_LOOP = 20_000;
/** …a few milliseconds at a time… */
const PIECE_BYTES = 2 ** 16;
/** …unless they take longer than that, being large ones: then a thread begins anew. */
const LOOP_LIMIT_MS = 150;

/** Digests computed in threads, unless they are short, so that the event loop is never held. */
export class SqliteDigests implements Digests {
  readonly #db: Database.Database;
  readonly #threads: readonly SqliteThread[];
  readonly #onLoop: DigestWork;
  readonly #users: number[];
  #snapshots = 0;

  /** `db` is asked for what takes no time. */
  constructor(path: string, db: Database.Database) {
    this.#db = db;
    this.#onLoop = new DigestWork(path, { pieceBytes: PIECE_BYTES });
    this.#threads = Array.from({ length: THREADS + 1 }, () => new SqliteThread(path));
    this.#users = Array.from({ length: THREADS }, () => 0);
  }

  async fitness(tables: readonly TableSpec[]): Promise<DigestFitness> {
    // In UTF-16 neither the bytes of a text nor their order are those of PostgreSQL.
    const isUtf8 = this.#db.pragma('encoding', { simple: true }) === 'UTF-8';
    const names = isUtf8 ? tables.filter(ordersByValue).map(({ name }) => name) : [];
    return { tables: new Set(names), blobsInArrays: false };
  }

  async boundary(table: TableSpec, range: KeyRange, rows: number): Promise<Key | null> {
    if (this.#isForLoop(rows, COUNTED_ON_LOOP)) return this.#onLoop.boundary({ table, range, rows });
    const key = await this.#short((call) => call('digestBoundary', { table, range, rows }));
    return key === null ? null : (reviveValues([key])[0] ?? null);
  }

  async boundaries(table: TableSpec, range: KeyRange, rows: number): Promise<readonly Key[]> {
    return reviveValues(await this.#short((call) => call('digestBoundaries', { table, range, rows })));
  }

  async rows(table: TableSpec, range: KeyRange, limit: number): Promise<readonly Row[]> {
    return reviveValues(await this.#short((call) => call('digestRows', { table, range, limit })));
  }

  /** It would have to count them. */
  async about(): Promise<null> {
    return null;
  }

  /** SQLite has no sequences: it gives out one more than its rows hold. */
  async highestId(): Promise<null> {
    return null;
  }

  async asPrimary(
    request: DigestRequest,
    since: { readonly watermark: Position; readonly maxKeys: number },
  ): Promise<PrimaryDigests> {
    if (this.#isForLoop(request.rows)) {
      const found = await inTurnsWithin(LOOP_LIMIT_MS, this.#onLoop.asPrimary({ ...request, ...since }));
      if (found !== null) return found;
    }
    const found = await this.#useFor(request, (call) => call('digestAsPrimary', { ...request, ...since }));
    if (found.changed !== 'many') reviveValues(found.changed);
    return found;
  }

  async asSecondary<T>(request: DigestRequest, use: (snapshot: SecondaryDigests) => Promise<T>): Promise<T> {
    if (this.#isForLoop(request.rows)) {
      const snapshot = (this.#snapshots += 1);
      try {
        const watermark = this.#onLoop.open(snapshot);
        const digests = await inTurnsWithin(LOOP_LIMIT_MS, this.#onLoop.digests({ ...request, snapshot }));
        const ofKeys = (keys: readonly Key[]): Promise<readonly RangeDigest[]> =>
          inTurns(this.#onLoop.digests({ ...request, snapshot, keys }));
        if (digests !== null) return await use({ watermark, digests: Promise.resolve(digests), ofKeys });
      } finally {
        this.#onLoop.close(snapshot);
      }
    }
    return this.#useFor(request, async (call) => {
      const snapshot = (this.#snapshots += 1);
      try {
        const watermark = await call('openDigest', snapshot);
        const digests = call('digestsIn', { ...request, snapshot });
        digests.catch(() => {});
        return await use({ watermark, digests, ofKeys: (keys) => call('digestsIn', { ...request, snapshot, keys }) });
      } finally {
        // A thread that has ended has closed it.
        await call('closeDigest', snapshot).catch(() => {});
      }
    });
  }

  async close(): Promise<void> {
    this.#onLoop.end();
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #isForLoop(rows = Infinity, most = ROWS_ON_LOOP): boolean {
    return rows <= most && !this.#onLoop.hasEnded && !this.#threads.some(({ isRunning }) => isRunning);
  }

  #useFor<T>({ rows = Infinity }: DigestRequest, work: (call: Call) => Promise<T>): Promise<T> {
    return rows <= ROWS_ON_LOOP ? this.#short(work) : this.#use(work);
  }

  /** One and the same thread, that with the least to do. */
  async #use<T>(work: (call: Call) => Promise<T>): Promise<T> {
    const index = this.#users.indexOf(Math.min(...this.#users));
    const thread = this.#thread(index);
    this.#users[index] = (this.#users[index] ?? 0) + 1;
    try {
      return await thread.use(work);
    } finally {
      this.#users[index] = (this.#users[index] ?? 1) - 1;
    }
  }

  #short<T>(work: (call: Call) => Promise<T>): Promise<T> {
    return this.#thread(SHORT_THREAD).use(work);
  }

  #thread(index: number): SqliteThread {
    const thread = this.#threads[index];
    if (thread === undefined) throw new RangeError(`there is no thread ${index}`);
    return thread;
  }
}
