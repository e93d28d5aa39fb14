/** Bytes of a message's type and length. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const HEADER = 5;

/** Takes what a client sends to PostgreSQL apart, as far as its statements go. */
export class FrontendMessages {
  #rest: Buffer = Buffer.alloc(0);
  #hasStarted = false;
  /** The server says once that it is ready, after the start, and once more after each of these. */
  #ready = 1;

  /**
   * The messages that are complete now, with the text of those that carry SQL. While one is given out,
   * {@link answersAwaited} speaks of it.
   */
  *read(data: Buffer): Generator<{ readonly bytes: Buffer; readonly sql: string | null }> {
    this.#rest = Buffer.concat([this.#rest, data]);
    while (true) {
      const header = this.#hasStarted ? 1 : 0;
      if (this.#rest.length < header + 4) return;
      const length = header + this.#rest.readUInt32BE(header);
      if (this.#rest.length < length) return;
      const bytes = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      const type = this.#hasStarted ? String.fromCharCode(bytes[0] ?? 0) : '';
      this.#hasStarted = true;
      yield { bytes, sql: sqlOf(type, bytes) };
      if (type === 'Q' || type === 'S') this.#ready += 1;
    }
  }

  /** How often the server will have said that it is ready when the message in hand is done with. */
  get answersAwaited(): number {
    return this.#ready + 1;
  }
}

/** Counts how often a server has said that it is ready for the next query. */
export class ReadyAnswers {
  #rest: Buffer = Buffer.alloc(0);
  #count = 0;

  /** How often so far, with this piece of its answers. */
  count(data: Buffer): number {
    this.#rest = Buffer.concat([this.#rest, data]);
    while (this.#rest.length >= HEADER) {
      const length = 1 + this.#rest.readUInt32BE(1);
      if (this.#rest.length < length) break;
      if (this.#rest[0] === 'Z'.charCodeAt(0)) this.#count += 1;
      this.#rest = this.#rest.subarray(length);
    }
    return this.#count;
  }
}

function sqlOf(type: string, bytes: Buffer): string | null {
  if (type !== 'Q' && type !== 'P') return null;
  const from = type === 'Q' ? HEADER : bytes.indexOf(0, HEADER) + 1;
  return bytes.toString('utf8', from, bytes.indexOf(0, from));
}
