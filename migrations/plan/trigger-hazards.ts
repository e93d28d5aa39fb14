import { situationOf } from '../translate/translate-trigger.ts';
import { Untranslatable } from '../translate/translation.ts';
import type { Remark } from '../translate/translation.ts';
import { raiseRemarks } from './trigger-raises.ts';
import { tableOf } from './trigger-subject.ts';
import type { TriggerSubject } from './trigger-subject.ts';
import { refuseOtherTimes, timingRemarks } from './trigger-timing.ts';

/**
 * Refuses a trigger that would have another effect in PostgreSQL although each of its statements has a translation. Throws
 * `Untranslatable`.
 *
 * @returns what is worth knowing of a trigger that is not refused.
 */
export function refuseHazards(subject: TriggerSubject): readonly Remark[] {
  refuseVirtualTables(subject);
  refuseUnknownNew(subject);
  refuseConflictClauses(subject);
  refuseOtherTimes(subject);
  return [...raiseRemarks(subject), ...timingRemarks(subject)];
}

function refuseVirtualTables({ trigger, schema, graph }: TriggerSubject): void {
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
function refuseUnknownNew({ trigger, schema, graph }: TriggerSubject): void {
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
function refuseConflictClauses({ trigger, schema, graph }: TriggerSubject): void {
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
