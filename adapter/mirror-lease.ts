import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from './config.ts';
import { CrossfadeError } from './errors.ts';
import type { Lease, Records } from './store.ts';

/**
 * This process's claim to run the Mirror. Kept in PostgreSQL, by whose clock it expires, so that a process that was
 * killed or sleeps is replaced. For economy only: what a late holder writes is refused by the secondary's state row.
 */
export class MirrorLease {
  readonly #records: Records;
  readonly #config: Pick<Config, 'processName' | 'leaseMs'>;
  readonly #holder = `${hostname()}:${process.pid}:${randomUUID()}`;
  #inForce: Lease | null = null;
  #renewedAt = 0;

  constructor(records: Records, config: Pick<Config, 'processName' | 'leaseMs'>) {
    this.#records = records;
    this.#config = config;
  }

  /** Whether this process held it when it last looked. */
  get isMine(): boolean {
    return this.#inForce?.holder === this.#holder;
  }

  /** What a person needs to find the process that holds it, or `null` when this one has not asked. */
  get holder(): string | null {
    return this.#inForce?.description ?? null;
  }

  /** Takes the lease when it is free, and renews it when it is due. Resolves to whether this process holds it. */
  async hold(): Promise<boolean> {
    const now = performance.now();
    if (this.isMine && now - this.#renewedAt < this.#config.leaseMs / 3) return true;
    this.#inForce = await this.#records.lease({
      holder: this.#holder,
      description: `process ${process.pid} on ${hostname()} (${this.#config.processName})`,
      ttlMs: this.#config.leaseMs,
    });
    this.#renewedAt = now;
    return this.isMine;
  }

  /**
   * Renews the lease until the returned function is called, which resolves when nothing is under way any more. Calls
   * `onLost` when another process has it.
   */
  keep(onLost: () => void): () => Promise<void> {
    let renewing: Promise<unknown> = Promise.resolve();
    const renew = async (): Promise<void> => {
      // Not being able to ask is no answer; the secondary's state row decides.
      if (!(await this.hold().catch(() => true))) onLost();
    };
    const timer = setInterval(() => {
      renewing = renewing.then(renew);
    }, this.#config.leaseMs / 3);
    return async () => {
      clearInterval(timer);
      await renewing;
    };
  }

  /**
   * Takes the lease now, or fails.
   *
   * @throws CrossfadeError `MIRROR_TAKEN`, naming the process that holds it.
   */
  async take(): Promise<void> {
    this.#inForce = null;
    if (!(await this.hold())) throw this.taken();
  }

  async giveBack(): Promise<void> {
    const { isMine } = this;
    this.#inForce = null;
    // Not being able to is no harm: it expires by itself.
    if (isMine) await this.#records.releaseLease(this.#holder).catch(() => {});
  }

  /** The error for what only the holder can do. */
  taken(): CrossfadeError {
    return new CrossfadeError('MIRROR_TAKEN', `the Mirror is run by another process: ${this.holder ?? 'none yet'}`, {
      hint: 'one process runs it at a time, and does what is to be done for all: watch it (crossfade status, crossfade backfill --follow), or stop that process and try again',
    });
  }
}
