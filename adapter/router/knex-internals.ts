import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import { CrossfadeError } from '../errors.ts';
import { loadKnex } from '../load-knex.ts';

/**
 * The parts of knex that the router builds on and that knex declares as `any` or not at all, with the types that
 * they have. {@link assertInternals} checks at start-up that they are there.
 */
export type Callback = (...args: readonly unknown[]) => unknown;

/** A driver's connection, as knex's pool hands it out. */
export type Connection = object;

/** A compiled statement on its way to the driver. */
export interface QueryObject {
  readonly method?: string;
  sql: string;
  bindings?: readonly unknown[];
  readonly output?: unknown;
  /** What the application set with `.options()`. */
  readonly options?: object;
  readonly returning?: unknown;
  /** Of a `pluck`: the column. */
  readonly pluck?: unknown;
  response?: unknown;
  /** Ours: the generated key's column that was added to an insert's RETURNING. */
  readonly insertedKey?: string;
  /** Ours: the generated key's column in an insert's own RETURNING. */
  readonly returnedKey?: string;
  /** Ours: the id that SQLite's connection would tell after an insert. */
  lastInsertRowid?: unknown;
  /** Ours: whether SQLite's functions are to be found under their own names. */
  readonly usesPack?: boolean;
}

/** A statement of a builder: one call of `where`, `join`, `with`… */
export interface Statement {
  readonly grouping?: string;
  readonly type?: string;
  readonly value?: unknown;
  readonly table?: unknown;
  /** The conditions of a join. */
  readonly clauses?: readonly Statement[];
  readonly column?: unknown;
  /** Whether the value is a column's name. */
  readonly asColumn?: boolean;
  readonly direction?: unknown;
  readonly nulls?: unknown;
  readonly not?: boolean;
  readonly operator?: unknown;
  readonly method?: string;
  readonly alias?: string;
  readonly aggregateDistinct?: boolean;
  readonly distinct?: unknown;
}

/** A query builder, schema builder or raw query. */
export interface BuilderInternals {
  client: ClientInternals;
  /** Query builders only. */
  readonly _method?: string;
  readonly _single?: Record<string, unknown>;
  readonly _statements?: readonly Statement[];
  /** Schema builders only. */
  readonly _sequence?: readonly { readonly method: string; readonly args: readonly unknown[] }[];
  /** Raw queries only. */
  readonly isRawInstance?: boolean;
  readonly sql?: string;
  readonly bindings?: unknown;
  /** A connection that the application chose with `.connection()`. */
  readonly _connection?: Connection;
  /** Compiles it. Schema builders give a list. */
  toSQL(): QueryObject;
  toQuery(): string;
  queryContext(): unknown;
}

export interface StreamParameters {
  readonly stream: Duplex;
}

export type Execute = (runner: RunnerInternals, parameters?: StreamParameters) => unknown;

export interface RunnerInternals {
  client: ClientInternals;
  readonly builder: BuilderInternals;
  connection: Connection | undefined;
  ensureConnection(execute: Execute, parameters?: StreamParameters): Promise<unknown>;
}

/** Rows of SQLite's driver, or what pg resolves to. */
export type ColumnInfoAnswer = readonly unknown[] & { readonly rows: ColumnInfoAnswer };

export interface CompilerInternals {
  client: ClientInternals;
  readonly builder: BuilderInternals;
  single: Record<string, unknown>;
  readonly tableName: string;
  grouped: { readonly join?: readonly Statement[]; readonly columns?: readonly Statement[] };
  toSQL(method?: string, timeZone?: string): QueryObject;
  distinctOn(value: unknown): string;
  insert(): string | { readonly sql: string; readonly returning?: unknown };
  del(): unknown;
  columnInfo(): { readonly sql: string; readonly output: (answer: ColumnInfoAnswer) => unknown };
  columns(): string;
  aggregate(statement: Statement): string[];
  aggregateRaw(statement: Statement): string;
  whereBasic(statement: Statement): string;
  whereJsonObject(statement: Statement): string;
  /** The text of what is to be compared with JSON. */
  _jsonWrapValue(value: unknown): string;
  whereLike(statement: Statement): string;
  whereILike(statement: Statement): string;
  _groupOrder(item: Statement, type: string): string;
  _basicGroupOrder(item: Statement, type: string): string;
  _prepInsert(data: unknown): string | { columns: string[]; values: unknown[][] };
  _prepUpdate(data: Record<string, unknown> | undefined): string[];
  _columnClause(statement: Statement): string;
  _valueClause(statement: Statement): string;
  whereIn(statement: Statement): string;
  whereBetween(statement: Statement): string;
  onVal(statement: Statement): string;
  havingBasic(statement: Statement): string;
  _onConflictClause(columns: unknown): string;
  /** Ours: a value to be bound, where it stands in the SQL. */
  bound(value: unknown): string;
  readonly bindingsHolder: object;
  _not(statement: Statement, text: string): string;
}
export type CompilerConstructor = new (client: unknown, builder: unknown, bindings?: unknown) => CompilerInternals;

