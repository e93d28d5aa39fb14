import type Database from 'better-sqlite3';
import { setImmediate as breathe } from 'node:timers/promises';
import { Unholdable } from '../../adapter/codec/unholdable.ts';
import { formatKey } from '../../adapter/spec.ts';
import type { SqlValue } from '../../adapter/spec.ts';
import { quote } from '../../adapter/sqlite/sql.ts';
import type { SqliteTable } from '../sqlite/schema.ts';

/** What reading a table reports and obeys. */
export interface ScanOptions {
  /** Called now and then with the rows read so far. */
  readonly onProgress?: ((progress: { readonly table: string; readonly rows: number }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Rows to look at, spread over the table; all of them by default. */
  readonly sampleRows?: number | undefined;
}

export interface ScannedRow {
  /** The table's columns in its order. The value of a blob in a column without text is its length, see {@link BlobLength}. */
  readonly values: readonly ScannedValue[];
  /** Of the expressions asked for, in their order. */
  readonly extra: readonly ScannedValue[];
  /** The row's key as people read it: its primary key, else its rowid. */
  readonly key: () => string;
}

export type ScannedValue = Exclude<SqlValue, Unholdable> | Unholdable | BlobLength;

/** A blob of which only the length was read: SQLite need not read the content for that, which may be large. */
export class BlobLength {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** How many rows are read before the event loop gets its turn. */
const ROWS_PER_TURN = 5_000;
/** In how many places a sample is taken. */
const PLACES = 64;

/** What the driver decodes bytes to that are not UTF-8, without a word. */
const REPLACEMENT = '\uFFFD';

/**
 * Reads a table once from end to end, in one snapshot and constant memory, exact integers and all. Text whose bytes are
 * not UTF-8 is handed over as an {@link Unholdable}.
 *
 * @returns how many rows were read, and whether those were all.
 * @throws the signal's reason when it is aborted.
 */
export async function scanTable(
  db: Database.Database,
  table: SqliteTable,
  {
    onRow,
    onProgress,
    signal,
    sampleRows,
    extra = [],
  }: ScanOptions & {
    readonly onRow: (row: ScannedRow) => void;
    /** Expressions in SQL over the table's columns, to be evaluated for each row. */
    readonly extra?: readonly string[];
  },
): Promise<{ readonly rows: number; readonly isComplete: boolean }> {
  const reader = new TableReader(db, table, extra);
  let rows = 0;
  const portions = sampleRows === undefined ? null : reader.portions(sampleRows);
  for (const statement of portions ?? [reader.all()]) {
    for (const row of statement) {
      onRow(reader.scanned(row));
      rows += 1;
      if (rows % ROWS_PER_TURN === 0) {
        onProgress?.({ table: table.name, rows });
        await breathe();
        signal?.throwIfAborted();
      }
    }
  }
  signal?.throwIfAborted();
  onProgress?.({ table: table.name, rows });
  return { rows, isComplete: portions === null };
}

type RawRow = readonly Exclude<SqlValue, Unholdable>[];

class TableReader {
  readonly #db: Database.Database;
  readonly #table: SqliteTable;
  readonly #locator: readonly string[];
  readonly #isUtf8: boolean;
  /** Positions of the columns of which a blob's length is read instead of the blob; the length follows the columns. */
  readonly #lengths: ReadonlyMap<number, number>;
  readonly #extra: number;
  readonly #select: string;
  #bytes: Database.Statement<unknown[], RawRow> | null = null;

  constructor(db: Database.Database, table: SqliteTable, extra: readonly string[]) {
    this.#db = db;
    this.#table = table;
    this.#locator = locatorOf(table);
    this.#isUtf8 = db.pragma('encoding', { simple: true }) === 'UTF-8';
    const lengths = new Map<number, number>();
    const columns = table.columns.map(({ name, affinity }, index) => {
      if (affinity === 'TEXT' || affinity === 'INTEGER' || affinity === 'REAL') return quote(name);
      lengths.set(index, lengths.size);
      return `CASE WHEN typeof(${quote(name)}) = 'blob' THEN NULL ELSE ${quote(name)} END`;
    });
    this.#lengths = lengths;
    this.#extra = extra.length;
    const more = [...lengths.keys()].map((index) => {
      const name = quote(table.columns[index]?.name ?? '');
      return `CASE WHEN typeof(${name}) = 'blob' THEN length(${name}) END`;
    });
    this.#select = `SELECT ${[...columns, ...more, ...extra, ...this.#locator].join(', ')} FROM ${quote(table.name)}`;
  }

  all(): IterableIterator<RawRow> {
    return this.#prepare(this.#select).iterate();
  }

  /** Portions of the table at equal distances; `null` if it is no larger than the sample. */
  *#spread(places: readonly bigint[], size: number): Generator<IterableIterator<RawRow>> {
    const statement = this.#prepare(
      `${this.#select} WHERE ${this.#locator[0] ?? ''} >= ? AND ${this.#locator[0] ?? ''} < ? LIMIT ?`,
    );
    for (const [index, place] of places.entries()) {
      yield statement.iterate(place, places[index + 1] ?? 2n ** 63n - 1n, size);
    }
  }

  portions(sampleRows: number): Iterable<IterableIterator<RawRow>> | null {
    const name = quote(this.#table.name);
    if (this.#table.withoutRowid || this.#locator.length !== 1) {
      const more = this.#prepare(`SELECT 1 FROM ${name} LIMIT 1 OFFSET ?`).get(sampleRows);
      return more === undefined ? null : [this.#prepare(`${this.#select} LIMIT ?`).iterate(sampleRows)];
    }
    const [rowid = ''] = this.#locator;
    const [low, high] =
      this.#prepare(`SELECT (SELECT min(${rowid}) FROM ${name}), (SELECT max(${rowid}) FROM ${name})`).get() ?? [];
    if (typeof low !== 'bigint' || typeof high !== 'bigint' || high - low < BigInt(sampleRows)) return null;
    const step = (high - low) / BigInt(PLACES) + 1n;
    const places = Array.from({ length: PLACES }, (_, index) => low + BigInt(index) * step);
    return this.#spread(places, Math.ceil(sampleRows / PLACES));
  }

  scanned(row: RawRow): ScannedRow {
    const width = this.#table.columns.length;
    const values: ScannedValue[] = row.slice(0, width);
    let isSuspect = false;
    for (let index = 0; index < width; index += 1) {
      const value = values[index];
      if (value === null) {
        const length = this.#lengths.get(index);
        const bytes = length === undefined ? null : row[width + length];
        if (bytes !== null && bytes !== undefined) values[index] = new BlobLength(Number(bytes));
      } else if (typeof value === 'string' && value.includes(REPLACEMENT)) {
        isSuspect = true;
      }
    }
    const expressions = width + this.#lengths.size;
    const located = row.slice(expressions + this.#extra);
    if (isSuspect && this.#isUtf8) this.#mend(values, located);
    return {
      values,
      extra: row.slice(expressions, expressions + this.#extra),
      key: () => this.#keyText(values, located),
    };
  }

  #keyText(values: readonly ScannedValue[], located: RawRow): string {
    const { primaryKey, columns } = this.#table;
    if (primaryKey.length === 0) return formatKey(located);
    const key = primaryKey.map(({ column }) => values[columns.findIndex(({ name }) => name === column)] ?? null);
    return formatKey(key.map((value) => (value instanceof BlobLength ? `blob of ${value.bytes} bytes` : value)));
  }

  /** Puts an {@link Unholdable} in the place of each text that is not UTF-8. */
  #mend(values: ScannedValue[], located: RawRow): void {
    if (this.#locator.length === 0) return this.#distrust(values);
    const where = this.#locator.map((name) => `${name} IS ?`).join(' AND ');
    const columns = this.#table.columns.map(
      ({ name }) => `CASE typeof(${quote(name)}) WHEN 'text' THEN CAST(${quote(name)} AS BLOB) END`,
    );
    this.#bytes ??= this.#prepare(`SELECT ${columns.join(', ')} FROM ${quote(this.#table.name)} WHERE ${where}`);
    const bytes = this.#bytes.get(...located) ?? [];
    values.forEach((value, index) => {
      const exact = bytes[index];
      if (typeof value !== 'string' || !(exact instanceof Uint8Array)) return;
      if (!Buffer.from(value).equals(exact)) values[index] = Unholdable.inSqlite(exact);
    });
  }

  /** Rows that cannot be named cannot be read again: what may be decoded wrongly is taken to be. */
  #distrust(values: ScannedValue[]): void {
    values.forEach((value, index) => {
      if (typeof value === 'string' && value.includes(REPLACEMENT))
        values[index] = Unholdable.inSqlite(Buffer.from(value));
    });
  }

  #prepare(sql: string): Database.Statement<unknown[], RawRow> {
    return this.#db.prepare<unknown[], RawRow>(sql).raw().safeIntegers();
  }
}

/** What names one row for certain: the rowid under a name that no column took, else the primary key. */
function locatorOf(table: SqliteTable): readonly string[] {
  const taken = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  const rowid = table.withoutRowid ? undefined : ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  if (rowid !== undefined) return [rowid];
  return table.primaryKey.flatMap(({ column }) => (column === null ? [] : [quote(column)]));
}
