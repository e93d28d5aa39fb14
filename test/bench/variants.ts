import knex from 'knex';
import type { Knex } from 'knex';
import { createCrossfade } from '../../adapter/index.ts';
import { WalFile } from '../../adapter/sqlite/wal-file.ts';
import type { Crossfade, Stage } from '../../adapter/index.ts';
import type { Databases } from './databases.ts';
import { intoStage } from './into-stage.ts';

type Row = Readonly<Record<string, unknown>>;

/** One way to write, open. */
export interface Writer {
  insert(rows: Row | readonly Row[]): Promise<unknown>;
  update(id: number, changes: Row): Promise<unknown>;
  /** Resolves when nothing of what was written is still on its way to the other database. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** A way to write that is measured. */
export interface Variant {
  readonly name: string;
  readonly summary: string;
  /** Called once, before the first {@link open}. */
  prepare(databases: Databases): Promise<void>;
  open(databases: Databases): Promise<Writer>;
}

/** What every pool of PostgreSQL connections here is limited to. Knex's own default, and Crossfade's. */
const POOL_MAX = 10;
const SETTLE_LIMIT_MS = 60_000;

/** Every result is given in relation to these two. */
export const BASELINES = ['postgres', 'sqlite'] as const;

export const VARIANTS: readonly Variant[] = [
  {
    name: 'sqlite',
    summary: 'plain Knex on SQLite (WAL)',
    prepare: nothing,
    open: async ({ sqlite }) => plain(openSqlite(sqlite)),
  },
  {
    name: 'postgres',
    summary: 'plain Knex on PostgreSQL',
    prepare: nothing,
    open: async ({ postgres }) => plain(openPostgres(postgres)),
  },
  {
    name: 'by-hand',
    summary: 'two plain Knex instances: await the write to SQLite, then await it to PostgreSQL',
    prepare: nothing,
    open: openByHand,
  },
  crossfade('dual', 'SQLite, and the Mirror follows'),
  crossfade('read', 'SQLite, waiting until the Mirror has it in PostgreSQL'),
  crossfade('write', 'PostgreSQL, and the Mirror follows'),
];

const READ = crossfade('read', '');

/**
 * Measured only when asked for: `read` as it would be if a step did not wait until SQLite's log is on disk. It shows what
 * that costs. Not a setting of Crossfade's: after a power failure PostgreSQL could be ahead of SQLite (PROTOCOL.md R15b).
 */
export const UNSYNCED: Variant = {
  name: 'read-unsynced',
  summary: 'as read, without waiting for the disk under SQLite: unsafe, to show what that costs',
  prepare: (databases) => READ.prepare(databases),
  open: async (databases) => {
    const own = Object.getOwnPropertyDescriptor(WalFile.prototype, 'sync') ?? {};
    WalFile.prototype.sync = () => undefined;
    const writer = await READ.open(databases);
    return {
      ...writer,
      close: async () => {
        await writer.close();
        Object.defineProperty(WalFile.prototype, 'sync', own);
      },
    };
  },
};

async function nothing(): Promise<void> {
  // Its databases need no more than their tables.
}

function openSqlite(filename: string): Knex {
  return knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true });
}

function openPostgres(connection: string): Knex {
  return knex({ client: 'pg', connection, pool: { min: 0, max: POOL_MAX } });
}

function plain(database: Knex): Writer {
  return {
    insert: (rows) => database('accounts').insert(rows),
    update: (id, changes) => database('accounts').where({ id }).update(changes),
    settle: nothing,
    close: () => database.destroy(),
  };
}

/** What one would write oneself. Nothing repairs it when the second write fails; that is not what is measured here. */
async function openByHand(databases: Databases): Promise<Writer> {
  const sqlite = openSqlite(databases.sqlite);
  const postgres = openPostgres(databases.postgres);
  return {
    insert: async (rows) => {
      const inserted: { id: number }[] = await sqlite('accounts').insert(rows).returning('id');
      const withIds = [rows].flat().map((row, index) => ({ ...row, id: inserted[index]?.id }));
      await postgres('accounts').insert(withIds);
    },
    update: async (id, changes) => {
      await sqlite('accounts').where({ id }).update(changes);
      await postgres('accounts').where({ id }).update(changes);
    },
    settle: nothing,
    close: async () => {
      await sqlite.destroy();
      await postgres.destroy();
    },
  };
}

function crossfade(stage: Stage, summary: string): Variant {
  return {
    name: stage,
    summary: `Crossfade in stage ${stage}: ${summary}`,
    prepare: async (databases) => {
      const opened = await openCrossfade(databases);
      try {
        // PostgreSQL holds the seed already, for those who write there without Crossfade.
        await opened.backfill({ restart: true });
        await intoStage(opened, stage);
      } finally {
        await opened.close();
      }
    },
    open: async (databases) => {
      const opened = await openCrossfade(databases);
      const settle = (): Promise<void> => opened.mirror.caughtUp({ timeoutMs: SETTLE_LIMIT_MS });
      try {
        await opened.mirror.takeLease();
        await settle();
      } catch (error) {
        await opened.close();
        throw error;
      }
      return { ...plain(opened.knex), settle, close: () => opened.close() };
    },
  };
}

function openCrossfade(databases: Databases): Promise<Crossfade> {
  return createCrossfade({ ...databases, poolMax: POOL_MAX, processName: 'bench' });
}
