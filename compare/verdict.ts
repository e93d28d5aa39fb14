import type { Row, TableSpec } from '../adapter/spec.ts';
import type { Pair, Sighting } from './pair.ts';
import { differingColumns, fingerprint, identity } from './rows.ts';

/** What is true of a row that looked different at first sight. */
export type Verdict =
  | { readonly is: 'same' | 'missing' | 'extra' | 'quarantined' | 'unsettled' }
  | { readonly is: 'differing'; readonly columns: readonly string[] };

export interface SettleRequest {
  readonly pair: Pair;
  readonly table: TableSpec;
  readonly sightings: readonly Sighting[];
  /** How often to look at a row that keeps changing. */
  readonly attempts: number;
  /** Resolves when the secondary has everything that the primary had committed at the call. */
  readonly caughtUp: () => Promise<void>;
}

/**
 * Sightings of one difference in a row, all alike, before it counts. One is not enough: a value that goes from A to B
 * and back to A, seen on the secondary as B, looks like a difference; three times alike on both sides it is none of
 * those.
 */
const CONFIRMATIONS = 3;

interface Open {
  readonly sighting: Sighting;
  /** The last sighting on both sides, and how often in a row it was the same. */
  evidence: string;
  streak: number;
}

/**
 * Looks again at rows that seemed to differ, once the Mirror has passed the moment, until each is told: equal, or
 * different for certain, or changing each time it is looked at (`unsettled`).
 *
 * @throws what `caughtUp` and the stores throw; then nothing is told of any of them.
 */
export async function settle(request: SettleRequest): Promise<readonly Verdict[]> {
  const { pair, table, sightings, attempts } = request;
  const verdicts = new Map<Sighting, Verdict>();
  let open: Open[] = sightings.map((sighting) => ({ sighting, evidence: '', streak: 0 }));
  for (let attempt = 1; attempt <= attempts && open.length > 0; attempt += 1) {
    const looks = await look(
      request,
      open.map(({ sighting }) => sighting),
    );
    if (looks === undefined) continue;
    const stillOpen: Open[] = [];
    for (const [index, candidate] of open.entries()) {
      const { ours, before, theirs } = looks.of(index);
      const difference = compareRows(pair, table, ours, theirs);
      // Between the first look and the last the row may have changed; the secondary may be at either.
      const wasSame = !looks.isOneMoment && compareRows(pair, table, before, theirs).is === 'same';
      if (difference.is === 'same' || wasSame) {
        verdicts.set(candidate.sighting, { is: 'same' });
        continue;
      }
      const isSteady = fingerprint(before) === fingerprint(ours);
      const evidence = `${fingerprint(ours)} ${fingerprint(theirs)}`;
      candidate.streak = isSteady ? (evidence === candidate.evidence ? candidate.streak + 1 : 1) : 0;
      candidate.evidence = evidence;
      if (looks.isOneMoment || candidate.streak >= Math.min(CONFIRMATIONS, attempts)) {
        verdicts.set(candidate.sighting, difference);
      } else {
        stillOpen.push(candidate);
      }
    }
    open = stillOpen;
  }
  await excuseQuarantined(request, verdicts);
  return sightings.map((sighting) => verdicts.get(sighting) ?? { is: 'unsettled' });
}

interface Looks {
  of(index: number): { before: Row | undefined; theirs: Row | undefined; ours: Row | undefined };
  /** Whether the primary had changed nowhere since the snapshot that the secondary equals: both were read as of one moment. */
  readonly isOneMoment: boolean;
}

async function look(
  { pair, table, caughtUp }: SettleRequest,
  sightings: readonly Sighting[],
): Promise<Looks | undefined> {
  const position = await pair.primary.position();
  const before = await pair.lookUp(pair.primary, table, sightings);
  await caughtUp();
  const watermark = await pair.watermark();
  const theirs = await pair.lookUp(pair.secondary, table, sightings);
  const ours = await pair.lookUp(pair.primary, table, sightings);
  const isOneMoment = await pair.isLevel(watermark);
  // By the secondary's own account, whatever the Mirror says: before it has passed the moment, nothing is judged.
  if (!isOneMoment && !pair.primary.reaches(watermark, position)) return undefined;
  return { of: (index) => ({ before: before[index], theirs: theirs[index], ours: ours[index] }), isOneMoment };
}

/** What the primary's row and the secondary's are to each other. */
export function compareRows(pair: Pair, table: TableSpec, ours: Row | undefined, theirs: Row | undefined): Verdict {
  if (ours === undefined) return { is: theirs === undefined ? 'same' : 'extra' };
  if (theirs === undefined) return { is: 'missing' };
  const columns = differingColumns(table, pair.bySide(ours, theirs));
  return columns.length === 0 ? { is: 'same' } : { is: 'differing', columns };
}

/** A row that the secondary refused is missing or old there by design: the quarantine knows it. */
async function excuseQuarantined({ pair, table }: SettleRequest, verdicts: Map<Sighting, Verdict>): Promise<void> {
  const suspects = [...verdicts].filter(([, { is }]) => is === 'missing' || is === 'differing');
  if (suspects.length === 0) return;
  const { quarantine } = await pair.secondary.progress();
  const held = new Set(
    quarantine
      .filter((entry) => entry.table === table.name)
      .map((entry) => identity(table, entry.key, pair.primary.name)),
  );
  for (const [sighting] of suspects) {
    if (held.has(identity(table, sighting.key, sighting.seenIn))) verdicts.set(sighting, { is: 'quarantined' });
  }
}
