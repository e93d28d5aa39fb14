import { isCrossfadeError } from './errors.ts';
import type { StoreName } from './spec.ts';
import type { Stage } from './stage.ts';
import type { Intent, Store, StoreState } from './store.ts';

/** What both state rows say, put together. */
export interface View {
  readonly isInstalled: boolean;
  readonly isCaptured: boolean;
  readonly stage: Stage;
  readonly epoch: number;
  /** The store that takes writes, or `null` in the middle of a write switch. */
  readonly primary: StoreName | null;
  /** The store that is giving the writes up, while it does. */
  readonly switching: {
    readonly from: StoreName;
    readonly intent: Intent;
    readonly attempt: number;
    readonly isExpired: boolean;
    /** Nobody cancels it. */
    readonly isForGood: boolean;
  } | null;
  readonly sqlite: StoreState | undefined;
  /** As last seen: PostgreSQL is asked only when SQLite's row alone does not tell. */
  readonly postgres: StoreState | undefined;
}

/** How often PostgreSQL is asked although SQLite says that it is the primary: somebody may have put back an old file. */
const ASK_ANYWAY_MS = 5_000;

/**
 * The stage as both databases record it, looked at again and again, since other processes change it. SQLite is a local
 * file and costs microseconds; PostgreSQL is asked only when SQLite's row does not settle the matter.
 */
export class StageView {
  readonly #stores: Readonly<Record<StoreName, Store>>;
  readonly #listeners = new Set<(view: View) => void>();
  #view: View;
  #askedAt = -Infinity;
  #looks = 0;
  #shown = 0;

  private constructor(stores: Readonly<Record<StoreName, Store>>) {
    this.#stores = stores;
    this.#view = combine(undefined, undefined);
  }

  static async open(stores: Readonly<Record<StoreName, Store>>): Promise<StageView> {
    const view = new StageView(stores);
    try {
      await view.refresh({ both: true }).catch(() => view.refresh({ both: false }));
    } catch (error) {
      if (!isCrossfadeError(error) || !error.retryable) throw error;
      // PostgreSQL takes the writes and is away: an API must be able to start, and be told so by each write.
      view.#view = combine(await stores.sqlite.state(), undefined);
    }
    return view;
  }

  get current(): View {
    return this.#view;
  }

  onChange(listener: (view: View) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Looks again. With `both`, PostgreSQL is asked in any case.
   *
   * @throws CrossfadeError `POSTGRES_UNREACHABLE` when it had to be asked and did not answer; the view is then as before.
   */
  async refresh({ both }: { both: boolean } = { both: false }): Promise<View> {
    const look = (this.#looks += 1);
    let sqlite = await this.#stores.sqlite.state();
    // A fenced SQLite has not let go of the writes yet: PostgreSQL cannot have them, and is not needed to cancel.
    const settles = sqlite === undefined || (sqlite.role === 'primary' && sqlite.intent !== 'released');
    const mustAsk = both || !settles;
    let { postgres } = this.#view;
    if (mustAsk || performance.now() - this.#askedAt > ASK_ANYWAY_MS) {
      this.#askedAt = performance.now();
      try {
        postgres = await this.#stores.postgres.state();
        // PostgreSQL may have taken its time; the two rows must not tell of moments before and after a write switch.
        sqlite = await this.#stores.sqlite.state();
      } catch (error) {
        if (mustAsk) throw error;
      }
    }
    // A look that began earlier may end later: what it saw is older than what is shown.
    if (look < this.#shown) return this.#view;
    this.#shown = look;
    const before = this.#view;
    this.#view = combine(sqlite, postgres);
    const hasChanged =
      before.stage !== this.#view.stage ||
      before.primary !== this.#view.primary ||
      before.epoch !== this.#view.epoch ||
      before.isCaptured !== this.#view.isCaptured;
    if (hasChanged) for (const listener of this.#listeners) listener(this.#view);
    return this.#view;
  }
}

/** PROTOCOL.md R24: the higher epoch wins; a store that is giving the writes up does not take any. */
function combine(sqlite: StoreState | undefined, postgres: StoreState | undefined): View {
  const claims = (
    [
      ['sqlite', sqlite],
      ['postgres', postgres],
    ] as const
  )
    .filter(([, state]) => state?.role === 'primary')
    .sort(([, a], [, b]) => (b?.epoch ?? 0) - (a?.epoch ?? 0));
  const [name, state] =
    claims[0] ?? (sqlite === undefined ? ['sqlite' as const, undefined] : ['postgres' as const, postgres]);
  const shown = state ?? sqlite;
  return {
    isInstalled: sqlite !== undefined,
    isCaptured: (state?.captureId ?? null) !== null,
    stage: shown?.stage ?? 'sqlite',
    epoch: shown?.epoch ?? 0,
    primary: shown?.role === 'primary' && shown.intent !== null ? null : name,
    switching:
      state === undefined || state.intent === null
        ? null
        : {
            from: name,
            intent: state.intent,
            attempt: state.attempt,
            isExpired: state.attemptExpired,
            isForGood: state.isFencedForGood,
          },
    sqlite,
    postgres,
  };
}
