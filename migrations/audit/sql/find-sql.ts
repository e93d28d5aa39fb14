import { parse } from '@babel/parser';

/** What a piece of SQL in source code is: a whole statement, or a part that Knex puts into one. */
export type SqlRole = 'statement' | 'condition' | 'order' | 'group' | 'columns' | 'from';

/** A piece of SQL found in source code. */
export interface FoundSql {
  readonly role: SqlRole;
  /** As SQLite gets it; where the program puts something in, there is a `?`. */
  readonly sql: string;
  /** Whether the program puts it together from parts, so that what runs is known only when it runs. */
  readonly isAssembled: boolean;
  /** From 1. */
  readonly line: number;
}

/** Methods of Knex that take raw SQL, and what it becomes part of; those of better-sqlite3 and its like take statements. */
const METHODS: Readonly<Record<string, SqlRole>> = {
  raw: 'statement',
  whereRaw: 'condition',
  orWhereRaw: 'condition',
  andWhereRaw: 'condition',
  havingRaw: 'condition',
  orHavingRaw: 'condition',
  orderByRaw: 'order',
  groupByRaw: 'group',
  joinRaw: 'from',
  fromRaw: 'from',
  selectRaw: 'columns',
  prepare: 'statement',
  exec: 'statement',
  run: 'statement',
  get: 'statement',
  all: 'statement',
  each: 'statement',
  query: 'statement',
};

/** What a statement begins with; `run`, `get` and `query` are methods of many things that know no SQL. */
const STATEMENT =
  /^\s*(?:--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*(select|insert|update|delete|with|values|replace|create|alter|drop|pragma|begin|commit|rollback|savepoint|release|attach|detach|vacuum|analyze|reindex|explain)\b/i;

/**
 * The SQL that a JavaScript or TypeScript file gives to Knex's raw methods and to better-sqlite3: string and template
 * literals, and what is put together of them.
 *
 * @returns what was found, and the reason when the file could not be read as JavaScript or TypeScript.
 */
export function findSql(
  source: string,
  options: { readonly isTypeScript: boolean; readonly isJsx: boolean },
): { readonly found: readonly FoundSql[]; readonly problem: string | null } {
  let program: unknown;
  try {
    program = parse(source, {
      sourceType: 'unambiguous',
      errorRecovery: true,
      allowReturnOutsideFunction: true,
      plugins: [
        ...(options.isTypeScript ? (['typescript', 'decorators-legacy'] as const) : []),
        ...(options.isJsx ? (['jsx'] as const) : []),
      ],
    }).program;
  } catch (error) {
    return { found: [], problem: error instanceof Error ? error.message : String(error) };
  }
  const found: FoundSql[] = [];
  visit(program, (node) => {
    const call = callOf(node);
    if (call === undefined) return;
    const text = textOf(call.argument);
    if (text === undefined || text.sql.trim() === '') return;
    const isStatement = STATEMENT.test(text.sql);
    // `knex.raw('now()')` within a builder is a part of a statement, not one.
    if (call.role === 'statement' && !isStatement && call.method !== 'raw') return;
    const role = call.role === 'statement' && !isStatement ? 'columns' : call.role;
    found.push({ role, sql: text.sql, isAssembled: text.isAssembled, line: call.argument.loc?.start.line ?? 1 });
  });
  return { found, problem: null };
}

/** As much of a node of the syntax tree as is looked at (https://github.com/estree/estree, and Babel's own kinds). */
interface Node {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function visit(value: unknown, enter: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, enter);
    return;
  }
  if (!isNode(value)) return;
  enter(value);
  for (const [field, child] of Object.entries(value)) {
    if (field !== 'loc' && typeof child === 'object' && child !== null) visit(child, enter);
  }
}

function callOf(node: Node): { role: SqlRole; method: string; argument: Node } | undefined {
  if (node.type === 'TaggedTemplateExpression') {
    const method = nameOf(node['tag']);
    const quasi = node['quasi'];
    return method === 'sql' && isNode(quasi) ? { role: 'statement', method, argument: quasi } : undefined;
  }
  if (node.type !== 'CallExpression' && node.type !== 'OptionalCallExpression') return undefined;
  const callee = node['callee'];
  const [argument] = Array.isArray(node['arguments']) ? (node['arguments'] as readonly unknown[]) : [];
  if (!isNode(callee) || !isNode(argument) || !/MemberExpression$/.test(callee.type)) return undefined;
  const method = nameOf(callee['property']) ?? '';
  const role = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  return role === undefined ? undefined : { role, method, argument };
}

function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier' && typeof node['name'] === 'string' ? node['name'] : undefined;
}

/** The text of a literal, of literals joined by `+`, or of a template; what is put in reads `?`. */
function textOf(node: unknown): { sql: string; isAssembled: boolean } | undefined {
  if (!isNode(node)) return undefined;
  switch (node.type) {
    case 'StringLiteral':
      return { sql: String(node['value']), isAssembled: false };
    case 'TemplateLiteral': {
      const quasis = node['quasis'] as readonly { readonly value: { readonly cooked?: string } }[];
      return { sql: quasis.map(({ value }) => value.cooked ?? '').join('?'), isAssembled: quasis.length > 1 };
    }
    case 'BinaryExpression': {
      if (node['operator'] !== '+') return undefined;
      const [left, right] = [textOf(node['left']), textOf(node['right'])];
      if (left === undefined && right === undefined) return undefined;
      const isAssembled = left === undefined || right === undefined || left.isAssembled || right.isAssembled;
      return { sql: (left?.sql ?? '?') + (right?.sql ?? '?'), isAssembled };
    }
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
    case 'ParenthesizedExpression':
      return textOf(node['expression']);
    default:
      return undefined;
  }
}
