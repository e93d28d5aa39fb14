import type { Stmt } from '../sqlite/schema.ts';
import { outputColumns } from './query.ts';
import type { Query } from './query.ts';
import { resultColumns } from './result-columns.ts';
import type { ScopeTable } from './scope.ts';
import type { Setting } from './translate-node.ts';

type Returning = Extract<Stmt, { type: 'InsertStmt' }>['returning'];

/** A statement with its RETURNING. */
export function withReturning(sql: string, returning: Returning, table: ScopeTable, setting: Setting): Query {
  if (returning === undefined) return { sql, columns: [] };
  const inner: Setting = { ...setting, scope: { tables: [table], parent: setting.scope } };
  const output = outputColumns(resultColumns(returning, [table], inner), { isNested: false }, setting.emission);
  return { sql: `${sql} RETURNING ${output.sql}`, columns: output.columns };
}
