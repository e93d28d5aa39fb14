import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { Connection, QueryObject } from './knex-internals.ts';
import type { TargetClientConstructor } from './target-client.ts';

/** The parts of pg's query that one with a savepoint before it is made of; pg declares the first two only. */
interface PgQuery {
  text: string;
  readonly submit: (connection: PgConnection) => Error | null;
  requiresPreparation(): boolean;
  prepare(connection: PgConnection): void;
  handleCommandComplete(message: unknown, connection: PgConnection): void;
}
interface PgConnection {
  parse(statement: { readonly text: string; readonly name: string }): void;
  bind(portal: { readonly portal: string; readonly statement: string; readonly values: readonly unknown[] }): void;
  execute(portal: { readonly portal: string; readonly rows: number }): void;
}
type PgCallback = (error: Error | null, result: unknown) => void;
type PgQueryConstructor = new (
  config: { readonly text: string; readonly values: readonly unknown[] },
  values: undefined,
  callback: PgCallback,
) => PgQuery;

/** What a connection in a transaction needs to remember between two statements. */
interface OpenTransaction {
  /** Whether the savepoint of the statement before is still there. */
  hasSavepoint: boolean;
  /** Settles when the statement before has ended, and what it left behind has been undone. */
  last: Promise<unknown>;
}

const SAVEPOINT = 'SAVEPOINT crossfade';
const RELEASE = 'RELEASE SAVEPOINT crossfade';
const UNDO = 'ROLLBACK TO SAVEPOINT crossfade';
const CONTROL = /^\s*(?:begin|start|commit|end|rollback|abort|savepoint|release|set|prepare)\b/i;
const BEGIN = /^\s*(?:begin|start)\b/i;
const END = /^\s*(?:commit|end|abort|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b/i;
/** The extended protocol takes one statement only, as SQLite's driver does. */
const SEVERAL = /;\s*\S/;

/**
 * Lets a transaction on PostgreSQL go on after a statement of it has failed, as SQLite does: before each statement a
 * savepoint is set, in the same round trip, and a failure goes back to it.
 */
export function withStatementSavepoints(Base: TargetClientConstructor): TargetClientConstructor {
  const transactions = new WeakMap<Connection, OpenTransaction>();

  return class SavepointTarget extends Base {
    override async _query(connection: Connection, query: QueryObject): Promise<QueryObject> {
      if (connection === undefined || query === null || typeof query !== 'object' || !query.sql)
        return await super._query(connection, query);
      const open = transactions.get(connection);
      if (CONTROL.test(query.sql)) return await this.control(connection, query, open);
      if (open === undefined) return await super._query(connection, query);
      return await inTurn(open, () => this.guarded(connection, query, open));
    }

    override async _stream(
      connection: Connection,
      query: QueryObject,
      stream: Duplex,
      ...rest: readonly unknown[]
    ): Promise<unknown> {
      const open = transactions.get(connection);
      if (open === undefined) return await super._stream(connection, query, stream, ...rest);
      await inTurn(open, () => this.setSavepoint(connection, open));
      // Not in turn: a stream that is left in the middle may never settle.
      try {
        return await super._stream(connection, query, stream, ...rest);
      } catch (error) {
        await this.undo(connection);
        throw error;
      }
    }

    /** What the application's own savepoints enclose is released or undone with them. */
    async control(connection: Connection, query: QueryObject, open: OpenTransaction | undefined): Promise<QueryObject> {
      const run = async (): Promise<QueryObject> => await super._query(connection, query);
      try {
        const done = await (open === undefined ? run() : inTurn(open, run));
        if (BEGIN.test(query.sql)) transactions.set(connection, { hasSavepoint: false, last: Promise.resolve() });
        return done;
      } finally {
        if (END.test(query.sql)) transactions.delete(connection);
        else if (open !== undefined) open.hasSavepoint = false;
      }
    }

    async guarded(connection: Connection, query: QueryObject, open: OpenTransaction): Promise<QueryObject> {
      try {
        if (!SEVERAL.test(query.sql)) return await submit(connection, query, open);
        await this.setSavepoint(connection, open);
        return await super._query(connection, query);
      } catch (error) {
        await this.undo(connection);
        throw error;
      }
    }

    async setSavepoint(connection: Connection, open: OpenTransaction): Promise<void> {
      await super._query(connection, { sql: open.hasSavepoint ? `${RELEASE}; ${SAVEPOINT}` : SAVEPOINT });
      open.hasSavepoint = true;
    }

    /** Where even this fails, the connection is gone: the error of the statement says so. */
    async undo(connection: Connection): Promise<void> {
      await super._query(connection, { sql: UNDO }).catch(() => {});
    }
  };
}

/** SQLite takes one statement at a time; what is undone after one must not meet the next. */
async function inTurn<T>(open: OpenTransaction, work: () => Promise<T>): Promise<T> {
  const turn = open.last.then(work);
  open.last = turn.catch(() => {});
  return await turn;
}

/** Sends a statement with its savepoint before it. */
async function submit(connection: Connection, query: QueryObject, open: OpenTransaction): Promise<QueryObject> {
  const before = open.hasSavepoint ? [RELEASE, SAVEPOINT] : [SAVEPOINT];
  open.hasSavepoint = true;
  query.response = await new Promise((resolve, reject) => {
    const config = { text: query.sql, values: query.bindings ?? [], ...query.options };
    const statement = new QueryAfter(config, undefined, (error, result) =>
      error === null ? resolve(result) : reject(error),
    );
    statement.before = before;
    (connection as pg.Client).query(statement as unknown as pg.Submittable);
  });
  return query;
}

/** A query with other statements before it, whose results nobody wants. */
class QueryAfter extends (pg.Query as unknown as PgQueryConstructor) {
  before: readonly string[] = [];
  #completed = 0;

  /** Only the extended protocol takes several statements apart. */
  override requiresPreparation(): boolean {
    return true;
  }

  override prepare(connection: PgConnection): void {
    for (const text of this.before) {
      connection.parse({ text, name: '' });
      connection.bind({ portal: '', statement: '', values: [] });
      connection.execute({ portal: '', rows: 0 });
    }
    super.prepare(connection);
  }

  override handleCommandComplete(message: unknown, connection: PgConnection): void {
    this.#completed += 1;
    if (this.#completed > this.before.length) super.handleCommandComplete(message, connection);
  }
}
