import { messageOf } from '../adapter/errors.ts';
import { decodeKey, otherStore } from '../adapter/spec.ts';
import type { Key, StoreName, TableSpec } from '../adapter/spec.ts';
import type { ComparisonHistory } from '../adapter/store.ts';
import { differenceName } from './difference-name.ts';
import type { Divergence, DivergenceReport } from './divergence.ts';
import { installedTables } from './installed-tables.ts';
import { interrupts } from './interrupted.ts';
import { Pair } from './pair.ts';
import type { Sighting } from './pair.ts';
import { keyInPostgres } from './rows.ts';
import { settle } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import type { Comparable } from './compare.ts';

/** What a repair needs of a `Crossfade`. */
export interface Repairable extends Pick<Comparable, 'tables' | 'stores'> {
  readonly records: { readonly comparisons: Pick<ComparisonHistory, 'forget'> };
  readonly mirror: Comparable['mirror'] & {
    /** Has the Mirror copy these rows of the primary again, or remove them from the secondary where they are not there. */
    repair(table: TableSpec, keys: readonly Key[]): Promise<void>;
  };
}

export interface RepairOptions {
  /** Whether it is done; otherwise it is only counted. @default false */
  readonly yes?: boolean;
  /** How long to wait for the Mirror when the rows are looked at again, in ms. @default 10000 */
  readonly catchUpMs?: number;
  readonly onProgress?: (progress: RepairProgress) => void;
  /** Ends it between two portions. */
  readonly signal?: AbortSignal;
}

/** How far a repair has come, told after each portion. */
export interface RepairProgress {
  readonly table: string;
  readonly rows: number;
  readonly of: number;
}

/** What a repair has done, or would do. JSON as it stands. */
export interface RepairOutcome {
  /** Whether nothing was done, since nobody said yes. */
  readonly isDryRun: boolean;
  readonly tables: readonly TableRepair[];
  /** What a row's repair cannot mend: sequences, rows in quarantine, the schema. Each says itself what to do. */
  readonly notRepaired: number;
  /** Differences that were counted, but not listed, and so could not be handed on. */
  readonly leftOff: number;
  /** Why rows could not be looked at again; empty when they were. */
  readonly reasons: readonly string[];
}

export interface TableRepair {
  readonly table: string;
  /** What differed before. Missing and differing rows are copied again, extra ones removed from the secondary. */
  readonly before: RepairCounts;
  /** What differed still when exactly these rows were looked at again; `null` when nothing was done. */
  readonly after: (RepairCounts & { readonly quarantined: number; readonly inconclusive: number }) | null;
}

export interface RepairCounts {
  readonly missing: number;
  readonly extra: number;
  readonly differing: number;
}

/** Keys that are handed to the Mirror, and looked at again, at a time. */
const PORTION = 500;

/**
 * Has the Mirror mend the rows that a comparison found to differ, and looks at exactly those again. Without `yes` it says
 * what it would do.
 *
 * The keys go into the primary's changelog, as if the rows had changed: the Mirror looks for itself what the primary holds
 * then. Nothing but the secondary's rows is written, and no row that has come right meanwhile is harmed.
 *
 * @throws CrossfadeError `WAIT_TIMED_OUT`, `MIRROR_STOPPED`; `STEP_OUTDATED` in the middle of a write switch. What has been
 * handed on until then stays done.
 */
export async function repair(
  crossfade: Repairable,
  report: Pick<DivergenceReport, 'differences' | 'differencesLeftOff' | 'primary'>,
  options: RepairOptions = {},
): Promise<RepairOutcome> {
  const { primary } = report;
  const rows = report.differences.filter(isRepairable);
  const reasons: string[] = [];
  const tables: TableRepair[] = [];
  const giveBack = crossfade.mirror.demand();
  try {
    for (const table of await installedTables(crossfade)) {
      const own = rows.filter((one) => one.table === table.name);
      if (own.length === 0) continue;
      const before = countsOf(own.map((one) => one.class));
      const verdicts =
        options.yes && primary !== null ? await repaired(crossfade, { table, own, primary, options, reasons }) : null;
      tables.push({ table: table.name, before, after: verdicts === null ? null : afterwards(verdicts) });
    }
  } finally {
    giveBack();
  }
  return {
    isDryRun: !(options.yes ?? false),
    tables,
    notRepaired: report.differences.filter((one) => one.severity === 'mismatch' && !isRepairable(one)).length,
    leftOff: report.differencesLeftOff,
    reasons,
  };
}

