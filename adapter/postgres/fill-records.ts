import pg from 'pg';
import { CrossfadeError } from '../errors.ts';
import type {
  BrokenForeignKey,
  FillBeat,
  FillLimits,
  FillPhase,
  FillRecord,
  FillRecords,
  FillReport,
  IndexOutcome,
  TableSize,
} from '../fill-records.ts';
import type { TableSpec } from '../spec.ts';
import { lockState, only } from './bookkeeping.ts';
import { clientConfig, describeConnectionError, enterReplicaRole, isLockTimeout, sqlState } from './connection.ts';
import { inOrderOfForeignKeys, validateForeignKeys } from './fill-foreign-keys.ts';
import { dropIndexes, makeIndex, note, TABLES_TO_DROP_INDEXES_SQL } from './fill-indexes.ts';
import { FILL_SQL } from './fill-sql.ts';
import { advanceSequences } from './sequences.ts';
import { quote } from './sql.ts';

type Query = <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<pg.QueryResult<R>>;

interface FillRow {
  readonly phase: FillPhase;
  readonly paused: string;
  readonly rows_per_second: string | null;
  readonly bytes_per_second: string | null;
  readonly sizes: string;
  readonly keeps: string;
  readonly foreign_keys: string;
  readonly notes: string;
  readonly report: string | null;
  readonly aside: string;
}

interface BeatRow {
  readonly paused: string;
  readonly rows_per_second: string | null;
  readonly bytes_per_second: string | null;
  readonly lock_waits: string;
  readonly replica_lag: string | null;
}

/** A report is believed for so long. */
const REPORT_SECONDS = 5;

/** Who reads a table need not wait for longer; its indexes then stay. */
const DROP_LOCK_MS = 300;

/** How long a connection for what may take long is kept that nobody uses. */
const IDLE_MS = 500;

const FILL_ROW = `phase, paused, rows_per_second, bytes_per_second, sizes, keeps, foreign_keys, notes,
  CASE WHEN reported > clock_timestamp() - interval '${REPORT_SECONDS} s' THEN report END AS report,
  (SELECT coalesce(json_agg(name ORDER BY tbl, name), '[]') FROM crossfade.indexes_aside) AS aside`;

/**
 * The work around a backfill, in PostgreSQL. What is short goes through the pool; what may take minutes gets a
 * connection of its own, without a limit, which the server gives up when this process is gone.
 */
export class PostgresFill implements FillRecords {
  readonly #url: string;
  readonly #query: Query;
  /** Where a long statement is under way. */
  #working: Connection | null = null;
  #idle: (Connection & { readonly timer: NodeJS.Timeout }) | null = null;
  #isClosed = false;

  constructor(url: string, query: Query) {
    this.#url = url;
    this.#query = query;
  }

  async read(): Promise<FillRecord | null> {
    try {
      const { rows } = await this.#query<FillRow>(`SELECT ${FILL_ROW} FROM crossfade.fill`);
      return rows[0] === undefined ? null : toRecord(rows[0]);
    } catch (error) {
      if (sqlState(error) === '42P01' || sqlState(error) === '3F000') return null;
      throw error;
    }
  }

