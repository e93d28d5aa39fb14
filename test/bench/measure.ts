import { accountRow, SEED_ROWS } from './databases.ts';
import type { Writer } from './variants.ts';

/** One kind of load. */
export interface Case {
  readonly name: string;
  readonly kind: 'insert' | 'update' | 'insert-many';
  /** Writes under way at the same time. */
  readonly concurrency: number;
  readonly writes: number;
}

/** What one run of a case on one variant took. */
export interface Sample {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly perSecond: number;
  /** How long the other database took to catch up after the last write. */
  readonly settleMs: number;
}

/** Rows in one statement of an `insert-many`. */
export const MANY_ROWS = 100;

/** Runs a case. Each write begins as soon as one before it has ended. @throws the signal's reason when aborted. */
export async function measure(
  writer: Writer,
  load: Case,
  run: { numbers: Numbers; signal: AbortSignal },
): Promise<Sample> {
  const latencies: number[] = [];
  let begun = 0;
  const work = async (): Promise<void> => {
    while (begun < load.writes) {
      run.signal.throwIfAborted();
      begun += 1;
      const startedAt = performance.now();
      await write(writer, load, run.numbers);
      latencies.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: load.concurrency }, work));
  const endedAt = performance.now();
  await writer.settle();
  return {
    medianMs: quantile(latencies, 0.5),
    p95Ms: quantile(latencies, 0.95),
    perSecond: (load.writes / (endedAt - startedAt)) * 1000,
    settleMs: performance.now() - endedAt,
  };
}

/** Numbers that no other write of the same variant has had. */
export class Numbers {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

function write(writer: Writer, load: Case, numbers: Numbers): Promise<unknown> {
  const number = numbers.next();
  if (load.kind === 'update') return writer.update((number % SEED_ROWS) + 1, { balance: number, rate: number / 8 });
  if (load.kind === 'insert') return writer.insert(accountRow(`user-${number}@example.org`, number));
  return writer.insert(
    Array.from({ length: MANY_ROWS }, (_, index) => accountRow(`user-${number}-${index}@example.org`, number)),
  );
}

/** Half of the values lie below it. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share of the values lies; 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}
