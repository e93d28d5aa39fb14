/** What the thread runs: answers the calls of the {@link SqliteThread} that started it, until that ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { recordOfError } from './thread-values.ts';
import { answer, ThreadWork } from './thread-work.ts';
import type { ThreadAnswer, ThreadQuestion } from './thread.ts';

const work = new ThreadWork(String(workerData));

parentPort?.on('message', (question: ThreadQuestion) => void reply(question));

async function reply(question: ThreadQuestion): Promise<void> {
  parentPort?.postMessage(await answerTo(question), []);
}

async function answerTo(question: ThreadQuestion): Promise<ThreadAnswer> {
  try {
    return { id: question.id, gives: await answer(work, question) };
  } catch (error) {
    return { id: question.id, failed: recordOfError(error) };
  }
}
