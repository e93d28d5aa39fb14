import CircuitBreaker from 'opossum';
import { CrossfadeError } from './errors.ts';
import { isInfrastructureError } from './infrastructure-error.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerOptions {
  /** How long it stays open before one call may try again, in ms. @default 1000 */
  readonly resetMs?: number;
  /** How many calls it must have seen within {@link windowMs} before it may open. @default 5 */
  readonly minimumCalls?: number;
  /** Over which time failures are counted, in ms. It opens when more than half of the calls failed. @default 2000 */
  readonly windowMs?: number;
}

/**
 * Stands in front of PostgreSQL's pool, so that a server that is gone costs its callers nothing.
 *
 * Only infrastructure errors count as failures; the application's own SQL errors show that the server answers.
 * It never cuts a call short: a call that was given up would go on running, and might still commit.
 */
export class Breaker {
  readonly #circuit: CircuitBreaker<[() => Promise<unknown>], unknown>;
  readonly #listeners = new Set<(state: BreakerState) => void>();

  constructor(options: BreakerOptions = {}) {
    this.#circuit = new CircuitBreaker((work: () => Promise<unknown>) => work(), {
      name: 'postgres',
      timeout: false,
      resetTimeout: options.resetMs ?? 1_000,
      volumeThreshold: options.minimumCalls ?? 5,
      rollingCountTimeout: options.windowMs ?? 2_000,
      rollingCountBuckets: 4,
      errorThresholdPercentage: 50,
      errorFilter: (error: unknown) => !isInfrastructureError(error),
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    });
    for (const event of ['open', 'close', 'halfOpen'] as const) {
      // opossum declares one overload an event; all three tell nothing but that the state has changed.
      (this.#circuit as NodeJS.EventEmitter).on(event, () => this.#announce());
    }
  }

  /** Whether calls go through (`closed`), are refused (`open`), or one of them is trying (`half-open`). */
  get state(): BreakerState {
    if (this.#circuit.opened) return 'open';
    return this.#circuit.halfOpen ? 'half-open' : 'closed';
  }

  /**
   * Runs `work`, unless the breaker is open.
   *
   * @throws CrossfadeError `BREAKER_OPEN` (retryable) without having called `work`; `CLOSED` after {@link close};
   * and whatever `work` rejects with.
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return (await this.#circuit.fire(work)) as T;
    } catch (error) {
      throw CircuitBreaker.isOurError(Object(error)) ? this.#refusal(error) : error;
    }
  }

  /** Counts a failure that happened outside of {@link run}. Anything but an infrastructure error is left out. */
  observe(error: unknown): void {
    if (this.state === 'open' || this.#circuit.isShutdown || !isInfrastructureError(error)) return;
    this.#circuit.fire(() => Promise.reject(error)).catch(() => {});
  }

  /**
   * Opens at once for an infrastructure error that happened outside of {@link run}: for those whose next calls would go
   * elsewhere anyway, so that failures would never add up. Any other error is left out.
   */
  trip(error: unknown): void {
    if (this.state !== 'open' && !this.#circuit.isShutdown && isInfrastructureError(error)) this.#circuit.open();
  }

  /** Calls `listener` with each new state. Returns what ends that. */
  onChange(listener: (state: BreakerState) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Ends its timers. Calls after this are refused. */
  close(): void {
    this.#listeners.clear();
    this.#circuit.shutdown();
  }

  #announce(): void {
    const { state } = this;
    for (const listener of this.#listeners) listener(state);
  }

  #refusal(cause: unknown): CrossfadeError {
    if (this.#circuit.isShutdown) {
      return new CrossfadeError('CLOSED', 'a query was sent to PostgreSQL after Crossfade had been closed', {
        hint: 'close Crossfade after the last query, not before',
        cause,
      });
    }
    return new CrossfadeError(
      'BREAKER_OPEN',
      'PostgreSQL was not asked: its last calls failed, and the breaker is open',
      {
        hint: 'try again in a moment; the error that opened it is in the log of the calls before',
        cause,
      },
    );
  }
}
