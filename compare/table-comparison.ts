import type { ClaimedRange } from '../adapter/comparison-runs.ts';
import { EVERYTHING } from '../adapter/digest.ts';
import type { DigestSalt, KeyRange } from '../adapter/digest.ts';
import type { Key, TableSpec } from '../adapter/spec.ts';
import type { Budget } from './budget.ts';
import type { TableFindings } from './findings.ts';
import type { CompareOptions } from './options.ts';
import type { Pair, Sighting } from './pair.ts';
import { compareIncrement } from './increment.ts';
import type { IncrementWork } from './increment.ts';
import { RangeComparison } from './range-comparison.ts';
import { Ranges } from './ranges.ts';
import type { RangeSource } from './ranges.ts';
import { sequenceBehind } from './sequence-behind.ts';
import { SharedRanges } from './shared-ranges.ts';
import type { SharedRun } from './shared-ranges.ts';
import { Suspects } from './suspects.ts';
import { compareRows, settle } from './verdict.ts';
import { walk } from './walk.ts';
import { isSameAsWhole } from './whole-table.ts';

/** Ranges on their way at once, each of which keeps both databases busy. */
const CONCURRENCY = 2;
const ATTEMPTS = 8;

export interface TableComparisonOptions {
  readonly pair: Pair;
  readonly table: TableSpec;
  readonly findings: TableFindings;
  readonly budget: Budget;
  readonly options: CompareOptions;
  readonly caughtUp: () => Promise<void>;
  /** For digests; `null` when the table's keys have no order that both databases share. */
  readonly salt: DigestSalt | null;
  /** For the digest of the table as a whole, which asks for no order. */
  readonly wholeSalt: DigestSalt;
}

/** The comparison of one table: as a whole, in part, or of some keys. */
export class TableComparison {
  readonly #with: TableComparisonOptions;
  readonly #suspects: Suspects;
  #passed = 0;

  constructor(options: TableComparisonOptions) {
    this.#with = options;
    this.#suspects = new Suspects(options.pair, options.table, (sightings) => this.#settle(sightings));
  }

  /** Every row. */
  async all(): Promise<void> {
    const { salt, pair, table } = this.#with;
    if (salt === null) await this.#inOnePiece();
    else await this.#compareRanges(new Ranges(pair, table, EVERYTHING), salt);
    await this.#suspects.end();
  }

  /** The rows of a range. */
  async range(range: KeyRange): Promise<void> {
    const { pair, table } = this.#with;
    await this.#compareRanges(new Ranges(pair, table, range), this.#salt());
    await this.#suspects.end();
  }

  /** A share of all ranges, chosen at random, but at least one. A table that cannot be cut is one range. */
  async sample(share: number): Promise<void> {
    const { pair, table, salt } = this.#with;
    if (salt === null) return this.all();
    await this.#compareRanges(new Ranges(pair, table, EVERYTHING), this.#salt(), { share });
    await this.#suspects.end();
  }

  /** Whatever no other process has claimed. May be called again: others may have given up what they claimed. */
  async shared(shared: SharedRun): Promise<void> {
    const { pair, table, salt, options, findings } = this.#with;
    const source = new SharedRanges({
      shared,
      pair,
      table,
      isCut: salt !== null,
      settled: () => this.#suspects.end(),
      findings,
    });
    try {
      if (salt === null) await this.#walkClaimed(source);
      else await this.#compareRanges(source, salt, options.sample === undefined ? {} : { share: options.sample });
      await source.save();
    } finally {
      await source.end();
    }
  }

  /** Whether a sequence is behind. */
  async sequence(): Promise<void> {
    const { pair, table, findings } = this.#with;
    const column = await sequenceBehind(pair.primary, table);
    if (column !== undefined) findings.sequenceBehind(column);
  }

