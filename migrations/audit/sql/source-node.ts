/** As much of a node of JavaScript's syntax tree as is looked at (https://github.com/estree/estree, and Babel's own kinds). */
export interface SourceNode {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

export function isSourceNode(value: unknown): value is SourceNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The nodes that a node consists of, in their order. */
export function childrenOf(node: SourceNode): readonly SourceNode[] {
  return Object.entries(node).flatMap(([field, child]) => {
    if (field === 'loc') return [];
    return (Array.isArray(child) ? (child as readonly unknown[]) : [child]).filter(isSourceNode);
  });
}

/** Visits a node and all it consists of. */
export function visit(node: SourceNode, enter: (node: SourceNode) => void): void {
  enter(node);
  for (const child of childrenOf(node)) visit(child, enter);
}

/** The name that an identifier is. */
export function identifierOf(node: unknown): string | undefined {
  return isSourceNode(node) && node.type === 'Identifier' && typeof node['name'] === 'string'
    ? node['name']
    : undefined;
}

/** What a call is of and with: `query.where(a, b)` has the method `where` of `query`. */
export interface SourceCall {
  /** The last name before the parentheses. */
  readonly method: string;
  /** What stands before the last dot, if there is one. */
  readonly object: SourceNode | undefined;
  readonly args: readonly SourceNode[];
}

/** A call, optional or not. */
export function callOf(node: unknown): SourceCall | undefined {
  if (!isSourceNode(node) || (node.type !== 'CallExpression' && node.type !== 'OptionalCallExpression'))
    return undefined;
  const callee = node['callee'];
  if (!isSourceNode(callee)) return undefined;
  const args = (node['arguments'] as readonly unknown[]).filter(isSourceNode);
  if (!callee.type.endsWith('MemberExpression')) return { method: identifierOf(callee) ?? '', object: undefined, args };
  const { object } = callee;
  return { method: identifierOf(callee['property']) ?? '', object: isSourceNode(object) ? object : undefined, args };
}
