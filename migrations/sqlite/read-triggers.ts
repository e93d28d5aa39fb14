import type { Finding } from '../finding.ts';
import { statementOf } from './declaration.ts';
import type { StoredStatement } from './introspection.ts';
import { traverse } from './parser.ts';
import { resolveQuotedStrings } from './quoted-strings.ts';
import type { ColumnsOf } from './quoted-strings.ts';
import { schemaUnclear } from './schema-unclear.ts';
import type { SqliteTrigger } from './schema.ts';

/**
 * Reads the triggers. One that names a missing table is kept, since SQLite keeps it too, and fails only when it fires: it
 * becomes a finding as well.
 *
 * @throws CrossfadeError `SCHEMA_UNCLEAR`
 */
export function readTriggers({
  stored,
  columnsOf,
  previous,
}: {
  readonly stored: readonly StoredStatement[];
  readonly columnsOf: ColumnsOf;
  /** Read before, from the same database. */
  readonly previous: readonly SqliteTrigger[];
}): { readonly triggers: readonly SqliteTrigger[]; readonly findings: readonly Finding[] } {
  const before = new Map(previous.map((trigger) => [trigger.name, trigger]));
  const triggers = stored.map(({ name, table, sql }): SqliteTrigger => {
    const same = before.get(name);
    // What its quoted names are hangs on the tables of today.
    if (same?.sql === sql && !sql.includes('"')) return same;
    const what = `trigger "${name}"`;
    const statement = statementOf(sql, what);
    if (statement.type !== 'CreateTriggerStmt') throw schemaUnclear(what, 'its stored statement is no CREATE TRIGGER');
    const { node, strings } = resolveQuotedStrings(statement, sql, columnsOf);
    return { name, table, statement: node, sql, quotedAsNames: strings.map(({ text }) => text) };
  });
  const findings = triggers.flatMap((trigger) =>
    missingTables(trigger, columnsOf).map((missing): Finding => ({
      severity: 'warning',
      code: 'trigger-over-missing-table',
      place: { trigger: trigger.name, table: trigger.table },
      message: `it names the table "${missing}", which does not exist: it fails whenever it fires`,
      remedy: 'drop the trigger, or create it anew over what there is now',
    })),
  );
  return { triggers, findings };
}

function missingTables({ statement }: SqliteTrigger, columnsOf: ColumnsOf): readonly string[] {
  const named = new Set<string>();
  const commons = new Set<string>();
  traverse(statement, {
    nodes: {
      CommonTableExpr: ({ tblName }) => void commons.add(tblName.text.toLowerCase()),
      TableSelectTable: ({ tblName }) => void named.add(tblName.objName.text),
      InTableExpr: ({ rhs, args }) => void (args === undefined && named.add(rhs.objName.text)),
      InsertTriggerCmd: ({ tblName }) => void named.add(tblName.objName.text),
      UpdateTriggerCmd: ({ tblName }) => void named.add(tblName.objName.text),
      DeleteTriggerCmd: ({ tblName }) => void named.add(tblName.objName.text),
    },
  });
  return [...named].filter((name) => !commons.has(name.toLowerCase()) && columnsOf(name.toLowerCase()) === undefined);
}
