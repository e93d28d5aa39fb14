import { isWord, nameOf, sqlTokens } from './sql-tokens.ts';
import type { SqlToken } from './sql-tokens.ts';

/** What can be told from a read's text about the answers that are right. */
export interface QueryFacts {
  /** Whether it only reads rows: a SELECT, WITH or VALUES. */
  readonly isPlainRead: boolean;
  /** What the outermost ORDER BY sorts by; `undefined` without one. */
  readonly order: readonly OrderTerm[] | undefined;
  /** Whether the outermost query has a LIMIT or OFFSET. */
  readonly limit: Limit | undefined;
  /** Why two right answers may differ, whatever the rows are: the clock, chance. */
  readonly whim: string | undefined;
}

/** A column by its name, one by its position from 1, or, with neither, an expression. */
export interface OrderTerm {
  readonly column?: string;
  readonly position?: number;
}

export interface Limit {
  /** The most rows that it lets through; `undefined` when it cannot be told. */
  readonly rows: number | undefined;
  readonly skipsRows: boolean;
}

/** Reads the facts off a statement of SQLite. */
export function queryFacts(sql: string, bindings: readonly unknown[]): QueryFacts {
  const tokens = sqlTokens(sql);
  const limitAt = clauseAt(tokens, 'limit', 'offset');
  const tail = limitAt === undefined ? tokens : tokens.slice(0, limitAt);
  const orderAt = clauseAt(tail, 'order');
  return {
    isPlainRead: isPlainRead(sql),
    order: orderAt === undefined ? undefined : orderTerms(tail.slice(orderAt + 2)),
    limit: limitAt === undefined ? undefined : readLimit(tokens, limitAt, bindings),
    whim: tokens.some((token, index) => isWhim(token, tokens[index + 1], tokens[index + 2]))
      ? 'it depends on the clock or on chance'
      : undefined,
  };
}

/** Whether a statement only reads rows, by its first word. */
export function isPlainRead(sql: string): boolean {
  return /^(?:\s+|--[^\n]*\n|\/\*[^]*?\*\/|\()*(?:select|with|values)\b/i.test(sql);
}

/** A statement, in either dialect, with its values. */
interface BoundSql {
  readonly sql: string;
  readonly bindings?: readonly unknown[];
}

/**
 * The same statement with its outermost LIMIT and OFFSET replaced by `limit <rows>`; `undefined` where they are not
 * plainly at the end.
 */
export function withLimit<Q extends BoundSql>(query: Q, rows: number): Q | undefined {
  const tokens = sqlTokens(query.sql);
  const at = clauseAt(tokens, 'limit', 'offset');
  const first = at === undefined ? undefined : tokens[at];
  if (at === undefined || first === undefined) return undefined;
  const isPlain = tokens
    .slice(at)
    .every((token) => isWord(token, 'limit', 'offset') || /^(?:\?|\$?\d+|-|,|;)$/.test(token.text));
  if (!isPlain) return undefined;
  const kept = tokens.slice(0, at).filter(({ kind }) => kind === 'binding');
  if (!kept.every(({ text }, index) => text === '?' || text === `$${index + 1}`)) return undefined;
  const sql = `${query.sql.slice(0, first.start)}limit ${rows}`;
  return { ...query, sql, bindings: (query.bindings ?? []).slice(0, kept.length) };
}

/** Where the last of these words stands outside of all parentheses, and a LIMIT before its OFFSET. */
function clauseAt(tokens: readonly SqlToken[], ...words: readonly string[]): number | undefined {
  let depth = 0;
  let found: number | undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.text === '(') depth += 1;
    else if (token.text === ')') depth -= 1;
    else if (depth === 0 && isWord(token, ...words)) {
      const isSecond = found !== undefined && isWord(token, 'offset');
      const isOrder = !isWord(token, 'order') || isWord(tokens[index + 1], 'by');
      if (!isSecond && isOrder) found = index;
    }
  }
  return found;
}

function orderTerms(tokens: readonly SqlToken[]): readonly OrderTerm[] {
  const terms: SqlToken[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === '(') depth += 1;
    if (token.text === ')') depth -= 1;
    if (token.text === ',' && depth === 0) terms.push([]);
    else if (token.text !== ';') terms.at(-1)?.push(token);
  }
  return terms.map(orderTerm);
}

const DIRECTIONS = ['asc', 'desc', 'nulls', 'first', 'last'];

function orderTerm(tokens: readonly SqlToken[]): OrderTerm {
  const collation = tokens.findIndex((token) => isWord(token, 'collate'));
  const end = collation === -1 ? tokens.findIndex((token) => isWord(token, ...DIRECTIONS)) : collation;
  const expression = end === -1 ? tokens : tokens.slice(0, end);
  const last = expression.at(-1);
  const isQualified = expression.every((token, index) => (index % 2 === 1 ? token.text === '.' : nameOf(token)));
  const column = nameOf(last);
  if (isQualified && expression.length % 2 === 1 && column !== undefined) return { column };
  if (expression.length === 1 && last !== undefined && /^\d+$/.test(last.text)) return { position: Number(last.text) };
  return {};
}

function readLimit(tokens: readonly SqlToken[], at: number, bindings: readonly unknown[]): Limit {
  let bound = tokens.slice(0, at).filter(({ kind }) => kind === 'binding').length;
  const [first, second] = tokens.slice(at).flatMap((token): readonly (number | undefined)[] => {
    if (token.kind === 'binding') return [asNumber(bindings[bound++])];
    return token.kind === 'value' ? [asNumber(token.text)] : [];
  });
  const hasComma = tokens.slice(at).some(({ text }) => text === ',');
  if (isWord(tokens[at], 'offset')) return { rows: undefined, skipsRows: first !== 0 };
  const hasSecond = tokens.slice(at).some((token) => isWord(token, 'offset')) || hasComma;
  const [rows, skipped] = hasComma ? [second, first] : [first, hasSecond ? second : 0];
  return { rows, skipsRows: skipped !== 0 };
}

function asNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return Number.isInteger(number) ? number : undefined;
}

const WHIMS = new Set(
  (
    'random randomblob uuid gen_random_uuid uuid4 uuid7 last_insert_rowid changes total_changes ' +
    'now clock_timestamp statement_timestamp transaction_timestamp timeofday'
  ).split(' '),
);
const CLOCKS = new Set(['date', 'time', 'datetime', 'julianday', 'unixepoch', 'strftime', 'timediff']);
const CLOCK_WORDS = ['current_timestamp', 'current_date', 'current_time', 'localtime', 'localtimestamp'];

function isWhim(token: SqlToken, next: SqlToken | undefined, afterNext: SqlToken | undefined): boolean {
  if (isWord(token, ...CLOCK_WORDS)) return true;
  if (/^'(?:now|localtime)'$/i.test(token.text)) return true;
  if (token.kind !== 'word' || next?.text !== '(') return false;
  const name = token.text.toLowerCase();
  return WHIMS.has(name) || (CLOCKS.has(name) && afterNext?.text === ')');
}
