import type pg from 'pg';
import type { Breaker } from '../breaker.ts';
import { isInfrastructureError } from '../infrastructure-error.ts';
import { sqliteAnswer } from '../compat/answers.ts';
import { sqliteBindings } from '../compat/bindings.ts';
import type { Catalog, RunSql } from '../compat/catalog.ts';
import { GivenIds } from '../compat/given-ids.ts';
import { isolate, sqliteFlavoured } from '../compat/query-compiler.ts';
import { runInspecting } from '../compat/inspection.ts';
import { sqliteFlavouredSchema } from '../compat/schema-compiler.ts';
import { integersAs } from '../compat/result-types.ts';
import { restate, sqliteError } from '../compat/sqlite-error.ts';
import { isRewritten, hasRaw } from '../compat/rewritten-builders.ts';
import { isForeign } from '../compat/rewriting.ts';
import type { Rewriting } from '../compat/rewriting.ts';
import { Sessions } from '../compat/sessions.ts';
import { COMPILE_SURFACE, delegate } from './compile-surface.ts';
import type { Compiling } from './core.ts';
import { beginsAsSqlite } from './begins-as-sqlite.ts';
import { numberParameters } from './numbered-parameters.ts';
import { guardedPostgresClass } from './guarded-postgres-client.ts';
import { compilerClass, dialectClass, schemaCompilerClass } from './knex-internals.ts';
import type {
  BuilderInternals,
  ClientConstructor,
  CompilerInternals,
  Connection,
  Container,
  QueryObject,
  SchemaCompilerInternals,
  TransactionConfig,
  TransactionInternals,
} from './knex-internals.ts';
import { withCursorStreams } from './cursor-streams.ts';
import { withStatementSavepoints } from './statement-savepoints.ts';
import { targetClientClass } from './target-client.ts';
import type { TargetClient, TargetClientConstructor, TargetHooks } from './target-client.ts';

/** What PostgreSQL's client needs of the router around it. */
export interface PostgresContext {
  readonly hooks: TargetHooks;
  readonly breaker: Breaker;
  readonly catalog: Catalog;
  /** Whether a transaction goes on after a statement of it has failed. */
  readonly statementSavepoints: boolean;
  /** The application's option for better-sqlite3. */
  readonly safeIntegers: boolean | undefined;
  readonly compiling: Compiling;
  /** Present where the application wants it. */
  readonly rewriting: Rewriting | undefined;
  /** SQLite's client, with what the router of one of PostgreSQL's clients says of identifiers. */
  readonly facade: (client: TargetClient) => TargetClient;
}

