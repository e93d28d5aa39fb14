import type { BuilderInternals, Statement } from './knex-internals.ts';

/**
 * What a query does to the database.
 * - `read`: may be answered by either store;
 * - `inspect`: looks at the schema, of the store that takes the writes;
 * - `write`: anything that may change rows, and anything unknown;
 * - `schema`: changes the schema.
 */
export type QueryKind = 'read' | 'inspect' | 'write' | 'schema';

const READING_METHODS = new Set(['select', 'first', 'pluck']);
const INSPECTING_METHODS = new Set(['hasTable', 'hasColumn']);

/** The kind of a query builder, schema builder or raw query, without compiling it. */
export function classify(builder: BuilderInternals): QueryKind {
  if (builder._sequence !== undefined) {
    return builder._sequence.every(({ method }) => INSPECTING_METHODS.has(method)) ? 'inspect' : 'schema';
  }
  if (builder._statements === undefined) return builder.isRawInstance ? classifySql(builder.sql ?? '') : 'write';
  const method = builder._method ?? 'select';
  if (method === 'columnInfo') return 'inspect';
  if (!READING_METHODS.has(method) || builder._single?.['lock'] !== undefined) return 'write';
  return builder._statements.some(writesInCte) ? 'write' : 'read';
}

/** A common table expression that writes. SQLite has none, but the query may have been ported already. */
function writesInCte(statement: Statement): boolean {
  if (statement.grouping !== 'with' || typeof statement.value !== 'object' || statement.value === null) return false;
  const kind = classify(statement.value as BuilderInternals);
  return kind === 'write' || kind === 'schema';
}

const READING_WORDS = new Set(['select', 'values', 'explain']);
const SCHEMA_WORDS = new Set(['create', 'alter', 'drop']);
const FIRST_WORD = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/|\()*([a-z]+)/i;
const WRITING_WORD = /\b(?:insert|update|delete|replace|merge)\b/i;
const LOCKING_CLAUSE = /\bfor\s+(?:no\s+key\s+)?(?:update|share|key\s+share)\b/i;

/** The kind of raw SQL, by its first word; what is not known is a write, which is always safe. */
export function classifySql(sql: string): QueryKind {
  const word = FIRST_WORD.exec(sql)?.[1]?.toLowerCase() ?? '';
  if (SCHEMA_WORDS.has(word)) return 'schema';
  if (word === 'with') return WRITING_WORD.test(sql) ? 'write' : 'read';
  return READING_WORDS.has(word) && !LOCKING_CLAUSE.test(sql) ? 'read' : 'write';
}

/**
 * Names of the tables that a read names. Empty when they are not all known without compiling it: raw SQL, callbacks,
 * subqueries.
 */
export function tablesOf(builder: BuilderInternals): readonly string[] {
  const table = builder._single?.['table'];
  if (typeof table !== 'string') return [];
  const tables = [bareName(table)];
  for (const statement of builder._statements ?? []) {
    if (hidesTables(statement)) return [];
    if (statement.grouping === 'join') tables.push(bareName(String(statement.table)));
  }
  return tables;
}

function hidesTables(statement: Statement): boolean {
  if (statement.grouping === 'join') {
    return typeof statement.table !== 'string' || (statement.clauses ?? []).some(hidesTables);
  }
  if (statement.grouping === 'union' || statement.grouping === 'with') return true;
  return isOpaque(statement.value) || isOpaque(statement.column);
}

function isOpaque(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (Array.isArray(value)) return value.some(isOpaque);
  return typeof value === 'object' && value !== null && ('isRawInstance' in value || '_statements' in value);
}

/** `main.orders as o` → `orders`. */
function bareName(name: string): string {
  const alias = name.search(/\sas\s/i);
  const table = alias === -1 ? name : name.slice(0, alias);
  return table.slice(table.lastIndexOf('.') + 1).trim();
}
