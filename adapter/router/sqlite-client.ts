import type { Duplex } from 'node:stream';
import type Database from 'better-sqlite3';
import { exactRows, largeColumns, mayBeRounded, wantsExactIntegers } from '../compat/safe-integers.ts';
import { jsNumber } from '../compat/result-types.ts';
import type { ClientConstructor, Connection, QueryObject } from './knex-internals.ts';
import { readerOf, streamRows } from './row-stream.ts';
import type { RowReader } from './row-stream.ts';
import { SqliteReads } from './sqlite-reads.ts';
import { targetClientClass } from './target-client.ts';
import type { TargetClientConstructor, TargetHooks } from './target-client.ts';

/** How many statements of a connection are kept compiled. The one used longest ago goes first. */
const KEPT_STATEMENTS = 200;
/** A statement of many rows is rarely seen twice, and its program is large. */
const KEPT_SQL_LENGTH = 4_000;

/** Of so many columns the log says once that they hold integers past 2^53. */
const NOTED_COLUMNS = 100;

/** What SQLite's client needs of the router around it. */
export interface SqliteContext {
  readonly hooks: TargetHooks;
  /** Whether integers past 2^53 are answered as `bigint`, and not as better-sqlite3 rounds them. */
  readonly exactIntegers: boolean;
  /** Where goes what a person should know of the answers. */
  readonly warn: (text: string) => void;
}

/**
 * The class of the client for SQLite: knex's own, but statements are compiled once for each connection and not for each
 * run. SQLite compiles a table's triggers into every statement that writes to it, so this saves more than capture costs.
 */
export function sqliteClientClass(
  Dialect: ClientConstructor,
  { hooks, exactIntegers, warn }: SqliteContext,
): TargetClientConstructor {
  const statements = new WeakMap<Connection, StatementCache>();
  const reads = new WeakMap<Connection, SqliteReads>();
  /** Those of streams that are in no transaction: they need their connection for nothing else. */
  const alone = new Set<SqliteReads>();
  const noted = new Set<string>();

  /** better-sqlite3 rounds them unless it is told otherwise. The application always got them so; it should know. */
  function noteRounded(columns: readonly string[]): void {
    const fresh = columns.filter((column) => !noted.has(column) && noted.size < NOTED_COLUMNS);
    if (fresh.length === 0) return;
    for (const column of fresh) noted.add(column);
    const names = fresh.map((column) => JSON.stringify(column)).join(', ');
    warn(
      `better-sqlite3 has rounded integers past 2^53 in ${names}, of which PostgreSQL will answer every digit, as bigint; ` +
        'set exactIntegers, or safeIntegers in knex.connection.options, so that both answer alike',
    );
  }

  /** As better-sqlite3 has it unasked. */
  function rounded(value: bigint, column: string): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) noteRounded([column]);
    return number;
  }

  return class SqliteTarget extends targetClientClass(Dialect, hooks) {
    override async _query(connection: Connection, query: QueryObject): Promise<QueryObject> {
      // The application may have said how it wants its integers, all of them.
      const isSaid = saysIntegers(this.connectionSettings);
      const isAsked = wantsExactIntegers(query.options);
      const isExact = !isSaid && (exactIntegers || isAsked);
      // An option of the query's own would stay with the statement.
      const hasOptions = !isAsked && query.options !== undefined && Object.keys(query.options).length > 0;
      const underWay = reads.get(connection);
      if (connection === undefined || hasOptions || !query.sql) {
        underWay?.finish();
        return await super._query(connection, query);
      }
      let cache = statements.get(connection);
      if (cache === undefined)
        statements.set(connection, (cache = new StatementCache(connection as Database.Database)));
      const statement = cache.prepare(query.sql);
      if (underWay !== undefined && !isRead(statement)) underWay.finish();
      // What writes cannot be asked again.
      if (isExact && statement.reader && !statement.readonly) {
        query.response = exactRows(statement, this._formatBindings(query.bindings));
        return query;
      }
      // Of a connection, knex uses nothing but `prepare` here.
      const done = await super._query({ prepare: () => statement }, query);
      if (isSaid || !statement.reader || !statement.readonly) return done;
      if (isExact) {
        if (mayBeRounded(done.response as readonly unknown[]))
          done.response = exactRows(statement, this._formatBindings(query.bindings));
      } else if (noted.size < NOTED_COLUMNS && mayBeRounded(done.response as readonly unknown[], noted)) {
        noteRounded(largeColumns(exactRows(statement, this._formatBindings(query.bindings))));
      }
      return done;
    }

    override get settlesStreams(): boolean {
      return true;
    }

    override async acquireUnguarded(): Promise<Connection> {
      // Whoever waits for the only connection would wait for all rows to be taken.
      if (alone.size > 0 && isExhausted(this.pool)) for (const underWay of alone) underWay.finish();
      return await super.acquireUnguarded();
    }

    override async _stream(connection: Connection, query: QueryObject, stream: Duplex): Promise<void> {
      await streamRows(() => this.readerOf(connection, query, stream), stream);
    }

    async readerOf(connection: Connection, query: QueryObject, stream: Duplex): Promise<RowReader> {
      // As Knex has it.
      if (!query.sql) throw new Error('The query is empty');
      const statement = (connection as Database.Database).prepare(query.sql);
      if (!isRead(statement)) {
        const { response } = await this._query(connection, query);
        await this.doneReading();
        return rowsOf(response);
      }
      const asked = integersOf(query.options) ?? integersOf(this.connectionSettings['options']);
      const isExact = exactIntegers || wantsExactIntegers(query.options);
      statement.safeIntegers(asked ?? true);
      let underWay = reads.get(connection);
      if (underWay === undefined) reads.set(connection, (underWay = new SqliteReads()));
      const { transacting } = this;
      const open = underWay;
      if (transacting !== true) alone.add(open);
      return open.open({
        begin: () => statement.iterate(this._formatBindings(query.bindings)),
        stream,
        ...(asked === undefined ? { integer: isExact ? jsNumber : rounded } : {}),
        onRead: () => {
          alone.delete(open);
          void this.doneReading();
        },
      });
    }
  };
}

