import type { ClaimedRange, ComparisonRun, ComparisonRuns } from '../adapter/comparison-runs.ts';
import type { TableSpec } from '../adapter/spec.ts';
import type { TableFindings } from './findings.ts';
import type { Pair } from './pair.ts';
import { endOf, RangeSize } from './ranges.ts';
import type { RangeSource } from './ranges.ts';

/** A comparison that several processes may work on, as one of them sees it. */
export interface SharedRun extends Pick<ComparisonRun, 'id' | 'holder'> {
  readonly runs: ComparisonRuns;
}

export interface SharedRangesOptions {
  readonly shared: SharedRun;
  readonly pair: Pair;
  readonly table: TableSpec;
  /** Whether the table can be cut; otherwise it is one range. */
  readonly isCut: boolean;
  /** Resolves when all that was suspected so far has been told. */
  readonly settled: () => Promise<void>;
  /** What this process has found in the table, to be merged with what others have. */
  readonly findings: Pick<TableFindings, 'saved' | 'keep' | 'takeBack'>;
}

/** A process that says nothing for so long is taken for dead, wherever PostgreSQL has not noticed it. */
const EXPIRES_MS = 30_000;
const RENEW_EVERY_MS = 5_000;
const SAVE_EVERY_MS = 3_000;

/**
 * A table's ranges, claimed one by one in PostgreSQL. What was found is saved together with the ranges it was found in,
 * while none is being compared. Where one of them is in other hands by then (this process stood still, or PostgreSQL took
 * it for dead), nothing of it counts: what was found since it was last saved is taken back, and its ranges are left to
 * whoever comes first.
 */
export class SharedRanges implements RangeSource {
  readonly #with: SharedRangesOptions;
  readonly #size = new RangeSize();
  #done: string[] = [];
  #active = 0;
  #savedAt = performance.now();
  #saving: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;
  readonly #heartbeat: NodeJS.Timeout;

  /** To be ended: until then it renews its claims, however long a range takes. */
  constructor(options: SharedRangesOptions) {
    this.#with = options;
    const { runs, id: run, holder } = options.shared;
    this.#heartbeat = setInterval(() => {
      // What fails here is noticed when something is saved.
      runs.renewClaims({ run, holder, expiresMs: EXPIRES_MS }).catch(() => {});
    }, RENEW_EVERY_MS).unref();
  }

  async next(): Promise<ClaimedRange | null> {
    if (this.#saving !== null || performance.now() - this.#savedAt > SAVE_EVERY_MS) await this.save();
    const { shared, pair, table, isCut } = this.#with;
    const { runs, id: run, holder } = shared;
    this.#active += 1;
    const claimed = await runs
      .claimRange({ run, table: table.name, holder, expiresMs: EXPIRES_MS }, async (range) =>
        isCut ? endOf(pair, table, { range, rows: this.#size.rows }) : null,
      )
      .catch((error: unknown) => {
        this.#leave();
        throw error;
      });
    if (claimed === null) this.#leave();
    return claimed;
  }

  done({ id }: ClaimedRange, took: { readonly rows: number; readonly ms: number }): void {
    this.#done.push(id);
    this.#size.took(took);
    this.#leave();
  }

  failed(): void {
    this.#leave();
  }

  /** Saves what was found in the ranges that are done, as soon as no other one is being compared. */
  async save(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = null;
    });
    await this.#saving;
  }

  /** Leaves to others what this process has claimed and not saved. */
  async end(): Promise<void> {
    clearInterval(this.#heartbeat);
    // Without a connection the claims expire.
    await this.#release().catch(() => {});
  }

  async #save(): Promise<void> {
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    const { shared, table, settled, findings } = this.#with;
    await settled();
    const done = this.#done;
    this.#done = [];
    const { runs, id: run, holder } = shared;
    const saved = findings.saved();
    const isKept = await runs.saveFindings({
      run,
      table: table.name,
      holder,
      findings: saved,
      done,
      expiresMs: EXPIRES_MS,
    });
    this.#savedAt = performance.now();
    if (isKept) {
      findings.keep();
      return;
    }
    findings.takeBack();
    await this.#release();
  }

  async #release(): Promise<void> {
    const { shared, table } = this.#with;
    const { runs, id: run, holder } = shared;
    await runs.releaseClaims({ run, table: table.name, holder });
  }

  #leave(): void {
    this.#active -= 1;
    if (this.#active > 0) return;
    this.#onIdle?.();
    this.#onIdle = null;
  }
}
