import { statSync } from 'node:fs';
import type { Knex } from 'knex';
import type { Registry } from 'prom-client';
import type { Form } from './codec/form.ts';
import type { Rewriter } from './compat/rewriter.ts';
import { CrossfadeError } from './errors.ts';
import type { FlagOptions } from './flags.ts';
import type { ReadShareOptions } from './read-share.ts';
import type { WaitFor } from './routing-scope.ts';
import { recordOptions } from './shadow/record-options.ts';
import type { RecordOptions } from './shadow/record-options.ts';
import { shadowConfig } from './shadow/options.ts';
import type { ShadowConfig, ShadowOptions } from './shadow/options.ts';
import type { StoreName } from './spec.ts';
import { parseStage, STAGE_NAMES } from './stage.ts';
import type { Stage } from './stage.ts';

/** Where Crossfade writes what a person should know. `console` fits. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * Options of the API's own Knex instance, as they were written for SQLite: `wrapIdentifier`, `postProcessResponse`,
 * `useNullAsDefault`, `asyncStackTraces`, `log`, `migrations`, `seeds`, …
 */
export interface KnexOptions extends Omit<Knex.Config, 'client' | 'connection' | 'dialect'> {
  /**
   * The pool of SQLite: `afterCreate` with its pragmas, `acquireTimeoutMillis`, … PostgreSQL's has `poolMax`, and nothing
   * of what is said here. With `facade: 'postgres'` it is PostgreSQL's, and SQLite's has nothing of it.
   * @default { min: 1, max: 1 }
   */
  readonly pool?: Knex.PoolConfig;
  /** Options of better-sqlite3. Answers of PostgreSQL follow `safeIntegers`, too. */
  readonly connection?: { readonly options?: { readonly nativeBinding?: string; readonly safeIntegers?: boolean } };
}

