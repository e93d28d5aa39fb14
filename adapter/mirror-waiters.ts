import type { CrossfadeError } from './errors.ts';
import { messageOf } from './errors.ts';

/** One who waits until the secondary holds what the primary held when it began to wait. */
export interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Those who wait for the next step. */
export class MirrorWaiters {
  #waiting: Waiter[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  /** Resolves when the step that it was taken for has been applied. @throws what `timedOut` gives after `timeoutMs`. */
  wait(timeoutMs: number, timedOut: () => CrossfadeError): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(timedOut());
      }, timeoutMs);
      const waiter: Waiter = {
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error instanceof Error ? error : new Error(messageOf(error)));
        },
      };
      this.#waiting.push(waiter);
    });
  }

  /** Everyone, to be served by the step that begins now. */
  takeAll(): Waiter[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** After a step that failed: they wait for the next one, before those who came later. */
  putBack(waiters: readonly Waiter[]): void {
    this.#waiting = [...waiters, ...this.#waiting];
  }

  rejectAll(error: CrossfadeError): void {
    for (const waiter of this.takeAll()) waiter.reject(error);
  }
}
