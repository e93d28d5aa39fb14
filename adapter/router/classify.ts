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
  if (builder._sequence !== undefined) return strongest(builder._sequence.map(kindOfStep));
  if (builder._statements === undefined) return builder.isRawInstance ? classifySql(builder.sql ?? '') : 'write';
  const method = builder._method ?? 'select';
  if (method === 'columnInfo') return 'inspect';
  const table = builder._single?.['table'];
  if (typeof table === 'string' && SCHEMA_TABLE.test(bareName(table))) return 'inspect';
  if (!READING_METHODS.has(method) || builder._single?.['lock'] !== undefined) return 'write';
  return builder._statements.some(writesInCte) ? 'write' : 'read';
}

type SchemaStep = NonNullable<BuilderInternals['_sequence']>[number];

/** The kind of one step of a schema builder. */
function kindOfStep({ method, args: [sql] }: SchemaStep): QueryKind {
  if (INSPECTING_METHODS.has(method)) return 'inspect';
  if (method !== 'raw' || typeof sql !== 'string') return 'schema';
  const kind = classifySql(sql);
  // A schema builder is run by the store that takes the writes.
  return kind === 'read' ? 'inspect' : kind;
}

function strongest(kinds: readonly QueryKind[]): QueryKind {
  if (kinds.includes('schema')) return 'schema';
  return kinds.includes('write') ? 'write' : 'inspect';
}

/** A common table expression that writes. SQLite has none, but the query may have been ported already. */
function writesInCte(statement: Statement): boolean {
  if (statement.grouping !== 'with' || typeof statement.value !== 'object' || statement.value === null) return false;
  const kind = classify(statement.value as BuilderInternals);
  return kind === 'write' || kind === 'schema';
}

const READING_WORDS = new Set(['select', 'values', 'with']);
const SCHEMA_WORDS = new Set(['create', 'alter', 'drop']);
/** SQLite's own tables and table-valued pragmas. What PostgreSQL's catalog tells of the same is not all of it. */
const SCHEMA_TABLE = /^(?:sqlite_(?:master|schema|sequence|stat\d|temp_master|temp_schema)|pragma_\w+)\b/i;
const NAMES_SCHEMA_TABLE = new RegExp(`\\b${SCHEMA_TABLE.source.slice(1)}`, 'i');
const FIRST_WORD = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/|\()*([a-z]+)/i;
const WRITING_WORD = /\b(?:insert|update|delete|replace|merge)\b/i;
const LOCKING_CLAUSE = /\bfor\s+(?:no\s+key\s+)?(?:update|share|key\s+share)\b/i;

/** The kind of raw SQL, by its first word; what is not known is a write, which is always safe. */
export function classifySql(sql: string): QueryKind {
  const word = FIRST_WORD.exec(sql)?.[1]?.toLowerCase() ?? '';
  if (SCHEMA_WORDS.has(word)) return 'schema';
  if (word === 'pragma') return isReadingPragma(sql) ? 'inspect' : 'write';
  // A plan is the store's own. With ANALYZE, PostgreSQL runs what is explained.
  if (word === 'explain') return /\banalyze\b/i.test(sql) && WRITING_WORD.test(sql) ? 'write' : 'inspect';
  if (!READING_WORDS.has(word) || LOCKING_CLAUSE.test(sql)) return 'write';
  if (word === 'with' && WRITING_WORD.test(sql)) return 'write';
  return NAMES_SCHEMA_TABLE.test(sql) ? 'inspect' : 'read';
}

const PRAGMA = /\bpragma\s+(?:\w+\s*\.\s*)?(\w+)\s*([(=])?/i;
/** Pragmas whose argument says what they are to tell of. */
const TELLING_PRAGMA = /^(?:(?:table|index)_x?(?:info|list)|foreign_key_(?:list|check)|(?:integrity|quick)_check)$/i;
/** Pragmas that do something without an argument. */
const ACTING_PRAGMA = /^(?:wal_checkpoint|optimize|incremental_vacuum|shrink_memory)$/i;

/** Whether a pragma only tells something: of a table, or how a setting stands. */
function isReadingPragma(sql: string): boolean {
  const [, name = '', argument] = PRAGMA.exec(sql) ?? [];
  return TELLING_PRAGMA.test(name) || (argument === undefined && !ACTING_PRAGMA.test(name));
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
