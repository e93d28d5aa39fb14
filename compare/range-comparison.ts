import { EVERYTHING, splitAt } from '../adapter/digest.ts';
import type { DigestSalt, KeyRange } from '../adapter/digest.ts';
import { keyOf } from '../adapter/spec.ts';
import type { Key, Row, TableSpec } from '../adapter/spec.ts';
import { compareDigests } from './digest-pair.ts';
import type { RangeVerdict } from './digest-pair.ts';
import type { TableFindings } from './findings.ts';
import type { Pair, Sighting } from './pair.ts';
import { identity } from './rows.ts';
import type { Suspects } from './suspects.ts';
import { compareRows } from './verdict.ts';

export interface RangeComparisonOptions {
  readonly pair: Pair;
  readonly table: TableSpec;
  readonly salt: DigestSalt;
  readonly findings: TableFindings;
  readonly suspects: Suspects;
  /** How often to look at a range of which too much is on its way. */
  readonly attempts: number;
  readonly caughtUp: () => Promise<void>;
}

/** A range that differs is cut into so many… */
const PARTS = 16;
/** …until one has no more rows than that: then these are read. */
const FEW_ROWS = 256;

/** Compares ranges of one table: by digests, and where these differ by rows. */
export class RangeComparison {
  readonly #options: RangeComparisonOptions;

  constructor(options: RangeComparisonOptions) {
    this.#options = options;
  }

  /** Compares a range, and resolves to the rows that the primary has in it. Rows that differ are left to `suspects`. */
  async compare(range: KeyRange, about: { readonly rows?: number } = {}): Promise<number> {
    const { findings } = this.#options;
    const found = await this.#digests(range, about);
    findings.counts.ranges += 1;
    findings.counts.rowsCompared += found.rows;
    if (found.is === 'busy') {
      findings.counts.inconclusive += found.rows;
      return found.rows;
    }
    if (found.is === 'different') {
      findings.counts.rangesNarrowed += 1;
      await this.#narrow(range, found);
    }
    return found.rows;
  }

  /** Compares the rows with these keys of the primary, few enough to be held in memory. */
  async compareKeys(keys: readonly Key[]): Promise<void> {
    const { pair, table, salt, suspects, findings } = this.#options;
    findings.counts.rowsCompared += keys.length;
    const found = await compareDigests(pair, { table, range: EVERYTHING, salt, keys, rows: keys.length });
    if (found.is === 'same') await suspects.onTheirWay(found.changed);
    else await suspects.look(keys);
  }

  async #digests(range: KeyRange, about: { readonly rows?: number } = {}): Promise<RangeVerdict> {
    const { pair, table, salt, attempts, caughtUp, suspects } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const found = await compareDigests(pair, { table, range, salt, ...about });
      if (found.is !== 'busy') {
        await suspects.onTheirWay(found.changed);
        return found;
      }
      if (attempt === attempts) return found;
      await caughtUp();
    }
  }

  async #narrow(range: KeyRange, { most, mostRows }: Exclude<RangeVerdict, { is: 'busy' }>): Promise<void> {
    if (mostRows <= FEW_ROWS) return this.#readRows(range, mostRows);
    const { pair, table } = this.#options;
    const rows = Math.ceil(mostRows / PARTS);
    for (let rest: KeyRange | null = range; rest !== null;) {
      const end: Key | null = await pair[most].digests.boundary(table, rest, rows);
      const [part, others]: readonly [KeyRange, KeyRange | null] = end === null ? [rest, null] : splitAt(rest, end);
      const found = await this.#digests(part);
      // What was added meanwhile must not make it go on for ever.
      if (found.is === 'busy') this.#options.findings.counts.inconclusive += found.rows;
      else if (found.is === 'different') {
        if (found.mostRows < mostRows) await this.#narrow(part, found);
        else await this.#readRows(part, found.mostRows);
      }
      rest = others;
    }
  }

  /** The rows of a short range in both databases, side by side. */
  async #readRows(range: KeyRange, expected: number): Promise<void> {
    const { pair, table, suspects } = this.#options;
    const limit = Math.max(expected, FEW_ROWS) * 2;
    const [ours, theirs] = await Promise.all([
      pair.primary.digests.rows(table, range, limit),
      pair.secondary.digests.rows(table, range, limit),
    ]);
    const longer = ours.length >= theirs.length ? ours : theirs;
    const middle = longer.length < limit ? undefined : longer[FEW_ROWS];
    if (middle === undefined) return suspects.add(differing(pair, table, { ours, theirs }));
    // It has grown meanwhile.
    for (const part of splitAt(range, keyOf(table, middle))) await this.#readRows(part, FEW_ROWS);
  }
}

/** The rows of two lists that the other one does not have alike. */
function differing(
  pair: Pair,
  table: TableSpec,
  { ours, theirs }: { readonly ours: readonly Row[]; readonly theirs: readonly Row[] },
): readonly Sighting[] {
  const others = new Map(theirs.map((row) => [identity(table, keyOf(table, row), pair.secondary.name), row]));
  const found: Row[] = [];
  for (const row of ours) {
    const name = identity(table, keyOf(table, row), pair.primary.name);
    if (compareRows(pair, table, row, others.get(name)).is !== 'same') found.push(row);
    others.delete(name);
  }
  return [...pair.sight(pair.primary, table, found), ...pair.sight(pair.secondary, table, [...others.values()])];
}
