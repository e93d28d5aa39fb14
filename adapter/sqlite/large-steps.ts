import type {
  Batch,
  Cursor,
  EncodedPiece,
  EncodedRows,
  StepApplied,
  StepReading,
  StepRequest,
  StepToApply,
} from '../store.ts';
import { parsePosition } from './position.ts';
import type { Durability } from './durability.ts';
import type { StepClaim } from './step-writer.ts';
import type { SentBatch } from './step-work.ts';
import type { Call, SqliteThread } from './thread.ts';
import { reviveValues } from './thread-values.ts';

/** Answers that are asked for before the last one has been taken: the thread reads on while PostgreSQL works. */
const ASKED_AHEAD = 2;
/** Of a piece about 4 MiB: so much is read while PostgreSQL still has what it was sent of the piece before. */
const PIECE_ASKED_AHEAD = 16;

/**
 * Steps that would hold the event loop for too long, read or applied by a thread. What crosses over is bounded: the next
 * batch is sent when one before it has been taken.
 */
export class LargeSteps {
  readonly #thread: SqliteThread;
  readonly #durability: Durability;
  #opened = 0;
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

  /** As `StepReader.open`, with the snapshot in the thread. Several steps may be open. */
  read<T>({ signal, ...request }: StepRequest, use: (reading: StepReading) => Promise<T>): Promise<T> {
    return this.#thread.use(async (call) => {
      const number = (this.#opened += 1);
      try {
        const { hasEncodedPiece, mayOverlap, ...outline } = await call('openStep', { step: number, request });
        const step = new OpenStep({ number, call, request, hasEncodedPiece });
        const durable = this.#durability.ofLarge({
          seq: parsePosition(outline.position).seq,
          isEmpty: outline.isEmpty,
        });
        return await use({
          ...outline,
          after: request.after,
          from: request.cursors,
          isWhole: false,
          get cursor() {
            return step.cursor;
          },
          piece: step.piece,
          ...(mayOverlap ? { readToEnd: step.readToEnd } : {}),
          batches: () => step.batches('all'),
          durable,
        });
      } finally {
        // Not waited for: the thread may be reading ahead for the next step, which waits for this one to end.
        void eventually(call('closeStep', number));
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

/** A step that is open in the thread, and read from there. */
class OpenStep {
  readonly #number: number;
  readonly #call: Call;
  readonly #request: Omit<StepRequest, 'signal'>;
  readonly piece: EncodedPiece | null;
  /** Resolves when the thread has read the piece to its end for the first time. */
  readonly readToEnd: Promise<void>;
  #isRead = (): void => {};
  #cursor: Cursor | null = null;
  /** The piece's rows, which are read from the beginning… */
  #begun: AsyncIterable<EncodedRows> | null = null;
  /** …and the others, which PostgreSQL is given before them. */
  #othersBegun: AsyncIterable<SentBatch> | null = null;
  #end: Promise<void> | null = null;

  constructor(step: {
    readonly number: number;
    readonly call: Call;
    readonly request: Omit<StepRequest, 'signal'>;
    readonly hasEncodedPiece: boolean;
  }) {
    this.#number = step.number;
    this.#call = step.call;
    this.#request = step.request;
    this.readToEnd = new Promise((resolve) => (this.#isRead = resolve));
    this.piece = this.#pieceOf(step);
    if (this.piece === null) return;
    this.#othersBegun = this.#readBatches('others');
    this.#begun = this.#readPiece();
  }

  /** Where the backfill stands after it; `null` before its piece has been read to the end. */
  get cursor(): Cursor | null {
    return this.#cursor;
  }

  #pieceOf({ request: { piece }, hasEncodedPiece }: { request: Pick<StepRequest, 'piece'>; hasEncodedPiece: boolean }) {
    if (piece === null || !hasEncodedPiece) return null;
    return { table: piece.table, encoded: () => this.#encoded(), otherBatches: () => this.batches('others') };
  }

  async *batches(what: 'all' | 'others'): AsyncIterable<Batch> {
    const begun = what === 'others' ? this.#othersBegun : null;
    this.#othersBegun = null;
    const { tables } = this.#request;
    for await (const batch of begun ?? this.#readBatches(what)) {
      const table = tables[batch.table];
      if (table === undefined) throw new RangeError(`the step has no table ${batch.table}`);
      yield { ...batch, table, present: reviveValues(batch.present), absent: reviveValues(batch.absent) };
    }
    if (what === 'all') await this.#learnCursor();
  }

  async *#encoded(): AsyncIterable<EncodedRows> {
    const begun = this.#begun ?? this.#readPiece();
    this.#begun = null;
    for await (const rows of begun) {
      reviveValues(rows.refused.map(({ key }) => key));
      yield rows;
    }
  }

  /** Asks for the first ones at once. */
  #readBatches(what: 'all' | 'others'): AsyncIterable<SentBatch> {
    void eventually(this.#call('rewind', { step: this.#number, what }));
    return ahead(() => this.#call('nextBatch', this.#number), ASKED_AHEAD);
  }

  /** Asks for the first rows at once. */
  #readPiece(): AsyncIterable<EncodedRows> {
    void eventually(this.#call('rewindPiece', this.#number));
    const next = async (): Promise<EncodedRows | null> => {
      const rows = await this.#call('nextRows', this.#number);
      // Long before the last rows have been taken: the thread need not stand still until then.
      if (rows === null) await (this.#end ??= this.#learnCursor().then(this.#isRead));
      return rows;
    };
    return ahead(next, PIECE_ASKED_AHEAD);
  }

  async #learnCursor(): Promise<void> {
    const cursor = await this.#call('cursor', this.#number);
    if (cursor?.after) reviveValues([cursor.after]);
    this.#cursor = cursor;
  }
}

/** What `next` gives until it gives `null`; so many answers are asked for before they are needed, the first ones at once. */
function ahead<T>(next: () => Promise<T | null>, count: number): AsyncIterable<T> {
  const asked = Array.from({ length: count }, () => eventually(next()));
  return (async function* taken() {
    while (true) {
      const found = await asked.shift();
      if (found === undefined || found === null) return;
      asked.push(eventually(next()));
      yield found;
    }
  })();
}

/** It may fail before it is waited for. */
function eventually<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
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
