import { callOf, identifierOf, isSourceNode } from './source-node.ts';
import type { SourceNode } from './source-node.ts';

/** Methods of Knex's builder that bring a table into reach with their first argument. */
const TABLE_METHODS = new Set([
  'from',
  'into',
  'table',
  'join',
  'innerJoin',
  'leftJoin',
  'leftOuterJoin',
  'rightJoin',
  'rightOuterJoin',
  'fullOuterJoin',
  'crossJoin',
]);

/** A name, perhaps with an alias. Knex takes `users as u`, and `{ u: 'users' }`. */
const TABLE = /^[\w.]+(\s+as\s+\w+)?$/i;

/**
 * The tables that a chain of calls of Knex's builder names, as it names them: `knex('users as u').join('orders', …)`.
 * What they are called with may be anything; whoever uses them must look whether there are such tables.
 */
export function builderTables(chain: SourceNode): readonly string[] {
  const tables: string[] = [];
  for (let node: SourceNode | undefined = chain; node !== undefined;) {
    const call = callOf(node);
    if (call === undefined) {
      node = isSourceNode(node['object']) ? node['object'] : undefined;
      continue;
    }
    const isRoot = call.object === undefined || callOf(call.object) === undefined;
    if (isRoot || TABLE_METHODS.has(call.method)) tables.unshift(...namesIn(call.args[0]));
    node = call.object;
  }
  return tables;
}

function namesIn(node: unknown): readonly string[] {
  if (!isSourceNode(node)) return [];
  if (node.type === 'StringLiteral') {
    const name = String(node['value']);
    return TABLE.test(name) ? [name] : [];
  }
  if (node.type !== 'ObjectExpression') return [];
  return (node['properties'] as readonly SourceNode[]).flatMap((property) => {
    const alias = identifierOf(property['key']);
    return namesIn(property['value']).flatMap((name) => (alias === undefined ? [] : [`${name} as ${alias}`]));
  });
}
