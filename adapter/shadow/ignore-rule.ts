import type { QueryShape } from './query-shape.ts';

/**
 * A difference that is known and does not count. It applies where everything that it names holds; at least one thing must
 * be named.
 * @example { table: 'users', column: 'last_seen' }
 */
export interface IgnoreRule {
  /** A table that the query reads. */
  readonly table?: string;
  /** A column of the answer that is left out of the comparison. */
  readonly column?: string;
  /** The query's shape: its id, a part of its SQL, or an expression that its SQL matches. */
  readonly shape?: string | RegExp;
  /** Looks at both answers, as callers get them; for what no other rule can say. Values never leave the process for it. */
  readonly when?: (answers: ComparedPair) => boolean;
}

/** Two answers that differ. */
export interface ComparedPair {
  readonly shape: QueryShape;
  /** What the caller got, and what the other store says, as rows. */
  readonly control: readonly unknown[];
  readonly candidate: readonly unknown[];
}

/** Whether a rule about whole answers applies to a query, as far as its shape tells. */
export function appliesTo(rule: IgnoreRule, shape: QueryShape): boolean {
  if (rule.table !== undefined && !shape.tables.includes(rule.table)) return false;
  if (rule.shape === undefined) return true;
  if (typeof rule.shape === 'string') return shape.id === rule.shape || shape.sql.includes(rule.shape);
  // A global expression remembers where it stopped.
  return new RegExp(rule.shape.source, rule.shape.flags.replace(/[gy]/g, '')).test(shape.sql);
}

/** What tells columns that do not count for a query from the others; `undefined` when all of them count. */
export function leavesColumn(
  rules: readonly IgnoreRule[],
  shape: QueryShape,
): ((column: string) => boolean) | undefined {
  const columns = rules.filter((rule) => rule.when === undefined && appliesTo(rule, shape)).map(({ column }) => column);
  const left = new Set(columns.filter((column) => column !== undefined));
  return left.size === 0 ? undefined : (column) => left.has(column);
}

/** Whether a difference between two answers does not count. */
export function isIgnored(rules: readonly IgnoreRule[], pair: ComparedPair): boolean {
  return rules.some((rule) => {
    if (rule.column !== undefined || !appliesTo(rule, pair.shape)) return false;
    return rule.when === undefined ? rule.table !== undefined || rule.shape !== undefined : rule.when(pair);
  });
}
