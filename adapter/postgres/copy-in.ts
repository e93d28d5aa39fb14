import pg from 'pg';

/** What begins data in the binary format: a signature, no flags, nothing more (https://www.postgresql.org/docs/current/sql-copy.html). */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** In the place of a row's number of columns. */
const TRAILER = Buffer.from([0xff, 0xff]);
const COPY_DATA = 'd'.charCodeAt(0);
/** There is a limit of its own for each answer that is waited for; the whole may take as long as it moves. */
const NO_LIMIT = 2 ** 31 - 1;

/** Rows in PostgreSQL's binary format, some at a time. */
export interface CopyData {
  /** `COPY … FROM STDIN (FORMAT binary)`. */
  readonly text: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** How long the server may let itself be waited for, be it to take a chunk or to answer. */
  readonly answerLimitMs: number;
}

/**
 * Sends rows by COPY, as fast as the server takes them. Nothing else may be asked of the client meanwhile. When this
 * rejects, for the server's reason or because the chunks have failed, the server has ended the statement too.
 */
export async function copyIn(client: pg.Client, { text, chunks, answerLimitMs }: CopyData): Promise<void> {
  const statement = new CopyStatement(client, text, answerLimitMs);
  const connection = await statement.begun();
  try {
    await statement.send(connection, HEADER);
    for await (const chunk of chunks) if (chunk.byteLength > 0) await statement.send(connection, chunk);
    await statement.send(connection, TRAILER);
  } catch (error) {
    await statement.cancel(connection);
    throw error;
  }
  await statement.end(connection);
}

/** What the driver's type declarations leave out. */
interface CopyConnection extends pg.Connection {
  sendCopyFail(reason: string): void;
  endCopyFrom(): void;
}

/**
 * A statement of the driver's own kind: it allows no others in a session that is pipelined, such as those of
 * `pg-copy-streams` are.
 */
class CopyQuery extends pg.Query {
  readonly query_timeout = NO_LIMIT;
  readonly #begin: (connection: CopyConnection) => void;

  constructor(text: string, on: { begin: (connection: CopyConnection) => void; end: (error?: Error | null) => void }) {
    super(text, on.end);
    this.#begin = on.begin;
  }

  /** The driver calls it when the server wants the rows. */
  handleCopyInResponse(connection: CopyConnection): void {
    this.#begin(connection);
  }
}

/** A COPY from its beginning to its end. */
class CopyStatement {
  readonly #answerLimitMs: number;
  readonly #begun: Promise<CopyConnection>;
  readonly #ended: Promise<void>;
  readonly #client: pg.Client;
  #hasEnded = false;

  constructor(client: pg.Client, text: string, answerLimitMs: number) {
    this.#client = client;
    this.#answerLimitMs = answerLimitMs;
    let end: (error?: Error | null) => void;
    this.#ended = new Promise((resolve, reject) => {
      end = (error) => {
        this.#hasEnded = true;
        if (error) reject(error);
        else resolve();
      };
    });
    this.#ended.catch(() => {});
    this.#begun = new Promise((begin) => client.query(new CopyQuery(text, { begin, end })));
  }

  /** Resolves when the server wants the rows. */
  async begun(): Promise<CopyConnection> {
    return await this.#answered(Promise.race([this.#begun, this.#broken()]));
  }

  /** Resolves when the server, or the network on its behalf, has taken all that was sent. */
  async send(connection: CopyConnection, chunk: Uint8Array): Promise<void> {
    if (this.#hasEnded) await this.#broken();
    const { stream } = connection;
    const head = Buffer.alloc(5, COPY_DATA);
    head.writeInt32BE(chunk.byteLength + 4, 1);
    stream.cork();
    stream.write(head);
    const isTaken = stream.write(chunk);
    stream.uncork();
    if (isTaken) return;
    let drain = (): void => {};
    const drained = new Promise<void>((resolve) => stream.once('drain', (drain = resolve)));
    try {
      await this.#answered(Promise.race([drained, this.#broken()]));
    } finally {
      stream.off('drain', drain);
    }
  }

  async end(connection: CopyConnection): Promise<void> {
    connection.endCopyFrom();
    await this.#answered(this.#ended);
  }

  /** Has the server end the statement, unless it did. */
  async cancel(connection: CopyConnection): Promise<void> {
    if (!this.#hasEnded) connection.sendCopyFail('the rows could not be read');
    await this.#answered(this.#ended).catch(() => {});
  }

  /** Rejects when the statement fails; it has no other way to end before its last row was sent. */
  async #broken(): Promise<never> {
    await this.#ended;
    throw new Error('PostgreSQL ended a COPY before its last row');
  }

  /** Gives the connection up when the server does not answer. */
  async #answered<T>(answer: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#client.connection.stream.destroy(
        new Error(`timeout: PostgreSQL took no rows for ${this.#answerLimitMs} ms`),
      );
    }, this.#answerLimitMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }
}
