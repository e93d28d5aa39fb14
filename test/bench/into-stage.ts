import { createCrossfade } from '../../adapter/index.ts';
import type { Crossfade, Stage } from '../../adapter/index.ts';
import { crossfadeCommand } from './crossfade-command.ts';
import type { Databases } from './databases.ts';

/** Moves on, or back, whatever the gates say of it. @throws when it is refused even so */
export async function intoStage(crossfade: Crossfade, stage: Stage, signal?: AbortSignal): Promise<void> {
  const outcome = await crossfade.cutover.moveTo(stage, { force: true, ...(signal === undefined ? {} : { signal }) });
  if (outcome.outcome === 'refused') throw new Error(`stage ${stage} was refused: ${JSON.stringify(outcome.gates)}`);
}

/** Fills PostgreSQL by `crossfade backfill`, and moves on to stage `dual`. */
export async function filledIntoDual(databases: Databases, signal: AbortSignal): Promise<void> {
  await crossfadeCommand(['backfill'], { databases, signal });
  const crossfade = await createCrossfade({ ...databases, processName: 'bench' });
  try {
    await intoStage(crossfade, 'dual', signal);
  } finally {
    await crossfade.close();
  }
}
