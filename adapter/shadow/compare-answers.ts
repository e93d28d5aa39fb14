import { columnsOf, rowText, valueKind, valueText } from './answer-rows.ts';
import type { AnswerRows } from './answer-rows.ts';
import type { OrderTerm, QueryFacts } from './query-facts.ts';

/** What two answers to the same read differ in, without their values. */
export interface Difference {
  /** `rows`: some are there on one side only; `values`: they differ in columns; `order`: the same rows, sorted otherwise. */
  readonly kind: 'rows' | 'values' | 'order';
  /** Of the answer that the caller got, and of the other one. */
  readonly rows: readonly [control: number, candidate: number];
  /** The columns in which rows differ, the first of them with the kinds of values that stand there. */
  readonly columns: readonly { readonly column: string; readonly control: string; readonly candidate: string }[];
}

/** Whether two answers say the same; `tied` when both may be right, since the query leaves it open. */
export type Verdict =
  | { readonly says: 'match' }
  | { readonly says: 'mismatch'; readonly difference: Difference }
  | { readonly says: 'tied'; readonly by: 'limit' | 'order'; readonly difference: Difference };

export interface ComparedAnswers {
  readonly control: AnswerRows;
  readonly candidate: AnswerRows;
  readonly facts: Pick<QueryFacts, 'order' | 'limit'>;
  /** Columns that do not count. */
  readonly leaves?: ((column: string) => boolean) | undefined;
  /** The column of a `pluck`, whose values come without names. */
  readonly pluck?: string | undefined;
  /** Puts the values themselves into the difference. @default false */
  readonly showsValues?: boolean;
}

const MATCH: Verdict = { says: 'match' };
const SHOWN_COLUMNS = 8;

/**
 * Compares two answers as strictly as the query allows: as sets when it has no order; otherwise in the order of what it
 * sorts by, with rows that tie there in any order, and with any of the rows that tie at its limit.
 */
export function compareAnswers(compared: ComparedAnswers): Verdict {
  const { facts, leaves } = compared;
  const control = compared.control.rows.map((row) => rowText(columnsOf(row), leaves));
  const candidate = compared.candidate.rows.map((row) => rowText(columnsOf(row), leaves));
  if (control.length === candidate.length && control.every((row, index) => row === candidate[index])) return MATCH;
  const onlyControl = without(control, candidate);
  const onlyCandidate = without(candidate, control);
  const isSameSet = onlyControl.length === 0 && onlyCandidate.length === 0;
  if (isSameSet && facts.order === undefined) return MATCH;
  const difference = describe(compared, onlyControl, onlyCandidate);
  const keys = sortKeys(compared);
  if (isSameSet) {
    if (keys === undefined) return { says: 'tied', by: 'order', difference };
    return isSameList(keys.control, keys.candidate) ? MATCH : { says: 'mismatch', difference };
  }
  if (!isCut(compared)) return { says: 'mismatch', difference };
  if (keys === undefined) return { says: 'tied', by: 'limit', difference };
  return mayTieAtLimit(compared, keys, { onlyControl, onlyCandidate })
    ? { says: 'tied', by: 'limit', difference }
    : { says: 'mismatch', difference };
}

/** Positions of the rows that the other list does not have, counted as often as they are there. */
function without(rows: readonly string[], others: readonly string[]): readonly number[] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return [...rows.keys()].filter((index) => {
    const row = rows[index] ?? '';
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}

function isSameList(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((key, index) => key === others[index]);
}

/** Whether a LIMIT may have kept rows from one of the answers. */
function isCut({ control, candidate, facts: { limit } }: ComparedAnswers): boolean {
  if (limit === undefined) return false;
  const { rows, skipsRows } = limit;
  return skipsRows || rows === undefined || control.rows.length >= rows || candidate.rows.length >= rows;
}

interface SortKeys {
  readonly control: readonly string[];
  readonly candidate: readonly string[];
}

/** What each row is sorted by; `undefined` when that does not stand in the answers. */
function sortKeys({ control, candidate, facts, pluck }: ComparedAnswers): SortKeys | undefined {
  const { order } = facts;
  if (order === undefined) return undefined;
  const keysOf = (rows: readonly unknown[]): readonly string[] | undefined => {
    const keys: string[] = [];
    for (const row of rows) {
      const columns = columnsOf(row);
      const values = order.map((term) => valueAt(columns, term, pluck));
      if (values.includes(ABSENT)) return undefined;
      keys.push(values.map(valueText).join());
    }
    return keys;
  };
  const [ofControl, ofCandidate] = [keysOf(control.rows), keysOf(candidate.rows)];
  return ofControl === undefined || ofCandidate === undefined
    ? undefined
    : { control: ofControl, candidate: ofCandidate };
}

const ABSENT = Symbol('absent');

function valueAt(row: Readonly<Record<string, unknown>>, term: OrderTerm, pluck: string | undefined): unknown {
  const names = Object.keys(row);
  if (term.position !== undefined) return row[names[term.position - 1] ?? ''] ?? null;
  if (term.column === undefined) return ABSENT;
  const { column } = term;
  if (names.length === 1 && names[0] === '') return alike(pluck ?? '') === alike(column) ? row[''] : ABSENT;
  if (Object.hasOwn(row, column)) return row[column];
  // The application's own names for columns: createdAt for created_at.
  const name = names.find((other) => alike(other) === alike(column));
  return name === undefined ? ABSENT : row[name];
}

function alike(name: string): string {
  return name
    .slice(name.lastIndexOf('.') + 1)
    .replaceAll('_', '')
    .toLowerCase();
}

/** Sorted alike, and what differs is sorted with the last row, or with the first one after an OFFSET: it cuts among equals. */
function mayTieAtLimit(
  { facts }: ComparedAnswers,
  keys: SortKeys,
  { onlyControl, onlyCandidate }: { onlyControl: readonly number[]; onlyCandidate: readonly number[] },
): boolean {
  if (!isSameList(keys.control, keys.candidate)) return false;
  const edges = [keys.control.at(-1), ...(facts.limit?.skipsRows === true ? [keys.control[0]] : [])];
  return (
    onlyControl.every((index) => edges.includes(keys.control[index])) &&
    onlyCandidate.every((index) => edges.includes(keys.candidate[index]))
  );
}

function describe(
  compared: ComparedAnswers,
  onlyControl: readonly number[],
  onlyCandidate: readonly number[],
): Difference {
  const { control, candidate, leaves, showsValues = false } = compared;
  const rows = [control.rows.length, candidate.rows.length] as const;
  if (onlyControl.length === 0 && onlyCandidate.length === 0) return { kind: 'order', rows, columns: [] };
  if (onlyControl.length !== onlyCandidate.length) return { kind: 'rows', rows, columns: [] };
  const show = (value: unknown): string => (showsValues ? shownValue(value) : valueKind(value));
  const columns = new Map<string, Difference['columns'][number]>();
  for (const [index, position] of onlyControl.entries()) {
    const mine = columnsOf(control.rows[position]);
    const other = columnsOf(candidate.rows[onlyCandidate[index] ?? 0]);
    for (const column of new Set([...Object.keys(mine), ...Object.keys(other)])) {
      if (leaves?.(column) === true || columns.has(column)) continue;
      if (valueText(mine[column]) === valueText(other[column])) continue;
      columns.set(column, { column, control: show(mine[column]), candidate: show(other[column]) });
    }
  }
  return { kind: 'values', rows, columns: [...columns.values()].slice(0, SHOWN_COLUMNS) };
}

const SHOWN_LENGTH = 80;

function shownValue(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? 'undefined');
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
