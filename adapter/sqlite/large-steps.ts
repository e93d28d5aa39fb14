import type { TableSpec } from '../spec.ts';
import type { Batch, StepApplied, StepReading, StepRequest, StepToApply } from '../store.ts';
import { parsePosition } from './position.ts';
import type { Durability } from './durability.ts';
import type { StepClaim } from './step-writer.ts';
import type { Call, SqliteThread } from './thread.ts';
import { reviveValues } from './thread-values.ts';

/** Batches that are asked for before the last one has been taken: the thread reads on while PostgreSQL works. */
const BATCHES_AHEAD = 2;

/**
 * Steps that would hold the event loop for too long, read or applied by a thread. What crosses over is bounded: the next
 * batch is sent when one before it has been taken.
 */
export class LargeSteps {
  readonly #thread: SqliteThread;
  readonly #durability: Durability;
  #applying: AbortController | null = null;
  #transaction: Promise<unknown> = Promise.resolve();

  constructor(thread: SqliteThread, durability: Durability) {
    this.#thread = thread;
    this.#durability = durability;
  }

  /** Resolves when no step holds the write lock. */
  get isUnlocked(): Promise<unknown> {
    return this.#transaction;
  }

  /** Rolls back the step that is being applied, which fails with this reason. Resolves when it holds no lock any more. */
  async interrupt(reason: unknown): Promise<void> {
    this.#applying?.abort(reason);
    await this.#transaction;
  }

  /** As `StepReader.read`, with the snapshot in the thread. */
  read<T>({ signal, ...request }: StepRequest, use: (reading: StepReading) => Promise<T>): Promise<T> {
    return this.#thread.use(async (call) => {
      try {
        const outline = await call('openStep', request);
        if (outline.cursor?.after) reviveValues([outline.cursor.after]);
        const durable = this.#durability.ofLarge({
          seq: parsePosition(outline.position).seq,
          isEmpty: outline.isEmpty,
        });
        return await use({
          ...outline,
          after: request.after,
          from: request.cursors,
          isWhole: false,
          batches: () => batchesOf(call, request.tables),
          durable,
        });
      } finally {
        await call('closeStep', null).catch(() => {});
      }
    }, signal);
  }

  /** Applies a step of which some batches have been fetched, and the rest has not. `ready` resolves when it may begin. */
  async apply(
    step: StepToApply,
    { fetched, rest, ready }: { fetched: readonly Batch[]; rest: AsyncIterable<Batch>; ready: () => Promise<unknown> },
  ): Promise<StepApplied | null> {
    const applying = new AbortController();
    this.#applying = applying;
    const { signal } = step;
    const either = signal === undefined ? applying.signal : AbortSignal.any([signal, applying.signal]);
    try {
      return await this.#thread.use(async (call) => {
        try {
          await spool(call, fetched, rest);
          await ready();
          const applied = call('apply', claimOf(step));
          this.#transaction = applied.catch(() => {});
          return reviveQuarantine(await applied);
        } finally {
          await call('clearSpool', null).catch(() => {});
        }
      }, either);
    } finally {
      this.#applying = null;
    }
  }
}

/** While one batch is written the next is fetched. */
async function spool(call: Call, fetched: readonly Batch[], rest: AsyncIterable<Batch>): Promise<void> {
  let written: Promise<void> = Promise.resolve();
  const add = async (batch: Batch): Promise<void> => {
    await written;
    written = call('spool', batch);
    written.catch(() => {});
  };
  for (const batch of fetched) await add(batch);
  for await (const batch of rest) await add(batch);
  await written;
}

async function* batchesOf(call: Call, tables: readonly TableSpec[]): AsyncIterable<Batch> {
  await call('rewind', null);
  const ahead = Array.from({ length: BATCHES_AHEAD }, () => next(call));
  while (true) {
    const batch = await ahead.shift();
    const table = tables[batch?.table ?? -1];
    if (!batch || table === undefined) return;
    ahead.push(next(call));
    yield { ...batch, table, present: reviveValues(batch.present), absent: reviveValues(batch.absent) };
  }
}

function next(call: Call): ReturnType<typeof call<'nextBatch'>> {
  const batch = call('nextBatch', null);
  // It may fail before it is waited for.
  batch.catch(() => {});
  return batch;
}

/** What the thread needs of a step beside its rows. */
function claimOf({ epoch, step, captureId, quarantine, reading }: StepToApply): StepClaim {
  const { position, after, cursor, from } = reading;
  return { epoch, step, captureId, quarantine, reading: { position, after, cursor, from } };
}

function reviveQuarantine(applied: StepApplied | null): StepApplied | null {
  if (applied !== null) reviveValues(applied.quarantine.map(({ key }) => key));
  return applied;
}