/** Knex's compiler of schema changes, and of the questions that a schema builder asks. */
export interface SchemaCompilerInternals {
  readonly client: ClientInternals;
  readonly formatter: { wrap(value: unknown): string };
  hasTable(table: string): void;
  hasColumn(table: string, column: string): void;
  pushQuery(query: {
    readonly sql: string;
    readonly bindings?: readonly unknown[];
    readonly output: (result: { readonly rows: readonly Record<string, unknown>[] }) => unknown;
  }): void;
}
export type SchemaCompilerConstructor = new (client: unknown, builder: unknown) => SchemaCompilerInternals;

/** What a transaction is to its caller: the promise of the whole. */
export interface TransactionPromise {
  _promise: Promise<unknown>;
}

/** A transaction in knex's sense, with what ends it. */
export interface TransactionInternals extends TransactionPromise {
  commit(connection: Connection, value: unknown): Promise<unknown>;
  rollback(connection: Connection, error: unknown): Promise<unknown>;
  begin(connection: Connection): Promise<unknown>;
  isolationLevel?: string;
  readOnly?: boolean;
}

/** What the container of a transaction gets: a Knex of its own. */
export interface Transactor {
  readonly client: ClientInternals;
  executionPromise: Promise<unknown>;
}
export type Container = (transactor: Transactor) => unknown;

export interface TransactionConfig {
  readonly connection?: Connection;
  readonly enforceForeignCheck?: boolean | null;
}

export interface ClientInternals {
  config: Record<string, unknown>;
  logger: unknown;
  connectionSettings: Record<string, unknown>;
  pool: Readonly<Record<string, unknown>> | undefined;
  driver: unknown;
  readonly transacting?: boolean;
  readonly strictForeignKeyPragma?: boolean;
  emit(event: string, ...args: unknown[]): boolean;
  runner(builder: BuilderInternals): RunnerInternals;
  transaction(container: Container, config: TransactionConfig | undefined, outer?: unknown): TransactionPromise;
  queryCompiler(builder: unknown, bindings?: unknown): CompilerInternals;
  queryBuilder(): BuilderInternals;
  schemaBuilder(): BuilderInternals;
  columnCompiler(table: unknown, column: unknown): object;
  schemaCompiler(builder: unknown): SchemaCompilerInternals;
  wrapIdentifier(value: string): string;
  formatter(builder: unknown): { wrap(value: unknown): string };
  raw(sql: string, bindings?: readonly unknown[]): unknown;
  parameter(value: unknown, builder: unknown, bindingsHolder: object): string;
  query(connection: Connection, query: unknown): Promise<unknown>;
  positionBindings(sql: string): string;
  stream(connection: Connection, query: unknown, ...rest: readonly unknown[]): unknown;
  prepBindings(bindings: readonly unknown[] | undefined): readonly unknown[] | undefined;
  positionBindings(sql: string): string;
  processResponse(query: QueryObject, runner: unknown): unknown;
  postProcessResponse(answer: unknown, queryContext: unknown): unknown;
  /** SQLite's only. */
  _formatBindings(bindings: readonly unknown[] | undefined): readonly unknown[];
  _query(connection: Connection, query: QueryObject): Promise<QueryObject>;
  _stream(connection: Connection, query: QueryObject, stream: Duplex, ...rest: readonly unknown[]): Promise<unknown>;
  acquireConnection(): Promise<Connection>;
  releaseConnection(connection: Connection): Promise<void>;
  acquireRawConnection(): Promise<Connection>;
  /** PostgreSQL's only: ends what another connection is at. */
  _wrappedCancelQueryCall(this: object, connection: Connection, cancelled: Connection): unknown;
  destroyRawConnection(connection: Connection): Promise<void>;
  initializePool(config?: object): void;
  destroy(callback?: Callback): Promise<void>;
  wrapIdentifierImpl(value: string): string;
}
export type ClientConstructor = new (config: object) => ClientInternals;