/** Better-sqlite3's own words, which code may look for. */
function rowsOf(response: unknown): RowReader {
  if (!Array.isArray(response)) throw new TypeError('rows.forEach is not a function');
  return readerOf(response);
}

function isRead({ reader, readonly }: Database.Statement): boolean {
  return reader && readonly;
}

interface CountedPool {
  readonly max: number;
  numUsed(): number;
  numPendingCreates(): number;
}

function isExhausted(pool: unknown): boolean {
  const counted = pool as CountedPool | undefined;
  return counted !== undefined && counted.numUsed() + counted.numPendingCreates() >= counted.max;
}

function integersOf(options: unknown): boolean | undefined {
  if (typeof options !== 'object' || options === null || !('safeIntegers' in options)) return undefined;
  return typeof options.safeIntegers === 'boolean' ? options.safeIntegers : undefined;
}

function saysIntegers({ options }: Readonly<Record<string, unknown>>): boolean {
  return (
    typeof options === 'object' && options !== null && 'safeIntegers' in options && options.safeIntegers !== undefined
  );
}

/**
 * The compiled statements of one connection. SQLite compiles a statement anew by itself when the schema has changed
 * (https://sqlite.org/c3ref/prepare.html), and better-sqlite3 asks it for the columns at each run.
 */
class StatementCache {
  readonly #connection: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(connection: Database.Database) {
    this.#connection = connection;
  }

  prepare(sql: string): Database.Statement {
    const kept = this.#statements.get(sql);
    if (kept !== undefined) {
      this.#statements.delete(sql);
      this.#statements.set(sql, kept);
      return kept;
    }
    const statement = this.#connection.prepare(sql);
    if (sql.length <= KEPT_SQL_LENGTH && /^\s*(select|insert|update|delete|replace|with)\b/i.test(sql)) {
      const [oldest] = this.#statements.keys();
      if (this.#statements.size >= KEPT_STATEMENTS && oldest !== undefined) this.#statements.delete(oldest);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
