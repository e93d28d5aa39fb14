import { parse } from '@babel/parser';
import { builderTables } from './builder-tables.ts';
import { callOf, childrenOf, identifierOf, isSourceNode } from './source-node.ts';
import type { SourceCall, SourceNode } from './source-node.ts';
import { SourceTexts } from './source-text.ts';

/** What a piece of SQL in source code is: a whole statement, or a part that Knex puts into one. */
export type SqlRole = 'statement' | 'condition' | 'having' | 'order' | 'group' | 'columns' | 'join' | 'from';

/** A piece of SQL found in source code. */
export interface FoundSql {
  readonly role: SqlRole;
  /** As SQLite gets it; where the program puts something in, there is a `?`. */
  readonly sql: string;
  /** Whether the program puts it together from parts, so that what runs is known only when it runs. */
  readonly isAssembled: boolean;
  /** From 1. */
  readonly line: number;
  /** For a part: the tables of the builder it is given to, `users as u`; empty where that cannot be seen. */
  readonly tables: readonly string[];
}

/** Methods of Knex that take raw SQL, and what it becomes part of; those of better-sqlite3 and its like take statements. */
const METHODS: Readonly<Record<string, SqlRole>> = {
  raw: 'statement',
  whereRaw: 'condition',
  orWhereRaw: 'condition',
  andWhereRaw: 'condition',
  havingRaw: 'having',
  orHavingRaw: 'having',
  orderByRaw: 'order',
  groupByRaw: 'group',
  joinRaw: 'join',
  fromRaw: 'from',
  selectRaw: 'columns',
  prepare: 'statement',
  exec: 'statement',
  run: 'statement',
  get: 'statement',
  all: 'statement',
  each: 'statement',
  query: 'statement',
  execute: 'statement',
};

/** What `knex.raw('…')` becomes part of when it is an argument of one of the builder's methods. */
const ARGUMENT_ROLES: Readonly<Record<string, SqlRole>> = {
  where: 'condition',
  andWhere: 'condition',
  orWhere: 'condition',
  whereNot: 'condition',
  having: 'having',
  orderBy: 'order',
  groupBy: 'group',
  from: 'from',
  into: 'from',
};

