import type { SqlType } from '../../../translate/sql-type.ts';
import type { CatalogColumn } from '../../../translate/catalog.ts';

/** What is known of an expression's value without running it. */
export interface Facts {
  /** `parameter` for what is bound when it runs, `unknown` where nothing can be told. */
  readonly type: SqlType | 'parameter' | 'unknown';
  /** False also where it cannot be told: nothing is reported on a guess. */
  readonly isNullable: boolean;
  /** How SQLite compares it; null if it has no collation of its own. */
  readonly collation: string | null;
  /** Whether PostgreSQL computes with it under the collation "C", since it comes from a column. */
  readonly isFromColumn: boolean;
  /** Whether PostgreSQL's integer has 32 bits only. */
  readonly isNarrow?: boolean;
  /** The value of an integer literal, and of what is computed from literals alone. */
  readonly constant?: bigint;
  readonly column?: KnownColumn;
}

/** A column in reach. */
export interface KnownColumn {
  readonly name: string;
  readonly facts: Facts;
}

/** A table in reach. */
export interface KnownTable {
  readonly name: string | null;
  readonly columns: readonly KnownColumn[];
}

/** The names that an expression can use, from the inside to the outside. */
export interface Reach {
  readonly tables: readonly KnownTable[];
  readonly queries: ReadonlyMap<string, readonly KnownColumn[]>;
  /** Columns that a WHERE leaves no NULL in. */
  readonly neverNull: ReadonlySet<KnownColumn>;
  /** The result's columns by their alias, in lower case. */
  readonly aliases: ReadonlyMap<string, Facts>;
  readonly outer: Reach | null;
}

export const UNKNOWN: Facts = { type: 'unknown', isNullable: false, collation: null, isFromColumn: false };

export function factsOf(type: Facts['type'], more: Partial<Facts> = {}): Facts {
  return { type, isNullable: false, collation: null, isFromColumn: false, ...more };
}

/** A table's column as statements find it. */
export function knownColumn({ name, type, notNull, isRowid, collation, postgresType }: CatalogColumn): KnownColumn {
  const isNarrow = /^(smallint|integer)$/i.test(postgresType);
  const isNullable = !notNull && isRowid !== true;
  return {
    name,
    facts: factsOf(type, { isNullable, collation: collation.toUpperCase(), isFromColumn: true, isNarrow }),
  };
}

/** What a name means; unknown if it means nothing. */
export function lookUp(reach: Reach, name: string, qualifier?: string): Facts {
  const wanted = name.toLowerCase();
  for (let place: Reach | null = reach; place !== null; place = place.outer) {
    const tables = place.tables.filter(
      (table) => qualifier === undefined || table.name?.toLowerCase() === qualifier.toLowerCase(),
    );
    for (const table of tables) {
      const column = table.columns.find((one) => one.name.toLowerCase() === wanted);
      if (column === undefined) continue;
      const isNullable = column.facts.isNullable && !place.neverNull.has(column);
      return { ...column.facts, isNullable, column };
    }
    const alias = qualifier === undefined ? place.aliases.get(wanted) : undefined;
    if (alias !== undefined) return alias;
  }
  if (['rowid', 'oid', '_rowid_'].includes(wanted)) return factsOf('integer');
  return UNKNOWN;
}
