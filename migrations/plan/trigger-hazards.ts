import type { SqliteForeignKey, SqliteSchema, SqliteTrigger } from '../sqlite/schema.ts';
import { situationOf } from '../translate/translate-trigger.ts';
import { Untranslatable } from '../translate/translation.ts';
import type { Remark } from '../translate/translation.ts';
import type { Access } from './trigger-effects.ts';
import type { Reach, Reached, TriggerGraph } from './trigger-graph.ts';

/** What {@link refuseHazards} looks at. */
export interface HazardousTrigger {
  readonly trigger: SqliteTrigger;
  readonly schema: SqliteSchema;
  readonly graph: TriggerGraph;
}

/** PostgreSQL fires triggers by name, those of foreign keys among them. */
const FOREIGN_KEY_TRIGGERS = 'RI_ConstraintTrigger';

/**
 * Refuses what PostgreSQL does at another time than SQLite, with another outcome. The difference behind most of it:
 * SQLite's AFTER triggers run right after each row, PostgreSQL's after the last row of the statement.
 *
 * @returns what is worth knowing of a trigger that is not refused.
 */
export function refuseHazards(subject: HazardousTrigger): readonly Remark[] {
  const { trigger, graph } = subject;
  const { time } = situationOf(trigger.statement);
  const reach = graph.reach(trigger);
  refuseVirtualTables(subject);
  refuseUnknownNew(subject);
  refuseConflictClauses(subject);
  if (time === 'BEFORE') refuseBefore(subject, reach);
  if (time === 'AFTER') {
    refuseOwnTable(subject, reach);
    refuseBetweenRows(subject, reach);
    refuseForeignKeys(subject, reach);
    refuseCascades(subject, reach);
  }
  return [...raiseRemarks(subject), ...remarks(subject, reach)];
}

function tableOf({ statement }: SqliteTrigger): string {
  return statement.tblName.objName.text.toLowerCase();
}

function refuseVirtualTables({ trigger, schema, graph }: HazardousTrigger): void {
  const { reads, writes } = graph.effects(trigger);
  for (const { table } of [...reads, ...writes]) {
    const found = schema.virtualTables.find(({ name }) => name.toLowerCase() === table);
    if (found === undefined) continue;
    throw new Untranslatable(
      'trigger-virtual-table',
      `it uses the virtual table "${found.name}"${found.module === null ? '' : ` (${found.module})`}, which PostgreSQL does not have`,
      'replace that table by what PostgreSQL has for its purpose (a tsvector column and a GIN index for FTS5), which needs no trigger',
    );
  }
}

/** What SQLite knows of NEW before the row is written, and PostgreSQL does not, or the other way round. */
function refuseUnknownNew({ trigger, schema, graph }: HazardousTrigger): void {
  const { time, event } = situationOf(trigger.statement);
  const table = schema.tables.find(({ name }) => name.toLowerCase() === tableOf(trigger));
  const { newColumns } = graph.effects(trigger);
  const generated = (table?.columns ?? []).filter((column) => column.generated !== null);
  if (trigger.statement.event.type === 'UpdateOfTriggerEvent') {
    const named = new Set(trigger.statement.event.columns.map(({ text }) => text.toLowerCase()));
    const column = generated.find(({ name }) => named.has(name.toLowerCase()));
    if (column !== undefined) {
      throw new Untranslatable(
        'trigger-generated-column',
        `it is fired by an update of the generated column "${column.name}", which SQLite never sees`,
        'name the columns that it is computed from',
      );
    }
  }
  if (time !== 'BEFORE') return;
  const computed = generated.find(({ name }) => newColumns.has(name.toLowerCase()));
  if (computed !== undefined) {
    throw new Untranslatable(
      'trigger-generated-column',
      `it looks at NEW."${computed.name}", a generated column, which PostgreSQL computes after BEFORE triggers`,
      'make it an AFTER trigger, or write out what the column is computed from',
    );
  }
  const rowid = table?.columns.find(({ isRowid }) => isRowid);
  const names = [rowid?.name.toLowerCase() ?? 'rowid', 'rowid', 'oid', '_rowid_'];
  if (event === 'INSERT' && names.some((name) => newColumns.has(name))) {
    throw new Untranslatable(
      'trigger-new-rowid',
      `it looks at NEW."${rowid?.name ?? 'rowid'}" before the row is inserted: SQLite has -1 there until it has chosen an id, PostgreSQL the id`,
      'make it an AFTER trigger',
    );
  }
}

