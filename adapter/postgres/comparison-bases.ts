import type pg from 'pg';
import type { BaseTable, ComparisonBase, ComparisonBases, StoredBase } from '../comparison-base.ts';
import { decodeKey, encodeKey } from '../spec.ts';
import type { Position } from '../store.ts';
import { sqlState } from './connection.ts';

type Query = <R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<pg.QueryResult<R>>;

/** Made when it is first needed: installs by earlier releases do not have it. */
const TABLE = `CREATE TABLE IF NOT EXISTS crossfade.comparison_base (
  id integer PRIMARY KEY CHECK (id = 1), capture_id text, position text, base text, expires timestamptz NOT NULL, dropped text
)`;

const EXPIRED = 'nothing was compared for too long, and the changelog was not kept any longer';

interface BaseRow {
  readonly base: string | null;
  readonly dropped: string | null;
  readonly is_expired: string;
}

interface Written extends Omit<ComparisonBase, 'tables'> {
  readonly tables: Readonly<Record<string, { readonly after: string | null; readonly open: readonly string[] }>>;
}

/** The one row of {@link ComparisonBases}. */
export class PostgresComparisonBases implements ComparisonBases {
  readonly #query: Query;

  constructor(query: Query) {
    this.#query = query;
  }

  async comparisonBase(): Promise<StoredBase | undefined> {
    const [row] = await this.#read<BaseRow>(
      'SELECT base, dropped, expires < clock_timestamp() AS is_expired FROM crossfade.comparison_base',
    );
    if (row === undefined) return undefined;
    if (row.base === null) return { base: null, droppedBecause: row.dropped };
    return row.is_expired === 't'
      ? { base: null, droppedBecause: EXPIRED }
      : { base: read(row.base), droppedBecause: null };
  }

  async keepComparisonBase(base: ComparisonBase, { expiresMs }: { expiresMs: number }): Promise<void> {
    await this.#made(
      `INSERT INTO crossfade.comparison_base (id, capture_id, position, base, expires)
       VALUES (1, $1, $2, $3, clock_timestamp() + make_interval(secs => $4::double precision / 1000))
       ON CONFLICT (id) DO UPDATE SET capture_id = EXCLUDED.capture_id, position = EXCLUDED.position, base = EXCLUDED.base,
         expires = EXCLUDED.expires, dropped = NULL`,
      [base.captureId, base.position, write(base), expiresMs],
    );
  }

  async dropComparisonBase(reason: string): Promise<void> {
    await this.#read(
      `UPDATE crossfade.comparison_base SET base = NULL, position = NULL, dropped = $1 WHERE base IS NOT NULL RETURNING 1`,
      [reason],
    );
  }

  async heldPosition(captureId: string): Promise<Position | null> {
    const [row] = await this.#read<{ position: string | null }>(
      'SELECT position FROM crossfade.comparison_base WHERE capture_id = $1 AND expires >= clock_timestamp()',
      [captureId],
    );
    return row?.position ?? null;
  }

  async #made(text: string, values: readonly unknown[]): Promise<void> {
    try {
      await this.#query(text, values);
    } catch (error) {
      if (sqlState(error) !== '42P01') throw error;
      await this.#query(TABLE);
      await this.#query(text, values);
    }
  }

  async #read<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    try {
      return (await this.#query<R>(text, values)).rows;
    } catch (error) {
      if (sqlState(error) === '42P01' || sqlState(error) === '3F000') return [];
      throw error;
    }
  }
}

function write(base: ComparisonBase): string {
  const tables = Object.entries(base.tables).map(([name, { after, open }]) => [
    name,
    { after: after === null ? null : encodeKey(after), open: open.map(encodeKey) },
  ]);
  return JSON.stringify({ ...base, tables: Object.fromEntries(tables) as Written['tables'] } satisfies Written);
}

function read(text: string): ComparisonBase {
  const written = JSON.parse(text) as Written;
  const tables = Object.entries(written.tables).map(([name, { after, open }]): [string, BaseTable] => [
    name,
    { after: after === null ? null : decodeKey(after), open: open.map(decodeKey) },
  ]);
  return { ...written, tables: Object.fromEntries(tables) };
}
