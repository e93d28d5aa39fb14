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
 * `lastInsertRowid` of a raw write is 0, unless it is an insert that was rewritten: only that, and an insert through the
 * builder, knows the generated id. So is the id of an insert into a table without an integer primary key, and of one that inserted nothing.
 */
export function sqliteAnswer(query: QueryObject): { readonly answer: unknown } | undefined {
  if (query.output !== undefined) return undefined;
  switch (query.method) {
    case 'insert':
      return query.returning ? undefined : { answer: [insertedId(resultOf(query), query.insertedKey)] };
    case 'update':
    case 'del':
      return query.returning ? undefined : { answer: resultOf(query).rowCount ?? 0 };
    case 'raw':
    case 'truncate':
    case undefined:
      return { answer: rawAnswer(resultOf(query), query.insertedKey) };
    default:
      return undefined;
  }
}

/** A text of several statements gives several results; SQLite's driver takes one only, so the last is as good as any. */
function resultOf(query: QueryObject): PgResult {
  const response: unknown = Array.isArray(query.response) ? query.response.at(-1) : query.response;
  return response as PgResult;
}

function insertedId(result: PgResult, key: string | undefined): unknown {
  return key === undefined ? 0 : (result.rows.at(-1)?.[key] ?? 0);
}

function rawAnswer(result: PgResult, key: string | undefined): unknown {
  if (key !== undefined) return { changes: result.rowCount ?? 0, lastInsertRowid: insertedId(result, key) };
  return result.fields.length > 0 ? result.rows : { changes: result.rowCount ?? 0, lastInsertRowid: 0 };
}