/** What {@link createCrossfade} takes. Everything but the two databases has a default. */
export interface CrossfadeOptions {
  /**
   * The path of the SQLite file. It must exist, be a file on a local disk, and is put into WAL mode on install.
   * @default the environment variable SQLITE_PATH
   */
  readonly sqlite?: string;
  /**
   * The connection URL of the PostgreSQL database: `postgresql://user:password@host:5432/name`.
   * @default the environment variable DATABASE_URL
   */
  readonly postgres?: string;
  /** Options of the API's own Knex instance. @default { useNullAsDefault: true }, or with `facade: 'postgres'` nothing */
  readonly knex?: KnexOptions;
  /**
   * The database that the API's code is written for. `postgres` once it has been ported: its Knex is of PostgreSQL's
   * dialect then, and PostgreSQL's answers come as they are. For the stages `write` and `postgres`; where SQLite would have
   * to answer, queries are refused with `FACADE_REFUSED`.
   * @default 'sqlite'
   */
  readonly facade?: StoreName;
  /**
   * Whether a transaction on PostgreSQL goes on after a statement of it has failed and the error was caught, as SQLite's
   * do. It sets a savepoint before each statement, in the same round trip.
   * @default true, or with `facade: 'postgres'` false
   */
  readonly statementSavepoints?: boolean;
  /**
   * Whether an integer past 2^53 is a `bigint` when SQLite answers, too, as it is when PostgreSQL answers. Otherwise
   * better-sqlite3 rounds it, as it always does unless asked for `safeIntegers`, and the log says so once of each column.
   * @default false
   */
  readonly exactIntegers?: boolean;
  /** The largest number of PostgreSQL connections for the API's queries. @default 10 */
  readonly poolMax?: number;
  /**
   * Which tables are mirrored. Without it, every user table of the SQLite file but Knex's own migration tables.
   * @example { exclude: ['sessions'] }
   */
  readonly tables?: { readonly include?: readonly string[]; readonly exclude?: readonly string[] };
  /**
   * How SQLite holds the values of a column whose PostgreSQL type has several forms, by `table.column`. Read on install,
   * by whichever process installs.
   * @default what the column's comment in PostgreSQL declares (`crossfade: epoch-ms`), or else the type's first form
   * @example { 'orders.paid_at': { form: 'epoch-ms' } }
   */
  readonly columns?: Readonly<Record<string, { readonly form: Form }>>;
  /**
   * Tables whose code has been ported to PostgreSQL: when PostgreSQL answers, the values of their columns come as its
   * driver gives them (a `Date`, `true`, an object for JSON), and queries that start from them mean what they mean there.
   * @default none
   * @example ['orders']
   */
  readonly native?: readonly string[];
  /**
   * Puts raw SQL that was written for SQLite into PostgreSQL's words, when PostgreSQL answers: `createRewriter()` of
   * `knex-crossfade/schema`.
   * @default raw SQL is sent as it is written
   */
  readonly rewrite?: Rewriter;
  /**
   * The wanted stage: Cutover walks there by itself, as far as the gates allow. Without it the recorded stage stays.
   * @default the environment variable CROSSFADE_STAGE
   */
  readonly stage?: Stage;
  /**
   * In stages whose writes go to SQLite, the store that answers reads, whatever the stage says. PostgreSQL can be
   * chosen only from stage `shadow` on, when it holds all rows.
   * @default the environment variable CROSSFADE_READ_PRIMARY, or what the stage says
   */
  readonly readPrimary?: StoreName;
  /**
   * The share of reads that PostgreSQL answers while SQLite takes the writes, in stage `read` or with `readPrimary`; for
   * moving reads a few at a time, or table by table.
   * @default all of them
   * @example { share: 0.1, tables: { audit_log: 0 } }
   */
  readonly reads?: ReadShareOptions;
  /**
   * What writes wait for: the primary's commit, or the Mirror as well; in all stages, or by stage. A call may say
   * otherwise: `queryContext({ crossfade: { wait: 'mirrored' } })`, or `crossfade.scope({ wait: 'mirrored' }, …)`.
   * @default `mirrored` where reads come from the other store, `primary` elsewhere
   */
  readonly wait?: WaitFor | Partial<Record<Stage, WaitFor>>;
  /**
   * Whether this process may run the Mirror: `auto` runs it whenever no other process does, `required` fails when
   * another does, `off` never.
   * @default 'auto'
   */
  readonly mirror?: 'auto' | 'required' | 'off';
  /** What this process calls itself to others, in the lease and in error messages. @default 'api' */
  readonly processName?: string;
  /** How long a write in stage `read` waits for the Mirror before it resolves anyway, in ms. @default 2000 */
  readonly waitLimitMs?: number;
  /** How long a write switch may hold writes before it cancels itself, in ms. @default 5000 */
  readonly switchTimeoutMs?: number;
  /** How old the comparison may be that lets the writes move, in ms. @default 86400000 (one day) */
  readonly comparisonMaxAgeMs?: number;
  /** The largest lag at which reads may move, in seconds. @default 5 */
  readonly maxLagSeconds?: number;
  /** How many shadow reads may have differed, or been refused by PostgreSQL, for reads to move. @default 0 */
  readonly maxShadowMismatches?: number;
  /** How many shadow reads must have agreed for reads to move. @default 0 */
  readonly minShadowReads?: number;
  /**
   * At most so many rows in one piece of the backfill. Most have fewer: as many as take about half a second.
   * @default 200000
   */
  readonly backfillRows?: number;
  /**
   * The share of its time in which a backfill copies while somebody writes, or this process is asked by the API; it rests
   * in between. More than 0, and 1 for no rest.
   * @default 0.5
   */
  readonly backfillShare?: number;
  /**
   * From how many rows on a table's secondary indexes are made after its backfill instead of kept up during it.
   * @default 20000
   */
  readonly indexesAsideFromRows?: number;
  /**
   * How large the changelog may grow while the secondary is away, in bytes. Past it capture stops, so that the primary's
   * disk does not fill, and the secondary must be reconciled: `crossfade backfill --reconcile`.
   * @default 1073741824 (1 GiB, some 20 million changes)
   */
  readonly maxChangelogBytes?: number;
  /**
   * How long PostgreSQL may take to answer a statement of Crossfade's own before its connection is given up, in ms: a
   * network that swallows everything gives no other sign.
   * @default 60000
   */
  readonly answerLimitMs?: number;
  /** How long a process that stopped renewing it keeps the Mirror's lease, in ms. @default 5000 */
  readonly leaseMs?: number;
  /** How often a process looks for changes of stage made by others, in ms. @default 250 */
  readonly refreshMs?: number;
  /** How often the Mirror looks for writes made by other processes, in ms. @default 20 */
  readonly pollMs?: number;
  /**
   * Runs the Knex migrations that are pending before anything else, on both databases and under a lock: see
   * `Crossfade.migrate`.
   * @example { directory: './migrations' }
   * @default nothing is run
   */
  readonly migrateOnStart?: Knex.MigratorConfig;
  /**
   * Feature flags, by an OpenFeature client, that say which stage is wanted, how large the share of reads is that
   * PostgreSQL answers, and how many are tried on the other store; evaluated every ten seconds and when they change.
   * @example { client: OpenFeature.getClient() }
   */
  readonly flags?: FlagOptions;
  /**
   * How reads are tried on the other store after they have been answered, in the stages `shadow` and `read`; `false` for
   * not at all.
   * @default { sample: 0.01 }
   * @example { sample: 0.1, ignore: [{ table: 'users', column: 'last_seen' }] }
   */
  readonly shadow?: ShadowOptions | false;
  /**
   * Records the application's queries, of every stage: their shapes for `crossfade audit --statements`, or, with
   * `bindings`, reads as they are for `crossfade replay`.
   * @default nothing is recorded
   * @example { path: 'statements.jsonl' }
   */
  readonly record?: RecordOptions;
  /** Where metrics are registered. @default a registry of its own, `crossfade.metrics` */
  readonly registry?: Registry;
  /** @default console, warnings and errors only */
  readonly logger?: Logger;
}