/** The class of a dialect, had without a deep import: without a `connection`, knex loads no driver and makes no pool. */
export function dialectClass(dialect: 'better-sqlite3' | 'pg'): ClientConstructor {
  const client: { readonly constructor: unknown } = loadKnex()({ client: dialect, useNullAsDefault: true }).client;
  if (typeof client.constructor !== 'function') throw missing(`the class of the dialect ${dialect}`);
  return client.constructor as ClientConstructor;
}

/** The class of a dialect's query compiler. */
export function compilerClass(Dialect: ClientConstructor, dialect: string): CompilerConstructor {
  const client = new Dialect({ client: dialect, useNullAsDefault: true });
  return client.queryCompiler(client.queryBuilder()).constructor as CompilerConstructor;
}

/** The class of a dialect's schema compiler. */
export function schemaCompilerClass(Dialect: ClientConstructor, dialect: string): SchemaCompilerConstructor {
  const client = new Dialect({ client: dialect, useNullAsDefault: true });
  return client.schemaCompiler(client.schemaBuilder()).constructor as SchemaCompilerConstructor;
}

const CLIENT_METHODS = [
  'runner',
  'transaction',
  'queryCompiler',
  'queryBuilder',
  'schemaBuilder',
  'schemaCompiler',
  'wrapIdentifier',
  'formatter',
  'raw',
  'query',
  'prepBindings',
  'positionBindings',
  'stream',
  'positionBindings',
  'processResponse',
  'postProcessResponse',
  '_query',
  '_stream',
  'acquireConnection',
  'releaseConnection',
  'acquireRawConnection',
  'destroyRawConnection',
  'initializePool',
  'destroy',
  'wrapIdentifierImpl',
  'emit',
] as const;
const COMPILER_METHODS = [
  'toSQL',
  'insert',
  'del',
  'columnInfo',
  'columns',
  'aggregate',
  'aggregateRaw',
  'whereBasic',
  'whereJsonObject',
  '_jsonWrapValue',
  'whereLike',
  'whereILike',
  '_groupOrder',
  '_basicGroupOrder',
  '_prepInsert',
  '_prepUpdate',
  '_columnClause',
  '_valueClause',
  'whereIn',
  'whereBetween',
  'onVal',
  '_not',
] as const;

/**
 * Checks that this copy of knex has what the router needs.
 *
 * @throws CrossfadeError `CONFIG_INVALID`, naming knex's version and what is missing.
 */
export function assertInternals(): void {
  for (const dialect of ['better-sqlite3', 'pg'] as const) {
    const Dialect = dialectClass(dialect);
    const client = new Dialect({ client: dialect, useNullAsDefault: true });
    requireMethods(client, CLIENT_METHODS, `the ${dialect} client`);
    const builder = client.queryBuilder();
    requireMethods(client.queryCompiler(builder), COMPILER_METHODS, `the ${dialect} query compiler`);
    if (builder._method !== 'select' || !Array.isArray(builder._statements) || typeof builder._single !== 'object') {
      throw missing('_method, _statements and _single of the query builder');
    }
    const runner = client.runner(builder);
    requireMethods(runner, ['run', 'stream', 'ensureConnection'], 'the runner');
    if (runner.ensureConnection.length !== 2 || !('connection' in runner))
      throw missing('the connection of the runner');
  }
}

function requireMethods(owner: object, names: readonly string[], what: string): void {
  for (const name of names) {
    if (typeof Reflect.get(owner, name) !== 'function') throw missing(`${name}() of ${what}`);
  }
}

/** The error for a knex that lacks a part the router needs. */
export function missing(what: string): CrossfadeError {
  return new CrossfadeError('CONFIG_INVALID', `the router was opened with knex ${knexVersion()}, which lacks ${what}`, {
    hint: 'use a version of knex that the peer dependency of knex-crossfade names',
  });
}

function knexVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('knex/package.json');
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '?';
  return String(version);
}
