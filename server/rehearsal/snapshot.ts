import { Worker } from 'node:worker_threads';
import { CrossfadeError } from '../../adapter/errors.ts';
import type { ErrorCode } from '../../adapter/errors.ts';
import { SqliteStore } from '../../adapter/sqlite/store.ts';
import type { SnapshotAnswer, SnapshotQuestion } from './snapshot-thread.ts';

/**
 * Copies a live SQLite file as it is at one moment, by a thread, and takes Crossfade's own tables and triggers out of the
 * copy. The file itself is only read. Resolves to the size of the copy in bytes.
 *
 * @throws CrossfadeError `SQLITE_UNREADABLE`, `SQLITE_BUSY`, `GATE_REFUSED` for a file that is no primary any more; the
 * signal's reason when it is aborted.
 */
export async function takeSnapshot(question: SnapshotQuestion & { readonly signal: AbortSignal }): Promise<number> {
  const { from, to, signal } = question;
  signal.throwIfAborted();
  const worker = new Worker(new URL('./snapshot-thread.js', import.meta.url), {
    workerData: { from, to } satisfies SnapshotQuestion,
    name: 'crossfade snapshot',
    execArgv: [],
  });
  const end = (): void => void worker.terminate();
  signal.addEventListener('abort', end, { once: true });
  try {
    const answer = await new Promise<SnapshotAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread that copies the SQLite file has ended')));
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    if ('code' in answer)
      throw new CrossfadeError(answer.code as ErrorCode, `could not copy the SQLite file: ${answer.message}`, {
        hint: answer.hint,
      });
    await removeCrossfade(to);
    return answer.bytes;
  } finally {
    signal.removeEventListener('abort', end);
    await worker.terminate();
  }
}

/** The rehearsal begins before Crossfade was there. */
async function removeCrossfade(path: string): Promise<void> {
  const store = SqliteStore.open(path);
  try {
    const state = await store.state();
    if (state?.role === 'secondary') {
      throw new CrossfadeError(
        'GATE_REFUSED',
        `there is nothing to rehearse: PostgreSQL takes the writes in stage "${state.stage}"`,
        { hint: 'a rehearsal is for the move from SQLite to PostgreSQL' },
      );
    }
    await store.uninstall();
  } finally {
    await store.close();
  }
}
