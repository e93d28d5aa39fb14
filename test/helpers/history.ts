import type Database from 'better-sqlite3';
import type pg from 'pg';
import type { StoreName } from '../../adapter/spec.ts';
import { decodeKey, encodeKey } from '../../adapter/spec.ts';
import type { Key, SqlValue } from '../../adapter/spec.ts';
import { versionName } from './random-transaction.ts';
import type { Lane } from './random-transaction.ts';

type Kind = 'integer' | 'real' | 'boolean' | 'blob' | 'text';

/** The tables of `makePair`, their columns in order, key columns first. */
const COLUMNS: Readonly<Record<string, { readonly key: number; readonly kinds: readonly Kind[] }>> = {
  accounts: { key: 1, kinds: ['integer', 'text', 'integer', 'real', 'boolean', 'blob', 'text'] },
  payments: { key: 1, kinds: ['integer', 'integer', 'integer', 'text'] },
  rates: { key: 2, kinds: ['text', 'integer', 'real'] },
  settings: { key: 1, kinds: ['text', 'text'] },
};

interface Entry {
  readonly table: string;
  readonly key: Key;
  readonly row: string;
}

/** All rows of a database at one moment, by table and key, in a form that is the same for both databases. */
export type State = ReadonlyMap<string, Entry>;

/**
 * The committed states that a primary went through. Read by plain connections, in words of its own: nothing of the
 * adapter's reading of rows is used, so that it cannot be wrong in the same way.
 */
export class History {
  readonly #bySeq = new Map<string, State>();
  readonly #byVersion = new Map<string, State>();

  /** Remembers the state of SQLite, which nobody writes to meanwhile, as what the changelog's last entry stands for. */
  recordSqlite(db: Database.Database): State {
    const state = readSqlite(db);
    this.#bySeq.set(String(db.prepare('SELECT max(seq) FROM _crossfade_changes').safeIntegers().pluck().get()), state);
    return state;
  }

  /** Remembers a lane's rows, which nobody else writes to, as the version that is one of them. */
  recordLane(state: State, lane: Lane): void {
    const mine = ofLane(state, lane);
    this.#byVersion.set(`${lane.lane}:${versionIn(mine, lane)}`, mine);
  }

  /**
   * Looks at PostgreSQL as secondary: in one snapshot, whatever it says to have passed must be exactly there, as far
   * as the backfill has come, and without what is in quarantine. Resolves to what is wrong, and to `null` while it is
   * not the secondary.
   */
  async checkPostgres(client: pg.Client): Promise<readonly string[] | null> {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const state = (
        await client.query<{ role: string; watermark: string | null }>('SELECT role, watermark FROM crossfade.state')
      ).rows[0];
      if (state?.role !== 'secondary' || state.watermark === null) return null;
      const { seq } = JSON.parse(state.watermark) as { seq: string };
      const expected = this.#bySeq.get(seq);
      if (expected === undefined) return [`PostgreSQL says to hold entry ${seq}, which is no commit's last`];
      const cursors = await client.query<{ tbl: string; after: string | null; done: boolean }>(
        'SELECT tbl, after, done FROM crossfade.cursors',
      );
      const held = await client.query<{ tbl: string; key: string }>('SELECT tbl, key FROM crossfade.quarantine');
      const isHeld = new Set(held.rows.map(({ tbl, key }) => `${tbl} ${key}`));
      const reach = new Map<string, Key | 'all' | null>(
        cursors.rows.map(({ tbl, after, done }) => [tbl, done ? 'all' : after === null ? null : decodeKey(after)]),
      );
      const isDue = ([name, { table, key }]: readonly [string, Entry]): boolean => {
        const to = reach.get(table) ?? null;
        return !isHeld.has(name) && to !== null && (to === 'all' || compareKeys(key, to) <= 0);
      };
      return unlike(new Map([...expected].filter(isDue)), await readPostgres(client));
    } finally {
      await client.query('COMMIT');
    }
  }

  /** The same with SQLite as secondary: each lane must be at one of its versions as a whole. */
  checkSqlite(db: Database.Database, lanes: readonly Lane[]): readonly string[] | null {
    db.exec('BEGIN');
    try {
      if (db.prepare('SELECT role FROM _crossfade_state').pluck().get() !== 'secondary') return null;
      const state = readSqlite(db);
      return lanes.flatMap((lane) => {
        const mine = ofLane(state, lane);
        const version = versionIn(mine, lane);
        const expected = this.#byVersion.get(`${lane.lane}:${version}`);
        if (expected === undefined) return [`lane ${lane.lane} is at version ${version}, which was not committed`];
        return unlike(expected, mine).map((text) => `version ${version} of lane ${lane.lane}: ${text}`);
      });
    } finally {
      db.exec('COMMIT');
    }
  }
}

