import { collationName, conflictOf } from './declaration.ts';
import type { Declaration, Resolve } from './declaration.ts';
import type { IndexInfo, IndexPartInfo } from './introspection.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { Expr, IndexPart, SqliteUnique } from './schema.ts';

/**
 * The UNIQUE constraints.
 *
 * SQLite makes one index for constraints on the same columns, and none beside the primary key's
 * (https://sqlite.org/lang_createtable.html#uniqueconst): what is written twice is one.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readUniques(
  indexes: readonly IndexInfo[],
  declared: Declaration,
  collations: ReadonlyMap<string, string>,
): readonly SqliteUnique[] {
  const collationOfColumn = (name: string): string =>
    [...collations].find(([column]) => column.toLowerCase() === name.toLowerCase())?.[1] ?? 'BINARY';
  const written = declared.constraints.flatMap(({ name, column, constraint }): DeclaredUnique[] => {
    if (constraint.type === 'UniqueColumnConstraint' && column !== null)
      return [
        {
          name,
          conflict: constraint.conflictClause,
          key: keyText([{ name: column, coll: collationOfColumn(column) }]),
        },
      ];
    if (constraint.type !== 'UniqueTableConstraint') return [];
    const parts = constraint.columns.map(({ expr }) => {
      const named = expr.type === 'CollateExpr' ? expr.expr : expr;
      const part = nameOf(named) ?? '';
      return { name: part, coll: expr.type === 'CollateExpr' ? expr.collation : collationOfColumn(part) };
    });
    return [{ name, conflict: constraint.conflictClause, key: keyText(parts) }];
  });
  const left = [...written];
  const uniques = indexes
    .filter(({ origin }) => origin === 'u')
    .map((index) => {
      const key = keyText(index.parts);
      const found = left.findIndex((unique) => unique.key === key);
      const [unique] = found === -1 ? [] : left.splice(found, 1);
      if (unique === undefined)
        throw schemaUnclear(declared.what, `the UNIQUE of its index "${index.name}" is not in its statement`);
      return {
        name: unique.name,
        parts: index.parts.map((part) => columnPart(part, declared.what)),
        onConflict: conflictOf(unique.conflict),
      };
    });
  const made = new Set(indexes.filter(({ origin }) => origin !== 'c').map(({ parts }) => keyText(parts)));
  for (const { key } of left)
    if (!made.has(key)) throw schemaUnclear(declared.what, `SQLite has no index for the UNIQUE over ${key}`);
  return uniques;
}

function keyText(parts: readonly { readonly name: string | null; readonly coll: string }[]): string {
  return parts.map(({ name, coll }) => `"${(name ?? '').toLowerCase()}" ${coll.toUpperCase()}`).join(', ');
}

/** SQLite takes a string literal for a name where only a name can stand. */
function nameOf(expression: Expr): string | null {
  if (expression.type === 'Id') return expression.name;
  return expression.type === 'StringLiteral' ? expression.value : null;
}

interface DeclaredUnique {
  readonly name: string | null;
  readonly conflict: Resolve;
  /** See {@link keyText}. */
  readonly key: string;
}

/** A part of a key that can only be a column. */
export function columnPart(part: IndexPartInfo, what: string): IndexPart {
  if (part.name === null) throw schemaUnclear(what, 'a key of it holds an expression');
  return { column: part.name, expression: null, collation: collationName(part.coll), descending: part.desc === 1 };
}
