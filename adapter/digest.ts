import { randomBytes } from 'node:crypto';
import { encodeKey, keyColumns } from './spec.ts';
import type { ColumnSpec, Key, Row, TableSpec } from './spec.ts';
import type { Position } from './store.ts';

/**
 * The rows whose keys come after one key and not after another, in a store's own order; `null` is no bound. A bound may
 * be the first values of a key only: then it stands for all keys that begin so.
 */
export interface KeyRange {
  readonly after: Key | null;
  readonly upTo: Key | null;
  /** Whether {@link after} itself belongs to the range. @default false */
  readonly includesAfter?: boolean;
  /** Whether {@link upTo} itself does not. @default false */
  readonly excludesUpTo?: boolean;
}

/** Every row. */
export const EVERYTHING: KeyRange = { after: null, upTo: null };

/** A range in parts: up to each of some keys of it, which are in its order, and from the last one on. */
export function splitAtAll(range: KeyRange, keys: readonly Key[]): readonly KeyRange[] {
  const parts: KeyRange[] = [];
  let rest = range;
  for (const key of keys) {
    const [part, others] = splitAt(rest, key);
    parts.push(part);
    rest = others;
  }
  return [...parts, rest];
}

/** A range in two: up to a key of it, and from there on. */
export function splitAt(range: KeyRange, key: Key): readonly [KeyRange, KeyRange] {
  const { after, includesAfter = false, upTo, excludesUpTo = false } = range;
  return [
    { after, includesAfter, upTo: key },
    { after: key, upTo, excludesUpTo },
  ];
}

/**
 * What a store says of some rows without naming them: equal digests are equal rows, in whichever store and order they
 * are. Digests of rows that have none in common can be added, and taken from each other again.
 */
export interface RangeDigest {
  readonly rows: number;
  /** The sum of the rows' hashes, of 64 bits. */
  readonly sum: bigint;
  /** Rows with a value that the other database cannot hold: they are the same as no row there. */
  readonly refused: number;
}

/**
 * What all digests that are compared with each other have in common, made anew for each comparison: then a pair of rows
 * that happens to have one hash does not have it again the next time. The values stand for NULL.
 */
export interface DigestSalt {
  readonly seed: bigint;
  readonly integer: bigint;
  readonly double: number;
  readonly text: string;
  /** Whether PostgreSQL hashes a blob as an array's one element: before version 18 it has no function for one. */
  readonly blobsInArrays: boolean;
}

/** Digests of a primary's rows, and what a secondary that stands at a watermark may not hold alike. */
export interface PrimaryDigests {
  /** One for each range that was asked for, in their order, as all lists of digests here. */
  readonly digests: readonly RangeDigest[];
  /**
   * The table's keys that have changed since that watermark, as the same snapshot shows: of those that were asked for,
   * where only these were. `many` when the table's are too many.
   */
  readonly changed: readonly Key[] | 'many';
  /** The share of those keys' rows in {@link digests}; none where none have changed, or too many. */
  readonly ofChanged: readonly RangeDigest[];
}

/** A secondary's rows in one snapshot, which stays open. */
export interface SecondaryDigests {
  /** The snapshot of the primary that these rows equal; `null` when the store is no secondary any more. */
  readonly watermark: Position | null;
  /** Under way: with the watermark known the primary may be asked at the same time. */
  readonly digests: Promise<readonly RangeDigest[]>;
  /** The share of these keys' rows in {@link digests}. */
  ofKeys(keys: readonly Key[]): Promise<readonly RangeDigest[]>;
}

/** What a store can do for comparisons by digests. */
export interface DigestFitness {
  /** The tables whose keys this store orders as all stores do that say so: by their values, text and blobs by the bytes. */
  readonly tables: ReadonlySet<string>;
  /** As {@link DigestSalt.blobsInArrays}. */
  readonly blobsInArrays: boolean;
}

/** Digests of one store's rows, computed where the rows are. Everything but `ofKeys` takes a snapshot of its own. */
export interface Digests {
  fitness(tables: readonly TableSpec[]): Promise<DigestFitness>;
  /** The key of the last of so many rows of a range; `null` when it has not more than them. */
  boundary(table: TableSpec, range: KeyRange, rows: number): Promise<Key | null>;
  /** The key of every so many-th row of a range, in its order. */
  boundaries(table: TableSpec, range: KeyRange, rows: number): Promise<readonly Key[]>;
  /** The first rows of a range, in its order. */
  rows(table: TableSpec, range: KeyRange, limit: number): Promise<readonly Row[]>;
  /** About how many rows a table has; `null` where that is not known at once. */
  about(table: TableSpec): Promise<number | null>;
  /** The highest id that rows hold in the column which a sequence fills; `null` without such a column, or rows. */
  highestId(table: TableSpec): Promise<bigint | null>;
  asPrimary(
    request: DigestRequest,
    since: { readonly watermark: Position; readonly maxKeys: number },
  ): Promise<PrimaryDigests>;
  /** Keeps the snapshot open until `use` has ended. */
  asSecondary<T>(request: DigestRequest, use: (snapshot: SecondaryDigests) => Promise<T>): Promise<T>;
}