/** The class of the client for PostgreSQL: knex's own, with SQLite's shapes and the breaker in front of its pool. */
export function postgresClientClass(Dialect: ClientConstructor, context: PostgresContext): TargetClientConstructor {
  const { breaker, catalog, compiling, rewriting, facade } = context;
  const sessions = new Sessions();
  const givenIds = new GivenIds(catalog);
  const Compiler = sqliteFlavoured(
    compilerClass(Dialect, 'pg'),
    compilerClass(dialectClass('better-sqlite3'), 'better-sqlite3'),
    catalog,
  );
  const SchemaCompiler = sqliteFlavouredSchema(
    schemaCompilerClass(Dialect, 'pg'),
    schemaCompilerClass(dialectClass('better-sqlite3'), 'better-sqlite3'),
  );

  const Plain = targetClientClass(Dialect, context.hooks);
  const Base = guardedPostgresClass(context.statementSavepoints ? withStatementSavepoints(Plain) : Plain, breaker);

  class PostgresTarget extends Base {
    constructor(config: object) {
      super(config);
      Object.assign(this.connectionSettings, { types: catalog.forms.types });
    }

    override queryCompiler(builder: unknown, bindings?: unknown): CompilerInternals {
      const { facade: other } = compiling;
      if (other !== undefined) return other.queryCompiler(builder, bindings);
      return isolate(new Compiler(this, builder, bindings));
    }

    override prepBindings(bindings: readonly unknown[] | undefined): readonly unknown[] | undefined {
      return sqliteBindings(bindings);
    }

    override processResponse(query: QueryObject, runner: unknown): unknown {
      const translated = sqliteAnswer(query);
      return translated === undefined ? super.processResponse(query, runner) : translated.answer;
    }

    override async _query(connection: Connection, query: QueryObject): Promise<QueryObject> {
      try {
        const done = await runInspecting(
          this.withIntegers(query),
          async (asked) =>
            asked.usesPack === true ? await this.withPack(connection, asked) : await super._query(connection, asked),
          catalog,
        );
        sessions.note(connection, done);
        const advance = givenIds.advanceAfter(done);
        // The insert is done, whatever comes of this.
        if (advance !== undefined)
          await super._query(connection, advance).then(
            (said) => givenIds.note(said),
            () => {},
          );
        // Of a table without an integer primary key nobody here knows SQLite's rowid: 0 says so.
        if (done.insertedKey !== undefined || isChange(done)) {
          done.lastInsertRowid = sessions.valueOf(connection, 'last_insert_rowid');
        }
        return done;
      } catch (error) {
        // A transaction that could not be committed has ended all the same.
        if (query.sql.startsWith('COMMIT')) sessions.note(connection, query);
        // Somebody has changed the schema past this router: the next query looks.
        if (isOutdated(error)) catalog.forget();
        throw this.translated(error, query.sql);
      }
    }

    /** better-sqlite3's option, of the query or of the whole instance. */
    withIntegers(query: QueryObject): QueryObject {
      const given =
        query.options !== undefined && 'safeIntegers' in query.options ? query.options.safeIntegers : undefined;
      const isExact = typeof given === 'boolean' ? given : context.safeIntegers;
      if (isExact === undefined) return query;
      const types = integersAs(isExact ? 'exact' : 'rounded', catalog.forms.types);
      return { ...query, options: { ...query.options, types } };
    }

    override transaction(
      container: Container,
      config: TransactionConfig | undefined,
      outer?: unknown,
    ): TransactionInternals {
      const isUnsaid = this.strictForeignKeyPragma === true && config?.enforceForeignCheck === undefined;
      return beginsAsSqlite(super.transaction(isUnsaid ? refuseUnsaid : container, config, outer));
    }

    /** SQLite's binary UUIDs are bytes. */
    override columnCompiler(table: unknown, column: unknown): object {
      const compiler = super.columnCompiler(table, column);
      const uuid: unknown = Reflect.get(compiler, 'uuid');
      const isBinary = (options: unknown): boolean =>
        typeof options === 'object' && options !== null && 'useBinaryUuid' in options && options.useBinaryUuid === true;
      if (typeof uuid !== 'function') return compiler;
      return Object.assign(compiler, {
        uuid: (options?: unknown): unknown => (isBinary(options) ? 'bytea' : Reflect.apply(uuid, compiler, [options])),
      });
    }

    translated(error: unknown, sql: string): unknown {
      return sqliteError(error, sql, (table) => catalog.named(table)?.primaryKey);
    }

    override restate(error: unknown, builder: BuilderInternals): void {
      const isBound = this.config['compileSqlOnError'] !== false;
      restate(error, () => compiling.asFacade(facade(this), builder, () => statementOf(builder, isBound)));
    }

    override schemaCompiler(builder: unknown): SchemaCompilerInternals {
      return new SchemaCompiler(this, builder);
    }

    /** Lets SQLite's functions be found under their own names, for one statement. */
    async withPack(connection: Connection, query: QueryObject): Promise<QueryObject> {
      const set = (path: string) =>
        super._query(connection, { sql: `SELECT set_config('search_path', ${path}, false)`, bindings: [] });
      const { response } = await super._query(connection, { sql: 'SHOW search_path', bindings: [] });
      const [row] = (response as { readonly rows: readonly { readonly search_path: string }[] }).rows;
      const before = `'${(row?.search_path ?? 'public').replaceAll("'", "''")}'`;
      await set(`${before} || ', crossfade_sqlite, pg_catalog'`);
      try {
        return await super._query(connection, query);
      } finally {
        // In a transaction that has failed the setting ends with it.
        await set(before).catch(() => {});
      }
    }

    override makeReady(connection: Connection): Promise<void> | undefined {
      return catalog.isRead ? undefined : this.readCatalog(connection);
    }

    override async acquireRawConnection(): Promise<Connection> {
      const connection = await super.acquireRawConnection();
      catalog.forms.watch(connection as pg.Client);
      return connection;
    }

    override prepare(builder: BuilderInternals, connection: Connection): Promise<void> | undefined {
      if (builder._sequence !== undefined || catalog.isRead) return undefined;
      // Somebody has made a table meanwhile; in a transaction that has failed nothing can be looked at any more.
      return catalog.read(this.lookUp(connection)).catch((error: unknown) => {
        if (isInfrastructureError(error)) throw error;
      });
    }

    override rewrittenFrom(builder: BuilderInternals): TargetClient | undefined {
      if (rewriting === undefined || !isRewritten(builder)) return undefined;
      return facade(this);
    }

    override query(connection: Connection, query: unknown): Promise<unknown> {
      const builder = compiling.rewriting;
      if (builder === undefined) return super.query(connection, query);
      return this.asItself(() => super.query(connection, this.rewritten(builder, query as QueryObject, connection)));
    }

    override stream(connection: Connection, query: unknown, ...rest: readonly unknown[]): unknown {
      const builder = compiling.rewriting;
      if (builder === undefined) return super.stream(connection, query, ...rest);
      return this.asItself(() =>
        super.stream(connection, this.rewritten(builder, query as QueryObject, connection), ...rest),
      );
    }

    override toSend(query: QueryObject): QueryObject {
      const builder = compiling.rewriting;
      return builder === undefined ? query : this.asItself(() => this.rewritten(builder, query, NO_CONNECTION));
    }

    asItself<T>(work: () => T): T {
      compiling.rewriting = undefined;
      return compiling.during(this, work);
    }

    /** What SQLite's dialect made of a builder, in PostgreSQL's words; or what PostgreSQL's dialect makes of it. */
    rewritten(builder: BuilderInternals, query: QueryObject, connection: Connection): QueryObject {
      if (rewriting === undefined) return query;
      const outcome = rewriting.rewrite(query, (value) => sessions.valueOf(connection, value));
      if (!('outcome' in outcome)) return Object.assign(query, outcome, { sql: `${REWRITTEN}${outcome.sql}` });
      const isAsIs = hasRaw(builder);
      if (isAsIs) rewriting.admitAsIs(outcome, query.sql);
      const usesPack = isAsIs && catalog.hasPack && !isForeign(outcome);
      return Object.assign(query, builder.toSQL(), usesPack ? { usesPack } : {});
    }

    override positionBindings(sql: string): string {
      return sql.startsWith(REWRITTEN) ? sql.slice(REWRITTEN.length) : numberParameters(sql);
    }

    async readCatalog(connection: Connection): Promise<void> {
      try {
        await catalog.read(this.lookUp(connection));
      } catch (error) {
        await this.releaseConnection(connection);
        throw error;
      }
    }

    /** Runs a statement of the catalog's. */
    lookUp(connection: Connection): RunSql {
      return async (sql, bindings) => {
        const { response } = await super._query(connection, { sql, bindings });
        return (response as { readonly rows: readonly Record<string, unknown>[] }).rows;
      };
    }
  }
  // What is bound to a transaction's client is compiled for SQLite too, when the whole is.
  for (const name of COMPILE_SURFACE) delegate(PostgresTarget.prototype, name, () => compiling.facade);
  return withCursorStreams(PostgresTarget);
}

