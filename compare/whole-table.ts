import { EVERYTHING } from '../adapter/digest.ts';
import type { DigestSalt } from '../adapter/digest.ts';
import type { TableSpec } from '../adapter/spec.ts';
import { compareDigests } from './digest-pair.ts';
import type { Busy, RangeVerdicts } from './digest-pair.ts';
import type { TableFindings } from './findings.ts';
import { Interrupted, interrupts } from './interrupted.ts';
import type { Pair } from './pair.ts';
import type { Suspects } from './suspects.ts';

export interface WholeTableOptions {
  readonly pair: Pair;
  readonly table: TableSpec;
  readonly salt: DigestSalt;
  readonly findings: TableFindings;
  readonly suspects: Suspects;
  readonly caughtUp: () => Promise<void>;
}

/** With more rows a snapshot would stay open for too long: about 5 s, in which neither database cleans up behind it. */
const MOST_ROWS = 2_000_000;
/** How often to look at a table of which too much is on its way. */
const ATTEMPTS = 3;

/**
 * Compares a table in one piece by its digest, which asks for no order: that takes a tenth of the time in which its rows
 * are compared one by one. Resolves to whether that has told that all rows are the same; those on their way are left to
 * `suspects`.
 */
export async function isSameAsWhole(options: WholeTableOptions): Promise<boolean> {
  const { pair, table, findings, suspects, caughtUp } = options;
  const about = (await pair.secondary.digests.about(table)) ?? (await pair.primary.digests.about(table)) ?? 0;
  if (about > MOST_ROWS) return false;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const found = await digests(options);
    if (found === null) return false;
    if (found.is === 'told') {
      const [whole] = found.of;
      if (whole?.is !== 'same') return false;
      findings.counts.ranges += 1;
      findings.counts.rowsCompared += whole.rows;
      await suspects.onTheirWay(found.changed);
      return true;
    }
    await caughtUp();
  }
  return false;
}

/** `null` where they could not be had. */
async function digests({ pair, table, salt }: WholeTableOptions): Promise<RangeVerdicts | Busy | null> {
  try {
    return await compareDigests(pair, { table, ranges: [EVERYTHING], salt });
  } catch (error) {
    if (error instanceof Interrupted || !interrupts(error)) throw error;
    // Rows that take so long that a limit on statements or open snapshots is met can still be read in pages.
    return null;
  }
}