/** What a statement begins with; `run`, `get` and `query` are methods of many things that know no SQL. */
const STATEMENT =
  /^\s*(?:--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*(select|insert|update|delete|with|values|replace|create|alter|drop|pragma|begin|commit|end|rollback|savepoint|release|attach|detach|vacuum|analyze|reindex|explain)(?![\w-])/i;
/** Methods that take nothing but SQL; those of other things that are called so do not begin like a statement. */
const ALWAYS_SQL = new Set(['raw', 'prepare', 'exec', 'pragma', 'sql']);

/** Where a call stands. */
interface Surroundings {
  readonly tables: readonly string[];
  readonly role: SqlRole;
}

/**
 * The SQL that a JavaScript or TypeScript file gives to Knex's raw methods and to better-sqlite3: string and template
 * literals, variables that hold them, and what is put together of them.
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
      // What is wrong and yet can be read (a name declared twice) hides nothing.
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
  if (!isSourceNode(program)) return { found: [], problem: null };
  const texts = new SourceTexts(program);
  const found: FoundSql[] = [];
  search(program, { tables: [], role: 'columns' }, (node, surroundings) => {
    found.push(...sqlIn(node, surroundings, texts));
  });
  return { found, problem: null };
}

/** Visits all nodes with the builder's tables around them. Of a chain of calls, only the last one is looked along. */
function search(
  node: SourceNode,
  surroundings: Surroundings & { readonly isInChain?: boolean },
  enter: (node: SourceNode, surroundings: Surroundings) => void,
): void {
  const call = callOf(node);
  const isLink = call !== undefined || node.type.endsWith('MemberExpression');
  const own = call !== undefined && surroundings.isInChain !== true ? builderTables(node) : [];
  const inside = { ...surroundings, tables: own.length > 0 ? own : surroundings.tables };
  enter(node, inside);
  for (const child of childrenOf(node)) {
    const isArgument = call !== undefined && call.args.includes(child);
    search(
      child,
      {
        tables: inside.tables,
        role: isArgument ? (ARGUMENT_ROLES[call.method] ?? 'columns') : surroundings.role,
        isInChain: isLink && !isArgument,
      },
      enter,
    );
  }
}

function sqlIn(node: SourceNode, { tables, role }: Surroundings, texts: SourceTexts): readonly FoundSql[] {
  const given = givenSql(node);
  if (given === undefined) return [];
  return texts.of(given.argument).flatMap(({ text, isAssembled, line }) => {
    const resolved = withIdentifiers(text, given.bindings, texts);
    const sql = given.method === 'pragma' ? `PRAGMA ${resolved.sql}` : resolved.sql;
    if (text.trim() === '') return [];
    const isStatement = STATEMENT.test(sql);
    // `knex.raw('now()')` within a builder is a part of a statement, not one.
    if (given.role === 'statement' && !isStatement && given.method !== 'raw') return [];
    // `cache.get('values')`
    if (!ALWAYS_SQL.has(given.method) && given.role === 'statement' && !/\S\s+\S/.test(sql)) return [];
    const isPart = given.role !== 'statement' || !isStatement;
    return {
      role: given.role === 'statement' && !isStatement ? role : given.role,
      sql,
      isAssembled: isAssembled || resolved.isAssembled,
      line,
      tables: isPart ? tables : [],
    };
  });
}

interface GivenSql {
  readonly role: SqlRole;
  readonly method: string;
  readonly argument: SourceNode;
  readonly bindings: SourceNode | undefined;
}

function givenSql(node: SourceNode): GivenSql | undefined {
  if (node.type === 'TaggedTemplateExpression') {
    const quasi = node['quasi'];
    const isSql = identifierOf(node['tag']) === 'sql' && isSourceNode(quasi);
    return isSql ? { role: 'statement', method: 'sql', argument: quasi, bindings: undefined } : undefined;
  }
  const call = callOf(node);
  const [argument, bindings] = call?.args ?? [];
  if (call?.object === undefined || argument === undefined) return undefined;
  const role = roleOf(call);
  return role === undefined ? undefined : { role, method: call.method, argument, bindings };
}

function roleOf({ method }: SourceCall): SqlRole | undefined {
  if (method === 'pragma') return 'statement';
  return Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
}

/** Knex puts names where `??` stands: those that are written beside it are put in here. */
function withIdentifiers(
  text: string,
  bindings: SourceNode | undefined,
  texts: SourceTexts,
): { readonly sql: string; readonly isAssembled: boolean } {
  if (!/(?<!\\)\?\?/.test(text)) return { sql: text, isAssembled: /(?<![:\w]):\w+:(?!:)/.test(text) };
  const elements = bindings?.type === 'ArrayExpression' ? (bindings['elements'] as readonly unknown[]) : [];
  let index = 0;
  let isAssembled = false;
  const sql = text.replace(/\\?\?\??/g, (mark) => {
    if (mark.startsWith('\\')) return mark;
    const element = elements[index];
    index += 1;
    if (mark === '?') return mark;
    const [name, another] = texts.of(element);
    if (name === undefined || another !== undefined || name.isAssembled) isAssembled = true;
    // What stays open is no SQL, and is told as such.
    return name === undefined ? mark : identifier(name.text);
  });
  return { sql, isAssembled };
}

/** As Knex writes a name for PostgreSQL, which SQLite takes too. */
function identifier(name: string): string {
  const [, column = name, alias] = /^(.*?)\s+as\s+(.*)$/i.exec(name) ?? [];
  const quoted = (part: string): string => (part === '*' ? part : `"${part.trim()}"`);
  const whole = column.split('.').map(quoted).join('.');
  return alias === undefined ? whole : `${whole} as ${quoted(alias)}`;
}