/** Of a read that runs beside the application's: it knows of no write before it. */
const NO_CONNECTION: Connection = {};

/** What Knex's dialect of SQLite says of the same. */
function refuseUnsaid(): never {
  throw new Error(
    'Refusing to create an unsafe transaction: client.strictForeignKeyPragma is true, but check.enforceForeignCheck is unspecified',
  );
}

/** The one statement that a builder makes, as errors show it; nothing for those that make several, or none. */
function statementOf(builder: BuilderInternals, isBound: boolean): string | undefined {
  try {
    const made: unknown = builder.toSQL();
    const [only, ...others] = (Array.isArray(made) ? made : [made]) as { readonly sql?: unknown }[];
    if (others.length > 0 || typeof only?.sql !== 'string') return undefined;
    return isBound ? builder.toQuery() : only.sql;
  } catch {
    return undefined;
  }
}

/** Before SQL whose parameters have PostgreSQL's numbers already. */
const REWRITTEN = '\0';

/** Whether a statement changed rows that were there: SQLite's connection then tells the id of the insert before. */
function isChange({ response }: QueryObject): boolean {
  return (
    typeof response === 'object' &&
    response !== null &&
    'command' in response &&
    (response.command === 'UPDATE' || response.command === 'DELETE')
  );
}

/** What PostgreSQL says of a statement that was made for tables as they were: undefined table, column, function; other type. */
function isOutdated(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^(42P01|42703|42883|42804)$/.test(code);
}
