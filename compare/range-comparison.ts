import { EVERYTHING, splitAt, splitAtAll } from '../adapter/digest.ts';
import type { DigestSalt, KeyRange } from '../adapter/digest.ts';
import { keyOf } from '../adapter/spec.ts';
import type { Key, Row, TableSpec } from '../adapter/spec.ts';
import { compareDigests } from './digest-pair.ts';
import type { RangeVerdict } from './digest-pair.ts';
import type { TableFindings } from './findings.ts';
import type { Pair, Sighting } from './pair.ts';
import { isPlace } from './ranges.ts';
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

/** A range that differs is cut into so many parts, whose digests are asked for together… */
const PARTS = 64;
/** …though not into smaller ones than that… */
const FEWEST_ROWS = 64;
/** …until one has no more rows than that: then these are read. */
const FEW_ROWS = 256;

/** A range that is not the same in both databases. */
interface Differing extends RangeVerdict {
  readonly range: KeyRange;
}

/** Compares ranges of one table: by digests, and where these differ by rows. */
export class RangeComparison {
  readonly #options: RangeComparisonOptions;

  constructor(options: RangeComparisonOptions) {
    this.#options = options;
  }

  /** Compares a range, and resolves to the rows that the primary has in it. Rows that differ are left to `suspects`. */
  async compare(range: KeyRange, about: { readonly rows?: number } = {}): Promise<number> {
    const { counts } = this.#options.findings;
    const { rows, different } = await this.#digests([range], about);
    counts.ranges += 1;
    counts.rowsCompared += rows;
    counts.rangesNarrowed += different.length;
    for (const found of different) await this.#narrow(found);
    return rows;
  }

  /** Compares the rows with these keys of the primary, few enough to be held in memory. */
  async compareKeys(keys: readonly Key[]): Promise<void> {
    const { pair, table, salt, suspects, findings } = this.#options;
    findings.counts.rowsCompared += keys.length;
    const found = await compareDigests(pair, { table, ranges: [EVERYTHING], salt, keys, rows: keys.length });
    if (found.is === 'told' && found.of.every(({ is }) => is === 'same')) await suspects.onTheirWay(found.changed);
    else await suspects.look(keys);
  }

  /** How many rows the primary has in these ranges, and which of them differ. */
  async #digests(
    ranges: readonly KeyRange[],
    about: { readonly rows?: number },
  ): Promise<{ readonly rows: number; readonly different: readonly Differing[] }> {
    const { pair, table, salt, attempts, caughtUp, suspects, findings } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const found = await compareDigests(pair, { table, ranges, salt, ...about });
      if (found.is === 'told') {
        await suspects.onTheirWay(found.changed);
        const verdicts = ranges.flatMap((range, index) => {
          const verdict = found.of[index];
          return verdict === undefined ? [] : [{ ...verdict, range }];
        });
        const rows = verdicts.reduce((sum, verdict) => sum + verdict.rows, 0);
        return { rows, different: verdicts.filter(({ is }) => is === 'different') };
      }
      if (attempt === attempts) {
        findings.counts.inconclusive += found.rows;
        return { rows: found.rows, different: [] };
      }
      await caughtUp();
    }
  }

  async #narrow({ range, most, mostRows }: Differing): Promise<void> {
    if (mostRows <= FEW_ROWS) return this.#readRows(range, mostRows);
    const { pair, table } = this.#options;
    const each = Math.max(FEWEST_ROWS, Math.ceil(mostRows / PARTS));
    const keys = await pair[most].digests.boundaries(table, range, each);
    const { different } = await this.#digests(splitAtAll(range, keys.filter(isPlace)), { rows: mostRows });
    for (const part of different) {
      // What was added meanwhile must not make it go on for ever.
      if (part.mostRows < mostRows) await this.#narrow(part);
      else await this.#readRows(part.range, part.mostRows);
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
