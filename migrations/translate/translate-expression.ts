import type { Expr } from '../sqlite/schema.ts';
import type { Catalog, CatalogTable } from './catalog.ts';
import { asCondition, untypedParameter } from './convert.ts';
import { Emission } from './emission.ts';
import { UNTYPED, logical } from './fragment.ts';
import { resultFragment } from './result-fragment.ts';
import { scopeTable } from './scope.ts';
import type { SqlType } from './sql-type.ts';
import { translateNode } from './translate-node.ts';
import type { Translation } from './translation.ts';

/** Where the expression stands in a schema. */
export type Purpose = 'default' | 'check' | 'generated' | 'index' | 'where' | 'query';

export interface ExpressionOptions {
  readonly catalog: Catalog;
  /** The table whose columns are in reach, by their names alone; none for a default. */
  readonly table?: CatalogTable;
  /** `check` and `where` make a condition of it, the others a value. */
  readonly purpose: Purpose;
  /** The type of the column that the value goes into; it is given that type. */
  readonly expected?: SqlType;
}

/**
 * An expression of SQLite's in PostgreSQL's words, with the same value for every row.
 *
 * Throws {@link Untranslatable} where that cannot be had.
 */
export function translateExpression(ast: Expr, { catalog, table, purpose, expected }: ExpressionOptions): Translation {
  const emission = new Emission(catalog);
  const tables = table === undefined ? [] : [scopeTable(table, table.name, null)];
  const isFixed = purpose === 'index' || purpose === 'generated' || purpose === 'where' || purpose === 'check';
  const fragment = translateNode(ast, { scope: { tables }, emission, isFixed });
  const result =
    purpose === 'check' || purpose === 'where'
      ? logical(asCondition(fragment, emission))
      : resultFragment(fragment, emission, expected);
  if (result.sql.includes(UNTYPED)) throw untypedParameter();
  return {
    sql: result.sql,
    type: result.type === 'any' ? 'text' : result.type,
    immutable: emission.isImmutable,
    usesPack: emission.usesPack,
    remarks: emission.remarks,
  };
}