/** All rows, read by a plain connection. */
export function readSqlite(db: Database.Database): State {
  return collect((table) => db.prepare(`SELECT * FROM ${table}`).safeIntegers().raw().all() as unknown[][], 'sqlite');
}

/** All rows, read by a plain connection; in one snapshot when the transaction has one. */
export async function readPostgres(client: pg.Client): Promise<State> {
  const rows = new Map<string, unknown[][]>();
  for (const table of Object.keys(COLUMNS)) {
    const text = {
      text: `SELECT * FROM ${table}`,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value },
    } as const;
    rows.set(table, (await client.query<unknown[]>(text)).rows);
  }
  return collect((table) => rows.get(table) ?? [], 'postgres');
}

/** What tells two states apart, in words. Empty when they are the same. */
export function unlike(expected: State, found: State): readonly string[] {
  const wrong: string[] = [];
  for (const [name, { row }] of expected) {
    const other = found.get(name)?.row;
    if (other === undefined) wrong.push(`${name} is missing`);
    else if (other !== row) wrong.push(`${name} should be ${row} and is ${other}`);
  }
  for (const [name, { row }] of found) if (!expected.has(name)) wrong.push(`${name} should not be there: ${row}`);
  return wrong;
}

function collect(rowsOf: (table: string) => readonly unknown[][], store: StoreName): State {
  const state = new Map<string, Entry>();
  for (const [table, { key: width, kinds }] of Object.entries(COLUMNS)) {
    for (const row of rowsOf(table)) {
      const texts = row.map((value, index) => textOf(value, kinds[index] ?? 'text', store));
      const key = texts.slice(0, width).map((text, index) => (kinds[index] === 'integer' ? BigInt(text ?? 0) : text));
      state.set(`${table} ${encodeKey(key)}`, { table, key, row: JSON.stringify(texts) });
    }
  }
  return state;
}

function textOf(value: unknown, kind: Kind, store: StoreName): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
    throw new TypeError(`a ${typeof value} came out of ${store}`);
  }
  switch (kind) {
    case 'real':
      return String(Number(value) + 0);
    case 'boolean':
      return store === 'postgres' ? String(value) : value === 1n ? 't' : 'f';
    case 'blob':
      return String(value).slice(2);
    case 'integer':
    case 'text':
      return String(value);
  }
}

function ofLane(state: State, { lane, lanes }: Lane): State {
  const isMine = ({ key: [first] }: Entry): boolean => {
    if (typeof first === 'bigint') return (first < 0n ? -first : first) % BigInt(lanes) === BigInt(lane);
    return typeof first === 'string' && first.startsWith(`${lane}:`);
  };
  return new Map([...state].filter(([, entry]) => isMine(entry)));
}

function versionIn(state: State, lane: Lane): string {
  const row = state.get(`settings ${encodeKey([versionName(lane)])}`)?.row;
  return row === undefined ? 'none' : String((JSON.parse(row) as unknown[])[1]);
}

function bytesOf(value: SqlValue): Buffer {
  return Buffer.from(typeof value === 'string' ? value : encodeKey([value]));
}

function compareKeys(a: Key, b: Key): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? null;
    if (typeof value === 'bigint' && typeof other === 'bigint') {
      if (value !== other) return value < other ? -1 : 1;
    } else {
      const order = Buffer.compare(bytesOf(value), bytesOf(other));
      if (order !== 0) return order;
    }
  }
  return 0;
}
