import type pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrossfadeError } from '../errors.ts';
import type { TableSpec } from '../spec.ts';
import { describeConnectionError, isLockTimeout, lend, openPool } from './connection.ts';
import { quote } from './sql.ts';

/** One attempt to lock all tables; well below deadlock_timeout (1 s), past which PostgreSQL would end somebody's transaction. */
const LOCK_ATTEMPT_MS = 300;
const LOCK_PAUSE_MS = 20;

/** The connections of a store for everything short: a small pool, and what is done on it as a whole. */
export class StorePool {
  /** For who needs no more than a query. Its errors are those of the driver: see {@link reaching}. */
  readonly plain: pg.Pool;
  readonly #url: string;

  constructor(url: string, answerLimitMs: number) {
    this.#url = url;
    this.plain = openPool(url, answerLimitMs);
  }

  /** Lends a connection; one on which something failed is not used again. */
  async withClient<T>(use: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return await lend(this.plain, use);
  }

  /** Runs `work` in a transaction. @throws CrossfadeError where the server cannot be reached */
  async transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.reaching(async () => {
      const client = await this.plain.connect();
      let failure: unknown;
      try {
        await client.query('BEGIN');
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        failure = error;
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      } finally {
        // A session that has met an error, or a replica role, is not given to anybody else.
        client.release(failure !== undefined);
      }
    });
  }

  /**
   * A transaction that holds off every writer of these tables. It tries for a short time and lets go again, so that
   * nobody queues behind it for long, and no deadlock is ever waited out.
   */
  async lockingTables<T>(
    { tables, waitMs, purpose }: { tables: readonly TableSpec[]; waitMs: number; purpose: string },
    work: (client: pg.ClientBase) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + waitMs;
    const names = tables.map((table) => quote(table.name)).join(', ');
    while (true) {
      try {
        return await this.transaction(async (client) => {
          await client.query(`SET LOCAL lock_timeout = ${LOCK_ATTEMPT_MS}`);
          if (tables.length > 0) await client.query(`LOCK TABLE ${names} IN SHARE ROW EXCLUSIVE MODE`);
          return work(client);
        });
      } catch (error) {
        if (!isLockTimeout(error)) throw error;
        if (performance.now() > deadline) {
          throw new CrossfadeError(
            'SWITCH_TIMED_OUT',
            `PostgreSQL could not be ${purpose}: a transaction kept its locks for ${waitMs} ms`,
            {
              hint: 'find the long transaction in pg_stat_activity or pg_prepared_xacts and end it; then try again',
              cause: error,
            },
          );
        }
        await sleep(LOCK_PAUSE_MS);
      }
    }
  }

  /** One statement by itself. @throws CrossfadeError where the server cannot be reached */
  async query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult<R>> {
    return this.reaching(() => this.plain.query<R>(text, [...values]));
  }

  /** Whatever goes to this server: an error of the connection is told as one of this server, without its password. */
  async reaching<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw describeConnectionError(this.#url, error);
    }
  }

  async end(): Promise<void> {
    await this.plain.end();
  }
}
