import type Database from 'better-sqlite3';
import { ordersByValue } from '../digest.ts';
import type { DigestFitness, DigestRequest, Digests, KeyRange, PrimaryDigest, SecondaryDigest } from '../digest.ts';
import type { Key, Row, TableSpec } from '../spec.ts';
import type { Position } from '../store.ts';
import { SqliteThread } from './thread.ts';
import type { Call } from './thread.ts';
import { reviveValues } from './thread-values.ts';

/** More would only wait for each other, and take the processors from everybody else. */
const THREADS = 2;
/** What is short need not wait until those have ended what they do. */
const SHORT_THREAD = THREADS;

/** Digests computed in threads, so that the event loop is never held. */
export class SqliteDigests implements Digests {
  readonly #db: Database.Database;
  readonly #threads: readonly SqliteThread[];
  readonly #users: number[];
  #snapshots = 0;

  /** `db` is only asked for the file's encoding. */
  constructor(path: string, db: Database.Database) {
    this.#db = db;
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
    const key = await this.#short((call) => call('digestBoundary', { table, range, rows }));
    return key === null ? null : (reviveValues([key])[0] ?? null);
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
  ): Promise<PrimaryDigest> {
    const found = await this.#use((call) => call('digestAsPrimary', { ...request, ...since }));
    if (found.changed !== 'many') reviveValues(found.changed);
    return found;
  }

  async asSecondary<T>(request: DigestRequest, use: (snapshot: SecondaryDigest) => Promise<T>): Promise<T> {
    return this.#use(async (call) => {
      const snapshot = (this.#snapshots += 1);
      try {
        const found = await call('digestAsSecondary', { ...request, snapshot });
        return await use({ ...found, ofKeys: (keys) => call('digestOfKeys', { ...request, snapshot, keys }) });
      } finally {
        // A thread that has ended has closed it.
        await call('closeDigest', snapshot).catch(() => {});
      }
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
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
