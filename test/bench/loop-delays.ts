import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IntervalHistogram } from 'node:perf_hooks';

/** How late an event loop came to what was due, in ms. */
export interface LoopDelays {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Node's own default, and that of the usual metrics. A timer is due so often; they count this time in, these do not. */
const RESOLUTION_MS = 10;

/** Watches the event loop of its process from the moment it is made. */
export class LoopWatch {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  reset(): void {
    this.#histogram.reset();
  }

  stop(): void {
    this.#histogram.disable();
  }

  get delays(): LoopDelays {
    return { p99Ms: late(this.#histogram.percentile(99)), maxMs: late(this.#histogram.max) };
  }
}

function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
}
