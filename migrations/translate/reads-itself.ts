import type { Expr, Stmt } from '../sqlite/schema.ts';
import { contains, walk } from './ast.ts';
import type { AstNode } from './ast.ts';
import type { Emission } from './emission.ts';
import { Untranslatable } from './translation.ts';
import { refersTo } from './with.ts';

type Update = Extract<Stmt, { type: 'UpdateStmt' }>;

/**
 * SQLite changes row after row, so that a subquery for a later row sees what earlier ones have become; in PostgreSQL it
 * sees the rows as they were.
 */
export function refuseReadingItself({ sets, tblName }: Update, exposed: string, emission: Emission): void {
  if (emission.running === undefined) return;
  const changed = new Set(sets.flatMap(({ colNames }) => colNames.map(({ text }) => text.toLowerCase())));
  for (const { expr } of sets) {
    walk(expr, (node) => {
      if (node.type !== 'Select') return true;
      if (!refersTo(node, tblName.objName.text) || !mentions(node, changed) || !isCorrelated(node, exposed))
        return true;
      throw new Untranslatable(
        'reads-itself',
        `UPDATE gives column "${[...changed].join('", "')}" values that depend on what other rows have in it`,
        'read the new values first, in a query or a WITH of their own',
      );
    });
  }
}

function mentions(query: AstNode, names: ReadonlySet<string>): boolean {
  return contains(query, {
    into: 'subqueries',
    is: (node) => {
      if (node.type === 'StarResultColumn') return true;
      const name = nameOf(node);
      return name !== undefined && names.has(name.toLowerCase());
    },
  });
}

/** Whether a query names the table around it, by a name that is not one of its own tables'. */
function isCorrelated(query: AstNode, exposed: string): boolean {
  const own = contains(query, {
    into: 'subqueries',
    is: (node) => {
      if (node.type !== 'TableSelectTable') return false;
      const { alias, tblName } = node as unknown as {
        alias?: { name?: { text: string } };
        tblName: { objName: { text: string } };
      };
      return (alias?.name?.text ?? tblName.objName.text).toLowerCase() === exposed.toLowerCase();
    },
  });
  return (
    !own &&
    contains(query, {
      into: 'subqueries',
      is: (node) =>
        node.type === 'QualifiedExpr' &&
        (node as Extract<Expr, { type: 'QualifiedExpr' }>).table.text.toLowerCase() === exposed.toLowerCase(),
    })
  );
}

function nameOf(node: AstNode): string | undefined {
  switch (node.type) {
    case 'Id':
      return (node as Extract<Expr, { type: 'Id' }>).name;
    case 'NameExpr':
      return (node as Extract<Expr, { type: 'NameExpr' }>).name.text;
    case 'QualifiedExpr':
      return (node as Extract<Expr, { type: 'QualifiedExpr' }>).column.text;
    default:
      return undefined;
  }
}
