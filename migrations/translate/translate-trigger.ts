import { createHash } from 'node:crypto';
import type { SqliteTrigger } from '../sqlite/schema.ts';
import { columnOf } from './assignment.ts';
import type { Catalog } from './catalog.ts';
import { asCondition } from './convert.ts';
import { translateDelete } from './delete.ts';
import { Emission } from './emission.ts';
import { quoteName } from './fragment.ts';
import { translateInsert } from './insert.ts';
import { indented, raises, translateEvaluation } from './raise.ts';
import { nullable, scopeTable } from './scope.ts';
import type { ScopeTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';
import type { Translation } from './translation.ts';
import { translateUpdate } from './update.ts';

type Statement = SqliteTrigger['statement'];
type Command = Statement['commands'][number];

/** What {@link translateTrigger} takes. */
export interface TriggerOptions {
  readonly catalog: Catalog;
  /** The name it has in PostgreSQL, and its function's. */
  readonly name: string;
  readonly functionName: string;
  /**
   * Whether it is kept from firing while it runs: in SQLite a trigger never fires itself, directly or by way of others,
   * in PostgreSQL it does (https://sqlite.org/pragma.html#pragma_recursive_triggers). Others fire as usual.
   */
  readonly isGuarded: boolean;
}

/** A function and a trigger of PostgreSQL's. */
export type TriggerTranslation = Pick<Translation, 'sql' | 'usesPack' | 'remarks'>;

/**
 * A trigger of SQLite's as a function in PL/pgSQL and a row trigger that calls it. It is an ordinary trigger, which does
 * not fire in the Mirror's sessions: what the trigger did in one database comes to the other as rows.
 *
 * Each of its statements does what it does in SQLite; whether it does so at the same time is for the caller to know.
 * Throws {@link Untranslatable}.
 */
export function translateTrigger(statement: Statement, options: TriggerOptions): TriggerTranslation {
  const emission = new Emission(options.catalog);
  const table = emission.table(statement.tblName.objName.text);
  const { time, event } = situationOf(statement);
  if (time === 'INSTEAD OF' && statement.event.type === 'UpdateOfTriggerEvent') {
    throw new Untranslatable(
      'trigger-columns',
      'it is INSTEAD OF UPDATE OF columns, which PostgreSQL does not have',
      'make it INSTEAD OF UPDATE, WHEN a column IS NOT what it was',
    );
  }
  const columns =
    statement.event.type === 'UpdateOfTriggerEvent'
      ? ` OF ${statement.event.columns.map(({ text }) => quoteName(columnOf(table, text).name)).join(', ')}`
      : '';
  const setting: Setting = { scope: { tables: rowsInReach(statement, emission) }, emission, isFixed: false };
  const done = time === 'AFTER' ? 'RETURN NULL;' : event === 'DELETE' ? 'RETURN OLD;' : 'RETURN NEW;';
  const guard = options.isGuarded ? guardOf(options.functionName) : undefined;
  const ignore = [...(guard === undefined ? [] : [guard.leave]), 'RETURN NULL;'];
  const commands = statement.commands.flatMap((command) => translateCommand(command, setting, ignore));
  const work = guard === undefined ? commands : [guard.enter, ...commands, guard.leave];
  const condition =
    statement.whenClause === undefined
      ? undefined
      : asCondition(translateNode(statement.whenClause, setting), emission);
  const body = [
    // Names of columns go before those of PL/pgSQL itself, such as "found".
    '#variable_conflict use_column',
    'BEGIN',
    ...indented([
      ...(guard === undefined ? [] : [`IF ${guard.isActive} THEN`, `  ${done}`, 'END IF;']),
      ...(condition === undefined
        ? work
        : [`IF ${condition} THEN`, ...indented(work.length === 0 ? ['NULL;'] : work), 'END IF;']),
      done,
    ]),
    'END',
  ].join('\n');
  const mark = dollarQuote(body);
  const sql = [
    `CREATE FUNCTION ${quoteName(options.functionName)}() RETURNS trigger LANGUAGE plpgsql AS ${mark}\n${body}\n${mark}`,
    `CREATE TRIGGER ${quoteName(options.name)} ${time} ${event}${columns} ON ${quoteName(table.name)}\n  FOR EACH ROW EXECUTE FUNCTION ${quoteName(options.functionName)}()`,
  ].join(';\n');
  return { sql, usesPack: emission.usesPack, remarks: emission.remarks };
}

/** When it fires; SQLite takes BEFORE where nothing is said. */
export function situationOf({ time, event }: Statement): {
  readonly time: 'BEFORE' | 'AFTER' | 'INSTEAD OF';
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE';
} {
  return {
    time: time === 'After' ? 'AFTER' : time === 'InsteadOf' ? 'INSTEAD OF' : 'BEFORE',
    event: event.type === 'InsertTriggerEvent' ? 'INSERT' : event.type === 'DeleteTriggerEvent' ? 'DELETE' : 'UPDATE',
  };
}

function rowsInReach(statement: Statement, emission: Emission): readonly ScopeTable[] {
  const table = emission.table(statement.tblName.objName.text);
  const { time, event } = situationOf(statement);
  const row = scopeTable(table, 'NEW', 'new');
  return [
    // NOT NULL has not been looked at before the row is written.
    ...(event === 'DELETE' ? [] : [time === 'AFTER' ? row : nullable(row)]),
    ...(event === 'INSERT' ? [] : [scopeTable(table, 'OLD', 'old')]),
  ];
}

function translateCommand(command: Command, setting: Setting, ignore: readonly string[]): readonly string[] {
  if (command.type === 'SelectTriggerCmd') return translateEvaluation(command.select, { setting, ignore });
  if (raises(command)) {
    throw new Untranslatable(
      'raise-place',
      'RAISE stands in a statement that writes',
      'raise in a SELECT of its own before that statement',
    );
  }
  const none = { with: undefined, returning: undefined };
  switch (command.type) {
    case 'InsertTriggerCmd': {
      const { type: _, colNames, select, upsert, ...rest } = command;
      const body = { type: 'SelectInsertBody', select, upsert, span: select.span } as const;
      return [`${translateInsert({ ...rest, ...none, type: 'InsertStmt', columns: colNames, body }, setting).sql};`];
    }
    case 'UpdateTriggerCmd': {
      const more = { indexed: undefined, orderBy: undefined, limit: undefined };
      return [`${translateUpdate({ ...command, ...none, ...more, type: 'UpdateStmt' }, setting).sql};`];
    }
    case 'DeleteTriggerCmd': {
      const more = { indexed: undefined, orderBy: undefined, limit: undefined };
      return [`${translateDelete({ ...command, ...none, ...more, type: 'DeleteStmt' }, setting).sql};`];
    }
  }
}

/**
 * A setting of the transaction that is on while the trigger runs. What its own statements fire runs before they end, and
 * an error that is caught takes the setting back with all else.
 */
function guardOf(functionName: string) {
  const name = `'crossfade.firing_${createHash('sha256').update(functionName).digest('hex').slice(0, 12)}'`;
  return {
    isActive: `current_setting(${name}, true) = 'on'`,
    enter: `PERFORM set_config(${name}, 'on', true);`,
    leave: `PERFORM set_config(${name}, '', true);`,
  };
}

function dollarQuote(body: string): string {
  let mark = '$crossfade$';
  for (let attempt = 1; body.includes(mark); attempt += 1) mark = `$crossfade_${attempt}$`;
  return mark;
}