function isRepairable({ class: kind, encodedKey }: Divergence): boolean {
  return encodedKey !== null && (kind === 'missing' || kind === 'extra' || kind === 'differing');
}

async function repaired(
  crossfade: Repairable,
  request: {
    readonly table: TableSpec;
    readonly own: readonly Divergence[];
    readonly primary: StoreName;
    readonly options: RepairOptions;
    readonly reasons: string[];
  },
): Promise<readonly Verdict[]> {
  const { table, own, options, reasons } = request;
  const verdicts: Verdict[] = [];
  for (let from = 0; from < own.length; from += PORTION) {
    options.signal?.throwIfAborted();
    const portion = own.slice(from, from + PORTION);
    const sightings = portion.map((one) => sightingOf(table, one, request.primary));
    await crossfade.mirror.repair(
      table,
      sightings.map(({ key }) => key),
    );
    try {
      verdicts.push(...(await lookAgain(crossfade, { table, sightings, catchUpMs: options.catchUpMs ?? 10_000 })));
    } catch (error) {
      if (!interrupts(error)) throw error;
      reasons.push(`${portion.length} rows of table "${table.name}" could not be looked at again: ${messageOf(error)}`);
      verdicts.push(...portion.map((): Verdict => ({ is: 'unsettled' })));
    }
    options.onProgress?.({ table: table.name, rows: from + portion.length, of: own.length });
  }
  const mended = own.filter((_, index) => verdicts[index]?.is === 'same');
  // What comes back is a new difference. Without a connection it is taken for an old one.
  await crossfade.records.comparisons.forget(mended.map(differenceName)).catch(() => {});
  return verdicts;
}

/** An extra row was seen in the secondary, any other in the primary. */
function sightingOf(table: TableSpec, { encodedKey, class: kind }: Divergence, primary: StoreName): Sighting {
  const key = decodeKey(encodedKey ?? '[]');
  const seenIn = kind === 'extra' ? otherStore(primary) : primary;
  return { key, keyInPostgres: keyInPostgres(table, key, seenIn), seenIn, seenAt: new Date() };
}

const ATTEMPTS = 8;

async function lookAgain(
  { stores, mirror }: Repairable,
  {
    table,
    sightings,
    catchUpMs,
  }: { readonly table: TableSpec; readonly sightings: readonly Sighting[]; readonly catchUpMs: number },
): Promise<readonly Verdict[]> {
  const [sqlite, postgres] = await Promise.all([stores.sqlite.state(), stores.postgres.state()]);
  if (sqlite === undefined || postgres === undefined) return sightings.map(() => ({ is: 'unsettled' }));
  const caughtUp = async (): Promise<void> => {
    await mirror.caughtUp({ timeoutMs: catchUpMs });
  };
  return await settle({ pair: Pair.of(stores, { sqlite, postgres }), table, sightings, attempts: ATTEMPTS, caughtUp });
}

function countsOf(kinds: readonly string[]): RepairCounts {
  const count = (kind: string): number => kinds.filter((one) => one === kind).length;
  return { missing: count('missing'), extra: count('extra'), differing: count('differing') };
}

function afterwards(verdicts: readonly Verdict[]): TableRepair['after'] {
  const kinds = verdicts.map(({ is }) => is);
  const count = (kind: Verdict['is']): number => kinds.filter((one) => one === kind).length;
  return { ...countsOf(kinds), quarantined: count('quarantined'), inconclusive: count('unsettled') };
}

/** How a repair ended: `nothing` differed; it was a `dry run`; all is `repaired`; something `remains`; or it is `inconclusive`. */
export function repairResult({
  isDryRun,
  tables,
  notRepaired,
  leftOff,
  reasons,
}: RepairOutcome): 'nothing' | 'dry run' | 'repaired' | 'remains' | 'inconclusive' {
  if (isDryRun) return tables.length + notRepaired + leftOff === 0 ? 'nothing' : 'dry run';
  const remains = tables.some(
    ({ after }) => after !== null && after.missing + after.extra + after.differing + after.quarantined > 0,
  );
  if (remains || notRepaired + leftOff > 0) return 'remains';
  if (reasons.length > 0 || tables.some(({ after }) => after === null || after.inconclusive > 0)) return 'inconclusive';
  return tables.length === 0 ? 'nothing' : 'repaired';
}
