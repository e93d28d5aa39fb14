import { setTimeout as sleep } from 'node:timers/promises';
import type { ComparisonBase, ComparisonBases, StoredBase } from '../adapter/comparison-base.ts';
import { EVERYTHING, newSalt } from '../adapter/digest.ts';
import type { DigestFitness } from '../adapter/digest.ts';
import { CrossfadeError, messageOf } from '../adapter/errors.ts';
import type { Key, TableSpec } from '../adapter/spec.ts';
import type { Stage } from '../adapter/stage.ts';
import type { Records, Store, StoreState } from '../adapter/store.ts';
import { Budget } from './budget.ts';
import { Findings } from './findings.ts';
import { planIncrement, provisional } from './incremental.ts';
import type { Plan } from './incremental.ts';
import { installedTables } from './installed-tables.ts';
import { Interrupted, interrupts } from './interrupted.ts';
import type { CompareOptions } from './options.ts';
import { Pair } from './pair.ts';
import type { ComparisonReport } from './report.ts';
import { scopeOf } from './scope.ts';
import type { Scope } from './scope.ts';
import type { SharedRun } from './shared-ranges.ts';
import { TableComparison } from './table-comparison.ts';

/** What the comparer needs of a `Crossfade`. */
export interface Comparable {
  readonly tables: readonly TableSpec[];
  readonly stores: { readonly sqlite: Store; readonly postgres: Store };
  readonly records: Pick<Records, 'recordComparison' | 'runs' | keyof ComparisonBases>;
  readonly mirror: {
    /** Resolves when everything committed on the primary before the call is mirrored, and rejects otherwise. */
    caughtUp(options: { timeoutMs: number }): Promise<unknown>;
    /** Keeps the Mirror running until the returned function is called, in a stage that does not ask for it too. */
    demand(): () => void;
  };
}

export type { CompareOptions };

/**
 * Compares the rows of both databases, beside live traffic.
 *
 * Tables are compared by digests of ranges of their keys, each computed where the rows are; where two differ, by ever
 * smaller ones, then by rows. Tables whose keys the databases do not order alike (`COLLATE NOCASE`, text in a language's
 * order, moments of mixed forms) are walked row by row, each side in its own order.
 *
 * A difference counts only if it is still there after the Mirror has passed the moment it was seen, so rows in flight are
 * never reported; what cannot be told (the Mirror stands still, a database is down) is `inconclusive`, never a mismatch.
 *
 * Rows that the secondary refused are counted as quarantined; they make the outcome a mismatch too, since the
 * databases do not hold the same rows.
 *
 * @throws CrossfadeError `NOT_INSTALLED`, `TABLE_MISSING` for a table that is not mirrored, or `CONFIG_INVALID` for options
 * that cannot be met.
 */
export async function compareDatabases(opened: Comparable, options: CompareOptions = {}): Promise<ComparisonReport> {
  const { stores, records, mirror } = opened;
  const crossfade: Comparable = { stores, records, mirror, tables: await installedTables(opened) };
  const comparison = new Comparison(crossfade, options);
  const giveBack = crossfade.mirror.demand();
  try {
    await comparison.run();
  } catch (error) {
    if (options.signal?.aborted || !interrupts(error)) throw error;
    comparison.reasons.push(messageOf(error));
  } finally {
    giveBack();
  }
  const report = comparison.report();
  if ((options.record ?? true) && comparison.isRecorder)
    await (options.store ?? ((found) => record(crossfade, found)))(report);
  return report;
}

/** What is asked when a comparison begins. */
interface Asked {
  readonly states: Promise<States>;
  readonly fitness: Promise<DigestFitness>;
  readonly base: Promise<StoredBase | undefined> | null;
  /** About how many rows of each table an increment looks at whether they have changed or not. */
  readonly rolling: Promise<ReadonlyMap<string, number>> | null;
}

interface States {
  readonly sqlite: StoreState;
  readonly postgres: StoreState;
}

async function installedStates({ stores }: Comparable): Promise<States> {
  const [sqlite, postgres] = await Promise.all([stores.sqlite.state(), stores.postgres.state()]);
  if (sqlite && postgres) return { sqlite, postgres };
  throw new CrossfadeError(
    'NOT_INSTALLED',
    `Crossfade is not installed in the ${sqlite ? 'PostgreSQL' : 'SQLite'} database`,
    {
      hint: 'run `crossfade install`, then `crossfade backfill`; there is nothing to compare before',
    },
  );
}

