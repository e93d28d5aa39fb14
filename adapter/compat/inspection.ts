import type { Catalog } from './catalog.ts';
import { pragmaOf, withSqliteSchema } from './sqlite-schema.ts';
import { withUuids } from './uuid-expression.ts';
import type { QueryObject } from '../router/knex-internals.ts';

type Run = (query: QueryObject) => Promise<QueryObject>;

/** Runs a statement; where it asks what only SQLite has (pragmas, `sqlite_master`), as what PostgreSQL knows of the same. */
export async function runInspecting(query: QueryObject, run: Run, catalog: Catalog): Promise<QueryObject> {
  const { sql } = query;
  if (typeof sql !== 'string' || !SQLITES_OWN.test(sql)) return await run(query);
  const pragma = pragmaOf(sql);
  if (pragma === undefined) {
    const sent = withUuids(withSqliteSchema(sql));
    return await run(sent === sql ? query : { ...query, sql: sent });
  }
  if (pragma.sql !== undefined) {
    const done = await run({ ...query, sql: pragma.sql, bindings: pragma.bindings });
    return pragma.bindings.length > 0 ? asDeclared(done, pragma.bindings[0], catalog) : { ...done, response: SET };
  }
  return { ...query, response: pragma.rows === undefined ? SET : answering(pragma.rows) };
}

/** What SQLite itself says of a table's columns, where it has them. Code may tell types apart by their names. */
function asDeclared(done: QueryObject, table = '', catalog: Catalog): QueryObject {
  const columns = catalog.named(table)?.columns;
  const { rows } = done.response as { readonly rows: readonly Record<string, unknown>[] };
  for (const row of rows) {
    const declared = 'dflt_value' in row ? columns?.get(String(row['name']))?.declared : undefined;
    if (declared !== undefined) Object.assign(row, declared);
  }
  return done;
}

/** What is in every statement that asks what only SQLite has, and in hardly any other. */
const SQLITES_OWN = /pragma|sqlite_|randomblob/i;

/** As pg would resolve to a statement that answers no rows. */
const SET = { command: 'SET', rowCount: 0, rows: [], fields: [] };

/** As pg would resolve to them. */
function answering(rows: readonly Record<string, unknown>[]): unknown {
  return { command: 'SELECT', rowCount: rows.length, rows, fields: [{}] };
}
