import { situationOf } from '../translate/translate-trigger.ts';
import { Untranslatable } from '../translate/translation.ts';
import type { Remark } from '../translate/translation.ts';
import { tableOf } from './trigger-subject.ts';
import type { TriggerSubject } from './trigger-subject.ts';

/**
 * Refuses RAISE where it does not do the same in PostgreSQL: https://sqlite.org/lang_createtrigger.html
 *
 * @returns what is worth knowing of one that does.
 */
export function raiseRemarks({ trigger, schema, graph }: TriggerSubject): readonly Remark[] {
  const { raises } = graph.effects(trigger);
  const { time, event } = situationOf(trigger.statement);
  if (raises.has('Ignore') && time === 'AFTER') {
    const other = schema.triggers.find(
      (one) =>
        one !== trigger &&
        tableOf(one) === tableOf(trigger) &&
        situationOf(one.statement).time === 'AFTER' &&
        situationOf(one.statement).event === event,
    );
    if (other !== undefined) {
      throw new Untranslatable(
        'trigger-raise-ignore',
        `its RAISE(IGNORE) after the row is written also keeps other triggers from firing, such as "${other.name}"`,
        'put what it keeps from firing under a WHEN of its own',
      );
    }
  }
  if (raises.has('Fail') && !isFlatRefusal({ trigger, schema, graph })) {
    throw new Untranslatable(
      'trigger-raise-fail',
      'its RAISE(FAIL) keeps what the statement did before, and in PostgreSQL an error takes all of it back',
      'use RAISE(ABORT)',
    );
  }
  if (!raises.has('Rollback')) return [];
  return [
    {
      severity: 'warning',
      code: 'trigger-raise-rollback',
      message:
        'RAISE(ROLLBACK) ends the transaction in SQLite; in PostgreSQL it is an error after which the transaction can only be rolled back',
      remedy: 'see that whoever catches the error rolls back',
    },
  ];
}

/** Whether RAISE(FAIL) is reached for the first row before anything is done: nothing is there to be kept. */
function isFlatRefusal({ trigger, schema, graph }: TriggerSubject): boolean {
  const { statement } = trigger;
  const { time, event } = situationOf(statement);
  const [first] = statement.commands;
  if (time === 'AFTER' || statement.whenClause !== undefined || first?.type !== 'SelectTriggerCmd') return false;
  const core = first.select.select;
  if (core.type !== 'SelectFrom' || core.from !== undefined || core.whereClause !== undefined) return false;
  const [column] = core.columns;
  if (column?.type !== 'ExprResultColumn' || column.expr.type !== 'RaiseExpr') return false;
  const others = schema.triggers.filter(
    (one) =>
      one !== trigger &&
      tableOf(one) === tableOf(trigger) &&
      situationOf(one.statement).time === time &&
      situationOf(one.statement).event === event,
  );
  // An upsert can have inserted rows before it comes to one that it updates.
  return others.length === 0 && event !== 'UPDATE' && !graph.isFiredWithin(trigger);
}
