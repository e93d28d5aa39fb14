/** What the thread runs: answers the calls of the {@link SqliteThread} that started it, until that ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { recordOfError } from './thread-values.ts';
import { answer, ThreadWork } from './thread-work.ts';
import type { ThreadAnswer, ThreadQuestion } from './thread.ts';

const work = new ThreadWork(String(workerData));

parentPort?.on('message', (question: ThreadQuestion) => void reply(question));

async function reply(question: ThreadQuestion): Promise<void> {
  const said = await answerTo(question);
  parentPort?.postMessage(said, 'gives' in said ? transfers(said.gives) : []);
}

/** Encoded rows change hands instead of being copied. */
function transfers(gives: unknown): readonly ArrayBuffer[] {
  if (typeof gives !== 'object' || gives === null || !('bytes' in gives)) return [];
  const { bytes } = gives;
  return bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}

async function answerTo(question: ThreadQuestion): Promise<ThreadAnswer> {
  try {
    return { id: question.id, gives: await answer(work, question) };
  } catch (error) {
    return { id: question.id, failed: recordOfError(error) };
  }
}
