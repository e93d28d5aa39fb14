import { createHash } from 'node:crypto';
import { isWord, nameOf, sqlTokens } from './sql-tokens.ts';
import type { SqlToken } from './sql-tokens.ts';

/** What is the same in all runs of a query, whatever values it is run with. */
export interface QueryShape {
  /** Names the shape across processes: a hash of its text. */
  readonly id: string;
  /** The SQL as SQLite gets it, without values: `select * from `users` where `id` in (?)`. */
  readonly sql: string;
  /** Names of the tables and views that it reads, sorted; best effort. */
  readonly tables: readonly string[];
}

/**
 * The shape of a statement: literals become `?`, lists of values one `?`, white space one space, comments go. Literals
 * that are a part of the program and no value of anybody's stay: formats and modifiers of dates, JSON paths, positions
 * in ORDER BY.
 */
export function queryShape(sql: string): QueryShape {
  const tokens = sqlTokens(sql);
  const text = withoutLists(write(tokens)).replace(/ ?;$/, '');
  const id = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { id, sql: text, tables: tablesIn(tokens) };
}

const HARMLESS_LITERAL =
  /^'(?:now|localtime|utc|auto|subsec|unixepoch|julianday|weekday \d|start of (?:day|month|year)|[+-]?\d+(?:\.\d+)? (?:second|minute|hour|day|month|year)s?|(?:%[A-Za-z%]|[-:/ .TZ])+|\$(?:[.\w]|\[\d+\])*|)'$/i;

function write(tokens: readonly SqlToken[]): string {
  let text = '';
  let isOrdering = false;
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (isWord(token, 'by')) isOrdering = isWord(before, 'order', 'group');
    else if (isWord(token, 'limit', 'having', 'window', 'union', 'except', 'intersect')) isOrdering = false;
    const isPosition = isOrdering && /^\d+$/.test(token.text) && (isWord(before, 'by') || before?.text === ',');
    const isValue = token.kind === 'value' && !isPosition && !HARMLESS_LITERAL.test(token.text);
    const written = isValue || token.kind === 'binding' ? '?' : token.text;
    text += index > 0 && isSpaced(tokens, index) ? ` ${written}` : written;
  }
  return text;
}

const TIGHT_BEFORE = new Set([',', ')', ';', '.', '::']);
const TIGHT_AFTER = new Set(['(', '.', '::']);

function isSpaced(tokens: readonly SqlToken[], index: number): boolean {
  const before = tokens[index - 1];
  const token = tokens[index];
  if (before === undefined || token === undefined) return false;
  if (TIGHT_BEFORE.has(token.text) || TIGHT_AFTER.has(before.text)) return false;
  // A call: a name, and at once its arguments. Keywords have been written with a space by people and by Knex.
  return token.text !== '(' || token.start > before.end || before.kind === 'sign';
}

/** `in (?, ?, ?)` and `values (?, ?), (?, ?)` of any length are one shape. */
function withoutLists(sql: string): string {
  return sql
    .replace(/\(\?(?:, ?\?)+\)/g, (list, offset: number) =>
      /\b(?:in \(|in|values) ?$/i.test(sql.slice(Math.max(0, offset - 8), offset)) ||
      /\), ?$/.test(sql.slice(Math.max(0, offset - 3), offset))
        ? '(?)'
        : list,
    )
    .replace(/\(\?\)(?:, ?\(\?\))+/g, '(?)');
}

/** What follows FROM and JOIN, and the commas after them; without the names of common table expressions. */
function tablesIn(tokens: readonly SqlToken[]): readonly string[] {
  const found = new Set<string>();
  const defined = new Set<string>();
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (isWord(token, 'from', 'join', 'into', 'update')) collect(tokens, index + 1, found);
    const isCte = isWord(next, 'as') && tokens[index + 2]?.text === '(';
    const name = nameOf(token);
    if (isCte && name !== undefined) defined.add(name);
  }
  return [...found].filter((name) => !defined.has(name)).toSorted();
}

function collect(tokens: readonly SqlToken[], from: number, into: Set<string>): void {
  for (let index = from; ;) {
    const name = nameOf(tokens[index]);
    if (name === undefined || isWord(tokens[index], 'select')) return;
    const isQualified = tokens[index + 1]?.text === '.';
    const table = isQualified ? nameOf(tokens[index + 2]) : name;
    index += isQualified ? 3 : 1;
    // A function that gives rows is none.
    if (table === undefined || tokens[index]?.text === '(') return;
    into.add(table);
    if (isWord(tokens[index], 'as')) index += 2;
    else if (nameOf(tokens[index]) !== undefined && !isWord(tokens[index], ...AFTER_TABLE)) index += 1;
    if (tokens[index]?.text !== ',') return;
    index += 1;
  }
}

const AFTER_TABLE = (
  'where group order having limit offset union except intersect window on using join left right inner outer cross full ' +
  'natural set values select returning indexed not as default'
).split(' ');