/** Conflict clauses reach into the triggers that their statement fires, and REPLACE fires none for the rows it removes. */
function refuseConflictClauses({ trigger, schema, graph }: HazardousTrigger): void {
  for (const { table, conflict } of graph.effects(trigger).writes) {
    if (conflict === undefined) continue;
    const name = conflict === 'Replace' ? 'INSERT OR REPLACE' : 'INSERT OR IGNORE';
    const columns = schema.tables.find((one) => one.name.toLowerCase() === table)?.columns ?? [];
    const updated = columns.map((column) => column.name.toLowerCase());
    const fired = graph.firedBy({ table, event: 'INSERT', columns: [] });
    const others = conflict === 'Replace' ? graph.firedBy({ table, event: 'UPDATE', columns: updated }) : [];
    const [other] = [
      ...(conflict === 'Replace' ? fired : fired.filter((one) => graph.effects(one).writes.length > 0)),
      ...others,
    ];
    if (other !== undefined) {
      throw new Untranslatable(
        'trigger-conflict-clause',
        `its ${name} into "${table}" fires "${other.name}" otherwise than in PostgreSQL`,
        'use INSERT … ON CONFLICT (…) DO UPDATE or DO NOTHING',
      );
    }
    const child = schema.tables.find((one) => one.foreignKeys.some(({ parent }) => parent.toLowerCase() === table));
    if (conflict === 'Replace' && child !== undefined) {
      throw new Untranslatable(
        'trigger-conflict-clause',
        `its ${name} into "${table}" removes rows that "${child.name}" refers to, and PostgreSQL would change them`,
        'use INSERT … ON CONFLICT (…) DO UPDATE',
      );
    }
  }
}

function refuseBefore({ trigger }: HazardousTrigger, reach: Reach): void {
  const write = reach.writes.find(({ access }) => access.table === tableOf(trigger));
  if (write === undefined) return;
  throw new Untranslatable(
    'trigger-writes-own-table',
    `it fires before rows of "${trigger.table}" are written and writes to that table${byOther(write, trigger)}, which PostgreSQL refuses or does in another order`,
    'make it an AFTER trigger that writes to its own row by the primary key',
  );
}

function refuseOwnTable({ trigger }: HazardousTrigger, reach: Reach): void {
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
function refuseBetweenRows({ trigger, graph, ...subject }: HazardousTrigger, reach: Reach): void {
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
function rivals({ trigger, schema }: HazardousTrigger): readonly SqliteTrigger[] {
  const { event } = situationOf(trigger.statement);
  return schema.triggers.filter((other) => {
    const situation = situationOf(other.statement);
    if (situation.time !== 'BEFORE' || tableOf(other) !== tableOf(trigger)) return false;
    return (situation.event === 'DELETE') === (event === 'DELETE');
  });
}

/** PostgreSQL looks at foreign keys in its turn among the AFTER triggers, SQLite at the end of the statement. */
function refuseForeignKeys({ trigger, schema }: HazardousTrigger, reach: Reach): void {
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
function refuseCascades({ trigger, schema, graph }: HazardousTrigger, reach: Reach): void {
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
function firedByActions({ trigger, schema, graph }: HazardousTrigger): readonly SqliteTrigger[] {
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

/** https://sqlite.org/lang_createtrigger.html#the_raise_function */
function raiseRemarks({ trigger, schema, graph }: HazardousTrigger): readonly Remark[] {
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
function isFlatRefusal({ trigger, schema, graph }: HazardousTrigger): boolean {
  const { statement } = trigger;
  const { time, event } = situationOf(statement);
  const [first] = statement.commands;
  if (time === 'AFTER' || statement.whenClause !== undefined || first?.type !== 'SelectTriggerCmd') return false;
  const core = first.select.select;
  if (core.type !== 'SelectFrom' || core.from !== undefined || core.whereClause !== undefined) return false;
  const [column] = core.columns;
  if (column?.type !== 'ExprResultColumn' || column.expr.type !== 'RaiseExpr') return false;
  const rivals = schema.triggers.filter(
    (one) =>
      one !== trigger &&
      tableOf(one) === tableOf(trigger) &&
      situationOf(one.statement).time === time &&
      situationOf(one.statement).event === event,
  );
  // An upsert can have inserted rows before it comes to one that it updates.
  return rivals.length === 0 && event !== 'UPDATE' && !graph.isFiredWithin(trigger);
}

function remarks(subject: HazardousTrigger, reach: Reach): readonly Remark[] {
  const { trigger, graph } = subject;
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

function byOther({ by }: Reached<Access>, trigger: SqliteTrigger): string {
  if (by === trigger) return '';
  return by === null ? ' by way of a foreign key' : ` by way of trigger "${by.name}"`;
}
