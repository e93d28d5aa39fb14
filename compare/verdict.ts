import { setImmediate as turn } from 'node:timers/promises';
import type { Row, TableSpec } from '../adapter/spec.ts';
import type { Pair, Sighting } from './pair.ts';
import { differingColumns, identity } from './rows.ts';

/** What is true of a row that looked different at first sight. */
export type Verdict =
  | { readonly is: 'same' }
  | { readonly is: 'missing' | 'extra' | 'quarantined' | 'unsettled' }
  | { readonly is: 'differing'; readonly columns: readonly string[]; readonly ours: Row; readonly theirs: Row };

export interface SettleRequest {
  readonly pair: Pair;
  readonly table: TableSpec;
  readonly sightings: readonly Sighting[];
  /** How often to look at a row that keeps changing. */
  readonly attempts: number;
  /** Resolves when the secondary has everything that the primary had committed at the call. */
  readonly caughtUp: () => Promise<void>;
}

/** From which look on, and for how many rows at most, every value that the primary takes on is watched. */
const WATCH_FROM_ATTEMPT = 3;
const WATCHED_ROWS = 50;
const WATCHED_SAMPLES = 500;

/**
 * Looks again at rows that seemed to differ, after the Mirror has passed the moment, until each is told: equal, or
 * different for certain, or changing each time it is looked at (`unsettled`).
 *
 * A difference is certain when the primary's changelog, still whole since the secondary's watermark, holds no change of
 * the row after it: the row has then been the same all the time since the snapshot that the secondary claims to equal.
 *
 * @throws what `caughtUp` and the stores throw; then nothing is told of any of them.
 */
export async function settle(request: SettleRequest): Promise<readonly Verdict[]> {
  const { pair, table, sightings, attempts } = request;
  const verdicts = new Map<Sighting, Verdict>();
  let open = sightings;
  for (let attempt = 1; attempt <= attempts && open.length > 0; attempt += 1) {
    const watches = attempt >= WATCH_FROM_ATTEMPT && open.length <= WATCHED_ROWS;
    const look = await Look.at(request, { sightings: open, watches });
    open = open.filter((sighting, index) => {
      const verdict = look.judge(pair, table, index);
      if (verdict !== undefined) verdicts.set(sighting, verdict);
      return verdict === undefined;
    });
  }
  await excuseQuarantined(request, verdicts);
  return sightings.map((sighting) => verdicts.get(sighting) ?? { is: 'unsettled' });
}

/** Both sides of some rows, as they were seen around one wait for the Mirror. */
class Look {
  readonly #theirs: readonly (Row | undefined)[];
  /** The primary's rows, from before the wait to after the secondary was read. */
  readonly #ours: readonly (readonly (Row | undefined)[])[];
  /** For each row, whether it has changed since the snapshot that the secondary equals. */
  readonly #hasChanged: readonly boolean[];

  private constructor(seen: {
    theirs: readonly (Row | undefined)[];
    ours: readonly (readonly (Row | undefined)[])[];
    hasChanged: readonly boolean[];
  }) {
    this.#theirs = seen.theirs;
    this.#ours = seen.ours;
    this.#hasChanged = seen.hasChanged;
  }

  static async at(
    { pair, table, caughtUp }: SettleRequest,
    { sightings, watches }: { sightings: readonly Sighting[]; watches: boolean },
  ): Promise<Look> {
    const ours = [await pair.lookUp(pair.primary, table, sightings)];
    let isRead = false;
    const reading = (async () => {
      try {
        await caughtUp();
        const watermark = await pair.watermark();
        return { watermark, theirs: await pair.lookUp(pair.secondary, table, sightings) };
      } finally {
        isRead = true;
      }
    })();
    reading.catch(() => {});
    // A row that never rests is caught by watching: what the secondary holds must be among what the primary held.
    while (watches && !isRead && ours.length < WATCHED_SAMPLES) {
      await turn();
      ours.push(await pair.lookUp(pair.primary, table, sightings));
    }
    const { watermark, theirs } = await reading;
    ours.push(await pair.lookUp(pair.primary, table, sightings));
    const changed = await pair.changedSince(table, watermark);
    const hasChanged = sightings.map(({ key, seenIn }) => changed.has(identity(table, key, seenIn)));
    return new Look({ theirs, ours, hasChanged });
  }

  /** What a row is, or `undefined` when it changed under the look. */
  judge(pair: Pair, table: TableSpec, index: number): Verdict | undefined {
    const theirs = this.#theirs[index];
    if (!this.#hasChanged[index]) return compareRows(pair, table, this.#ours.at(-1)?.[index], theirs);
    const wasSame = this.#ours.some((rows) => compareRows(pair, table, rows[index], theirs).is === 'same');
    return wasSame ? { is: 'same' } : undefined;
  }
}

/** What the primary's row and the secondary's are to each other. */
export function compareRows(pair: Pair, table: TableSpec, ours: Row | undefined, theirs: Row | undefined): Verdict {
  if (ours === undefined) return { is: theirs === undefined ? 'same' : 'extra' };
  if (theirs === undefined) return { is: 'missing' };
  const columns = differingColumns(table, pair.bySide(ours, theirs));
  return columns.length === 0 ? { is: 'same' } : { is: 'differing', columns, ours, theirs };
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
