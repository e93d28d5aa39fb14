import { CrossfadeError, messageOf } from '../adapter/errors.ts';
import { encodeKey, formatKey } from '../adapter/spec.ts';
import type { TableSpec } from '../adapter/spec.ts';
import type { Stage } from '../adapter/stage.ts';
import type { Records, Store, StoreState } from '../adapter/store.ts';
import { Candidates } from './candidates.ts';
import { HighestId } from './highest-id.ts';
import { Interrupted, interrupts } from './interrupted.ts';
import type { CompareOptions } from './options.ts';
import { Pair } from './pair.ts';
import type { Sighting } from './pair.ts';
import type { ComparisonReport, Counts, Difference, TableReport } from './report.ts';
import { compareRows, settle } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import { walk } from './walk.ts';

/** What the comparer needs of a `Crossfade`. */
export interface Comparable {
  readonly tables: readonly TableSpec[];
  readonly stores: { readonly sqlite: Store; readonly postgres: Store };
  readonly records: Pick<Records, 'recordComparison'>;
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
 * Walks the primary by key and looks each row up on the secondary, then walks the secondary for rows that the primary
 * does not have. Each side is walked in its own order; the orders are never compared. A difference counts only if it
 * is still there after the Mirror has passed the moment it was seen, so rows in flight are never reported; what cannot
 * be told (the Mirror stands still, a database is down) is `inconclusive`, never a mismatch.
 *
 * Rows that the secondary refused are counted as quarantined; they make the outcome a mismatch too, since the
 * databases do not hold the same rows.
 *
 * @throws CrossfadeError `NOT_INSTALLED`, or `TABLE_MISSING` for a table that is not mirrored.
 */
export async function compareDatabases(crossfade: Comparable, options: CompareOptions = {}): Promise<ComparisonReport> {
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
  if (options.record ?? true) await (options.store ?? ((found) => record(crossfade, found)))(report);
  return report;
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

function chosenTables(all: readonly TableSpec[], names: readonly string[] | undefined): readonly TableSpec[] {
  const unknown = names?.find((name) => !all.some((table) => table.name === name));
  if (unknown !== undefined) {
    throw new CrossfadeError('TABLE_MISSING', `there is no mirrored table "${unknown}" to compare`, {
      hint: `use one of: ${all.map((table) => table.name).join(', ')}`,
    });
  }
  return all.filter((table) => names?.includes(table.name) ?? true);
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

type Tally = { -readonly [field in keyof Counts]: Counts[field] };

const NOTHING: Counts = {
  rowsCompared: 0,
  missing: 0,
  extra: 0,
  differing: 0,
  inconclusive: 0,
  quarantined: 0,
  sequencesBehind: 0,
  ranges: 0,
  rangesNarrowed: 0,
};

/** One table's counts while it is being walked. */
interface Walked extends Tally {
  readonly table: string;
  isComplete: boolean;
}

/** One run of the comparer. */
class Comparison {
  readonly reasons: string[] = [];
  readonly #startedAt = new Date();
  readonly #crossfade: Comparable;
  readonly #options: CompareOptions;
  readonly #walked: Walked[] = [];
  readonly #differences: Difference[] = [];
  #pair: Pair | undefined;
  #stage: Stage | undefined;
  #isEveryTable = false;

  constructor(crossfade: Comparable, options: CompareOptions) {
    this.#crossfade = crossfade;
    this.#options = options;
  }

  async run(): Promise<void> {
    const states = await installedStates(this.#crossfade);
    this.#stage = newer(states).stage;
    const tables = chosenTables(this.#crossfade.tables, this.#options.tables);
    this.#isEveryTable = tables.length === this.#crossfade.tables.length;
    const pair = Pair.of(this.#crossfade.stores, states);
    this.#pair = pair;
    await this.#caughtUp();
    const { cursors } = await pair.secondary.progress();
    const unfilled = new Set(cursors.filter((cursor) => !cursor.isDone).map((cursor) => cursor.table));
    for (const table of tables) {
      const walked: Walked = { table: table.name, ...NOTHING, isComplete: false };
      this.#walked.push(walked);
      if (unfilled.has(table.name)) {
        this.reasons.push(`the backfill of table "${table.name}" has not finished`);
        continue;
      }
      const highest = await this.#walkPrimary(pair, table, walked);
      await this.#walkSecondary(pair, table, walked);
      await this.#checkSequence(pair, highest, walked);
      walked.isComplete = true;
      if (walked.inconclusive > 0) {
        this.reasons.push(
          `${walked.inconclusive} rows of table "${table.name}" were on their way each time they were looked at`,
        );
      }
    }
    await pair.watermark();
  }

  /** The primary's rows, each looked up on the secondary: missing and differing ones. */
  async #walkPrimary(pair: Pair, table: TableSpec, walked: Walked): Promise<HighestId> {
    const highest = new HighestId(table);
    const candidates = new Candidates((sightings) => this.#settle(pair, table, walked, sightings));
    for await (const { rows, sightings, others } of walk(pair, table, { ...this.#options, side: 'primary' })) {
      await candidates.add(
        sightings.filter((_, index) => compareRows(pair, table, rows[index], others[index]).is !== 'same'),
      );
      highest.see(rows);
      walked.rowsCompared += rows.length;
    }
    await candidates.end();
    return highest;
  }

  /** The secondary's rows, each looked up on the primary: extra ones. */
  async #walkSecondary(pair: Pair, table: TableSpec, walked: Walked): Promise<void> {
    const candidates = new Candidates((sightings) => this.#settle(pair, table, walked, sightings));
    for await (const { sightings, others } of walk(pair, table, { ...this.#options, side: 'secondary' })) {
      await candidates.add(sightings.filter((_, index) => others[index] === undefined));
    }
    await candidates.end();
  }

  async #settle(pair: Pair, table: TableSpec, walked: Walked, sightings: readonly Sighting[]): Promise<void> {
    const verdicts = await settle({
      pair,
      table,
      sightings,
      attempts: this.#options.attempts ?? 8,
      caughtUp: () => this.#caughtUp(),
    });
    for (const [index, verdict] of verdicts.entries()) {
      const sighting = sightings[index];
      if (sighting) this.#count(walked, sighting, verdict, pair.primary.name === sighting.seenIn);
    }
  }

  #count(walked: Walked, sighting: Sighting, verdict: Verdict, isPrimaryWalk: boolean): void {
    switch (verdict.is) {
      case 'same':
        return;
      case 'unsettled':
        walked.inconclusive += 1;
        return;
      case 'quarantined':
        walked.quarantined += 1;
        return;
      case 'extra':
        // The walk over the secondary comes to it again, and counts it then.
        if (isPrimaryWalk) return;
        walked.extra += 1;
        break;
      case 'missing':
        walked.missing += 1;
        break;
      case 'differing':
        walked.differing += 1;
        break;
      default: {
        const never: never = verdict;
        throw new TypeError(`no such verdict: ${String(never)}`);
      }
    }
    this.#note({
      table: walked.table,
      key: formatKey(sighting.key),
      encodedKey: encodeKey(sighting.key),
      class: verdict.is,
      columns: verdict.is === 'differing' ? verdict.columns : [],
      firstSeenAt: new Date().toISOString(),
    });
  }

  async #checkSequence(pair: Pair, highest: HighestId, walked: Walked): Promise<void> {
    // On a secondary the sequences stand still; the write switch sets them.
    if (pair.primary.name !== 'postgres') return;
    const column = await highest.behind(pair.primary);
    if (column === undefined) return;
    walked.sequencesBehind += 1;
    this.#note({
      table: walked.table,
      key: null,
      encodedKey: null,
      class: 'sequence behind',
      columns: [column],
      firstSeenAt: new Date().toISOString(),
    });
  }

  #note(difference: Difference): void {
    if (this.#differences.length < (this.#options.maxDifferences ?? 100)) this.#differences.push(difference);
  }

  async #caughtUp(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const timeoutMs = this.#options.catchUpMs ?? 10_000;
    try {
      await this.#crossfade.mirror.caughtUp({ timeoutMs });
    } catch (error) {
      if (!interrupts(error)) throw error;
      throw new Interrupted(`the Mirror did not catch up within ${timeoutMs / 1000} s: ${messageOf(error)}`);
    }
  }

  report(): ComparisonReport {
    const tables: readonly TableReport[] = this.#walked;
    const totals: Tally = { ...NOTHING };
    for (const table of tables) {
      for (const field of Object.keys(NOTHING) as (keyof Counts)[]) totals[field] += table[field];
    }
    const { missing, extra, differing, quarantined, sequencesBehind } = totals;
    const differs = missing + extra + differing + quarantined + sequencesBehind > 0;
    return {
      version: 1,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      outcome: differs ? 'mismatch' : this.reasons.length > 0 ? 'inconclusive' : 'match',
      reasons: this.reasons,
      stage: this.#stage ?? null,
      primary: this.#pair?.primary.name ?? null,
      isFull: this.#isEveryTable && this.reasons.length === 0,
      mode: 'full',
      fullBecause: null,
      totals,
      tables,
      differences: this.#differences,
    };
  }
}