/** The options with every default filled in. Frozen. */
export interface Config {
  readonly sqlite: string;
  readonly postgres: string;
  readonly knex: KnexOptions;
  readonly facade: StoreName;
  readonly statementSavepoints: boolean;
  readonly exactIntegers: boolean;
  readonly poolMax: number;
  readonly include: readonly string[] | undefined;
  readonly exclude: readonly string[];
  readonly columns: CrossfadeOptions['columns'];
  readonly native: readonly string[];
  readonly rewrite: Rewriter | undefined;
  readonly stage: Stage | undefined;
  readonly readPrimary: StoreName | undefined;
  readonly reads: ReadShareOptions;
  readonly wait: Readonly<Partial<Record<Stage, WaitFor>>>;
  readonly mirror: 'auto' | 'required' | 'off';
  readonly processName: string;
  readonly waitLimitMs: number;
  readonly switchTimeoutMs: number;
  readonly comparisonMaxAgeMs: number;
  readonly maxLagSeconds: number;
  readonly maxShadowMismatches: number;
  readonly minShadowReads: number;
  readonly backfillRows: number;
  readonly backfillShare: number;
  readonly indexesAsideFromRows: number;
  readonly maxChangelogBytes: number;
  readonly answerLimitMs: number;
  readonly leaseMs: number;
  readonly refreshMs: number;
  readonly pollMs: number;
  readonly migrateOnStart: Knex.MigratorConfig | undefined;
  readonly flags: FlagOptions | undefined;
  readonly shadow: ShadowConfig;
  readonly record: RecordOptions | undefined;
  readonly registry: Registry | undefined;
  readonly logger: Logger;
}

const quietConsole: Logger = {
  info: () => {},
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
};

/**
 * Reads options and environment into one frozen {@link Config}.
 *
 * @throws CrossfadeError `CONFIG_INVALID`, `SQLITE_IN_MEMORY`, `SQLITE_UNREADABLE` or `STAGE_UNKNOWN`.
 */
export function readConfig(options: CrossfadeOptions, environment: NodeJS.ProcessEnv = process.env): Config {
  const { CROSSFADE_STAGE: stage, CROSSFADE_READ_PRIMARY: readPrimary } = environment;
  const facade = storeName(options.facade, 'write the API for') ?? 'sqlite';
  return Object.freeze({
    sqlite: sqlitePath(options.sqlite ?? environment['SQLITE_PATH']),
    postgres: postgresUrl(options.postgres ?? environment['DATABASE_URL']),
    knex: { ...(facade === 'sqlite' ? { useNullAsDefault: true } : {}), ...options.knex },
    facade,
    statementSavepoints: options.statementSavepoints ?? facade === 'sqlite',
    exactIntegers: options.exactIntegers ?? false,
    poolMax: positive('poolMax', options.poolMax, 10),
    include: options.tables?.include,
    exclude: options.tables?.exclude ?? [],
    columns: options.columns,
    native: options.native ?? [],
    rewrite: options.rewrite,
    stage: options.stage === undefined ? (stage ? parseStage(stage) : undefined) : parseStage(options.stage),
    readPrimary: storeName(options.readPrimary ?? (readPrimary || undefined), 'read from'),
    reads: options.reads ?? {},
    wait: waits(options.wait),
    mirror: options.mirror ?? 'auto',
    processName: options.processName ?? 'api',
    waitLimitMs: positive('waitLimitMs', options.waitLimitMs, 2_000),
    switchTimeoutMs: positive('switchTimeoutMs', options.switchTimeoutMs, 5_000),
    comparisonMaxAgeMs: positive('comparisonMaxAgeMs', options.comparisonMaxAgeMs, 86_400_000),
    maxLagSeconds: positive('maxLagSeconds', options.maxLagSeconds, 5),
    maxShadowMismatches: countOf('maxShadowMismatches', options.maxShadowMismatches),
    minShadowReads: countOf('minShadowReads', options.minShadowReads),
    backfillRows: positive('backfillRows', options.backfillRows, 200_000),
    backfillShare: shareOf('backfillShare', options.backfillShare, 0.5),
    indexesAsideFromRows: positive('indexesAsideFromRows', options.indexesAsideFromRows, 20_000),
    maxChangelogBytes: positive('maxChangelogBytes', options.maxChangelogBytes, 2 ** 30),
    answerLimitMs: positive('answerLimitMs', options.answerLimitMs, 60_000),
    leaseMs: positive('leaseMs', options.leaseMs, 5_000),
    refreshMs: positive('refreshMs', options.refreshMs, 250),
    pollMs: positive('pollMs', options.pollMs, 20),
    migrateOnStart: options.migrateOnStart,
    flags: options.flags,
    shadow: shadowConfig(options.shadow),
    record: recordOptions(options.record),
    registry: options.registry,
    logger: options.logger ?? quietConsole,
  });
}

