/**
 * What a table declares beyond the names and types of its columns, in words that are alike in both databases when the
 * declarations are. For finding drift; nothing on a row's way depends on it.
 */
export interface TableDeclaration {
  readonly name: string;
  readonly columns: readonly ColumnDeclaration[];
  /** Those behind keys and unique constraints included. */
  readonly indexes: readonly IndexDeclaration[];
  readonly foreignKeys: readonly ForeignKeyDeclaration[];
}

export interface ColumnDeclaration {
  readonly name: string;
  readonly notNull: boolean;
  readonly default: DefaultDeclaration;
  /** What the column holds two texts for equal by: `exact` byte for byte, `loose` otherwise (letter case, spaces). */
  readonly equality: 'exact' | 'loose';
}

/** `constant`: its text, without quotes or casts; of a blob `\x00ff`. */
export type DefaultDeclaration =
  { readonly kind: 'none' | 'expression' } | { readonly kind: 'constant'; readonly text: string };

export interface IndexDeclaration {
  readonly name: string;
  readonly isUnique: boolean;
  /** Whether it is over some rows only. */
  readonly isPartial: boolean;
  /** Columns in order; `null` for an expression, and for a column that is not compared as it is. */
  readonly columns: readonly (string | null)[];
}

export interface ForeignKeyDeclaration {
  readonly columns: readonly string[];
  readonly parent: string;
  /** Empty where it is the parent's primary key that is meant. */
  readonly parentColumns: readonly string[];
  readonly onUpdate: ForeignKeyAction;
  readonly onDelete: ForeignKeyAction;
}

export type ForeignKeyAction = 'NO ACTION' | 'RESTRICT' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT';
