import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { TableSize } from '../fill-records.ts';
import type { TableSpec } from '../spec.ts';
import { countRows } from './count-rows.ts';
import type { SizesQuestion } from './count-rows.ts';
import type { SizesAnswer } from './table-sizes-thread.ts';

/** The rows of a file of this size are counted within a few ms, which a thread would take to start. */
const SMALL_BYTES = 4 * 2 ** 20;

/**
 * How many rows each table has, counted by a thread with a connection of its own unless the file is small: counting ten million takes a second or
 * more, which no event loop is to be held for. And about how long a row is, by a look at a few. The thread never
 * keeps the process alive.
 *
 * @throws when SQLite does, and when it is aborted.
 */
export async function tableSizes(
  path: string,
  tables: readonly TableSpec[],
  signal?: AbortSignal,
): Promise<Readonly<Record<string, TableSize>>> {
  signal?.throwIfAborted();
  const question: SizesQuestion = {
    path,
    tables: tables.map(({ name, columns }) => ({ name, columns: columns.map((column) => column.name) })),
  };
  if (bytesOf(path) + bytesOf(`${path}-wal`) <= SMALL_BYTES) return countRows(question);
  const worker = new Worker(new URL('./table-sizes-thread.js', import.meta.url), {
    workerData: question,
    name: 'crossfade table sizes',
    execArgv: [],
  });
  worker.unref();
  const end = (): void => void worker.terminate();
  signal?.addEventListener('abort', end, { once: true });
  try {
    const answer = await new Promise<SizesAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread that counts rows has ended')));
    });
    signal?.throwIfAborted();
    if ('failed' in answer) throw new Error(`the rows could not be counted: ${answer.failed}`);
    return answer.sizes;
  } finally {
    signal?.removeEventListener('abort', end);
    await worker.terminate();
  }
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