function newer({ sqlite, postgres }: States): StoreState {
  return postgres.epoch > sqlite.epoch ? postgres : sqlite;
}

async function record(crossfade: Comparable, report: ComparisonReport): Promise<void> {
  try {
    await crossfade.records.recordComparison({
      startedAt: new Date(report.startedAt),
      finishedAt: new Date(report.finishedAt),
      outcome: report.outcome,
      isFull: report.isFull,
      rowsCompared: report.totals.rowsCompared,
      missing: report.totals.missing,
      extra: report.totals.extra,
      differing: report.totals.differing,
      inconclusive: report.totals.inconclusive,
    });
  } catch (error) {
    // With PostgreSQL gone there is nowhere to keep it; the caller is told all the same.
    if (report.outcome !== 'inconclusive') throw error;
  }
}

/** One run of the comparer. */
class Comparison {
  readonly reasons: string[] = [];
  /** Whether it is for this process to keep the outcome: of those that share a comparison only one does. */
  isRecorder = true;
  #startedAt = new Date();
  readonly #crossfade: Comparable;
  readonly #options: CompareOptions;
  readonly #scope: Scope;
  readonly #findings: Findings;
  readonly #budget: Budget;
  #pair: Pair | undefined;
  #stage: Stage | undefined;
  #isEveryTable = false;
  #plan: Plan | null = null;

  constructor(crossfade: Comparable, options: CompareOptions) {
    this.#crossfade = crossfade;
    this.#options = options;
    this.#scope = scopeOf(crossfade.tables, options);
    this.#findings = new Findings(options);
    this.#budget = new Budget(options);
  }

  async run(): Promise<void> {
    // Connecting takes as long as a small comparison: what needs nothing else to be known is asked at once.
    const states = installedStates(this.#crossfade);
    const fitness = this.#fitness();
    const isIncremental = this.#options.incremental === true;
    const base = isIncremental ? this.#crossfade.records.comparisonBase() : null;
    const rolling = isIncremental ? this.#rollingRows() : null;
    const answered = Promise.allSettled([states, fitness, base, rolling]);
    try {
      await this.#run({ states, fitness, base, rolling });
    } finally {
      await answered;
    }
  }

  async #run(asked: Asked): Promise<void> {
    const { tables } = this.#scope;
    const states = await asked.states;
    this.#stage = newer(states).stage;
    this.#isEveryTable = tables.length === this.#crossfade.tables.length;
    const pair = this.#pairOf(states);
    this.#pair = pair;
    await this.#caughtUp();
    const { cursors } = await pair.secondary.progress();
    const unfilled = new Set(cursors.filter((cursor) => !cursor.isDone).map((cursor) => cursor.table));
    const rowsCopied = cursors.reduce((sum, cursor) => sum + cursor.rowsCopied, 0);
    const base = asked.base === null ? null : await this.#begin(pair, { stored: await asked.base, rowsCopied });
    const fitness = await asked.fitness;
    const salt = newSalt(fitness.blobsInArrays);
    const comparisons = new Map<TableSpec, TableComparison>();
    for (const table of tables) {
      const findings = this.#findings.of(pair, table);
      if (unfilled.has(table.name)) {
        this.reasons.push(`the backfill of table "${table.name}" has not finished`);
        continue;
      }
      const hasRanges = fitness.tables.has(table.name);
      if (this.#scope.ranges.has(table.name)) assertRanges(table, hasRanges);
      const comparison = new TableComparison({
        pair,
        table,
        findings,
        budget: this.#budget,
        options: this.#options,
        caughtUp: () => this.#caughtUp(),
        salt: hasRanges ? salt : null,
        wholeSalt: salt,
      });
      comparisons.set(table, comparison);
    }
    const after = new Map<string, Key | null>();
    // What an earlier process has compared may have changed before this one began to watch: no base for increments.
    const isShared = this.#options.resume === true && base === null;
    if (isShared) await this.#compareShared(pair, comparisons);
    for (const [table, comparison] of comparisons) {
      if (!isShared) after.set(table.name, await this.#compare(table, comparison, asked));
      if (this.#mode() === 'full') await comparison.sequence();
      this.#finish(table);
    }
    await pair.watermark();
    if (base !== null) await this.#end(pair, base, after);
  }

  #finish(table: TableSpec): void {
    const findings = this.#findings.tables.find(({ name }) => name === table.name);
    if (findings === undefined) return;
    findings.isComplete = true;
    const { inconclusive } = findings.counts;
    if (inconclusive === 0) return;
    this.reasons.push(`${inconclusive} rows of table "${table.name}" were on their way each time they were looked at`);
  }

  #pairOf(states: States): Pair {
    const { stores } = this.#crossfade;
    const { standby } = this.#options;
    if (standby === undefined) return Pair.of(stores, states);
    const pair = Pair.of({ ...stores, postgres: standby }, states);
    // PROTOCOL.md R13: a standby cannot tell which transactions of its primary server have ended.
    if (pair.secondary === standby) return pair;
    throw new CrossfadeError('CONFIG_INVALID', 'a standby cannot be compared while PostgreSQL takes the writes', {
      hint: 'compare without it',
    });
  }

  /** Resolves to where the rolling share of an incremental comparison goes on. */
  async #compare(table: TableSpec, comparison: TableComparison, asked: Asked): Promise<Key | null> {
    const increment = this.#plan?.is === 'increment' ? this.#plan.of.get(table.name) : undefined;
    const range = this.#scope.ranges.get(table.name);
    const { sample } = this.#options;
    if (increment !== undefined && increment.changed !== 'all') {
      const rows = (await asked.rolling)?.get(table.name) ?? 0;
      return comparison.increment({ changed: increment.changed, after: increment.after, rows });
    }
    if (range !== undefined) await comparison.range(range);
    else if (sample !== undefined) await comparison.sample(sample);
    else await comparison.all();
    return null;
  }

