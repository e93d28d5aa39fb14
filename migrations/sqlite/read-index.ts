import { collationName, statementOf } from './declaration.ts';
import type { Declaration } from './declaration.ts';
import type { IndexInfo } from './introspection.ts';
import { columnPart } from './read-uniques.ts';
import { cutExpression } from './schema-expression.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { SqliteIndex } from './schema.ts';

/**
 * An index that CREATE INDEX made: its columns by SQLite's word, its expressions by the statement's.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readIndex(index: IndexInfo, declared: Declaration): SqliteIndex {
  const what = `index "${index.name}" of ${declared.what}`;
  const sql = index.sql ?? '';
  const statement = statementOf(sql, what);
  if (statement.type !== 'CreateIndexStmt' || statement.columns.length !== index.parts.length)
    throw schemaUnclear(what, 'its stored statement does not fit what SQLite says of it');
  if ((statement.whereClause !== undefined) !== (index.partial === 1) || statement.unique !== (index.unique === 1))
    throw schemaUnclear(what, 'SQLite and its statement disagree on whether it is partial or unique');
  const { isColumn } = declared;
  return {
    name: index.name,
    unique: index.unique === 1,
    parts: index.parts.map((part, i) => {
      if (part.name !== null) return columnPart(part, what);
      const written = statement.columns[i]?.expr;
      if (part.cid !== -2 || written === undefined) throw schemaUnclear(what, `its part ${i + 1} is no column`);
      const node = written.type === 'CollateExpr' ? written.expr : written;
      return {
        column: null,
        expression: cutExpression({ node, sql, what, isColumn }),
        collation: collationName(part.coll),
        descending: part.desc === 1,
      };
    }),
    where:
      statement.whereClause === undefined ? null : cutExpression({ node: statement.whereClause, sql, what, isColumn }),
    sql,
  };
}
