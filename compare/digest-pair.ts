import { isSameDigest, NO_ROWS, without } from '../adapter/digest.ts';
import type { DigestRequest } from '../adapter/digest.ts';
import type { Key } from '../adapter/spec.ts';
import { Interrupted } from './interrupted.ts';
import type { Pair } from './pair.ts';

/** What the digests of a range in both databases say. */
export type RangeVerdict =
  /** More rows of the table are on their way than can be left out. */
  | { readonly is: 'busy'; readonly rows: number }
  | {
      /** Whether all rows are the same but those on their way. */
      readonly is: 'same' | 'different';
      /** Rows of the primary in the range. */
      readonly rows: number;
      /** Rows of the side that has more of them. */
      readonly most: 'primary' | 'secondary';
      readonly mostRows: number;
      /** Keys of the table's rows that were on their way: of these nothing is said. */
      readonly changed: readonly Key[];
    };

/** With more changes on their way than that it is better to wait until they have arrived. */
const MAX_CHANGED = 2_000;

/**
 * Compares a range by its digests, exactly, whatever is being written.
 *
 * The secondary's digest belongs to a snapshot of it that names, in its watermark, the snapshot of the primary that it
 * equals. The primary's digest is taken after that, in a snapshot which also shows what has changed since
 * that watermark. The share of those rows is taken from both digests, each within its snapshot; the rest must be the same.
 * When the changelog has been pruned in between, too little is taken away, and the range looks different: rows decide.
 */
export async function compareDigests(pair: Pair, request: DigestRequest): Promise<RangeVerdict> {
  return pair.secondary.digests.asSecondary(request, async (snapshot) => {
    const { digest: theirs, watermark } = snapshot;
    if (watermark === null) throw new Interrupted('the writes moved to the other database during the comparison');
    const since = { watermark, maxKeys: MAX_CHANGED };
    const { digest: ours, changed, ofChanged } = await pair.primary.digests.asPrimary(request, since);
    if (changed === 'many') return { is: 'busy', rows: ours.rows };
    const theirsOfChanged = changed.length === 0 ? NO_ROWS : await snapshot.ofKeys(changed);
    const isSame = isSameDigest(without(ours, ofChanged), without(theirs, theirsOfChanged));
    const most = ours.rows >= theirs.rows ? 'primary' : 'secondary';
    return {
      is: isSame ? 'same' : 'different',
      rows: ours.rows,
      most,
      mostRows: Math.max(ours.rows, theirs.rows),
      changed,
    };
  });
}
