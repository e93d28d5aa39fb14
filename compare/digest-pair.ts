import { isSameDigest, NO_ROWS, without } from '../adapter/digest.ts';
import type { DigestRequest, RangeDigest } from '../adapter/digest.ts';
import type { Key } from '../adapter/spec.ts';
import { Interrupted } from './interrupted.ts';
import type { Pair } from './pair.ts';

/** What the digests of a range in both databases say. */
export interface RangeVerdict {
  /** Whether all rows are the same but those on their way. */
  readonly is: 'same' | 'different';
  /** Rows of the primary in the range. */
  readonly rows: number;
  /** Rows of the side that has more of them. */
  readonly most: 'primary' | 'secondary';
  readonly mostRows: number;
}

/** More rows of the table are on their way than can be left out. */
export interface Busy {
  readonly is: 'busy';
  /** Rows of the primary in all ranges that were asked about. */
  readonly rows: number;
}

/** What the digests of ranges say, each in its place. */
export interface RangeVerdicts {
  readonly is: 'told';
  readonly of: readonly RangeVerdict[];
  /** Keys of the table's rows that were on their way: of these nothing is said. */
  readonly changed: readonly Key[];
}

/** With more changes on their way than that it is better to wait until they have arrived. */
const MAX_CHANGED = 2_000;

/**
 * Compares ranges by their digests, exactly, whatever is being written.
 *
 * The secondary's digest belongs to a snapshot of it that names, in its watermark, the snapshot of the primary that it
 * equals. The primary's digest is taken in a later snapshot, which also shows what has changed since
 * that watermark. The share of those rows is taken from the digests, each within its snapshot; the rest must be the same.
 * When the changelog has been pruned in between, too little is taken away, and ranges look different: rows decide.
 */
export async function compareDigests(pair: Pair, request: DigestRequest): Promise<RangeVerdicts | Busy> {
  return pair.secondary.digests.asSecondary(request, async (snapshot) => {
    const { watermark } = snapshot;
    if (watermark === null) throw new Interrupted('the writes moved to the other database during the comparison');
    const since = { watermark, maxKeys: MAX_CHANGED };
    const { digests: ours, changed, ofChanged } = await pair.primary.digests.asPrimary(request, since);
    if (changed === 'many') return { is: 'busy', rows: ours.reduce((sum, { rows }) => sum + rows, 0) };
    const theirs = await snapshot.digests;
    const theirsOfChanged = changed.length === 0 ? [] : await snapshot.ofKeys(changed);
    const of = request.ranges.map((_, index) =>
      verdictOf(
        { all: ours[index] ?? NO_ROWS, changed: ofChanged[index] ?? NO_ROWS },
        { all: theirs[index] ?? NO_ROWS, changed: theirsOfChanged[index] ?? NO_ROWS },
      ),
    );
    return { is: 'told', of, changed };
  });
}

interface Share {
  readonly all: RangeDigest;
  readonly changed: RangeDigest;
}

function verdictOf(ours: Share, theirs: Share): RangeVerdict {
  const isSame = isSameDigest(without(ours.all, ours.changed), without(theirs.all, theirs.changed));
  return {
    is: isSame ? 'same' : 'different',
    rows: ours.all.rows,
    most: ours.all.rows >= theirs.all.rows ? 'primary' : 'secondary',
    mostRows: Math.max(ours.all.rows, theirs.all.rows),
  };
}
