import { CrossfadeError } from '../errors.ts';
import type { IgnoreRule } from './ignore-rule.ts';

/** How reads are tried on the other store after they have been answered: see adapter/shadow/README.md. */
export interface ShadowOptions {
  /** The share of reads that are tried, from 0 (none) to 1 (all). May be changed while it runs: `crossfade.shadow.sample`. @default 0.01 */
  readonly sample?: number;
  /** How many are tried at a time, and so how many connections to PostgreSQL they take beside `poolMax`. @default 2 */
  readonly concurrency?: number;
  /** How many may wait; what comes then is dropped and counted. @default 100 */
  readonly queue?: number;
  /** How long PostgreSQL may work on one, and how long one may wait for its turn, in ms. @default 2000 */
  readonly timeoutMs?: number;
  /** Answers of more rows are not compared. @default 1000 */
  readonly maxRows?: number;
  /** How long the Mirror may take to catch up when answers differ, in ms. @default 5000 */
  readonly catchUpMs?: number;
  /**
   * `same` tries reads on the very store that answered, in every stage: whatever it finds is noise, and it should find
   * nothing.
   * @default 'other'
   */
  readonly against?: 'other' | 'same';
  /** Differences that are known. @default [] */
  readonly ignore?: readonly IgnoreRule[];
  /** Puts values into examples of mismatches. They are then kept where the record is. @default false */
  readonly showValues?: boolean;
  /** A file for the record of query shapes. @default PostgreSQL's schema `crossfade` */
  readonly record?: string;
}

/** The options with every default filled in. */
export interface ShadowConfig {
  readonly sample: number;
  readonly concurrency: number;
  readonly queue: number;
  readonly timeoutMs: number;
  readonly maxRows: number;
  readonly catchUpMs: number;
  readonly against: 'other' | 'same';
  readonly ignore: readonly IgnoreRule[];
  readonly showValues: boolean;
  readonly record: string | undefined;
}

/** @throws CrossfadeError `CONFIG_INVALID`. */
export function shadowConfig(options: ShadowOptions | false = {}): ShadowConfig {
  const given = options === false ? { sample: 0 } : options;
  return {
    sample: checkedSample(given.sample ?? 0.01),
    concurrency: whole('concurrency', given.concurrency ?? 2),
    queue: whole('queue', given.queue ?? 100),
    timeoutMs: whole('timeoutMs', given.timeoutMs ?? 2_000),
    maxRows: whole('maxRows', given.maxRows ?? 1_000),
    catchUpMs: whole('catchUpMs', given.catchUpMs ?? 5_000),
    against: given.against ?? 'other',
    ignore: (given.ignore ?? []).map(checkedRule),
    showValues: given.showValues ?? false,
    record: given.record,
  };
}

/** @throws CrossfadeError `CONFIG_INVALID` when it is no share. */
export function checkedSample(share: number): number {
  if (share >= 0 && share <= 1) return share;
  throw new CrossfadeError('CONFIG_INVALID', `option shadow.sample is ${share}`, {
    hint: 'give a share from 0 (no read) to 1 (every read)',
  });
}

function whole(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new CrossfadeError('CONFIG_INVALID', `option shadow.${name} is ${value}`, {
    hint: 'it must be a whole number above 0',
  });
}

function checkedRule(rule: IgnoreRule): IgnoreRule {
  const { table, column, shape, when } = rule;
  if ([table, column, shape, when].some((part) => part !== undefined)) return rule;
  throw new CrossfadeError('CONFIG_INVALID', 'a rule of option shadow.ignore names nothing', {
    hint: 'give a table, a column, a shape or a function `when`',
  });
}
