import pg from 'pg';
import { clientConfig } from './connection.ts';

/** The key of the advisory lock that all who work on a run hold together. Advisory locks belong to a database. */
export const runLock = (id: string): string => `hashtextextended('crossfade comparison run ' || ${id}, 0)`;

/** The key of the advisory lock that one of them holds alone. */
export const holderLock = (holder: string): string =>
  `hashtextextended('crossfade comparison holder ' || ${holder}, 0)`;

const RETRY_MS = 250;

/**
 * That a process works on a comparison, as the others see it: locks of a session of its own, which PostgreSQL takes back
 * as soon as the process is gone, whatever ended it. A session that breaks is replaced.
 *
 * For economy alone: without the locks claims expire, and findings are saved by what the claims say.
 */
export class Attendance {
  readonly #url: string;
  readonly #of: { readonly run: string; readonly holder: string };
  #client: pg.Client | null = null;
  #retry: NodeJS.Timeout | null = null;
  #isOver = false;

  private constructor(url: string, of: { readonly run: string; readonly holder: string }) {
    this.#url = url;
    this.#of = of;
  }

  static async begin(url: string, of: { readonly run: string; readonly holder: string }): Promise<Attendance> {
    const attendance = new Attendance(url, of);
    await attendance.#open();
    return attendance;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    // A session that is gone holds nothing; one that is kept by a pooler must not hold anything either.
    await this.#client?.query('SELECT pg_advisory_unlock_all()').catch(() => {});
    await this.#client?.end().catch(() => {});
  }

  async #open(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#url, 'comparison'));
    client.on('error', () => {});
    try {
      await client.connect();
      // It waits for nobody but one who looks, for a moment, whether the run is left.
      await client.query(
        `SELECT pg_advisory_lock_shared(${runLock('$1::text')}), pg_advisory_lock(${holderLock('$2::text')})`,
        [this.#of.run, this.#of.holder],
      );
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    if (this.#isOver) return client.end();
    this.#client = client;
    client.once('end', () => this.#openAgain());
  }

  #openAgain(): void {
    this.#client = null;
    if (this.#isOver) return;
    this.#open().catch(() => {
      this.#retry = setTimeout(() => this.#openAgain(), RETRY_MS).unref();
    });
  }
}
