import type { QueryObject } from '../router/knex-internals.ts';

/** What pg resolves a statement to, as far as it matters here. */
interface PgResult {
  readonly rows: readonly Record<string, unknown>[];
  readonly rowCount: number | null;
  readonly fields: readonly unknown[];
}

/**
 * What plain Knex on SQLite resolves a statement to where PostgreSQL's dialect resolves to something else, or
 * `undefined` where both agree.
 *
 * What an insert tells of the last id is what SQLite's connection would say: after one that inserted nothing, the id of the
 * one before. Of raw SQL only an insert that was rewritten knows it, and `lastInsertRowid` is 0 otherwise.
 */
export function sqliteAnswer(query: QueryObject): { readonly answer: unknown } | undefined {
  if (query.output !== undefined) return undefined;
  switch (query.method) {
    case 'insert':
      return query.returning ? undefined : { answer: [query.lastInsertRowid ?? 0] };
    case 'update':
    case 'del':
      return query.returning ? undefined : { answer: resultOf(query).rowCount ?? 0 };
    case 'raw':
    case 'truncate':
    case undefined:
      return { answer: rawAnswer(resultOf(query), query) };
    default:
      return undefined;
  }
}

/** A text of several statements gives several results; SQLite's driver takes one only, so the last is as good as any. */
function resultOf(query: QueryObject): PgResult {
  const response: unknown = Array.isArray(query.response) ? query.response.at(-1) : query.response;
  return response as PgResult;
}

function rawAnswer(result: PgResult, { insertedKey, lastInsertRowid = 0 }: QueryObject): unknown {
  if (insertedKey !== undefined) return { changes: result.rowCount ?? 0, lastInsertRowid };
  return result.fields.length > 0 ? result.rows : { changes: result.rowCount ?? 0, lastInsertRowid };
}
