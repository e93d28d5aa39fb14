import type { Duplex } from 'node:stream';
import { classifySql } from './classify.ts';
import type { Connection, QueryObject } from './knex-internals.ts';
import { PostgresCursor } from './postgres-cursor.ts';
import { readerOf, streamRows } from './row-stream.ts';
import type { RowReader } from './row-stream.ts';
import type { TargetClientConstructor } from './target-client.ts';

/** Statements beside which a cursor stays open. Others end its transaction or want its table for themselves. */
const BESIDE_CURSORS =
  /^\s*(?:select|insert|update|delete|with|values|declare|fetch|close|savepoint|release|show|set|\()/i;
const BEGIN = /^\s*(?:begin|start\s+transaction)\b/i;
const END = /^\s*(?:commit|end|abort|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b/i;

/**
 * Lets reads be streamed from PostgreSQL a hundred rows at a time, with all that the client does for any query, and with
 * other statements beside them on the same connection.
 */
export function withCursorStreams(Base: TargetClientConstructor): TargetClientConstructor {
  const cursors = new WeakMap<Connection, Set<PostgresCursor>>();
  /** Connections on which the application has begun a transaction itself. */
  const begun = new WeakSet<Connection>();

  return class StreamingTarget extends Base {
    override async _query(connection: Connection, query: QueryObject): Promise<QueryObject> {
      const { sql } = query;
      const open = cursors.get(connection);
      if (open !== undefined && !BESIDE_CURSORS.test(sql))
        await Promise.all([...open].map((cursor) => cursor.finish()));
      const done = await super._query(connection, query);
      if (BEGIN.test(sql)) begun.add(connection);
      else if (END.test(sql)) begun.delete(connection);
      return done;
    }

    override get settlesStreams(): boolean {
      return true;
    }

    override async _stream(
      connection: Connection,
      query: QueryObject,
      stream: Duplex,
      options?: unknown,
    ): Promise<void> {
      await streamRows(() => this.readerOf(connection, { query, stream, options }), stream);
    }

    async readerOf(
      connection: Connection,
      { query, stream, options }: { readonly query: QueryObject; readonly stream: Duplex; readonly options: unknown },
    ): Promise<RowReader> {
      // As Knex has it.
      if (!query.sql) throw new Error('The query is empty');
      // Nothing else can be declared.
      if (classifySql(query.sql) !== 'read') {
        const done = await this._query(connection, query);
        await this.doneReading();
        return rowsOf(done);
      }
      let open = cursors.get(connection);
      if (open === undefined) cursors.set(connection, (open = new Set()));
      const all = open;
      const cursor: PostgresCursor = new PostgresCursor({
        query,
        run: (statement) => this._query(connection, statement),
        isInTransaction: this.transacting === true || begun.has(connection),
        rowsAtOnce: rowsAtOnceOf(options),
        stream,
        onEnd: () => {
          all.delete(cursor);
          if (all.size === 0) cursors.delete(connection);
        },
        onRead: () => void this.doneReading(),
      });
      all.add(cursor);
      return cursor;
    }
  };
}

/** What SQLite's driver says of a statement without rows, which code may look for. */
function rowsOf({ response, insertedKey, returning }: QueryObject): RowReader {
  const { rows, fields } = response as { readonly rows: readonly unknown[]; readonly fields: readonly unknown[] };
  if (fields.length === 0 || (insertedKey !== undefined && !returning))
    throw new TypeError('rows.forEach is not a function');
  return readerOf(rows);
}

/** As of pg-query-stream, with which Knex streams. */
function rowsAtOnceOf(options: unknown): number | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  if ('batchSize' in options && typeof options.batchSize === 'number') return options.batchSize;
  return 'highWaterMark' in options && typeof options.highWaterMark === 'number' ? options.highWaterMark : undefined;
}
