import type { SqliteForeignKey, SqliteSchema, SqliteTrigger } from '../sqlite/schema.ts';
import { situationOf } from '../translate/translate-trigger.ts';
import { Untranslatable } from '../translate/translation.ts';
import type { Remark } from '../translate/translation.ts';
import type { Access } from './trigger-effects.ts';
import type { Reach, Reached } from './trigger-graph.ts';
import { tableOf } from './trigger-subject.ts';
import type { TriggerSubject } from './trigger-subject.ts';

/** PostgreSQL fires triggers by name, those of foreign keys among them. */
const FOREIGN_KEY_TRIGGERS = 'RI_ConstraintTrigger';

/**
 * Refuses what PostgreSQL does at another time than SQLite, with another outcome. SQLite's AFTER triggers run right after
 * each row, PostgreSQL's after the last row of the statement, in one line with those of foreign keys.
 */
export function refuseOtherTimes(subject: TriggerSubject): void {
  const { trigger, graph } = subject;
  const { time } = situationOf(trigger.statement);
  const reach = graph.reach(trigger);
  if (time === 'BEFORE') refuseBefore(subject, reach);
  if (time !== 'AFTER') return;
  refuseOwnTable(subject, reach);
  refuseBetweenRows(subject, reach);
  refuseForeignKeys(subject, reach);
  refuseCascades(subject, reach);
}

/** What is worth knowing of a trigger that {@link refuseOtherTimes} lets pass. */
export function timingRemarks(subject: TriggerSubject): readonly Remark[] {
  const { trigger, graph } = subject;
  const reach = graph.reach(trigger);
  const { isRecursive, writes } = reach;
  const found: Remark[] = [];
  const adds = (of: Reach, table: string) =>
    of.writes.some(({ access }) => access.event === 'INSERT' && access.table === table);
  const shared =
    situationOf(trigger.statement).time === 'AFTER'
      ? writes.find(
          ({ access: { table, event } }) =>
            event === 'INSERT' &&
            [...rivals(subject), ...firedByActions(subject)].some((other) => adds(graph.reach(other), table)),
        )
      : undefined;
  if (shared !== undefined) {
    found.push({
      severity: 'warning',
      code: 'trigger-order-of-rows',
      message: `it adds rows to "${shared.access.table}", and so does another trigger that the same statement can fire: SQLite and PostgreSQL add them in another order`,
      remedy: `read "${shared.access.table}" by something else than the order in which ids were given`,
    });
  }
  const { time, event } = situationOf(trigger.statement);
  if (time === 'AFTER' && event === 'UPDATE' && graph.effects(trigger).usesOldKey) {
    found.push({
      severity: 'warning',
      code: 'trigger-old-key',
      message:
        'it finds its row by the key of OLD: where a statement gives several rows the keys of others, PostgreSQL has changed them all before',
      remedy: 'use the key of NEW',
    });
  }
  if (isRecursive) {
    found.push({
      severity: 'note',
      code: 'trigger-guarded',
      message: 'its own statements do not fire it again, as in SQLite unless PRAGMA recursive_triggers is on',
    });
  }
  if (situationOf(trigger.statement).time === 'INSTEAD OF') {
    found.push({
      severity: 'note',
      code: 'trigger-row-count',
      message: 'a statement on the view counts its rows in PostgreSQL, where SQLite always counts 0',
    });
  }
  return found;
}

function refuseBefore({ trigger }: TriggerSubject, reach: Reach): void {
  const write = reach.writes.find(({ access }) => access.table === tableOf(trigger));
  if (write === undefined) return;
  throw new Untranslatable(
    'trigger-writes-own-table',
    `it fires before rows of "${trigger.table}" are written and writes to that table${byOther(write, trigger)}, which PostgreSQL refuses or does in another order`,
    'make it an AFTER trigger that writes to its own row by the primary key',
  );
}

function refuseOwnTable({ trigger }: TriggerSubject, reach: Reach): void {
  const isOther = ({ access }: Reached<Access>) => access.table === tableOf(trigger) && !access.isOwnRow;
  const write = reach.writes.find(isOther);
  const read = reach.reads.find(isOther);
  const found = write ?? read;
  if (found === undefined) return;
  throw new Untranslatable(
    write === undefined ? 'trigger-reads-own-table' : 'trigger-writes-own-table',
    `it ${write === undefined ? 'reads' : 'writes'} other rows of "${trigger.table}"${byOther(found, trigger)}: where a statement changes several rows, SQLite runs it between them and PostgreSQL after the last one`,
    'write it for PostgreSQL as a trigger of the statement (FOR EACH STATEMENT, REFERENCING NEW TABLE), in a migration of its own',
  );
}

/** A BEFORE trigger of the second row finds what the AFTER trigger of the first has done, in SQLite only. */
function refuseBetweenRows({ trigger, graph, ...subject }: TriggerSubject, reach: Reach): void {
  for (const other of rivals({ trigger, graph, ...subject })) {
    const itsReach = graph.reach(other);
    const mine = reach.writes.map(({ access }) => access);
    const met = [
      ...itsReach.reads.map(({ access }) => access).filter((read) => mine.some(({ table }) => table === read.table)),
      // Of rows that both add, only the order is another.
      ...itsReach.writes
        .map(({ access }) => access)
        .filter((its) =>
          mine.some((own) => own.table === its.table && (own.event !== 'INSERT' || its.event !== 'INSERT')),
        ),
    ].find(({ isOwnRow }) => !isOwnRow);
    if (met === undefined) continue;
    throw new Untranslatable(
      'trigger-between-rows',
      `it writes to "${met.table}", which "${other.name}" uses before each row: where a statement changes several rows, SQLite runs the two in turns`,
      'put what both do into one trigger, or into the application',
    );
  }
}