export interface DigestRequest {
  readonly table: TableSpec;
  /** A digest is asked of each, all of one snapshot. */
  readonly ranges: readonly KeyRange[];
  readonly salt: DigestSalt;
  /** Keys of the primary: of the ranges only their rows. @default every row */
  readonly keys?: readonly Key[];
  /** About how many rows that is together, where it is known: few need no thread. */
  readonly rows?: number;
}

/** Those of some keys that were asked for. */
export function keysAsked({ keys }: DigestRequest, some: readonly Key[]): readonly Key[] {
  if (keys === undefined || some.length === 0) return some;
  const asked = new Set(keys.map(encodeKey));
  return some.filter((key) => asked.has(encodeKey(key)));
}

export const NO_ROWS: RangeDigest = { rows: 0, sum: 0n, refused: 0 };

/** `all` without the rows of `some`. */
export function without(all: RangeDigest, some: RangeDigest): RangeDigest {
  return {
    rows: all.rows - some.rows,
    sum: BigInt.asUintN(64, all.sum - some.sum),
    refused: all.refused - some.refused,
  };
}

/** Whether the rows are the same for certain. */
export function isSameDigest(a: RangeDigest, b: RangeDigest): boolean {
  return a.rows === b.rows && a.sum === b.sum && a.refused === 0 && b.refused === 0;
}

/** A salt that was never used before. */
export function newSalt(blobsInArrays: boolean): DigestSalt {
  const bytes = randomBytes(24);
  return {
    seed: bytes.readBigInt64LE(0),
    integer: bytes.readBigInt64LE(8),
    double: bytes.readInt32LE(16) + bytes.readUInt32LE(20) / 2 ** 32,
    text: randomBytes(16).toString('hex'),
    blobsInArrays,
  };
}

/**
 * How a column's values are hashed: as integers of 64 bits; by the bytes of their text, or of themselves; as doubles; by
 * PostgreSQL's binary form of them (`binary`), or by its text of them (`other`), which for these types is the same for the
 * same value.
 */
export type DigestKind = 'integer' | 'text' | 'blob' | 'double' | 'binary' | 'other';

/** A column in the order in which a row's values are hashed. */
export interface DigestColumn {
  readonly column: ColumnSpec;
  readonly kind: DigestKind;
  /** Tells the column from others with the same value. */
  readonly mark: number;
}

/** A table's columns as they are hashed: first those that SQLite can spell out by itself, exactly. */
export function digestColumns(table: TableSpec): readonly DigestColumn[] {
  const columns = table.columns.map((column, index) => ({ column, kind: kindOf(column), mark: markOf(index) }));
  return [...columns.filter(({ kind }) => isSpelled(kind)), ...columns.filter(({ kind }) => !isSpelled(kind))];
}

/** Whether SQLite's own text of such a value is exact: it writes doubles with 15 digits, of 17. */
export function isSpelled(kind: DigestKind): boolean {
  return kind === 'integer' || kind === 'text' || kind === 'blob';
}

function kindOf({ type, form }: ColumnSpec): DigestKind {
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'boolean':
      return 'integer';
    case 'double':
    case 'real':
      return 'double';
    case 'text':
    case 'json':
      return 'text';
    case 'uuid':
      return form === undefined || form === 'uuid' ? 'text' : 'other';
    case 'blob':
      return 'blob';
    case 'timestamptz':
    case 'timestamp':
    case 'date':
    case 'time':
    case 'numeric':
      return 'binary';
    default:
      return 'other';
  }
}

/** Odd, so that no two columns of a table share it. */
function markOf(index: number): number {
  return Math.imul(2 * index + 1, 0x9e37_79b1);
}

/** Whether the values of a table's key are in one order in both databases, as far as types and forms decide it. */
export function ordersByValue(table: TableSpec): boolean {
  return keyColumns(table).every(({ type, form, collation }) => {
    if (collation !== 'BINARY' || type === 'character' || type === 'json' || type === 'jsonb') return false;
    return form?.endsWith(' mixed') !== true;
  });
}
