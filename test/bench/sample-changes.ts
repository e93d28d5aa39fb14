import Database from 'better-sqlite3';
import type { Crossfade } from '../../adapter/index.ts';
import { SAMPLE } from './sample-file.ts';

/** Changes before an incremental comparison. */
export const CHANGES = 1_000;
const SETTLE_LIMIT_MS = 60_000;

/** Changes rows all over the large table, and waits until they are mirrored. */
export async function changeRows(sqlite: string, { mirror }: Pick<Crossfade, 'mirror'>): Promise<void> {
  const file = new Database(sqlite);
  file
    .prepare(
      `UPDATE ${SAMPLE} SET weight = coalesce(weight, 0) + 1 WHERE id IN
         (SELECT max(id) FROM ${SAMPLE} GROUP BY id / ((SELECT max(id) FROM ${SAMPLE}) / ${CHANGES} + 1))`,
    )
    .run();
  file.close();
  await mirror.caughtUp({ timeoutMs: SETTLE_LIMIT_MS });
}