  /** Compares what no other process does, until everything has been; then puts together what all have found. */
  async #compareShared(pair: Pair, comparisons: ReadonlyMap<TableSpec, TableComparison>): Promise<void> {
    const { runs } = this.#crossfade.records;
    const { where = [], sample = 1, signal } = this.#options;
    const tables = [...comparisons.keys()].map(({ name }) => ({
      name,
      range: this.#scope.ranges.get(name) ?? EVERYTHING,
    }));
    // With another column a table is another one.
    const columns = [...comparisons.keys()].map((table) => [
      table.name,
      table.columns.map(({ name, type, form }) => [name, type, form]),
    ]);
    const scope = JSON.stringify([pair.captureId, pair.epoch, columns, where, sample]);
    const run = await runs.joinRun({ scope, tables, maxAgeMs: RESUMED_WITHIN_MS });
    try {
      this.#startedAt = run.startedAt;
      const shared: SharedRun = { runs, id: run.id, holder: run.holder };
      for (;;) {
        for (const comparison of comparisons.values()) await comparison.shared(shared);
        if ((await runs.unfinishedRanges(run.id)) === 0) break;
        // Another process is at it, or has died: then its claims are free soon.
        await sleep(OTHERS_MS, undefined, signal === undefined ? {} : { signal });
      }
      for (const { table, holder, findings } of await runs.savedFindings(run.id)) {
        if (holder !== run.holder) this.#findings.merge(table, findings);
      }
      this.isRecorder = await runs.finishRun(run.id);
    } finally {
      await run.leave();
    }
  }

  /** The tables whose keys both stores order alike. */
  async #fitness(): Promise<DigestFitness> {
    const { sqlite, postgres } = this.#crossfade.stores;
    const { tables } = this.#scope;
    const [ours, theirs] = await Promise.all([
      sqlite.digests.fitness(tables),
      (this.#options.standby ?? postgres).digests.fitness(tables),
    ]);
    return {
      tables: new Set([...ours.tables].filter((name) => theirs.tables.has(name))),
      blobsInArrays: ours.blobsInArrays || theirs.blobsInArrays,
    };
  }

  async #rollingRows(): Promise<ReadonlyMap<string, number>> {
    const { sqlite, postgres } = this.#crossfade.stores;
    const { rollingShare = ROLLING_SHARE, standby = postgres } = this.#options;
    const rows = new Map<string, number>();
    for (const table of rollingShare > 0 ? this.#scope.tables : []) {
      const about = (await standby.digests.about(table)) ?? (await sqlite.digests.about(table)) ?? 0;
      rows.set(table.name, Math.ceil(about * rollingShare));
    }
    return rows;
  }

  /** Decides what an incremental comparison looks at, and has the changelog kept from here on. */
  async #begin(
    pair: Pair,
    { stored, rowsCopied }: { readonly stored: StoredBase | undefined; readonly rowsCopied: number },
  ): Promise<ComparisonBase> {
    const { records } = this.#crossfade;
    const { tables } = this.#scope;
    const position = await pair.watermark();
    this.#plan = await planIncrement({ pair, tables, stored, rowsCopied });
    const base = provisional(pair, { position, rowsCopied });
    // Until an increment has ended the base before it stands.
    if (this.#plan.is === 'full') await records.keepComparisonBase(base, { expiresMs: BASE_EXPIRES_MS });
    return base;
  }

  /** Keeps this comparison as the one that the next incremental one goes on from. */
  async #end(pair: Pair, base: ComparisonBase, after: ReadonlyMap<string, Key | null>): Promise<void> {
    const { records } = this.#crossfade;
    const isWhole = this.#findings.tables.every(({ isComplete, open }) => isComplete && open !== null);
    if (!isWhole)
      return records.dropComparisonBase(
        'the last comparison found too much that differs, or could not look at everything',
      );
    // Another one of fewer tables has not looked at what changed in the others.
    if (this.#plan?.is === 'increment' && !this.#isEveryTable) return;
    const tables = this.#findings.tables.map(({ name, open }) => [
      name,
      { after: after.get(name) ?? null, open: open ?? [] },
    ]);
    const whole: ComparisonBase = {
      ...base,
      isComplete: true,
      tables: Object.fromEntries(tables) as ComparisonBase['tables'],
    };
    await records.keepComparisonBase(whole, { expiresMs: BASE_EXPIRES_MS });
    if (await pair.primary.keepsSince(base.position)) return;
    await records.dropComparisonBase("the primary's changelog was pruned while the last comparison began");
  }

  async #caughtUp(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const { standby, catchUpMs: timeoutMs = 10_000 } = this.#options;
    const deadline = performance.now() + timeoutMs;
    try {
      await this.#crossfade.mirror.caughtUp({ timeoutMs });
    } catch (error) {
      if (!interrupts(error)) throw error;
      throw new Interrupted(`the Mirror did not catch up within ${timeoutMs / 1000} s: ${messageOf(error)}`);
    }
    if (standby === undefined || (await this.#replayed(standby, deadline))) return;
    throw new Interrupted(`the standby did not replay what PostgreSQL holds within ${timeoutMs / 1000} s`);
  }

  /** Whether the standby has come to where PostgreSQL itself stands now, by the deadline. */
  async #replayed(standby: Store, deadline: number): Promise<boolean> {
    const { sqlite, postgres } = this.#crossfade.stores;
    const wanted = (await postgres.state())?.watermark;
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const replayed = (await standby.state())?.watermark;
      if (wanted && replayed && sqlite.reaches(replayed, wanted)) return true;
      if (performance.now() >= deadline) return false;
      await sleep(REPLAY_POLL_MS);
    }
  }

  report(): ComparisonReport {
    const totals = this.#findings.totals();
    const { missing, extra, differing, quarantined, sequencesBehind } = totals;
    const differs = missing + extra + differing + quarantined + sequencesBehind > 0;
    const mode = this.#mode();
    return {
      version: 1,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      outcome: differs ? 'mismatch' : this.reasons.length > 0 ? 'inconclusive' : 'match',
      reasons: this.reasons,
      stage: this.#stage ?? null,
      primary: this.#pair?.primary.name ?? null,
      isFull: mode === 'full' && this.#isEveryTable && this.reasons.length === 0,
      mode,
      fullBecause: this.#plan?.is === 'full' ? this.#plan.because : null,
      totals,
      tables: this.#findings.reports(),
      differences: this.#findings.differences,
    };
  }

  #mode(): ComparisonReport['mode'] {
    if (this.#scope.ranges.size > 0) return 'where';
    if (this.#options.sample !== undefined) return 'sample';
    return this.#plan?.is === 'increment' ? 'incremental' : 'full';
  }
}

const REPLAY_POLL_MS = 10;
/** Of the rows that have not changed, those that an incremental comparison looks at: all of them in 500 runs. */
const ROLLING_SHARE = 1 / 500;

/** What is held back of the changelog for the next incremental comparison, when that does not come. */
const BASE_EXPIRES_MS = 24 * 3_600_000;
/** An older comparison than that is begun anew. */
const RESUMED_WITHIN_MS = 24 * 3_600_000;
const OTHERS_MS = 250;

function assertRanges(table: TableSpec, hasRanges: boolean): void {
  if (hasRanges) return;
  throw new CrossfadeError(
    'CONFIG_INVALID',
    `table "${table.name}" cannot be compared in part: the two databases do not order its keys alike`,
    { hint: 'compare all of it; or give text in its key COLLATE "C" in PostgreSQL, and no NOCASE in SQLite' },
  );
}
