import type { BoundUse } from './bound.ts';
import type { Clock } from './clock.ts';
import { POSTGRES_NAME } from './sql-type.ts';
import type { SqlType } from './sql-type.ts';
import type { Affinity } from '../sqlite/schema.ts';

/**
 * The type of a part of an expression. `any` is the pack's type `crossfade_sqlite.value`, which holds whatever a SQLite
 * value can be; it never leaves an expression.
 */
export type FragmentType = SqlType | 'any';

/** A constant whose value is known while translating, as SQLite would hold it. */
export type Constant =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'real'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'blob'; readonly bytes: Uint8Array }
  | { readonly kind: 'null' };

/** One of the two collations that PostgreSQL must be told about, and where SQLite found it. */
export interface Collation {
  readonly name: string;
  /** Given by a COLLATE operator, which goes before what columns have. */
  readonly isExplicit: boolean;
}

/**
 * A part of an expression in PostgreSQL's words, with what SQLite knows of its value.
 *
 * The SQL stands for itself: it is a name, a call, a literal or in parentheses, so that it can be put anywhere.
 */
export interface Fragment {
  readonly sql: string;
  readonly type: FragmentType;
  /** What SQLite converts the other side of a comparison to; null for an expression. */
  readonly affinity: Affinity | null;
  readonly collation: Collation | null;
  /** What a comparison gave: 0 or 1 wherever its value is looked at. A column of type boolean is not this. */
  readonly isLogical?: true;
  /**
   * Its values are of more than one of SQLite's classes, which PostgreSQL's type hides: integers among the reals, numbers
   * among the texts. What depends on the class (division, the text of a number) cannot be translated.
   */
  readonly isMixed?: true;
  /** An integer that PostgreSQL computes with 64 bits; literals and narrow columns are not. */
  readonly isWide?: true;
  readonly constant?: Constant;
  /** The bound parameter that this is, before a type was found for it: `?`, `?3`, `:name`. */
  readonly parameter?: ParameterUse;
  /** The bound parameter that this is, where what will be bound is known: see {@link BoundUse}. */
  readonly bound?: BoundUse;
  /** How SQLite holds values of a column of a native type. */
  readonly form?: string;
  /** PostgreSQL's name of that native type. */
  readonly postgresType?: string;
  /** It is a column as it stands, with this name. */
  readonly column?: string;
  /** What of the clock it is, for columns of a native type. */
  readonly clock?: Clock;
  /** A text that is a whole number (`strftime('%s')`): what wants a number takes it for an integer. */
  readonly isDigits?: true;
  /** A text that no affinity makes a number of: a date. */
  readonly isNeverNumber?: true;
  /** A value that cannot be NULL. */
  readonly isNotNull?: true;
  /** A value of type `any` that stands for all that are equal to it. */
  readonly isSettled?: true;
  /** The collation under which no two rows of its table have texts that are equal: a unique index says so. */
  readonly uniqueUnder?: string;
  /** Of a number of which {@link isMixed} hides whether it is whole: the same as a value of the pack's, if `sql` is still `of`. */
  readonly exact?: { readonly of: string; readonly sql: string };
}

/** A bound parameter as it was written: its name, or its number from 1. */
export interface ParameterUse {
  readonly key: string | number;
}

/** A fragment without affinity or collation: what any operator or function gives. */
export function valueOf(sql: string, type: FragmentType, more: Partial<Omit<Fragment, 'sql' | 'type'>> = {}): Fragment {
  return { sql, type, affinity: null, collation: null, ...more };
}

/** A comparison's result. */
export function logical(sql: string): Fragment {
  return valueOf(sql, 'boolean', { isLogical: true });
}

/** Stands in the SQL for a parameter whose type was not found; no SQL can hold it. */
export const UNTYPED = '\0';

export const NULL_FRAGMENT: Fragment = valueOf('NULL', 'null', { constant: { kind: 'null' } });

/** A constant in PostgreSQL's words, typed so that it means the same wherever it stands. */
export function constantFragment(constant: Constant): Fragment {
  switch (constant.kind) {
    case 'null':
      return NULL_FRAGMENT;
    case 'integer':
      return valueOf(integerText(constant.value), 'integer', { constant, isNotNull: true });
    case 'real':
      return valueOf(`${realText(constant.value)}::double precision`, 'real', { constant, isNotNull: true });
    case 'text':
      return valueOf(`${quoteText(constant.value)}::text`, 'text', { constant, isNotNull: true });
    case 'blob':
      return valueOf(`'\\x${Buffer.from(constant.bytes).toString('hex')}'::bytea`, 'blob', {
        constant,
        isNotNull: true,
      });
  }
}

/** A text literal; PostgreSQL takes backslashes for themselves in it (standard_conforming_strings). */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name in double quotes. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `sql` cast to the PostgreSQL type that stands for `type`. */
export function castTo(sql: string, type: SqlType): string {
  return `${sql}::${POSTGRES_NAME[type]}`;
}

function integerText(value: bigint): string {
  // A minus sign binds less than `::`, and the smallest integer is a numeric until it is cast.
  if (value === -(2n ** 63n)) return '(-9223372036854775808)::bigint';
  return value < 0n ? `(${value})` : `${value}`;
}

function realText(value: number): string {
  if (value === Infinity) return "'Infinity'";
  if (value === -Infinity) return "'-Infinity'";
  const text = Object.is(value, -0) ? '0' : `${value}`;
  return text.startsWith('-') ? `'${text}'` : text;
}