/** The BEFORE triggers that one statement can fire besides an AFTER trigger: an upsert fires those of INSERT and UPDATE. */
function rivals({ trigger, schema }: TriggerSubject): readonly SqliteTrigger[] {
  const { event } = situationOf(trigger.statement);
  return schema.triggers.filter((other) => {
    const situation = situationOf(other.statement);
    if (situation.time !== 'BEFORE' || tableOf(other) !== tableOf(trigger)) return false;
    return (situation.event === 'DELETE') === (event === 'DELETE');
  });
}

/** PostgreSQL looks at foreign keys in its turn among the AFTER triggers, SQLite at the end of the statement. */
function refuseForeignKeys({ trigger, schema }: TriggerSubject, reach: Reach): void {
  const own = tableOf(trigger);
  const { event } = situationOf(trigger.statement);
  const isEarly = Buffer.compare(Buffer.from(trigger.name), Buffer.from(FOREIGN_KEY_TRIGGERS)) < 0;
  const sets = (columns: readonly string[], of: readonly string[]) =>
    of.some((column) => columns.includes(column.toLowerCase()));
  for (const { child, key } of keysOf(schema)) {
    const parent = key.parent.toLowerCase();
    const mends = reach.writes.some(({ access: { table, event: change, columns } }) => {
      if (child === own && event !== 'DELETE' && table === parent) {
        return change === 'INSERT' || (change === 'UPDATE' && sets(columns, key.parentColumns));
      }
      if (parent !== own || event === 'INSERT' || table !== child) return false;
      return change === 'DELETE' || (change === 'UPDATE' && sets(columns, key.columns));
    });
    const action =
      parent === own && event !== 'INSERT' ? (event === 'DELETE' ? key.onDelete : key.onUpdate) : 'NO ACTION';
    if (mends && !isEarly && action === 'NO ACTION' && key.deferrable !== 'initially deferred') {
      throw new Untranslatable(
        'trigger-mends-foreign-key',
        `it can make good what breaks the foreign key of "${child}" (${key.columns.join(', ')}), at which PostgreSQL looks before`,
        'make it a BEFORE trigger, or the foreign key ON DELETE CASCADE or DEFERRABLE INITIALLY DEFERRED',
      );
    }
    const touches = [...reach.reads, ...reach.writes].some(({ access }) => access.table === child);
    if (isEarly && touches && action !== 'NO ACTION' && action !== 'RESTRICT') {
      throw new Untranslatable(
        'trigger-before-cascade',
        `it looks at "${child}" and has a name that PostgreSQL fires before the foreign key's ${action}`,
        'give it a name that begins with a small letter',
      );
    }
  }
}

/** What a foreign key's action fires after the row, PostgreSQL fires after the parent's own AFTER triggers, SQLite before. */
function refuseCascades({ trigger, schema, graph }: TriggerSubject, reach: Reach): void {
  for (const other of firedByActions({ trigger, schema, graph })) {
    const its = graph.reach(other);
    const met = (mine: readonly Access[], others: readonly Access[]) =>
      mine.find(({ table }) => others.some((one) => one.table === table));
    const changes = (of: Reach) => of.writes.map(({ access }) => access);
    const notAdded = (of: Reach) =>
      of.writes.filter(({ access }) => access.event !== 'INSERT').map(({ access }) => access);
    const reads = (of: Reach) => of.reads.map(({ access }) => access);
    const shared =
      met(changes(reach), [...reads(its), ...notAdded(its)]) ??
      met(changes(its), [...reads(reach), ...notAdded(reach)]);
    if (shared === undefined) continue;
    throw new Untranslatable(
      'trigger-before-cascade',
      `it uses "${shared.table}", and so does "${other.name}", which a foreign key's action fires: before it in SQLite, after it in PostgreSQL`,
      'make it a BEFORE trigger, or put what both do into the application',
    );
  }
}

/** The AFTER triggers of other tables that foreign keys fire where rows of a trigger's table change. */
function firedByActions({ trigger, schema, graph }: TriggerSubject): readonly SqliteTrigger[] {
  const { event } = situationOf(trigger.statement);
  const table = tableOf(trigger);
  const columns = schema.tables.find(({ name }) => name.toLowerCase() === table)?.columns ?? [];
  const changed = { table, event, columns: columns.map(({ name }) => name.toLowerCase()) };
  const seen = new Set<string>();
  const found = new Set<SqliteTrigger>();
  const follow = (change: typeof changed) => {
    for (const action of graph.actionsOf(change)) {
      const mark = `${action.table} ${action.event} ${action.columns.join()}`;
      if (seen.has(mark)) continue;
      seen.add(mark);
      for (const one of graph.firedBy(action)) {
        if (one !== trigger && situationOf(one.statement).time === 'AFTER') found.add(one);
      }
      follow({ table: action.table, event: action.event, columns: [...action.columns] });
    }
  };
  follow(changed);
  return [...found];
}

function keysOf(schema: SqliteSchema): readonly { readonly child: string; readonly key: SqliteForeignKey }[] {
  return schema.tables.flatMap(({ name, foreignKeys }) =>
    foreignKeys.map((key) => ({ child: name.toLowerCase(), key })),
  );
}

function byOther({ by }: Reached<Access>, trigger: SqliteTrigger): string {
  if (by === trigger) return '';
  return by === null ? ' by way of a foreign key' : ` by way of trigger "${by.name}"`;
}
