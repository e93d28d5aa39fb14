import type { ComparisonBase, StoredBase } from '../adapter/comparison-base.ts';
import type { Key, TableSpec } from '../adapter/spec.ts';
import type { Position } from '../adapter/store.ts';
import type { Pair } from './pair.ts';

/** How a table is compared incrementally: these keys, and a share of the others. */
export interface Increment {
  /** `all` after a TRUNCATE. */
  readonly changed: readonly Key[] | 'all';
  /** Where the rolling share goes on. */
  readonly after: Key | null;
}

/** What an incremental comparison can do: go on from the last one, or look at everything, for the reason given. */
export type Plan =
  | { readonly is: 'increment'; readonly of: ReadonlyMap<string, Increment> }
  | { readonly is: 'full'; readonly because: string };

export interface PlanRequest {
  readonly pair: Pair;
  readonly tables: readonly TableSpec[];
  readonly stored: StoredBase | undefined;
  readonly rowsCopied: number;
}

/** With more changes than that everything is looked at: a digest of many rows costs less than to look at each. */
const MAX_CHANGES = 200_000;

/** What there is to go on from. */
export async function planIncrement({ pair, tables, stored, rowsCopied }: PlanRequest): Promise<Plan> {
  const base = stored?.base ?? null;
  if (base === null) {
    return { is: 'full', because: stored?.droppedBecause ?? 'nothing has been compared incrementally before' };
  }
  const because = await whyNot(base, { pair, tables, rowsCopied });
  if (because !== null) return { is: 'full', because };
  const of = new Map<string, Increment>();
  let changes = 0;
  for (const table of tables) {
    const { after = null, open = [] } = base.tables[table.name] ?? {};
    const found = await pair.primary.changedKeys(table, base.position);
    of.set(table.name, { changed: found === 'all' ? found : [...open, ...found], after });
    changes += found.length;
  }
  // Only now is it certain that nothing was forgotten while they were read.
  if (!(await pair.primary.keepsSince(base.position))) return { is: 'full', because: FORGOTTEN };
  if (changes > MAX_CHANGES) return { is: 'full', because: `${changes} rows have changed since the last comparison` };
  return { is: 'increment', of };
}

const FORGOTTEN = "the primary's changelog no longer reaches back to the last comparison";

async function whyNot(
  base: ComparisonBase,
  { pair, tables, rowsCopied }: Omit<PlanRequest, 'stored'>,
): Promise<string | null> {
  if (!base.isComplete) return 'the last comparison that looked at everything did not come to its end';
  if (base.captureId !== pair.captureId || base.epoch !== pair.epoch) {
    return 'the writes have moved to the other database since the last comparison, or were captured anew';
  }
  if (base.rowsCopied !== rowsCopied) return 'rows were copied anew since the last comparison';
  const missing = tables.find(({ name }) => base.tables[name] === undefined);
  if (missing !== undefined) return `the last comparison did not look at table "${missing.name}"`;
  return (await pair.primary.keepsSince(base.position)) ? null : FORGOTTEN;
}

/** A base that only keeps the changelog until its comparison has ended. */
export function provisional(
  pair: Pair,
  { position, rowsCopied }: { position: Position; rowsCopied: number },
): ComparisonBase {
  const { captureId, epoch } = pair;
  return { captureId, epoch, position, rowsCopied, isComplete: false, tables: {} };
}
