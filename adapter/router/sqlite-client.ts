import type Database from 'better-sqlite3';
import { exactRows, largeColumns, mayBeRounded, wantsExactIntegers } from '../compat/safe-integers.ts';
import type { ClientConstructor, Connection, QueryObject } from './knex-internals.ts';
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

  return class SqliteTarget extends targetClientClass(Dialect, hooks) {
    override async _query(connection: Connection, query: QueryObject): Promise<QueryObject> {
      // The application may have said how it wants its integers, all of them.
      const isSaid = saysIntegers(this.connectionSettings);
      const isAsked = wantsExactIntegers(query.options);
      const isExact = !isSaid && (exactIntegers || isAsked);
      // An option of the query's own would stay with the statement.
      const hasOptions = !isAsked && query.options !== undefined && Object.keys(query.options).length > 0;
      if (connection === undefined || hasOptions || !query.sql) return await super._query(connection, query);
      let cache = statements.get(connection);
      if (cache === undefined)
        statements.set(connection, (cache = new StatementCache(connection as Database.Database)));
      const statement = cache.prepare(query.sql);
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
  };
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
