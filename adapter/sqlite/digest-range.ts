import Database from 'better-sqlite3';
import { valueHasher } from '../codec/hash-value.ts';
import type { ValueHasher } from '../codec/hash-value.ts';
import { Jenkins } from '../codec/jenkins.ts';
import { digestColumns, isSpelled, NO_ROWS, splitAt } from '../digest.ts';
import type { DigestRequest, KeyRange, RangeDigest } from '../digest.ts';
import type { Key, Row, SqlValue, TableSpec } from '../spec.ts';
import { isInSqlite } from './bindings.ts';
import { fromRange, fromRangeWithKeys, keyNames } from './digest-sql.ts';
import type { Rest } from './digest-sql.ts';
import { ExactSelect } from './exact-select.ts';
import { quote } from './sql.ts';
import type { Interruptible } from './interruptible.ts';
import { SPELLINGS, spelledHasher } from './spelled-hasher.ts';
import type { SpelledHasher } from './spelled-hasher.ts';
import { SpelledPage } from './spelled-page.ts';
import { spelledSelect } from './spelled-sql.ts';
import type { SpelledColumn } from './spelled-sql.ts';
import { ValueColumns } from './value-columns.ts';

/** Rows are spelled out in pieces of about so many bytes, unless the caller wants others, whatever a row takes… */
const PIECE_BYTES = 2 ** 20;
/** …and of so many rows at first, and at most. */
const FIRST_ROWS = 64;
const MAX_ROWS = 8_192;
/** Of rows with long values so many at once… */
const LARGE_ROWS = 16;
/** …as of rows whose other values are longer than that together. */
const MOST_BYTES = 2 ** 24;
/** Rows that are looked up by their keys at once, at most. */
const KEYS_A_PIECE = 256;
/** Kept for the next piece. */
const MAX_STATEMENTS = 64;

/** What the driver decodes bytes to that are not UTF-8, without a word. */
const REPLACEMENT = '\uFFFD';

/**
 * Digests of one table's rows in one connection.
 *
 * To make an object of each value takes several times as long as to read it. So SQLite spells out the rows of a piece,
 * of which the values are hashed as they stand there; only doubles come one by one, since SQLite writes
 * them with too few digits. A piece in which anything is out of the ordinary (a text among integers) is read again
 * row by row.
 */
export class RangeHasher {
  readonly #db: Database.Database;
  readonly #table: TableSpec;
  readonly #hash = new Jenkins();
  readonly #seed: readonly [high: number, low: number];
  readonly #spelled: readonly SpelledColumn[];
  readonly #spelledHashers: readonly SpelledHasher[];
  /** Of all columns, in their order in the hash, and of those only that are not spelled. */
  readonly #hashers: readonly ValueHasher[];
  readonly #rawHashers: readonly ValueHasher[];
  readonly #names: readonly string[];
  readonly #rawNames: readonly string[];
  readonly #pieceBytes: number;
  /** By their SQL, which differs by the ends of a range, or by how many keys there are. */
  readonly #statements = new Map<string, Database.Statement>();
  readonly #selects = new Map<string, ExactSelect>();
  #digest: RangeDigest = NO_ROWS;
  // Those of the piece in hand. Sums of fewer than 2^21 halves are exact.
  #rows = 0;
  #high = 0;
  #low = 0;
  #refused = 0;
  #pieceRows = FIRST_ROWS;