function sqlitePath(path: string | undefined): string {
  if (path === undefined || path === '') {
    throw new CrossfadeError('CONFIG_INVALID', 'no SQLite file was named', {
      hint: 'pass `sqlite` (or --sqlite <file>), or set SQLITE_PATH',
    });
  }
  if (path === ':memory:' || /^file:.*(:memory:|mode=memory)/.test(path)) {
    throw new CrossfadeError('SQLITE_IN_MEMORY', `the SQLite database "${path}" lives in memory`, {
      hint: 'Crossfade needs a file, which several connections can open at once; give the path of one',
    });
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) {
    throw new CrossfadeError(
      'SQLITE_UNREADABLE',
      `the SQLite file "${path}" ${found ? 'is not a file' : 'does not exist'}`,
      {
        hint: 'give the path of the database that the API uses; Crossfade never creates it',
      },
    );
  }
  return path;
}

/** @throws CrossfadeError `CONFIG_INVALID`; the message does not show the URL. */
export function postgresUrl(url: string | undefined): string {
  if (url === undefined || url === '') {
    throw new CrossfadeError('CONFIG_INVALID', 'no PostgreSQL database was named', {
      hint: 'pass `postgres` (or --postgres <url>), or set DATABASE_URL',
    });
  }
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw new CrossfadeError(
      'CONFIG_INVALID',
      'the PostgreSQL URL is not of the form postgresql://user:password@host:port/database',
      {
        hint: 'characters such as @ : / in the password must be percent-encoded; the URL is not shown, since it may hold one',
      },
    );
  }
  return url;
}

function storeName(value: string | undefined, purpose: string): StoreName | undefined {
  if (value === undefined || value === 'sqlite' || value === 'postgres') return value;
  throw new CrossfadeError('CONFIG_INVALID', `there is no store "${value}" to ${purpose}`, {
    hint: 'name sqlite or postgres',
  });
}

function positive(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (Number.isFinite(value) && value > 0) return value;
  throw new CrossfadeError('CONFIG_INVALID', `option ${name} is ${value}`, { hint: 'it must be a number above 0' });
}

function shareOf(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (value > 0 && value <= 1) return value;
  throw new CrossfadeError('CONFIG_INVALID', `option ${name} is ${value}`, {
    hint: 'it must be a number above 0, and 1 at most',
  });
}

function countOf(name: string, value: number | undefined): number {
  if (value === undefined) return 0;
  if (Number.isInteger(value) && value >= 0) return value;
  throw new CrossfadeError('CONFIG_INVALID', `option ${name} is ${value}`, {
    hint: 'it must be a whole number, 0 or more',
  });
}

const WAITS: readonly string[] = ['primary', 'mirrored'] satisfies readonly WaitFor[];

function waits(option: CrossfadeOptions['wait']): Config['wait'] {
  const byStage = typeof option === 'string' ? Object.fromEntries(STAGE_NAMES.map((name) => [name, option])) : option;
  for (const [stage, wait] of Object.entries(byStage ?? {})) {
    parseStage(stage);
    if (!WAITS.includes(wait)) {
      throw new CrossfadeError('CONFIG_INVALID', `option wait is "${wait}"`, { hint: 'set it to primary or mirrored' });
    }
  }
  return byStage ?? {};
}
