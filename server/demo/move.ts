import { setTimeout as pause } from 'node:timers/promises';
import type { Crossfade } from '../../adapter/crossfade.ts';
import type { StoreName } from '../../adapter/spec.ts';
import type { Stage } from '../../adapter/stage.ts';
import type { Gate } from '../../adapter/status.ts';
import { compareDatabases } from '../../compare/compare.ts';
import { round } from './round.ts';
import type { Show } from './show.ts';

/** How long a step may wait for gates that open by themselves, in ms. */
const GATES_MS = 30_000;

/** A gate refused a step that the demo expects to pass. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** The walk through the stages, shown as it goes. */
export class Move {
  readonly reached: Stage[] = ['sqlite'];
  readonly switches: { to: StoreName; pauseMs: number }[] = [];
  readonly #crossfade: Crossfade;
  readonly #show: Show;
  readonly #signal: AbortSignal;
  readonly #stageMs: number;
  readonly #onStage: ((stage: Stage) => void) | undefined;

  constructor(
    crossfade: Crossfade,
    options: { show: Show; signal: AbortSignal; stageMs: number; onStage: ((stage: Stage) => void) | undefined },
  ) {
    this.#crossfade = crossfade;
    this.#show = options.show;
    this.#signal = options.signal;
    this.#stageMs = options.stageMs;
    this.#onStage = options.onStage;
  }

  /** Lets the traffic go on for a while. */
  async stay(): Promise<void> {
    await pause(this.#stageMs, undefined, { signal: this.#signal });
  }

  async install(): Promise<void> {
    await this.#show.step('capture is installed', async () => {
      const tables = await this.#crossfade.install();
      return { value: undefined, says: `${tables.length} tables` };
    });
  }

  async backfill(): Promise<{ rows: number; seconds: number }> {
    const began = performance.now();
    return await this.#show.step('every row is copied', async () => {
      const { rowsCopied } = await this.#crossfade.backfill({
        signal: this.#signal,
        onProgress: (status) => this.#show.copied(status.rowsCopied),
      });
      const seconds = (performance.now() - began) / 1_000;
      const rate = Math.round(rowsCopied / Math.max(seconds, 0.001)).toLocaleString('en');
      return {
        value: { rows: rowsCopied, seconds },
        says: `${rowsCopied.toLocaleString('en')} rows, ${rate} per second`,
      };
    });
  }

  async to(stage: Stage): Promise<void> {
    const before = this.#crossfade.cutover.lastSwitch;
    await this.#show.step(`stage ${this.reached.at(-1)} → ${stage}`, async () => {
      const outcome = await this.#crossfade.cutover.moveTo(stage, { timeoutMs: GATES_MS });
      if (outcome.outcome === 'refused') throw new Refused(`stage ${stage} was refused: ${refusals(outcome.gates)}`);
      this.reached.push(stage);
      this.#onStage?.(stage);
      const { lastSwitch } = await this.#crossfade.status();
      if (lastSwitch === null || lastSwitch.at.getTime() === before?.at.getTime())
        return { value: undefined, says: '' };
      const { to, pauseMs } = lastSwitch;
      this.switches.push({ to, pauseMs: round(pauseMs) });
      return { value: undefined, says: `writes moved to ${to}, held for ${round(pauseMs)} ms` };
    });
    await this.stay();
  }

  async compare(): Promise<void> {
    await this.#show.step('both databases are compared, beside the traffic', async () => {
      const { outcome, totals } = await compareDatabases(this.#crossfade, { signal: this.#signal });
      return { value: undefined, says: `${outcome}, ${totals.rowsCompared.toLocaleString('en')} rows` };
    });
  }
}

function refusals(gates: readonly Gate[]): string {
  return gates
    .filter((gate) => !gate.passes)
    .map((gate) => `${gate.name}: ${gate.found}`)
    .join('; ');
}