  constructor(
    db: Database.Database,
    { table, salt, pieceBytes = PIECE_BYTES }: Pick<DigestRequest, 'table' | 'salt'> & { readonly pieceBytes?: number },
  ) {
    this.#db = db;
    this.#pieceBytes = pieceBytes;
    this.#table = table;
    this.#seed = [Number(BigInt.asIntN(32, salt.seed >> 32n)), Number(BigInt.asIntN(32, salt.seed))];
    const columns = digestColumns(table);
    const raw = columns.filter(({ kind }) => !isSpelled(kind));
    const spelled = columns.filter(({ kind }) => isSpelled(kind));
    this.#spelled = columns.map(({ column, kind }) => ({
      name: `t.${quote(column.name)}`,
      spelling: SPELLINGS[kind],
      isSized: kind === 'other',
    }));
    this.#spelledHashers = spelled.map((column) => spelledHasher(column, salt));
    this.#hashers = columns.map((column) => valueHasher(column, salt));
    this.#rawHashers = raw.map((column) => valueHasher(column, salt));
    this.#names = columns.map(({ column }) => `t.${quote(column.name)}`);
    this.#rawNames = raw.map(({ column }) => `t.${quote(column.name)}`);
  }

  /** The digest of a range, to be interrupted after each piece. */
  *ofRange(range: KeyRange): Interruptible<RangeDigest> {
    this.#digest = NO_ROWS;
    for (let rest: KeyRange | null = range; rest !== null;) {
      const end: Key | null = boundaryOf(this.#select, this.#table, { range: rest, rows: this.#pieceRows });
      const [piece, others]: readonly [KeyRange, KeyRange | null] = end === null ? [rest, null] : splitAt(rest, end);
      if (this.#isAdded(fromRange(this.#table, piece))) rest = others;
      if (rest !== null) yield;
    }
    return this.#digest;
  }

  /** The share that the rows of some keys have in it. */
  *ofKeys(range: KeyRange, keys: readonly Key[]): Interruptible<RangeDigest> {
    this.#digest = NO_ROWS;
    const held = keys.filter(isInSqlite);
    for (let start = 0; start < held.length;) {
      const end = start + Math.min(this.#pieceRows, KEYS_A_PIECE);
      if (this.#isAdded(fromRangeWithKeys(this.#table, range, held.slice(start, end)))) start = end;
      yield;
    }
    return this.#digest;
  }

  #begin(): void {
    this.#rows = 0;
    this.#high = 0;
    this.#low = 0;
    this.#refused = 0;
  }

  #end(): void {
    const sum = (BigInt(this.#high) << 32n) + BigInt(this.#low);
    this.#digest = {
      rows: this.#digest.rows + this.#rows,
      sum: BigInt.asUintN(64, this.#digest.sum + sum),
      refused: this.#digest.refused + this.#refused,
    };
  }

  /** `false` for a piece that must be asked for once more, since it would be too much at once: the next ones are small. */
  #isAdded(piece: Rest): boolean {
    this.#begin();
    const spelled = this.#addSpelled(piece);
    if (spelled === 'too much') {
      this.#pieceRows = LARGE_ROWS;
      return false;
    }
    if (spelled === 'odd') {
      this.#begin();
      for (const row of this.#select(this.#names, piece.sql).all(...piece.values)) this.#addRow(row);
    }
    this.#end();
    return true;
  }

  #addRow(row: Row): void {
    this.#startRow();
    const isHeld = this.#hashers.map((hasher, index) => hasher(row[index] ?? null, this.#hash)).every(Boolean);
    if (!isHeld) this.#refused += 1;
    this.#endRow();
  }

  #addSpelled(piece: Rest): 'done' | 'odd' | 'too much' {
    const page = this.#spell(piece);
    if (page === 'odd' || page === 'too much') return page;
    const raw = this.#raw(piece);
    const isDone = raw.every(({ length }) => length === page.found) && this.#isHashed(page, raw) && page.isAtEnd;
    if (isDone) return 'done';
    return page.hasLongValue && page.found > LARGE_ROWS ? 'too much' : 'odd';
  }

  #isHashed(page: SpelledPage, raw: readonly (readonly SqlValue[])[]): boolean {
    for (let row = 0; row < page.found; row += 1) {
      page.begin(row);
      this.#startRow();
      for (const hasher of this.#spelledHashers) if (!hasher(page, this.#hash)) return false;
      for (let index = 0; index < raw.length; index += 1) {
        if (!this.#addRaw(index, raw[index]?.[row] ?? null)) return false;
      }
      this.#endRow();
    }
    return true;
  }

  #addRaw(index: number, value: SqlValue): boolean {
    if (typeof value === 'string' && value.includes(REPLACEMENT)) return false;
    return this.#rawHashers[index]?.(value, this.#hash) === true;
  }

  #spell({ sql, values }: Rest): SpelledPage | 'odd' | 'too much' {
    try {
      const statement = this.#prepared(spelledSelect(this.#spelled, sql)).raw();
      const [count, texts, blobs, others] = statement.get(...values) as [bigint, Buffer | null, Buffer | null, bigint];
      const found = Number(count);
      const bytes = (texts?.length ?? 0) + (blobs?.length ?? 0) + Number(others);
      if (Number(others) > MOST_BYTES && found > LARGE_ROWS) return 'too much';
      const each = Math.max(bytes / Math.max(found, 1), 16);
      this.#pieceRows = Math.min(MAX_ROWS, this.#pieceRows * 8, Math.max(1, Math.floor(this.#pieceBytes / each)));
      return new SpelledPage([], { found, texts, blobs, values: [] });
    } catch (error) {
      // Hundreds of columns of long texts.
      if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_TOOBIG') throw error;
      this.#pieceRows = 1;
      return 'odd';
    }
  }

  /** The values of each column that is not spelled. */
  #raw({ sql, values }: Rest): readonly (readonly SqlValue[])[] {
    return new ValueColumns((text) => this.#prepared(text), this.#rawNames, sql).read(values);
  }

  #select = (columns: readonly string[], rest: string): ExactSelect => {
    const sql = `${columns.join(', ')} ${rest}`;
    let select = this.#selects.get(sql);
    if (this.#selects.size > MAX_STATEMENTS) this.#selects.clear();
    if (select === undefined) this.#selects.set(sql, (select = new ExactSelect(this.#db, columns, rest)));
    return select;
  };

  #prepared(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (this.#statements.size > MAX_STATEMENTS) this.#statements.clear();
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  #startRow(): void {
    this.#hash.high = this.#seed[0];
    this.#hash.low = this.#seed[1];
  }

  #endRow(): void {
    this.#hash.finish();
    this.#rows += 1;
    this.#high += this.#hash.high >>> 0;
    this.#low += this.#hash.low >>> 0;
  }
}

/** The key of the last of so many rows of a range; `null` when it has not more than them. */
export function boundaryOf(
  select: (columns: readonly string[], rest: string) => ExactSelect,
  table: TableSpec,
  { range, rows }: { readonly range: KeyRange; readonly rows: number },
): Key | null {
  const rest = fromRange(table, range);
  const [last, beyond] = select(keyNames(table), `${rest.sql} LIMIT 2 OFFSET ?`).all(...rest.values, rows - 1);
  return beyond === undefined ? null : (last ?? null);
}
