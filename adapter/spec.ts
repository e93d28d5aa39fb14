import type { ColumnType } from './codec.ts';
import type { Form } from './codec/form.ts';
import { Unholdable } from './codec/unholdable.ts';

/** The two databases. An identity, never a role: the roles (primary, secondary) swap at the write switch. */
export type StoreName = 'sqlite' | 'postgres';

/** The other store. */
export function otherStore(name: StoreName): StoreName {
  return name === 'sqlite' ? 'postgres' : 'sqlite';
}

/**
 * A value in canonical form: exactly what a SQLite cell can hold. INTEGER is a `bigint`, REAL a `number`,
 * TEXT a `string`, BLOB a `Uint8Array`. Rows travel between the stores in this form only. What only one of the two
 * databases can hold is an {@link Unholdable}, which makes the other one refuse its row.
 */
export type SqlValue = null | bigint | number | string | Uint8Array | Unholdable;

/** The values of a row, in the order of {@link TableSpec.columns}. */
export type Row = readonly SqlValue[];

/** The values of a row's key, in the order of {@link TableSpec.key}. */
export type Key = readonly SqlValue[];

/** How SQLite compares the text of a column. */
export type Collation = 'BINARY' | 'NOCASE' | 'RTRIM';

/** A column as one database declares it. */
export interface ColumnShape {
  readonly name: string;
  /** The declared type, in that database's own words. */
  readonly type: string;
  readonly collation: Collation;
  readonly notNull: boolean;
  /** Computed by the database, and so never written by the Mirror. */
  readonly generated: boolean;
  /** The sequence (PostgreSQL) that gives out this column's values, schema-qualified and quoted. */
  readonly sequence: string | null;
  /** PostgreSQL only: the form that the column's comment declares, as it is written there. */
  readonly form?: string | undefined;
}

/** A table as one database declares it. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly ColumnShape[];
  /** Names of the key's columns: the primary key, or else a unique index without NULLs. Empty if there is none. */
  readonly key: readonly string[];
  /** SQLite only: declared AUTOINCREMENT, so that an id is never given out twice. */
  readonly autoIncrement: boolean;
  /** PostgreSQL only: its rows are in partitions or inheriting tables, each of which may be written to by itself. */
  readonly hasParts?: boolean;
}

/** A column as both databases hold it. */
export interface ColumnSpec {
  readonly name: string;
  /** How its values are carried: the codec's entry. */
  readonly type: ColumnType;
  readonly sqliteType: string;
  readonly postgresType: string;
  /** How SQLite holds its values, where that is declared. */
  readonly form?: Form;
  readonly collation: Collation;
  readonly sequence: string | null;
}

/** A table that is mirrored: its columns and its key, as both databases hold it. Generated columns are left out. */
export interface TableSpec {
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
  /** Positions in {@link columns} of the key's columns. */
  readonly key: readonly number[];
  readonly autoIncrement: boolean;
}

/** The key's columns of a table. */
export function keyColumns(table: TableSpec): readonly ColumnSpec[] {
  return table.key.map((position) => columnAt(table, position));
}

/** The column at a position. */
export function columnAt(table: TableSpec, position: number): ColumnSpec {
  const column = table.columns[position];
  if (column === undefined) throw new RangeError(`table "${table.name}" has no column ${position}`);
  return column;
}

/** The key of a row. */
export function keyOf(table: TableSpec, row: Row): Key {
  return table.key.map((position) => row[position] ?? null);
}

/**
 * Writes a key, or any list of values, as text that keeps every value's exact type: `i` integer, `r` real, `t` text,
 * `b` blob, `n` null; `u` and `p` what only SQLite and only PostgreSQL can hold. Equal keys give equal text
 * (0 and -0 are equal in both databases), so it also serves as the key of a `Map`.
 */
export function encodeKey(key: Key): string {
  return JSON.stringify(
    key.map((value) => {
      if (value === null) return 'n';
      if (typeof value === 'bigint') return `i${value}`;
      if (typeof value === 'number') return `r${value}`;
      if (typeof value === 'string') return `t${value}`;
      if (value instanceof Uint8Array) return `b${base64(value)}`;
      return typeof value.original === 'string' ? `p${value.original}` : `u${base64(value.original)}`;
    }),
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Reads what {@link encodeKey} wrote. */
export function decodeKey(text: string): Key {
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts)) throw new TypeError('an encoded key is a JSON array');
  return parts.map((part: unknown): SqlValue => {
    if (typeof part !== 'string') throw new TypeError('an encoded key holds text only');
    const body = part.slice(1);
    switch (part[0]) {
      case 'n':
        return null;
      case 'i':
        return BigInt(body);
      case 'r':
        return Number(body);
      case 't':
        return body;
      case 'b':
        return Buffer.from(body, 'base64');
      case 'u':
        return Unholdable.inSqlite(Buffer.from(body, 'base64'));
      case 'p':
        return Unholdable.inPostgres(body);
      default:
        throw new TypeError(`an encoded key holds no value of kind "${part[0] ?? ''}"`);
    }
  });
}

/** A key as people read it: `[17]`, `["de", 3]`. */
export function formatKey(key: Key): string {
  const parts = key.map((value) => {
    if (value instanceof Unholdable) return typeof value.original === 'string' ? value.original : hex(value.original);
    if (value instanceof Uint8Array) return hex(value);
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  });
  return `[${parts.join(', ')}]`;
}

function hex(bytes: Uint8Array): string {
  return `x'${Buffer.from(bytes).toString('hex')}'`;
}
