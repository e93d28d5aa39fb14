/**
 * A value that one database holds and the other cannot hold as it is. It travels with its row to the writer, which
 * refuses the row for the reason given; meanwhile it is equal to nothing but itself, so that no comparison takes it for
 * something else.
 */
export class Unholdable {
  /** Which database holds it. */
  readonly heldBy: 'sqlite' | 'postgres';
  /** Why the other one cannot, without the value. */
  readonly reason: string;
  /** What its own database holds: the bytes of SQLite's text, or PostgreSQL's text of the value. */
  readonly original: Uint8Array | string;

  private constructor(heldBy: Unholdable['heldBy'], reason: string, original: Uint8Array | string) {
    this.heldBy = heldBy;
    this.reason = reason;
    this.original = original;
  }

  /** Text of SQLite's whose bytes are not UTF-8: SQLite takes any bytes, PostgreSQL none but valid ones. */
  static inSqlite(bytes: Uint8Array): Unholdable {
    return new Unholdable('sqlite', 'text that is not valid UTF-8, which PostgreSQL cannot hold', bytes);
  }

  /** A value of PostgreSQL's for which SQLite has no form. */
  static inPostgres(text: string, reason = 'a value that SQLite cannot hold'): Unholdable {
    return new Unholdable('postgres', reason, text);
  }
}
