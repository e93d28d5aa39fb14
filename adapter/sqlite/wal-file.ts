import { close, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const syncFile = promisify(fdatasync);

/** Syncs that take no longer than this hold the event loop for about as long as handing them to another thread would. */
const QUICK_MS = 0.5;
/** How much the last sync counts against those before it. */
const WEIGHT = 1 / 8;
/** Once syncs are not quick, how long they keep off the event loop before one is tried on it again. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/**
 * The write-ahead log of a database. In WAL mode with `synchronous=NORMAL` a commit does not survive a power failure
 * before this file is synced (https://sqlite.org/pragma.html#pragma_synchronous).
 *
 * It carries no POSIX locks, so that opening and closing it disturbs nobody, unlike the database file itself.
 */
export class WalFile {
  readonly #path: string;
  #descriptor: number | null = null;
  /** What a sync on the event loop takes of late. */
  #usualMs = 0;
  #offLoopUntil = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #isMuch = false;

  /** `path` is the database's own, with no symbolic link in it: SQLite puts the log beside the real file. */
  constructor(path: string) {
    this.#path = `${path}-wal`;
  }

  /** Whether the next sync is made on the event loop. */
  get isQuick(): boolean {
    return !this.#isMuch && performance.now() >= this.#offLoopUntil;
  }

  /** To be called when much has been written, or may have been: the next sync keeps off the event loop. */
  expectMuch(): void {
    this.#isMuch = true;
  }

  /**
   * Everything committed before the call is on disk when it returns `undefined`, or when the promise resolves.
   *
   * On a quick disk the sync is made on the spot; once it is not quick, off the event loop for a while.
   */
  sync(): Promise<void> | undefined {
    this.#descriptor ??= openSync(this.#path, 'r');
    if (!this.isQuick) {
      this.#isMuch = false;
      return syncFile(this.#descriptor);
    }
    const startedAt = performance.now();
    fdatasyncSync(this.#descriptor);
    const endedAt = performance.now();
    this.#usualMs += (endedAt - startedAt - this.#usualMs) * WEIGHT;
    if (this.#usualMs <= QUICK_MS) {
      this.#pauseMs = FIRST_PAUSE_MS;
    } else {
      this.#usualMs = QUICK_MS;
      this.#offLoopUntil = endedAt + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    }
    return undefined;
  }

  close(): void {
    if (this.#descriptor !== null) close(this.#descriptor, () => {});
    this.#descriptor = null;
  }
}
