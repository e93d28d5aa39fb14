import type { Config } from './config.ts';
import { CrossfadeError } from './errors.ts';
import { matchTables } from './match-tables.ts';
import { keyOf, otherStore } from './spec.ts';
import type { StoreName, TableSpec } from './spec.ts';
import type { Store, StoreState } from './store.ts';

const PAGE_ROWS = 1_000;

export interface ReconcileOptions {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly config: Pick<Config, 'include' | 'exclude' | 'columns'>;
}

/**
 * Begins to make the secondary follow the primary again although the history between them is lost, and keeps its rows:
 * capture begins anew, and every row is copied over what is there. Does nothing when that is under way already.
 *
 * The primary is the store that claims to be, with the higher epoch. The other one, should it claim the same, missed a
 * switch, and becomes the secondary here.
 *
 * @throws CrossfadeError `NOT_INSTALLED`; `SWITCHING` in the middle of a write switch; what {@link matchTables} throws.
 */
export async function beginReconcile({ stores, config }: ReconcileOptions): Promise<readonly TableSpec[]> {
  const { sqlite, postgres } = stores;
  const [a, b] = [await sqlite.state(), await postgres.state()];
  const { primary, secondary, state, other } = rolesOf(stores, a, b);
  if (other?.isReconciling && other.epoch === state.epoch && other.watermarkCaptureId === state.captureId) {
    return await sqlite.installedTables();
  }
  const tables = matchTables({ sqlite: await sqlite.describe(), postgres: await postgres.describe() }, config);
  for (const store of [sqlite, postgres]) await store.prepareInstall(tables);
  const { epoch, stage } = state;
  await secondary.demote({ epoch, stage });
  await secondary.install({ tables, role: 'secondary', epoch, stage });
  await primary.install({ tables, role: 'primary', epoch, stage });
  const { captureId, position } = await primary.recapture(tables);
  await secondary.adopt({ captureId, watermark: position, tables, empties: false, reconciles: true });
  return tables;
}

/**
 * Has the rows of the secondary removed that the primary does not have, and ends the reconciliation. To be called when
 * every row has been copied. Resolves to how many there were, by table.
 *
 * Keys are only named to the Mirror, in the primary's changelog: it looks for itself whether the row is there.
 */
export async function endReconcile(options: {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly tables: readonly TableSpec[];
  /** Resolves when the Mirror has passed what was committed before. */
  readonly caughtUp: () => Promise<void>;
}): Promise<ReadonlyMap<string, number>> {
  const { stores, tables, caughtUp } = options;
  const { primary, secondary } = rolesOf(stores, await stores.sqlite.state(), await stores.postgres.state());
  const removed = new Map<string, number>();
  for (const table of tables) {
    let extra = 0;
    for (let page = await secondary.page(table, null, PAGE_ROWS); page.length > 0;) {
      const keys = page.map((row) => keyOf(table, row));
      const rows = await primary.rowsByKey(table, keys);
      const absent = keys.filter((_, index) => rows[index] === undefined);
      if (absent.length > 0) await primary.touch(table, absent);
      extra += absent.length;
      page = page.length < PAGE_ROWS ? [] : await secondary.page(table, keys.at(-1) ?? null, PAGE_ROWS);
    }
    if (extra > 0) removed.set(table.name, extra);
  }
  await caughtUp();
  await secondary.reconciled();
  return removed;
}

function rolesOf(
  stores: Readonly<Record<StoreName, Store>>,
  a: StoreState | undefined,
  b: StoreState | undefined,
): { primary: Store; secondary: Store; state: StoreState; other: StoreState | undefined } {
  if (a === undefined && b === undefined) {
    throw new CrossfadeError('NOT_INSTALLED', 'there is nothing to reconcile: Crossfade is not installed', {
      hint: 'run: crossfade backfill',
    });
  }
  const claims = (
    [
      ['sqlite', a],
      ['postgres', b],
    ] as const
  )
    .flatMap(([name, state]) => (state?.role === 'primary' ? [{ name, state }] : []))
    .toSorted((one, another) => another.state.epoch - one.state.epoch);
  const [winner] = claims;
  if (winner === undefined || winner.state.intent !== null) {
    throw new CrossfadeError('SWITCHING', 'the databases cannot be reconciled in the middle of a write switch', {
      hint: 'see crossfade status; try again when a store takes the writes',
    });
  }
  const other = winner.name === 'sqlite' ? b : a;
  return { primary: stores[winner.name], secondary: stores[otherStore(winner.name)], state: winner.state, other };
}
