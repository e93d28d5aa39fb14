import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';

const openFile = promisify(open);
const syncFile = promisify(fdatasync);

/**
 * The write-ahead log of a database. In WAL mode with `synchronous=NORMAL` a commit does not survive a power failure
 * before this file is synced (https://sqlite.org/pragma.html#pragma_synchronous).
 *
 * It carries no POSIX locks, so that opening and closing it disturbs nobody, unlike the database file itself.
 */
export class WalFile {
  readonly #path: string;
  #descriptor: number | null = null;

  /** `path` is the database's own, with no symbolic link in it: SQLite puts the log beside the real file. */
  constructor(path: string) {
    this.#path = `${path}-wal`;
  }

  /** Resolves when everything committed before the call is on disk. Off the event loop. */
  async sync(): Promise<void> {
    this.#descriptor ??= await openFile(this.#path, 'r');
    await syncFile(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor !== null) close(this.#descriptor, () => {});
    this.#descriptor = null;
  }
}
