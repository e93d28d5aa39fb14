import type { Authorship } from '../router/query-observer.ts';
import { classify } from '../router/classify.ts';
import type { BuilderInternals } from '../router/knex-internals.ts';

const QUERIES = new Set(['select', 'first', 'pluck', 'update', 'del', 'delete']);

/**
 * Whether a builder is compiled for SQLite and then rewritten. Not what the query builder alone makes an insert of, nor
 * what locks rows, which SQLite's dialect leaves out; nor what asks for equal JSON, which in SQLite's words is equal text.
 */
export function isRewritten(builder: BuilderInternals): boolean {
  if (builder._sequence !== undefined) return false;
  if (builder.isRawInstance === true && builder._statements === undefined) {
    const kind = classify(builder);
    return kind === 'read' || kind === 'write';
  }
  if (builder._statements === undefined || builder._single?.['lock'] !== undefined) return false;
  const method = builder._method ?? 'select';
  if (builder._statements.some(({ type }) => type === 'whereJsonObject') && !hasRaw(builder)) return false;
  return QUERIES.has(method) || (method === 'insert' && hasRaw(builder));
}

/** Who wrote the SQL of a query. What its callbacks write is looked at, by calling them on builders of their own. */
export function authorshipOf(builder: BuilderInternals): Authorship {
  if (builder.isRawInstance === true && builder._statements === undefined) return 'raw';
  const written = (callback: Callback): boolean => {
    try {
      const inner = builder.client.queryBuilder();
      callback.call(inner, inner);
      return hasRaw(inner, written);
    } catch {
      return true;
    }
  };
  return hasRaw(builder, written) ? 'mixed' : 'builder';
}

type Callback = (this: unknown, builder: unknown) => void;

/** Whether there is raw SQL anywhere in a builder, or what may bring some: a callback, unless `ofCallback` knows better. */
export function hasRaw(part: unknown, ofCallback: (callback: Callback) => boolean = () => true, depth = 0): boolean {
  if (typeof part === 'function') return ofCallback(part as Callback);
  if (typeof part !== 'object' || part === null || part instanceof Date || ArrayBuffer.isView(part)) return false;
  if ('isRawInstance' in part && part.isRawInstance === true) return true;
  if (depth > MAX_DEPTH) return true;
  if (Array.isArray(part)) return part.some((one) => hasRaw(one, ofCallback, depth + 1));
  if ('_statements' in part) {
    const { _statements, _single } = part as BuilderInternals;
    return hasRaw(_statements, ofCallback, depth + 1) || hasRaw(_single, ofCallback, depth + 1);
  }
  return Object.values(part).some((one) => hasRaw(one, ofCallback, depth + 1));
}

const MAX_DEPTH = 12;
