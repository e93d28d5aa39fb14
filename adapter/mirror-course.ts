import { CrossfadeError } from './errors.ts';
import type { StoreName, TableSpec } from './spec.ts';
import type { Cursor, Position, Progress, Quarantined, Store, StoreState } from './store.ts';

/** From which store to which the Mirror works, and where it stands; known once both state rows agree. */
export interface Course {
  readonly primary: Store;
  readonly secondary: Store;
  readonly captureId: string;
  readonly tables: readonly TableSpec[];
  readonly epoch: number;
  readonly isReconciling: boolean;
  /** What the next step to be read begins with. Steps before it may still be on their way to the secondary. */
  step: number;
  watermark: Position;
  /** The watermark of the last step that is known to be applied. */
  appliedWatermark: Position;
  /** Where the backfill will stand when the steps that have been read are applied. */
  cursors: readonly Cursor[];
  /** Where it is known to stand. */
  appliedCursors: readonly Cursor[];
  quarantine: readonly Quarantined[];
}

/**
 * Reads both state rows. Resolves to `null` while they do not agree on who is primary: in the middle of a write switch.
 *
 * @throws CrossfadeError `HISTORY_LOST` when the secondary cannot go on from where it stands.
 */
export async function plotCourse({ sqlite, postgres }: Readonly<Record<StoreName, Store>>): Promise<Course | null> {
  const [a, b] = [await sqlite.state(), await postgres.state()];
  if (a === undefined || b === undefined) return null;
  // Two looks at two moments of a write switch may see the same; a second pair of looks does not.
  if (bothClaim(a, b) && bothClaim(await sqlite.state(), await postgres.state())) {
    const impostor = a.epoch < b.epoch ? 'SQLite' : 'PostgreSQL';
    throw new CrossfadeError(
      'HISTORY_LOST',
      `${impostor} claims to be the primary, but does not know the last write switch: an older copy was put back`,
      { hint: 'put the right copy back, or go on with the rows of the other database: crossfade backfill --reconcile' },
    );
  }
  if (a.role === b.role || a.epoch !== b.epoch) return null;
  const [primary, secondary] = a.role === 'primary' ? [sqlite, postgres] : [postgres, sqlite];
  const captureId = (a.role === 'primary' ? a : b).captureId;
  if (captureId === null) return null;
  const progress = await secondary.progress();
  return courseFrom({ primary, secondary, captureId, progress, tables: await sqlite.installedTables() });
}

function courseFrom(found: {
  primary: Store;
  secondary: Store;
  captureId: string;
  progress: Progress;
  tables: readonly TableSpec[];
}): Course {
  const { progress, captureId, primary, secondary, tables } = found;
  const { state } = progress;
  if (state.watermark === null || state.watermarkCaptureId !== captureId) {
    throw new CrossfadeError(
      'HISTORY_LOST',
      `${secondary.name} has never followed the capture that is installed in ${primary.name} now: changes in between are unknown`,
      { hint: 'copy them again: crossfade backfill --reconcile' },
    );
  }
  return {
    primary,
    secondary,
    captureId,
    tables,
    epoch: state.epoch,
    isReconciling: state.isReconciling,
    step: state.step,
    watermark: state.watermark,
    appliedWatermark: state.watermark,
    cursors: progress.cursors,
    appliedCursors: progress.cursors,
    quarantine: progress.quarantine,
  };
}

/** Whether the secondary holds all of the primary's rows, and no others. */
export function isComplete({
  appliedCursors,
  isReconciling,
}: Pick<Course, 'appliedCursors' | 'isReconciling'>): boolean {
  return !isReconciling && appliedCursors.every((cursor) => cursor.isDone);
}

/** Whether each of two stores takes itself for the primary, for good. */
function bothClaim(a: StoreState | undefined, b: StoreState | undefined): boolean {
  return [a, b].every((state) => state?.role === 'primary' && state.intent !== 'released');
}
