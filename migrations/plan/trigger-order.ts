import type { SqliteTrigger } from '../sqlite/schema.ts';
import { situationOf } from '../translate/translate-trigger.ts';
import type { TriggerGraph } from './trigger-graph.ts';

/**
 * The names that make PostgreSQL fire triggers as SQLite does: it goes by name, SQLite fires the one first that was made
 * last (which its manual does not promise). A name stays as it is where the order cannot matter or is the same.
 *
 * @param triggers in the order in which they were made.
 */
export function orderedNames(
  triggers: readonly SqliteTrigger[],
  graph: TriggerGraph,
): ReadonlyMap<SqliteTrigger, string> {
  const groups = new Map<string, SqliteTrigger[]>();
  for (const trigger of triggers.toReversed()) {
    const { time, event } = situationOf(trigger.statement);
    const key = `${time} ${event} ${trigger.table.toLowerCase()}`;
    groups.set(key, [...(groups.get(key) ?? []), trigger]);
  }
  const names = new Map<SqliteTrigger, string>();
  for (const group of groups.values()) {
    const isMisordered = group.some((first, index) =>
      group
        .slice(index + 1)
        .some((second) => isBefore(second.name, first.name) && dependOnEachOther(first, second, graph)),
    );
    const width = `${group.length}`.length;
    group.forEach((trigger, index) => {
      names.set(trigger, isMisordered ? `t${`${index + 1}`.padStart(width, '0')}_${trigger.name}` : trigger.name);
    });
  }
  return names;
}

/** PostgreSQL compares the names of triggers byte by byte. */
function isBefore(one: string, other: string): boolean {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0;
}

/** Whether one of them can find, or undo, what the other did. */
function dependOnEachOther(one: SqliteTrigger, other: SqliteTrigger, graph: TriggerGraph): boolean {
  if ([one, other].some((trigger) => graph.effects(trigger).raises.has('Ignore'))) return true;
  const [first, second] = [graph.reach(one), graph.reach(other)];
  const isMet = (mine: typeof first, its: typeof first) =>
    mine.writes.some(({ access }) => [...its.reads, ...its.writes].some((met) => met.access.table === access.table));
  return isMet(first, second) || isMet(second, first);
}
