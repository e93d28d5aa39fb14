import type { Connection, QueryObject } from '../router/knex-internals.ts';
import { jsNumber } from './result-types.ts';
import type { SessionValue } from './rewriter.ts';

/** In RETURNING of an upsert: whether a row was inserted. */
export const INSERTED = 'crossfade_inserted';
/** Its value: nobody has been at a new row. */
export const IS_INSERTED = `(xmax = 0) AS "${INSERTED}"`;

interface Session {
  last_insert_rowid: unknown;
  changes: number;
  total_changes: number;
}

/**
 * What SQLite's connection would know of the statements before. Code on SQLite has one connection, so outside of a
 * transaction the last statement is that of the whole process.
 */
export class Sessions {
  readonly #all: Session = { last_insert_rowid: 0, changes: 0, total_changes: 0 };
  readonly #byConnection = new WeakMap<Connection, Session>();

  /** What the connection's last transaction, or else any last statement, left. */
  valueOf(connection: Connection, value: SessionValue): unknown {
    return (this.#byConnection.get(connection) ?? this.#all)[value];
  }

  note(connection: Connection, { method, sql, response, insertedKey, returnedKey }: QueryObject): void {
    if (method === 'select' || method === 'first' || method === 'pluck') return;
    if (/^\s*(begin|commit|rollback)\b/i.test(sql)) {
      // What is noted from here on is the transaction's own.
      if (/^\s*begin\b/i.test(sql)) this.#byConnection.set(connection, { ...this.#all });
      else this.#byConnection.delete(connection);
      return;
    }
    const result = response as
      { command?: string; rowCount?: number | null; rows?: Record<string, unknown>[] } | undefined;
    if (result?.command === undefined || !/^(INSERT|UPDATE|DELETE)$/.test(result.command)) return;
    const changes = result.rowCount ?? 0;
    // What an upsert has changed was not inserted.
    const inserted = result.rows?.filter((row) => row[INSERTED] !== 0);
    const key = insertedKey ?? returnedKey;
    const id = key === undefined ? undefined : inserted?.at(-1)?.[key];
    const kept = this.#byConnection.get(connection);
    for (const session of kept === undefined ? [this.#all] : [this.#all, kept]) {
      session.changes = changes;
      session.total_changes += changes;
      // The key of a ported table comes as pg gives it.
      if (id !== undefined) session.last_insert_rowid = typeof id === 'string' ? jsNumber(BigInt(id)) : id;
    }
  }
}
