import { EVERYTHING } from '../adapter/digest.ts';
import type { DigestSalt, KeyRange } from '../adapter/digest.ts';
import type { Key, TableSpec } from '../adapter/spec.ts';
import type { Budget } from './budget.ts';
import type { TableFindings } from './findings.ts';
import { HighestId } from './highest-id.ts';
import type { CompareOptions } from './options.ts';
import type { Pair, Sighting } from './pair.ts';
import { RangeComparison } from './range-comparison.ts';
import { Ranges } from './ranges.ts';
import { Suspects } from './suspects.ts';
import { compareRows, settle } from './verdict.ts';
import { walk } from './walk.ts';

/** Ranges on their way at once: while two threads read SQLite, PostgreSQL works on the next one. */
const CONCURRENCY = 3;
const ATTEMPTS = 8;
const ROLLING_SHARE = 1 / 500;
/** Keys looked up together. */
const KEYS_TOGETHER = 500;

export interface TableComparisonOptions {
  readonly pair: Pair;
  readonly table: TableSpec;
  readonly findings: TableFindings;
  readonly budget: Budget;
  readonly options: CompareOptions;
  readonly caughtUp: () => Promise<void>;
  /** For digests; `null` when the table's keys have no order that both databases share. */
  readonly salt: DigestSalt | null;
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

  /** Every row, and whether a sequence is behind. */
  async all(): Promise<void> {
    const { salt } = this.#with;
    const highest = salt === null ? await this.#walkBoth() : await this.#digestAll();
    await this.#checkSequence(highest);
  }

  /** The rows of a range. */
  async range(range: KeyRange): Promise<void> {
    await this.#ranges(range);
    await this.#suspects.end();
  }

  /** A share of all ranges, chosen at random, but at least one. */
  async sample(share: number): Promise<void> {
    await this.#ranges(EVERYTHING, { share });
    await this.#suspects.end();
  }

  /** What has changed, and a share of the others. Resolves to where that share has ended. */
  async increment({
    changed,
    after,
  }: {
    readonly changed: readonly Key[];
    readonly after: Key | null;
  }): Promise<Key | null> {
    const { rollingShare = ROLLING_SHARE } = this.#with.options;
    await this.#keys(changed);
    if (rollingShare <= 0 || this.#with.salt === null) return after;
    return this.#some(after, Math.ceil((await this.#about()) * rollingShare));
  }

  /** Rows with these keys of the primary. */
  async #keys(keys: readonly Key[]): Promise<void> {
    const { findings, budget } = this.#with;
    for (let start = 0; start < keys.length; start += KEYS_TOGETHER) {
      const some = keys.slice(start, start + KEYS_TOGETHER);
      await this.#suspects.look(some);
      findings.counts.rowsCompared += some.length;
      await budget.spend(some.length);
    }
    await this.#suspects.end();
  }

  /** At least so many rows after a key. Resolves to the last key of them; to `null` when the table ends before. */
  async #some(after: Key | null, rows: number): Promise<Key | null> {
    const { pair, table, salt, findings } = this.#with;
    if (salt === null) return null;
    const ranges = new Ranges(pair, table, { after, upTo: null }, { rows });
    const last = findings.counts.rowsCompared + rows;
    for (;;) {
      const range = await ranges.next();
      if (range !== null) await this.#compare(salt).compare(range);
      if (range === null || range.upTo === null || findings.counts.rowsCompared >= last) {
        await this.#suspects.end();
        return range?.upTo ?? null;
      }
    }
  }

  async #digestAll(): Promise<HighestId> {
    const { pair, table } = this.#with;
    await this.#ranges(EVERYTHING);
    await this.#suspects.end();
    const highest = new HighestId(table);
    highest.raise(await pair.primary.digests.highestId(table));
    return highest;
  }

  #compare(salt: DigestSalt): RangeComparison {
    const { pair, table, findings, options, caughtUp } = this.#with;
    const { attempts = ATTEMPTS } = options;
    return new RangeComparison({ pair, table, salt, findings, suspects: this.#suspects, attempts, caughtUp });
  }

  async #ranges(within: KeyRange, { share = 1 }: { readonly share?: number } = {}): Promise<void> {
    const { pair, table, salt, budget, options } = this.#with;
    if (salt === null) throw new TypeError(`table "${table.name}" has no ranges`);
    const comparison = this.#compare(salt);
    const ranges = new Ranges(pair, table, within);
    const of = options.onProgress === undefined ? 0 : await this.#about();
    let hasCompared = false;
    let hasFailed = false;
    const work = async (): Promise<void> => {
      for (let range = await ranges.next(); range !== null && !hasFailed; range = await ranges.next()) {
        options.signal?.throwIfAborted();
        const isLast = range.upTo === within.upTo;
        if (share < 1 && Math.random() >= share && !(isLast && !hasCompared)) continue;
        hasCompared = true;
        const startedAt = performance.now();
        const rows = await comparison.compare(range);
        ranges.took({ rows, ms: performance.now() - startedAt });
        this.#passed += rows;
        options.onProgress?.({ table: table.name, walk: 'both', rows: this.#passed, of: Math.max(of, this.#passed) });
        await budget.spend(rows);
      }
    };
    const workers = Array.from({ length: options.concurrency ?? CONCURRENCY }, () =>
      work().catch((error: unknown) => {
        hasFailed = true;
        throw error;
      }),
    );
    await allOrFirstFailure(workers);
  }

  async #about(): Promise<number> {
    const { pair, table } = this.#with;
    return (await pair.secondary.digests.about(table)) ?? (await pair.primary.digests.about(table)) ?? 0;
  }

  /** Without an order that both share: each side in its own, its rows looked up on the other one. */
  async #walkBoth(): Promise<HighestId> {
    const { pair, table, findings, budget, options } = this.#with;
    const highest = new HighestId(table);
    for await (const { rows, sightings, others } of walk(pair, table, { ...options, side: 'primary' })) {
      await this.#suspects.add(
        sightings.filter((_, index) => compareRows(pair, table, rows[index], others[index]).is !== 'same'),
      );
      highest.see(rows);
      findings.counts.rowsCompared += rows.length;
      await budget.spend(rows.length);
    }
    for await (const { rows, sightings, others } of walk(pair, table, { ...options, side: 'secondary' })) {
      await this.#suspects.add(sightings.filter((_, index) => others[index] === undefined));
      await budget.spend(rows.length);
    }
    await this.#suspects.end();
    return highest;
  }

  async #settle(sightings: readonly Sighting[]): Promise<void> {
    const { pair, table, options, caughtUp, findings } = this.#with;
    const verdicts = await settle({ pair, table, sightings, attempts: options.attempts ?? ATTEMPTS, caughtUp });
    for (const [index, verdict] of verdicts.entries()) {
      const sighting = sightings[index];
      if (sighting !== undefined) findings.judge(sighting, verdict);
    }
  }

  async #checkSequence(highest: HighestId): Promise<void> {
    const { pair, findings } = this.#with;
    // On a secondary the sequences stand still; the write switch sets them.
    if (pair.primary.name !== 'postgres') return;
    const column = await highest.behind(pair.primary);
    if (column !== undefined) findings.sequenceBehind(column);
  }
}

/** Waits for all of them, also when one fails: nothing may go on behind the caller's back. */
async function allOrFirstFailure(work: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(work);
  const failed = ended.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
