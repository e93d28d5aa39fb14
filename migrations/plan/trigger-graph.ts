import type { SqliteSchema, SqliteTrigger } from '../sqlite/schema.ts';
import { situationOf } from '../translate/translate-trigger.ts';
import { effectsOf } from './trigger-effects.ts';
import type { Access, TriggerEffects, Write } from './trigger-effects.ts';

/** Something that happens because a trigger fires. */
export interface Reached<T extends Access> {
  /** `isOwnRow`: of the trigger that this is asked of. */
  readonly access: T;
  /** The trigger that does it; null for the action of a foreign key. */
  readonly by: SqliteTrigger | null;
}

/** All that follows when a trigger fires. */
export interface Reach {
  readonly reads: readonly Reached<Access>[];
  readonly writes: readonly Reached<Write>[];
  /** Whether its own statements would fire it again. */
  readonly isRecursive: boolean;
}

/** Which trigger fires which, and what comes of it; actions of foreign keys are followed too. */
export class TriggerGraph {
  readonly #schema: SqliteSchema;
  readonly #effects: ReadonlyMap<SqliteTrigger, TriggerEffects>;
  readonly #reaches = new Map<SqliteTrigger, Reach>();

  constructor(schema: SqliteSchema) {
    this.#schema = schema;
    this.#effects = new Map(schema.triggers.map((trigger) => [trigger, effectsOf(trigger, schema)]));
  }

  effects(trigger: SqliteTrigger): TriggerEffects {
    const effects = this.#effects.get(trigger);
    if (effects === undefined) throw new RangeError(`trigger "${trigger.name}" is not of this schema`);
    return effects;
  }

  /** The triggers that a statement fires directly. */
  firedBy({ table, event, columns }: Pick<Write, 'table' | 'event' | 'columns'>): readonly SqliteTrigger[] {
    return this.#schema.triggers.filter(({ statement }) => {
      if (statement.tblName.objName.text.toLowerCase() !== table || situationOf(statement).event !== event)
        return false;
      if (statement.event.type !== 'UpdateOfTriggerEvent') return true;
      return statement.event.columns.some(({ text }) => columns.includes(text.toLowerCase()));
    });
  }

  /** What the foreign keys that refer to a table do when a statement changes it. */
  actionsOf({ table, event, columns }: Pick<Write, 'table' | 'event' | 'columns'>): readonly Write[] {
    if (event === 'INSERT') return [];
    return this.#schema.tables.flatMap((child) =>
      child.foreignKeys.flatMap((key): readonly Write[] => {
        if (key.parent.toLowerCase() !== table) return [];
        if (event === 'UPDATE' && !key.parentColumns.some((column) => columns.includes(column.toLowerCase())))
          return [];
        const action = event === 'DELETE' ? key.onDelete : key.onUpdate;
        if (action === 'NO ACTION' || action === 'RESTRICT') return [];
        const own = { table: child.name.toLowerCase(), isOwnRow: false };
        if (event === 'DELETE' && action === 'CASCADE') return [{ ...own, event: 'DELETE', columns: [] }];
        return [{ ...own, event: 'UPDATE', columns: key.columns.map((column) => column.toLowerCase()) }];
      }),
    );
  }

  /** Whether anything but a statement of the application's fires it. */
  isFiredWithin(trigger: SqliteTrigger): boolean {
    const table = trigger.statement.tblName.objName.text.toLowerCase();
    const { event } = situationOf(trigger.statement);
    const byKeys = this.#schema.tables.flatMap((parent) =>
      (['UPDATE', 'DELETE'] as const).flatMap((change) =>
        this.actionsOf({
          table: parent.name.toLowerCase(),
          event: change,
          columns: parent.columns.map(({ name }) => name.toLowerCase()),
        }),
      ),
    );
    const writes = [...byKeys, ...[...this.#effects.values()].flatMap((effects) => effects.writes)];
    return writes.some((write) => write.table === table && write.event === event);
  }

  reach(trigger: SqliteTrigger): Reach {
    let reach = this.#reaches.get(trigger);
    if (reach === undefined) {
      reach = this.#follow(trigger);
      this.#reaches.set(trigger, reach);
    }
    return reach;
  }

  #follow(root: SqliteTrigger): Reach {
    const table = root.statement.tblName.objName.text.toLowerCase();
    const reads: Reached<Access>[] = [];
    const writes: Reached<Write>[] = [];
    const seen = new Set<string>();
    let isRecursive = false;
    const fire = (trigger: SqliteTrigger, isOwn: boolean) => {
      const mark = `${isOwn} ${trigger.name}`;
      if (seen.has(mark)) return;
      seen.add(mark);
      const effects = this.effects(trigger);
      const own = (access: Access) => isOwn && access.isOwnRow && access.table === table;
      for (const read of effects.reads) reads.push({ access: { ...read, isOwnRow: own(read) }, by: trigger });
      for (const write of effects.writes) change({ ...write, isOwnRow: own(write) }, trigger);
    };
    const change = (write: Write, by: SqliteTrigger | null) => {
      const mark = `${by?.name ?? ''} ${JSON.stringify(write)}`;
      if (seen.has(mark)) return;
      seen.add(mark);
      writes.push({ access: write, by });
      for (const next of this.firedBy(write)) {
        // In SQLite a trigger that runs is not fired again, and what it would do is not done.
        if (next === root) isRecursive = true;
        else fire(next, write.isOwnRow);
      }
      for (const action of this.actionsOf(write)) change(action, null);
    };
    fire(root, true);
    return { reads, writes, isRecursive };
  }
}