  async begin(): Promise<FillRecord> {
    if ((await this.read()) === null) await this.#query(FILL_SQL);
    const { rows } = await this.#query<FillRow>(
      `UPDATE crossfade.fill SET
         phase = CASE WHEN EXISTS (SELECT FROM crossfade.cursors WHERE NOT done) THEN 'copying' ELSE phase END
       RETURNING ${FILL_ROW}`,
    );
    return toRecord(only(rows));
  }

  async beat(report: FillReport | null): Promise<FillBeat> {
    const startedAt = performance.now();
    const { rows } = await this.#query<BeatRow>(
      `UPDATE crossfade.fill SET report = $1, reported = clock_timestamp()
       RETURNING paused, rows_per_second, bytes_per_second,
         (SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()) AS lock_waits,
         (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) FROM pg_stat_replication) AS replica_lag`,
      [report === null ? null : JSON.stringify(report)],
    );
    const commitMs = performance.now() - startedAt;
    const row = only(rows);
    return {
      ...limitsOf(row),
      isPaused: row.paused === 't',
      lockWaits: Number(row.lock_waits),
      replicaLagBytes: Number(row.replica_lag ?? 0),
      commitMs,
    };
  }

  async rememberSizes(sizes: Readonly<Record<string, TableSize>>): Promise<void> {
    await this.#query('UPDATE crossfade.fill SET sizes = $1', [JSON.stringify(sizes)]);
  }

  async pause(isPaused: boolean): Promise<void> {
    await this.#query('UPDATE crossfade.fill SET paused = $1', [isPaused]);
  }

  async limit({ rowsPerSecond, bytesPerSecond }: Partial<FillLimits>): Promise<void> {
    if (rowsPerSecond !== undefined)
      await this.#query('UPDATE crossfade.fill SET rows_per_second = $1', [rowsPerSecond]);
    if (bytesPerSecond !== undefined)
      await this.#query('UPDATE crossfade.fill SET bytes_per_second = $1', [bytesPerSecond]);
  }

  async advance(from: FillPhase, to: FillPhase): Promise<boolean> {
    const { rowCount } = await this.#query(
      `UPDATE crossfade.fill SET phase = $2 WHERE phase = $1 AND NOT EXISTS (SELECT FROM crossfade.cursors WHERE NOT done)`,
      [from, to],
    );
    return rowCount === 1;
  }

  async order(tables: readonly TableSpec[]): Promise<readonly TableSpec[]> {
    return await inOrderOfForeignKeys(this.#query, tables);
  }

  async withIndexesToSetAside(tables: readonly TableSpec[]): Promise<readonly TableSpec[]> {
    const { rows } = await this.#query<{ name: string }>(TABLES_TO_DROP_INDEXES_SQL, [tables.map(({ name }) => name)]);
    const found = new Set(rows.map(({ name }) => name));
    return tables.filter(({ name }) => found.has(name));
  }

  async setIndexesAside(table: TableSpec): Promise<readonly string[]> {
    return await this.#work(async (client) => {
      try {
        return await inTransaction(client, async () => {
          await client.query(`SET LOCAL lock_timeout = ${DROP_LOCK_MS}`);
          // What is seen from here on stays as it is: nobody writes to the table, and no step begins.
          await client.query(`LOCK TABLE ${quote(table.name)} IN ACCESS EXCLUSIVE MODE`);
          const { role } = await lockState(client);
          const { rows } = await client.query(
            `SELECT FROM crossfade.cursors c, crossfade.fill f
             WHERE c.tbl = $1 AND c.after IS NULL AND NOT c.done AND NOT f.keeps @> to_jsonb($1::text)
               AND NOT EXISTS (SELECT FROM ${quote(table.name)})`,
            [table.name],
          );
          return role === 'secondary' && rows.length > 0 ? await dropIndexes(client, table) : [];
        });
      } catch (error) {
        const why = reasonToKeep(error);
        if (why === null) throw error;
        await note(client, `the indexes of table "${table.name}" stay during the backfill: ${why}`);
        return [];
      }
    });
  }

  async makeNextIndex({ ofTable }: { readonly ofTable?: string } = {}): Promise<IndexOutcome> {
    return await this.#work(async (client) => await makeIndex(client, ofTable));
  }

  async makeAllIndexes(options: { readonly ofTable?: string } = {}): Promise<void> {
    const record = await this.read();
    if (record === null || record.indexesAside.length === 0) return;
    for (;;) {
      const made = await this.makeNextIndex(options);
      if (made.outcome === 'none') return;
      if (made.outcome === 'made') continue;
      throw new CrossfadeError(
        'INDEX_NOT_RESTORED',
        `index "${made.name}" of table "${made.table}", which was set aside for the backfill, cannot be made again: a row does not fit into it (${made.reason})`,
        {
          hint: 'its definition is in crossfade.indexes_aside: mend the rows, or delete it from there if you do not want the index',
        },
      );
    }
  }

  async refill(table: TableSpec): Promise<void> {
    await this.#work(async (client) => {
      // Past what the table's own triggers and foreign keys would do when its rows go.
      await enterReplicaRole(client);
      await inTransaction(client, async () => {
        if ((await lockState(client)).role !== 'secondary') return;
        await client.query(`DELETE FROM ${quote(table.name)}`);
        await client.query('DELETE FROM crossfade.quarantine WHERE tbl = $1', [table.name]);
        await client.query('UPDATE crossfade.cursors SET after = NULL, done = false, copied = 0 WHERE tbl = $1', [
          table.name,
        ]);
        await client.query(`UPDATE crossfade.fill SET phase = 'copying', keeps = keeps || to_jsonb($1::text)`, [
          table.name,
        ]);
        await client.query('UPDATE crossfade.state SET step = step + 1');
      });
      await client.query('RESET session_replication_role');
    });
  }

  async setSequences(tables: readonly TableSpec[], given: ReadonlyMap<string, bigint>): Promise<void> {
    await this.#work(async (client) => {
      for (const table of tables) {
        try {
          await inTransaction(client, async () => {
            // The row's lock keeps it the secondary, of which nobody takes ids.
            if ((await lockState(client)).role !== 'secondary') return;
            await advanceSequences(client, table, given.get(table.name) ?? 0n);
          });
        } catch (error) {
          const state = sqlState(error);
          if (state !== '42501' && state !== '22003') throw error;
          await note(client, `the sequence of table "${table.name}" could not be set (SQLSTATE ${state})`);
        }
      }
    });
  }

  async analyze(tables: readonly TableSpec[], onTable: (table: string) => void): Promise<void> {
    await this.#work(async (client) => {
      for (const { name } of tables) {
        onTable(name);
        await client.query(`ANALYZE ${quote(name)}`);
      }
    });
  }

  async validate(tables: readonly TableSpec[]): Promise<readonly BrokenForeignKey[]> {
    return await this.#work(async (client) => {
      const broken = await validateForeignKeys(client, tables);
      await client.query('UPDATE crossfade.fill SET foreign_keys = $1', [JSON.stringify(broken)]);
      return broken;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#dropIdle();
    const working = this.#working;
    if (working === null) return;
    await this.#query('SELECT pg_cancel_backend($1)', [working.pid]).catch(() => {});
    await working.client.end().catch(() => {});
  }

  /** On a connection for what may take long. It is kept for a moment, since one such thing follows another. */
  async #work<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      const connection = this.#takeIdle() ?? (await this.#connect());
      this.#working = connection;
      try {
        const result = await work(connection.client);
        this.#keep(connection);
        return result;
      } catch (error) {
        await connection.client.end().catch(() => {});
        throw error;
      } finally {
        this.#working = null;
      }
    } catch (error) {
      throw describeConnectionError(this.#url, error);
    }
  }

  async #connect(): Promise<Connection> {
    const client = new pg.Client(clientConfig(this.#url, 'backfill'));
    // One that breaks while it is idle must not end the process; in use its statement fails.
    client.on('error', () => {});
    await client.connect();
    // Lets it past the fence.
    await client.query(`SET crossfade.mirroring = 'on'`);
    // Where the server can look: one that works for a process that is gone would keep its locks from the next one.
    await client.query(`SET client_connection_check_interval = '1s'`).catch(() => {});
    const { rows } = await client.query<{ pid: string }>('SELECT pg_backend_pid() AS pid');
    return { client, pid: only(rows).pid };
  }

  #takeIdle(): Connection | null {
    const idle = this.#idle;
    this.#idle = null;
    if (idle !== null) clearTimeout(idle.timer);
    return idle;
  }

  #keep(connection: Connection): void {
    void this.#dropIdle();
    const timer = setTimeout(() => void this.#dropIdle(), IDLE_MS);
    this.#idle = { ...connection, timer };
    if (this.#isClosed) void this.#dropIdle();
  }

  async #dropIdle(): Promise<void> {
    await this.#takeIdle()
      ?.client.end()
      .catch(() => {});
  }
}

interface Connection {
  readonly client: pg.Client;
  readonly pid: string;
}

/** Why an index stays: somebody uses the table, or the role may not. */
function reasonToKeep(error: unknown): string | null {
  if (isLockTimeout(error)) return 'another session was using it';
  return sqlState(error) === '42501' ? 'the PostgreSQL role does not own it' : null;
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

function limitsOf(row: { rows_per_second: string | null; bytes_per_second: string | null }): FillLimits {
  return {
    rowsPerSecond: row.rows_per_second === null ? null : Number(row.rows_per_second),
    bytesPerSecond: row.bytes_per_second === null ? null : Number(row.bytes_per_second),
  };
}

function toRecord(row: FillRow): FillRecord {
  return {
    ...limitsOf(row),
    phase: row.phase,
    isPaused: row.paused === 't',
    sizes: JSON.parse(row.sizes) as Record<string, TableSize>,
    keeps: JSON.parse(row.keeps) as string[],
    indexesAside: JSON.parse(row.aside) as string[],
    brokenForeignKeys: JSON.parse(row.foreign_keys) as BrokenForeignKey[],
    notes: JSON.parse(row.notes) as string[],
    report: row.report === null ? null : (JSON.parse(row.report) as FillReport),
  };
}
