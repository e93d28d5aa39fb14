import type { Logger } from '../../adapter/config.ts';
import { isCrossfadeError, messageOf } from '../../adapter/errors.ts';

/** How often a line of progress is written where no terminal can redraw one, in ms. */
const LINE_EVERY_MS = 3_000;
/** How often a bar is redrawn, in ms. */
const REDRAW_EVERY_MS = 100;
const BAR_WIDTH = 28;

/** How far something has come. */
export interface Progress {
  readonly done: number;
  /** How much there is; 0 while that is not known. */
  readonly of: number;
  readonly isLast?: boolean;
  /** What else is to be said: rate, time left. */
  readonly detail?: string;
  /** What is written with `--json` instead of the numbers. */
  readonly json?: unknown;
}

/**
 * Where a command writes: results to stdout, as text or as one line of JSON; everything else to stderr.
 */
export class Terminal {
  readonly isJson: boolean;
  #lastDrawn = -Infinity;
  #barIsDrawn = false;

  constructor(options: { isJson: boolean }) {
    this.isJson = options.isJson;
  }

  /** The result of a command. `json` is written instead of the text when `--json` was given. */
  result(text: string, json: unknown): void {
    this.#endBar();
    process.stdout.write(`${this.isJson ? JSON.stringify(json) : text}\n`);
  }

  /** What a person wants to know while it runs; not part of the result. */
  note(text: string): void {
    this.#endBar();
    process.stderr.write(`${redact(text)}\n`);
  }

  /**
   * How far something has come, on stderr: a bar on a terminal, a line every few seconds elsewhere, and with `--json` a
   * line of JSON instead: what was given as `json`, or the numbers.
   */
  progress(what: string, state: Progress): void {
    const now = performance.now();
    const isBar = process.stderr.isTTY && !this.isJson;
    if (!state.isLast && now - this.#lastDrawn < (isBar ? REDRAW_EVERY_MS : LINE_EVERY_MS)) return;
    this.#lastDrawn = state.isLast ? -Infinity : now;
    const { done, of, detail = '' } = state;
    if (this.isJson) {
      process.stderr.write(`${JSON.stringify({ progress: state.json ?? { what, done, of } })}\n`);
      return;
    }
    // The rows may have become more since they were counted.
    const share = of === 0 ? (state.isLast ? 1 : 0) : Math.min(1, done / of);
    const numbers =
      of === 0 && !state.isLast ? `${done} rows` : `${done}/${Math.max(of, done)} rows, ${Math.floor(share * 100)} %`;
    const text = `${what}: ${numbers}${detail === '' ? '' : `, ${detail}`}`;
    if (!isBar) {
      process.stderr.write(`${text}\n`);
      return;
    }
    const filled = Math.round(share * BAR_WIDTH);
    const line = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${text}`;
    // A line that is wrapped could not be redrawn.
    process.stderr.write(`\r\x1b[K${line.slice(0, Math.max(40, (process.stderr.columns ?? 80) - 1))}`);
    this.#barIsDrawn = true;
    if (state.isLast) this.#endBar();
  }

  /** What ended a command: message and hint on stderr, and with `--json` as an object on stdout as well. */
  error(error: unknown): void {
    if (this.isJson) process.stdout.write(`${redact(JSON.stringify({ error: describeError(error) }))}\n`);
    this.complaint(error);
  }

  /** An error beside a result: message and hint, on stderr only. */
  complaint(error: unknown): void {
    const { code, message, hint } = describeError(error);
    this.note(`error: ${message} (${code})${hint === '' ? '' : `\nhint: ${hint}`}`);
  }

  /** What the library logs while a command runs. */
  get logger(): Logger {
    return {
      info: () => {},
      warn: (message) => this.note(`warning: ${message}`),
      error: (message) => this.note(`error: ${message}`),
    };
  }

  #endBar(): void {
    if (!this.#barIsDrawn) return;
    this.#barIsDrawn = false;
    process.stderr.write('\n');
  }
}

/** A mistake in how the command was called. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

function describeError(error: unknown): { code: string; message: string; hint: string } {
  if (isCrossfadeError(error)) return { code: error.code, message: error.message, hint: error.hint };
  if (error instanceof UsageError) return { code: 'USAGE', message: error.message, hint: error.hint };
  return {
    code: 'UNEXPECTED',
    message: messageOf(error),
    hint: 'this is not an error that Crossfade foresees; if both databases answer, please report it',
  };
}

/** Connection URLs without their password, should a driver ever put one into a message. */
function redact(text: string): string {
  return text.replace(/(\b[a-z]+:\/\/[^\s:@/]*):[^\s@]*@/gi, '$1:***@');
}