  /** What has changed, and a share of the others. Resolves to where that share has ended. */
  async increment(increment: IncrementWork): Promise<Key | null> {
    const { salt, options } = this.#with;
    const ranges = salt === null ? null : this.#compare(salt);
    const { rollingShare } = options;
    const about = (): Promise<number> => this.#about();
    return compareIncrement({ ...this.#with, suspects: this.#suspects, ranges, rollingShare, about }, increment);
  }

  #compare(salt: DigestSalt): RangeComparison {
    const { pair, table, findings, options, caughtUp } = this.#with;
    const { attempts = ATTEMPTS } = options;
    return new RangeComparison({ pair, table, salt, findings, suspects: this.#suspects, attempts, caughtUp });
  }

  async #compareRanges(
    source: RangeSource,
    salt: DigestSalt,
    { share = 1 }: { readonly share?: number } = {},
  ): Promise<void> {
    const { table, budget, options } = this.#with;
    const comparison = this.#compare(salt);
    const of = options.onProgress === undefined ? 0 : await this.#about();
    let hasCompared = false;
    let hasFailed = false;
    const compareOne = async ({ range }: ClaimedRange): Promise<number> => {
      options.signal?.throwIfAborted();
      const isLast = range.upTo === null;
      if (share < 1 && Math.random() >= share && !(isLast && !hasCompared)) return 0;
      hasCompared = true;
      return comparison.compare(range);
    };
    const work = async (): Promise<void> => {
      for (let claimed = await source.next(); claimed !== null; claimed = await source.next()) {
        if (hasFailed) return source.failed();
        const startedAt = performance.now();
        const rows = await compareOne(claimed).catch((error: unknown) => {
          hasFailed = true;
          source.failed();
          throw error;
        });
        source.done(claimed, { rows, ms: performance.now() - startedAt });
        this.#passed += rows;
        options.onProgress?.({ table: table.name, walk: 'both', rows: this.#passed, of: Math.max(of, this.#passed) });
        await budget.spend(rows);
      }
    };
    await allOrFirstFailure(Array.from({ length: options.concurrency ?? CONCURRENCY }, work));
  }

  async #walkClaimed(source: RangeSource): Promise<void> {
    for (let claimed = await source.next(); claimed !== null; claimed = await source.next()) {
      await this.#inOnePiece();
      source.done(claimed, { rows: 0, ms: 0 });
    }
  }

  #salt(): DigestSalt {
    const { salt, table } = this.#with;
    if (salt === null) throw new TypeError(`table "${table.name}" has no ranges`);
    return salt;
  }

  async #about(): Promise<number> {
    const { pair, table } = this.#with;
    return (await pair.secondary.digests.about(table)) ?? (await pair.primary.digests.about(table)) ?? 0;
  }

  /** Without an order that both share: as a whole, and where that differs, row by row. */
  async #inOnePiece(): Promise<void> {
    const { pair, table, wholeSalt: salt, findings, caughtUp, options } = this.#with;
    const suspects = this.#suspects;
    // A whole table at once would take no heed of a budget.
    const isSame =
      options.rowsPerSecond === undefined && (await isSameAsWhole({ pair, table, salt, findings, suspects, caughtUp }));
    if (!isSame) await this.#walkBoth();
  }

  /** Each side in its own order, its rows looked up on the other one. */
  async #walkBoth(): Promise<void> {
    const { pair, table, findings, budget, options } = this.#with;
    for await (const { rows, sightings, others } of walk(pair, table, { ...options, side: 'primary' })) {
      await this.#suspects.add(
        sightings.filter((_, index) => compareRows(pair, table, rows[index], others[index]).is !== 'same'),
      );
      findings.counts.rowsCompared += rows.length;
      await budget.spend(rows.length);
    }
    for await (const { rows, sightings, others } of walk(pair, table, { ...options, side: 'secondary' })) {
      await this.#suspects.add(sightings.filter((_, index) => others[index] === undefined));
      await budget.spend(rows.length);
    }
  }

  async #settle(sightings: readonly Sighting[]): Promise<void> {
    const { pair, table, options, caughtUp, findings } = this.#with;
    const verdicts = await settle({ pair, table, sightings, attempts: options.attempts ?? ATTEMPTS, caughtUp });
    for (const [index, verdict] of verdicts.entries()) {
      const sighting = sightings[index];
      if (sighting !== undefined) findings.judge(sighting, verdict);
    }
  }
}

/** Waits for all of them, also when one fails: nothing may go on behind the caller's back. */
async function allOrFirstFailure(work: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(work);
  const failed = ended.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
