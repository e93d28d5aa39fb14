import type { Config } from './config.ts';
import type { Metrics } from './metrics.ts';
import type { StoreName } from './spec.ts';
import type { Store } from './store.ts';

export interface ChangelogGuardOptions {
  readonly stores: Readonly<Record<StoreName, Store>>;
  readonly config: Pick<Config, 'maxChangelogBytes' | 'logger'>;
  readonly metrics: Metrics;
}

const LOOK_EVERY_MS = 5_000;

/**
 * Keeps the changelog from filling the primary's disk while the secondary is away: past its limit capture stops, and
 * the secondary must be reconciled when it is back. Any process may do it, the Mirror's lease is not needed for it.
 */
export class ChangelogGuard {
  readonly #options: ChangelogGuardOptions;
  #lookedAt = -Infinity;

  constructor(options: ChangelogGuardOptions) {
    this.#options = options;
  }

  /** Looks, unless it has lately. Never fails: what does not answer now is looked at the next time. */
  async look(): Promise<void> {
    if (performance.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = performance.now();
    try {
      await this.#look();
    } catch {
      // The Mirror meets the same trouble, and tells of it.
    }
  }

  async #look(): Promise<void> {
    const { stores, config, metrics } = this.#options;
    const primary = (await stores.sqlite.state())?.role === 'secondary' ? stores.postgres : stores.sqlite;
    const bytes = await primary.changelogBytes();
    metrics.changelog({ store: primary.name, bytes });
    if (bytes <= config.maxChangelogBytes) return;
    const found = `the changelog in ${primary.name} had grown to ${bytes} bytes, ${config.maxChangelogBytes} are allowed`;
    await primary.stopCapture(`capture stopped: ${found}`);
    config.logger.error(
      `crossfade: capture stopped: ${found}; when the other database is back, run: crossfade backfill --reconcile`,
    );
  }
}
