import type { SqliteSchema, SqliteTrigger } from '../sqlite/schema.ts';
import type { TriggerGraph } from './trigger-graph.ts';

/** A trigger that is looked at, and what is around it. */
export interface TriggerSubject {
  readonly trigger: SqliteTrigger;
  readonly schema: SqliteSchema;
  readonly graph: TriggerGraph;
}

/** The table or view that a trigger is on, in lower case. */
export function tableOf({ statement }: SqliteTrigger): string {
  return statement.tblName.objName.text.toLowerCase();
}
