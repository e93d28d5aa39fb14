import pg from 'pg';
import { clientConfig, enterReplicaRole } from './connection.ts';
import { copyIn } from './copy-in.ts';
import type { Queryable } from './rows.ts';

const PREPARED_STATEMENTS = 200;

/**
 * Rows are always looked up by key. The planner might choose otherwise for a table that is small when a statement is
 * prepared, and keep to that while a large step makes the table grow: each batch would read all of it.
 */
const BY_KEY = 'SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off';

/**
 * The session of the Mirror's: applies rows as they are, past constraints and triggers where the role may.
 * Statements are prepared at their first use. Pipelined where this version of pg can: a statement need not wait for the
 * answer to the one before.
 */
export class Session implements Queryable {
  readonly #client: pg.Client;
  readonly #answerLimitMs: number;
  readonly #prepared = new Map<string, string>();

  private constructor(client: pg.Client, answerLimitMs: number) {
    this.#client = client;
    this.#answerLimitMs = answerLimitMs;
  }

  /** `answerLimitMs`: how long a statement may go unanswered before the connection is given up. */
  static async open(url: string, answerLimitMs: number): Promise<Session> {
    return new Session(await openMirrorClient(url, answerLimitMs), answerLimitMs);
  }

  query<R extends pg.QueryResultRow>(statement: {
    readonly text: string;
    readonly values?: readonly unknown[];
    readonly rowMode?: 'array';
    /** Not to be prepared. */
    readonly isUnique?: boolean;
  }): Promise<pg.QueryResult<R>> {
    const { text, values = [], rowMode, isUnique = false } = statement;
    let name = this.#prepared.get(text);
    if (name === undefined && !isUnique && this.#prepared.size < PREPARED_STATEMENTS) {
      this.#prepared.set(text, (name = `crossfade_${this.#prepared.size}`));
    }
    return this.#client.query<R>({
      text,
      values: [...values],
      ...(rowMode === undefined ? {} : { rowMode }),
      ...(name === undefined ? {} : { name }),
    });
  }

  /** A statement that is not worth preparing, or several. */
  async run(text: string): Promise<void> {
    await this.#client.query(text);
  }

  /** Sends rows in the binary format by this `COPY … FROM STDIN`. Nothing else may be asked meanwhile. See {@link copyIn}. */
  async copy(text: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await copyIn(this.#client, { text, chunks, answerLimitMs: this.#answerLimitMs });
  }

  /** Sends what `send` sends as one write to the socket. */
  atOnce<T>(send: () => T): T {
    const { stream } = this.#client.connection;
    stream.cork();
    try {
      return send();
    } finally {
      stream.uncork();
    }
  }

  /** Calls `listener` when the connection has ended, whoever ended it. */
  onEnd(listener: () => void): void {
    this.#client.once('end', listener);
  }

  async end(): Promise<void> {
    await this.#client.end();
  }
}

/** A connection with the rights and settings of the Mirror's: past the fence, the capture triggers and, where it may, all others. */
export async function openMirrorClient(url: string, answerLimitMs?: number): Promise<pg.Client> {
  const pipelined: pg.ClientConfig & { readonly pipeline: boolean } = {
    ...clientConfig(url, 'mirror'),
    pipeline: true,
    ...(answerLimitMs === undefined ? {} : { query_timeout: answerLimitMs }),
  };
  const client = new pg.Client(pipelined);
  client.on('error', () => {});
  await client.connect();
  // Steps become durable together: see Store.flush.
  await client.query(
    `SET crossfade.mirroring = 'on'; SET synchronous_commit = 'off'; SET statement_timeout = '10min'; SET lock_timeout = '10s'; ${BY_KEY}`,
  );
  await enterReplicaRole(client);
  return client;
}

/** All of these answers, or the first error among them once every one has come: the first one sent is the cause. */
export async function allAnswers<T extends readonly (Promise<unknown> | undefined)[]>(
  answers: T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  const results = await Promise.allSettled(answers.map((answer) => answer ?? Promise.resolve()));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as {
    -readonly [Index in keyof T]: Awaited<T[Index]>;
  };
}
