import type { SqliteSchema, SqliteTrigger } from '../sqlite/schema.ts';
import { translateTrigger } from '../translate/translate-trigger.ts';
import { Untranslatable } from '../translate/translation.ts';
import { Names } from './names.ts';
import type { PlannedTrigger } from './plan.ts';
import type { Planning } from './planning.ts';
import { TriggerGraph } from './trigger-graph.ts';
import { refuseHazards } from './trigger-hazards.ts';
import { orderedNames } from './trigger-order.ts';

/** The triggers, in PL/pgSQL where they do the same there; all others are rejected by name. */
export function planTriggers(planning: Planning, schema: SqliteSchema): readonly PlannedTrigger[] {
  const graph = new TriggerGraph(schema);
  const wanted = orderedNames(schema.triggers, graph);
  const triggerNames = new Names([]);
  return schema.triggers.flatMap((trigger) => {
    const place = placeOf(trigger, schema);
    const omissible = `trigger:${trigger.name}` as const;
    if (planning.isOmitted(omissible, place)) return [];
    const owner = 'view' in place ? (`view:${trigger.table}` as const) : (`table:${trigger.table}` as const);
    if (planning.isOmitted(owner, place)) return [];
    try {
      const remarks = refuseHazards({ trigger, schema, graph });
      const name = triggerNames.give(wanted.get(trigger) ?? trigger.name);
      const functionName = planning.names.give(`${trigger.name}_trigger`);
      const translation = translateTrigger(trigger.statement, {
        catalog: planning.catalog,
        name,
        functionName,
        isGuarded: graph.reach(trigger).isRecursive,
      });
      planning.remark(place, [...remarks, ...renamed(trigger, name), ...translation.remarks]);
      planning.usesPack ||= translation.usesPack;
      return [{ name, functionName, table: trigger.table, sql: translation.sql }];
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      const { code, message, remedy } = error;
      planning.reject({ code, place, message, remedy }, omissible);
      return [];
    }
  });
}

function placeOf({ name, table }: SqliteTrigger, { views }: SqliteSchema) {
  const isView = views.some((view) => view.name.toLowerCase() === table.toLowerCase());
  return isView ? { view: table, trigger: name } : { table, trigger: name };
}

function renamed(trigger: SqliteTrigger, name: string): Parameters<Planning['remark']>[1] {
  if (name === trigger.name) return [];
  const message = `is called "${name}" in PostgreSQL, which fires triggers in the order of their names (and cuts names after 63 bytes)`;
  return [{ severity: 'note', code: 'trigger-renamed', message }];
}
