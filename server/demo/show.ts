import type { Crossfade } from '../../adapter/crossfade.ts';
import type { Logger } from '../../adapter/config.ts';
import { STAGE_NAMES } from '../../adapter/stage.ts';
import type { Stage } from '../../adapter/stage.ts';
import type { Tally } from './tally.ts';

/** How often the live lines are drawn again, in ms. */
const REDRAW_EVERY_MS = 200;
/** How often a line about the traffic is written where nothing can be redrawn, in ms. */
const LINE_EVERY_MS = 5_000;
const BAR_WIDTH = 28;

interface Watched {
  readonly crossfade: Crossfade;
  readonly tally: Tally;
  /** Rows that the backfill has to copy, about. */
  readonly rows: number;
}

/**
 * Shows the demo on stderr while it plays. On a terminal: finished steps as lines, and below them a live view of stage,
 * backfill and traffic. Elsewhere: plain lines.
 */
export class Show {
  /** For what the library has to say meanwhile. */
  readonly logger: Logger;
  readonly #mode: 'live' | 'lines' | 'none';
  #watched: Watched | undefined;
  #timer: NodeJS.Timeout | undefined;
  #step = '';
  #lastStep = '';
  #stage: Stage = 'sqlite';
  #lagSeconds = 0;
  #rowsCopied: number | undefined;
  #drawnLines = 0;
  #last = { time: performance.now(), writes: 0, reads: 0 };
  #rates = { writes: 0, reads: 0 };

  constructor(mode: 'live' | 'lines' | 'none') {
    this.#mode = mode;
    this.logger = {
      info: () => {},
      warn: (message) => this.line(`warning: ${message}`),
      error: (message) => this.line(`error: ${message}`),
    };
  }

  /** What the demo is doing at the moment. */
  get current(): string {
    return this.#step === '' ? `after: ${this.#lastStep}` : `during: ${this.#step}`;
  }

  /** Runs a step of the demo and tells when it has ended, how long it took and what came of it. */
  async step<T>(name: string, run: () => Promise<{ value: T; says: string }>): Promise<T> {
    const began = performance.now();
    this.#step = name;
    this.#draw();
    const { value, says } = await run();
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    this.#step = '';
    this.#lastStep = name;
    this.line(`✓ ${name}${says === '' ? '' : `: ${says}`} (${seconds} s)`);
    return value;
  }

  /** A line that stays. */
  line(text: string): void {
    if (this.#mode === 'none') return;
    this.#erase();
    process.stderr.write(`${text}\n`);
    this.#draw();
  }

  /** How many rows the backfill has copied. */
  copied(rows: number): void {
    this.#rowsCopied = rows;
  }

  /** Begins to show stage and traffic. */
  watch(watched: Watched): void {
    if (this.#mode === 'none') return;
    this.#watched = watched;
    this.#timer = setInterval(() => this.#look(watched), this.#mode === 'live' ? REDRAW_EVERY_MS : LINE_EVERY_MS);
  }

  /** Ends the live view. */
  end(): void {
    clearInterval(this.#timer);
    this.#erase();
    this.#watched = undefined;
  }

  #look({ crossfade, tally }: Watched): void {
    this.#stage = crossfade.cutover.stage;
    this.#lagSeconds = crossfade.mirror.lagSeconds;
    this.#measure(tally);
    if (this.#mode === 'live') {
      this.#erase();
      this.#draw();
    } else {
      process.stderr.write(`  ${this.#traffic(tally)}\n`);
    }
  }

  #measure(tally: Tally): void {
    const time = performance.now();
    const seconds = (time - this.#last.time) / 1_000;
    this.#rates = {
      writes: (tally.writes - this.#last.writes) / seconds,
      reads: (tally.reads - this.#last.reads) / seconds,
    };
    this.#last = { time, writes: tally.writes, reads: tally.reads };
  }

  #traffic(tally: Tally): string {
    const failed = tally.writesFailed + tally.readsFailed;
    return [
      `stage ${this.#stage}`,
      `${this.#rates.writes.toFixed(0)} writes/s`,
      `${this.#rates.reads.toFixed(0)} reads/s`,
      `lag ${(this.#lagSeconds * 1_000).toFixed(0)} ms`,
      `${failed} failed`,
    ].join(' · ');
  }

  #draw(): void {
    if (this.#mode !== 'live' || this.#drawnLines > 0) return;
    const lines = this.#liveLines();
    if (lines.length === 0) return;
    const width = Math.max(20, (process.stderr.columns || 80) - 1);
    // A line that the terminal breaks would make two, of which only one would be erased.
    process.stderr.write(`${lines.map((line) => [...line].slice(0, width).join('')).join('\n')}\n`);
    this.#drawnLines = lines.length;
  }

  #liveLines(): string[] {
    const lines = this.#step === '' ? [] : [`… ${this.#step}`];
    if (this.#watched === undefined) return lines;
    const { rows, tally } = this.#watched;
    lines.push('', `  ${STAGE_NAMES.map((name) => (name === this.#stage ? `[${name}]` : name)).join(' ─ ')}`);
    if (this.#rowsCopied !== undefined) {
      const share = Math.min(1, this.#rowsCopied / Math.max(1, rows));
      const filled = Math.round(share * BAR_WIDTH);
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
      lines.push(`  ${bar} ${this.#rowsCopied.toLocaleString('en')} rows copied`);
    }
    lines.push(`  ${this.#traffic(tally)}`);
    return lines;
  }

  #erase(): void {
    if (this.#drawnLines === 0) return;
    process.stderr.write(`\x1b[${this.#drawnLines}A\x1b[J`);
    this.#drawnLines = 0;
  }
}
