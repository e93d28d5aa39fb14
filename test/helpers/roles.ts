import type { Crossfade, StoreName } from '../../adapter/index.ts';
import type { ExecutionContext } from 'ava';
import { encodeKey, otherStore } from '../../adapter/spec.ts';
import type { Key, TableSpec } from '../../adapter/spec.ts';
import type { Batch, StepApplied, StepReading, StepRequest, Store } from '../../adapter/store.ts';
import { goTo, makePair } from './pair.ts';
import type { Pair } from './pair.ts';

/** Each contract is tried with SQLite and with PostgreSQL as the primary. */
export const DIRECTIONS = ['sqlite', 'postgres'] as const satisfies readonly StoreName[];

/** Both databases as stores, and who is who. */
export interface Roles {
  readonly pair: Pair;
  readonly crossfade: Crossfade;
  readonly primary: Store;
  readonly secondary: Store;
  /** Runs SQL on the primary as somebody who knows nothing of Crossfade. */
  write(sql: string): Promise<void>;
  table(name: string): TableSpec;
  /** A request for everything after what the secondary holds now. */
  request(changes?: Partial<StepRequest>): Promise<StepRequest>;
}

/** Both databases with this one as primary, all rows mirrored, and no Mirror running. */
export async function rolesWith(
  t: Pick<ExecutionContext, 'teardown' | 'log'>,
  primary: StoreName,
  options: Parameters<typeof makePair>[1] = {},
): Promise<Roles> {
  const pair = await makePair(t, options);
  const mover = await pair.open();
  await goTo(mover, primary === 'sqlite' ? 'dual' : 'write');
  await mover.close();
  const crossfade = await pair.open({ mirror: 'off' });
  const { stores } = crossfade;
  const secondary = stores[otherStore(primary)];
  return {
    pair,
    crossfade,
    primary: stores[primary],
    secondary,
    table: (name) => {
      const found = crossfade.tables.find((candidate) => candidate.name === name);
      if (found === undefined) throw new Error(`no table ${name}`);
      return found;
    },
    write: async (sql) => {
      if (primary === 'sqlite') pair.sqlite.exec(sql);
      else await pair.postgres.query(sql);
    },
    request: async (changes = {}) => {
      const { state, cursors } = await secondary.progress();
      return {
        epoch: state.epoch,
        after: state.watermark ?? '',
        captureId: state.watermarkCaptureId ?? '',
        tables: crossfade.tables,
        cursors,
        retry: new Map(),
        piece: null,
        ...changes,
      };
    },
  };
}

export async function batchesOf(reading: StepReading): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of reading.batches()) batches.push(batch);
  return batches;
}

/** Keys named in a step, by table: `present` and `absent`. */
export function keysIn(batches: readonly Batch[], kind: 'present' | 'absent', table: string): string[] {
  return batches
    .filter((batch) => batch.table.name === table)
    .flatMap((batch): readonly Key[] =>
      kind === 'absent' ? batch.absent : batch.present.map((row) => batch.table.key.map((at) => row[at] ?? null)),
    )
    .map(encodeKey)
    .sort();
}

/** Reads the next step, with this piece of the backfill, and applies it. Resolves to whether it was the next one. */
export async function applyNext(roles: Roles, piece: StepRequest['piece'] = null): Promise<boolean> {
  const { state, quarantine } = await roles.secondary.progress();
  const retry = new Map<string, Key[]>();
  for (const { table, key } of quarantine) retry.set(table, [...(retry.get(table) ?? []), key]);
  const request = await roles.request({ retry, piece });
  const { epoch, step, watermarkCaptureId } = state;
  const applied = await roles.primary.read(request, (reading): Promise<StepApplied | null> =>
    roles.secondary.apply({ epoch, step, captureId: watermarkCaptureId ?? '', reading, quarantine }),
  );
  return applied !== null;
}
