import pg from 'pg';
import { Jenkins } from '../codec/jenkins.ts';
import { keyInPostgres } from '../codec/key-in-postgres.ts';
import { keysAsked, NO_ROWS, ordersByValue } from '../digest.ts';
import type {
  DigestFitness,
  DigestRequest,
  Digests,
  KeyRange,
  PrimaryDigests,
  RangeDigest,
  SecondaryDigests,
} from '../digest.ts';
import { keyColumns } from '../spec.ts';
import type { Key, Row, TableSpec } from '../spec.ts';
import type { Position } from '../store.ts';
import { changedKeysOf } from './changed-keys.ts';
import { clientConfig, describeConnectionError, lend, sqlState } from './connection.ts';
import { boundariesQuery, boundaryQuery, keysDigests, rangeDigests, rowsQuery } from './digest-sql.ts';
import type { Statement } from './digest-sql.ts';
import { bindColumns, decodeRow, decodeValue } from './rows.ts';
import { quote } from './sql.ts';

/** Fewer rows than that are counted. */
const WORTH_AN_ESTIMATE = 100_000;
const MAX_CONNECTIONS = 8;
const SNAPSHOTS = 5;
/**
 * A range is read by its index, whatever the planner believes of a table that it has not looked at yet; by one process,
 * since others are read at the same time.
 */
const BY_KEY = 'SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0';
/** Of so many rows a digest is short… */
const SHORT_ROWS = 5_000;
/** …as is to count so many. */
const SHORT_COUNT = 20_000;
/** The first version with `hashbyteaextended`. */
const HASHES_BLOBS = 180_000;

/**
 * Digests computed within PostgreSQL, by its own hash functions. With connections of their own, since snapshots stay
 * open for as long as the other side takes: bookkeeping must not wait for them. What is short borrows one of those for
 * bookkeeping: to open another would take longer.
 */
export class PostgresDigests implements Digests {
  readonly #url: string;
  readonly #limitMs: number;
  readonly #shortPool: pg.Pool;
  #ownPool: pg.Pool | null = null;

  constructor(url: string, { limitMs, pool }: { readonly limitMs: number; readonly pool: pg.Pool }) {
    this.#url = url;
    this.#limitMs = limitMs;
    this.#shortPool = pool;
  }

