import type { StepReading } from '../store.ts';
import type { WalFile } from './wal-file.ts';

type Durable = StepReading['durable'];

/** PROTOCOL.md R15b: the secondary must not be ahead of the primary after a power failure. */
export class Durability {
  readonly #wal: WalFile;
  #durableSeq = -1n;

  constructor(wal: WalFile) {
    this.#wal = wal;
  }

  /**
   * What makes a step durable that goes up to this entry of the changelog. To be called when the snapshot has been taken.
   * Off the event loop the sync begins at once, on it when the step has been sent: the disk and PostgreSQL work side by side.
   */
  of({ seq, isEmpty }: { seq: bigint; isEmpty: boolean }): Durable {
    const synced = isEmpty || this.#wal.isQuick ? undefined : this.#durable(seq);
    synced?.catch(() => {});
    return () => synced ?? (isEmpty ? undefined : this.#durable(seq));
  }

  /** The same for a large step: after many changes there is much to sync, whatever the disk's usual pace. */
  ofLarge(step: { seq: bigint; isEmpty: boolean }): Durable {
    this.#wal.expectMuch();
    return this.of(step);
  }

  #durable(seq: bigint): Promise<void> | undefined {
    if (seq <= this.#durableSeq) return undefined;
    const synced = this.#wal.sync();
    if (synced === undefined) this.#durableSeq = seq;
    return synced?.then(() => {
      if (seq > this.#durableSeq) this.#durableSeq = seq;
    });
  }
}
