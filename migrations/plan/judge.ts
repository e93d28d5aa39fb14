import { formComment } from '../../adapter/codec/form.ts';
import type { Finding, Place } from '../finding.ts';
import type { LiveIndex, LiveSchema, LiveTable } from './introspect.ts';
import type { Plan, PlannedIndex, PlannedTable } from './plan.ts';

/**
 * What PostgreSQL made of a plan, held against the plan: every table, column, key, constraint, index, view and trigger, in
 * both directions. Expressions are looked at for being there; what they mean is PostgreSQL's own reading of the text.
 *
 * @returns one finding per difference; a plan that was carried out has none.
 */
export function judge(plan: Plan, live: LiveSchema): readonly Finding[] {
  const verdict = new Verdict();
  for (const table of plan.tables) {
    const made = live.tables.get(table.name);
    if (made === undefined) verdict.add({ table: table.name }, 'the table is missing');
    else judgeTable(verdict, table, made);
  }
  const planned = new Set(plan.tables.map(({ name }) => name));
  for (const name of live.tables.keys()) {
    if (!planned.has(name)) verdict.add({ table: name }, 'the table is not in the plan');
  }
  for (const view of plan.views) {
    const made = live.views.get(view.name);
    if (made === undefined) verdict.add({ view: view.name }, 'the view is missing');
    else verdict.same({ view: view.name }, 'the columns', view.columns.join(', '), made.columns.join(', '));
  }
  for (const trigger of plan.triggers) {
    const made = live.tables.get(trigger.table)?.triggers.has(trigger.name) ?? live.views.has(trigger.table);
    if (!made) verdict.add({ table: trigger.table, trigger: trigger.name }, 'the trigger is missing');
  }
  return verdict.findings;
}

function judgeTable(verdict: Verdict, table: PlannedTable, made: LiveTable): void {
  const at = (place: Omit<Place, 'table'>): Place => ({ table: table.name, ...place });
  verdict.same(at({}), 'the columns', table.columns.map(({ name }) => name).join(', '), made.order.join(', '));
  for (const column of table.columns) {
    const other = made.columns.get(column.name);
    if (other === undefined) continue;
    const place = at({ column: column.name });
    verdict.same(place, 'the type', column.type, other.type);
    verdict.same(place, 'the collation', column.collation, other.collation);
    const isKey = table.primaryKey?.columns.includes(column.name) ?? false;
    verdict.same(place, 'NOT NULL', column.notNull || isKey || column.identity !== null, other.notNull);
    verdict.same(place, 'a default', column.default !== null && !isNull(column.default), other.default !== null);
    verdict.same(place, 'being generated', column.generated !== null, other.generated !== null);
    verdict.same(place, 'an identity', column.identity !== null, other.isIdentity);
    verdict.same(place, 'the comment', column.form === null ? null : formComment(column.form), other.comment);
  }
  const keyText = (key: { readonly name: string; readonly columns: readonly string[] } | null): string | null =>
    key === null ? null : `${key.name} (${key.columns.join(', ')})`;
  verdict.same(at({}), 'the primary key', keyText(table.primaryKey), keyText(made.primaryKey));
  verdict.each(table.uniques, made.uniques, (unique, other) => {
    const place = at({ constraint: unique?.name ?? other?.name ?? '' });
    verdict.same(place, 'the columns', unique?.columns.join(', '), other?.columns.join(', '));
  });
  verdict.each(table.checks, made.checks, (check, other) => {
    if (check === undefined) verdict.add(at({}), 'a CHECK is not in the plan');
    else verdict.same(at({ constraint: check.name }), 'a CHECK', true, other !== undefined);
  });
  verdict.each(table.foreignKeys, made.foreignKeys, (key, other) => {
    const place = at({ constraint: key?.name ?? '' });
    verdict.same(place, 'the foreign key', key && foreignKeyText(key), other && foreignKeyText(other));
  });
  verdict.each(table.indexes, made.indexes, (index, other) => {
    const place = at({ index: index?.name ?? '' });
    verdict.same(place, 'the index', index && indexText(index), other && indexText(other));
  });
}

/** `DEFAULT NULL` is no default to PostgreSQL. */
function isNull(sql: string): boolean {
  return /^null$/i.test(sql);
}

function foreignKeyText(
  key: PlannedTable['foreignKeys'][number] | Omit<PlannedTable['foreignKeys'][number], 'name'>,
): string {
  const { columns, parent, parentColumns, onUpdate, onDelete, deferrable, valid } = key;
  return `(${columns.join(', ')}) to ${parent} (${parentColumns.join(', ')}), on update ${onUpdate}, on delete ${onDelete}, deferrable ${deferrable}${valid ? '' : ', not valid'}`;
}

/** All of an index but the words of its expressions. */
function indexText(index: PlannedIndex | LiveIndex): string {
  const parts = index.parts.map(
    ({ column, descending, nullsFirst }) =>
      `${column ?? 'expression'}${descending ? ' descending' : ''}${nullsFirst ? ' nulls first' : ''}`,
  );
  return `${index.unique ? 'unique ' : ''}(${parts.join(', ')})${index.where === null ? '' : ' with a condition'}`;
}

/** Collects differences. */
class Verdict {
  readonly findings: Finding[] = [];

  add(place: Place, message: string): void {
    this.findings.push({
      severity: 'rejection',
      code: 'not-as-planned',
      place,
      message: `PostgreSQL's schema is not as planned: ${message}`,
    });
  }

  same(place: Place, what: string, wanted: unknown, found: unknown): void {
    if (wanted !== found) this.add(place, `${what}: planned ${say(wanted)}, found ${say(found)}`);
  }

  /** Calls back for everything that either side has. */
  each<P extends { readonly name: string }, L>(
    planned: readonly P[],
    live: ReadonlyMap<string, L>,
    compare: (one: P | undefined, other: L | undefined) => void,
  ): void {
    for (const one of planned) compare(one, live.get(one.name));
    const names = new Set(planned.map(({ name }) => name));
    for (const [name, other] of live) if (!names.has(name)) compare(undefined, other);
  }
}

function say(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