  async fitness(tables: readonly TableSpec[]): Promise<DigestFitness> {
    const fit = tables.filter(ordersByValue);
    const names = fit.map(({ name }) => name);
    const inDoubt = fit.filter(hasTextInKey).map(({ name }) => name);
    const { facts, odd } = await this.#withClient(this.#shortPool, async (client) => ({
      facts: await client.query<FactsRow>(FACTS),
      odd: inDoubt.length === 0 ? [] : (await client.query<{ name: string }>(ORDERED_OTHERWISE, [inDoubt])).rows,
    }));
    const [row] = facts.rows;
    const isKnown = row?.encoding === 'UTF8' && row.probe === PROBE_HASH;
    const isOdd = new Set(odd.map(({ name }) => name));
    return {
      tables: new Set(isKnown ? names.filter((name) => !isOdd.has(name)) : []),
      blobsInArrays: Number(row?.version) < HASHES_BLOBS,
    };
  }

  async boundary(table: TableSpec, range: KeyRange, rows: number): Promise<Key | null> {
    const pool = rows <= SHORT_COUNT ? this.#shortPool : this.#pool;
    const [key] = await this.#keys(pool, table, boundaryQuery(table, range, rows));
    return key ?? null;
  }

  async boundaries(table: TableSpec, range: KeyRange, rows: number): Promise<readonly Key[]> {
    return this.#keys(this.#pool, table, boundariesQuery(table, range, rows));
  }

  async rows(table: TableSpec, range: KeyRange, limit: number): Promise<readonly Row[]> {
    const lines = await this.#snapshot(this.#pool, (client) => this.#texts(client, rowsQuery(table, range, limit)));
    return lines.map((line) => decodeRow(table, line));
  }

  async about(table: TableSpec): Promise<number> {
    const estimate = `SELECT reltuples::bigint FROM pg_class WHERE oid = $1::regclass`;
    const [line] = await this.#withClient(this.#shortPool, (client) =>
      this.#texts(client, { text: estimate, values: [quote(table.name)] }),
    );
    const rows = Number(line?.[0] ?? -1);
    if (rows > WORTH_AN_ESTIMATE) return rows;
    const text = `SELECT count(*) FROM ${quote(table.name)}`;
    const [counted] = await this.#snapshot(this.#shortPool, (client) => this.#texts(client, { text, values: [] }));
    return Number(counted?.[0] ?? 0);
  }

  async highestId(table: TableSpec): Promise<bigint | null> {
    const column = table.columns.find(({ sequence }) => sequence !== null);
    if (column === undefined) return null;
    const text = `SELECT max(${quote(column.name)}) FROM ${quote(table.name)}`;
    const [line] = await this.#snapshot(this.#pool, (client) => this.#texts(client, { text, values: [] }));
    const id = decodeValue(column, line?.[0] ?? null);
    return typeof id === 'bigint' ? id : null;
  }

  async asPrimary(
    request: DigestRequest,
    { watermark, maxKeys }: { watermark: Position; maxKeys: number },
  ): Promise<PrimaryDigests> {
    return this.#snapshot(this.#poolFor(request), async (client) => {
      const since = await changedKeysOf(client, request.table, { after: watermark, limit: maxKeys + 1 });
      const digests = await digestsAsked(client, request);
      if (since === 'all' || since.length > maxKeys) return { digests, changed: 'many', ofChanged: [] };
      const changed = keysAsked(request, since);
      return { digests, changed, ofChanged: changed.length === 0 ? [] : await digestsOfKeys(client, request, changed) };
    });
  }

  async asSecondary<T>(request: DigestRequest, use: (snapshot: SecondaryDigests) => Promise<T>): Promise<T> {
    return this.#snapshot(this.#poolFor(request), async (client) => {
      const state = await client.query<{ watermark: string | null }>(
        `SELECT watermark FROM crossfade.state WHERE role = 'secondary'`,
      );
      const watermark = state.rows[0]?.watermark ?? null;
      const digests = digestsAsked(client, request);
      digests.catch(() => {});
      try {
        return await use({ digests, watermark, ofKeys: (keys) => digestsOfKeys(client, request, keys) });
      } finally {
        // Nobody may be given a connection that is still at work.
        await digests.catch(() => {});
      }
    });
  }

  async close(): Promise<void> {
    await this.#ownPool?.end();
  }

  async #keys(pool: pg.Pool, table: TableSpec, statement: Statement): Promise<readonly Key[]> {
    const lines = await this.#snapshot(pool, (client) => this.#texts(client, statement));
    return lines.map((line) => keyColumns(table).map((column, index) => decodeValue(column, line[index] ?? null)));
  }

  async #texts(client: pg.ClientBase, statement: Statement): Promise<readonly (string | null)[][]> {
    const { rows } = await client.query<(string | null)[]>({ ...statement, rowMode: 'array' });
    return rows;
  }

  /** Reads in one snapshot. */
  async #snapshot<T>(pool: pg.Pool, use: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.#withClient(pool, async (client) => {
      await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${BY_KEY}`);
      const result = await use(client);
      await client.query('COMMIT');
      return result;
    });
  }

  /** A standby may take a snapshot away, in favour of what it has to replay: then in another one. */
  async #withClient<T>(pool: pg.Pool, use: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#withOneClient(pool, use);
      } catch (error) {
        if (sqlState(error) !== '40001' || attempt === SNAPSHOTS) throw error;
      }
    }
  }

  async #withOneClient<T>(pool: pg.Pool, use: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    try {
      return await lend(pool, use);
    } catch (error) {
      throw describeConnectionError(this.#url, error);
    }
  }

  #poolFor({ rows = Infinity }: DigestRequest): pg.Pool {
    return rows <= SHORT_ROWS ? this.#shortPool : this.#pool;
  }

  get #pool(): pg.Pool {
    return (this.#ownPool ??= this.#open());
  }

  #open(): pg.Pool {
    const pool = new pg.Pool({
      ...clientConfig(this.#url, 'comparison'),
      query_timeout: this.#limitMs,
      max: MAX_CONNECTIONS,
      idleTimeoutMillis: 10_000,
      allowExitOnIdle: true,
    });
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    return pool;
  }
}

async function digestsOf(
  client: pg.ClientBase,
  { ranges }: DigestRequest,
  statement: Statement,
): Promise<readonly RangeDigest[]> {
  const { rows } = await client.query<{ part: string; rows: string; sum: string | null }>(statement);
  const digests = new Map(rows.map(({ part, ...found }) => [Number(part), found]));
  return ranges.map((_, part) => {
    const { rows: count, sum } = digests.get(part) ?? { rows: 0, sum: null };
    return { rows: Number(count), sum: BigInt.asUintN(64, BigInt(sum ?? 0)), refused: 0 };
  });
}

function digestsAsked(client: pg.ClientBase, request: DigestRequest): Promise<readonly RangeDigest[]> {
  const { table, ranges, salt, keys } = request;
  if (keys !== undefined) return digestsOfKeys(client, request, keys);
  return digestsOf(client, request, rangeDigests(table, ranges, salt));
}

async function digestsOfKeys(
  client: pg.ClientBase,
  request: DigestRequest,
  keys: readonly Key[],
): Promise<readonly RangeDigest[]> {
  const { table, ranges, salt } = request;
  const holdable = keys.map((key) => keyInPostgres(table, key)).filter((key) => key !== undefined);
  if (holdable.length === 0) return ranges.map(() => NO_ROWS);
  return digestsOf(client, request, keysDigests(table, ranges, salt, bindColumns(keyColumns(table), holdable)));
}

/** Of the types whose keys are ordered by value only text knows other orders. */
function hasTextInKey(table: TableSpec): boolean {
  return keyColumns(table).some(({ type }) => type === 'text');
}

interface FactsRow {
  readonly encoding: string;
  readonly version: string;
  readonly probe: string;
}

const PROBE = 'crossfade 0123456789';

/** A server that hashes otherwise (one whose processor has the highest byte first does) is compared row by row. */
const FACTS = `SELECT current_setting('server_encoding') AS encoding, current_setting('server_version_num') AS version,
  hashtextextended('${PROBE}' COLLATE "C", 42) AS probe`;

const PROBE_HASH = String(probeHash());

function probeHash(): bigint {
  const hash = new Jenkins();
  hash.low = 42;
  hash.bytes(new DataView(new TextEncoder().encode(PROBE).buffer), 0, PROBE.length);
  return BigInt.asIntN(64, (BigInt(hash.high) << 32n) ^ BigInt.asUintN(32, BigInt(hash.low)));
}

/**
 * Tables of which a text column of a primary key or unique index is in another order than that of its bytes. Columns of
 * the database's own collation say so by that, whose provider PostgreSQL tells from version 15 on.
 */
const ORDERED_OTHERWISE = `
  SELECT DISTINCT c.relname AS name
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attcollation <> 0
  JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey::int2[])
  JOIN pg_collation k ON k.oid = a.attcollation
  CROSS JOIN (SELECT datcollate, to_jsonb(d) ->> 'datlocprovider' AS provider FROM pg_database d WHERE datname = current_database()) base
  WHERE c.relname = ANY ($1::text[]) AND pg_table_is_visible(c.oid)
    AND NOT (k.collname IN ('C', 'POSIX', 'ucs_basic') OR k.collprovider = 'b'
      OR (k.collprovider = 'd' AND (base.provider = 'b' OR (base.provider IS DISTINCT FROM 'i' AND base.datcollate IN ('C', 'POSIX')))))`;
