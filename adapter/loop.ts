const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 2_000;

/** What one turn of a loop wants next: another turn at once, or after so many ms unless woken before. */
export type NextTurn = 'again' | { readonly afterMs: number };

/**
 * One background loop: runs turns one after the other, sleeps between them, can be woken, backs off after errors, and
 * stops when the turn in flight has ended. Every loop of Crossfade is one of these.
 */
export class Loop {
  readonly #turn: (signal: AbortSignal) => Promise<NextTurn>;
  readonly #onError: (error: unknown) => 'retry' | 'stop';
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;
  #endSleep: (() => void) | null = null;
  #endGathering: (() => void) | null = null;
  #isWoken = false;
  #failures = 0;

  /** `onError` decides whether an error is retried, later and later (50 ms to 2 s), or ends the loop. */
  constructor(options: {
    turn: (signal: AbortSignal) => Promise<NextTurn>;
    onError: (error: unknown) => 'retry' | 'stop';
  }) {
    this.#turn = options.turn;
    this.#onError = options.onError;
  }

  get isRunning(): boolean {
    return this.#running !== null && !this.#abort.signal.aborted;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Ends the sleep in progress, or skips the next one. The turn begins when everything that is ready to run now has run,
   * so that others who are about to wake it share the turn. A backing-off loop sleeps on.
   */
  wake(): void {
    this.#isWoken = true;
    if (this.#failures === 0) this.#endSleep?.();
  }

  /** As {@link wake}, without waiting for others. */
  wakeAtOnce(): void {
    this.wake();
    this.#endGathering?.();
  }

  /** Resolves when the turn in flight has ended; there is no other after it. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#endSleep?.();
    this.#endGathering?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      let next: NextTurn;
      try {
        this.#isWoken = false;
        next = await this.#turn(signal);
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted || this.#onError(error) === 'stop') return;
        next = { afterMs: Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, MAX_BACKOFF_MS) };
        this.#failures += 1;
      }
      if (next !== 'again' && (!this.#isWoken || this.#failures > 0)) await this.#sleep(next.afterMs);
      await this.#gather();
    }
  }

  /** Lets everything run that is ready to. */
  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const immediate = setImmediate(() => this.#endGathering?.());
      this.#endGathering = () => {
        clearImmediate(immediate);
        this.#endGathering = null;
        resolve();
      };
    });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#abort.signal.aborted) return resolve();
      const timer = setTimeout(() => this.#endSleep?.(), ms);
      this.#endSleep = () => {
        clearTimeout(timer);
        this.#endSleep = null;
        resolve();
      };
    });
  }
}
