/** What the thread of {@link tableSizes} runs: counts, answers once, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import type { TableSize } from '../fill-records.ts';
import { countRows } from './count-rows.ts';
import type { SizesQuestion } from './count-rows.ts';

/** What it answers. */
export type SizesAnswer = { readonly sizes: Readonly<Record<string, TableSize>> } | { readonly failed: string };

function answer(question: SizesQuestion): SizesAnswer {
  try {
    return { sizes: countRows(question) };
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

parentPort?.postMessage(answer(workerData as SizesQuestion), []);
