import { Cron } from 'croner';
import { Counter } from 'prom-client';
import type { Crossfade } from '../adapter/crossfade.ts';
import { CrossfadeError, messageOf } from '../adapter/errors.ts';
import { STAGES } from '../adapter/stage.ts';
import type { CompareOptions } from '../compare/compare.ts';
import { divergenceReport } from '../compare/divergence-report.ts';
import { summary } from '../compare/divergence-text.ts';
import type { DivergenceReport } from '../compare/divergence.ts';

/** What {@link scheduleComparisons} takes. */
export interface ComparisonScheduleOptions {
  /**
   * When to compare: minute, hour, day of the month, month, day of the week; a sixth field in front is for seconds.
   * @example '0 3 * * *'
   */
  readonly cron: string;
  /** The time zone in which {@link cron} is meant, by its IANA name. @default 'UTC' */
  readonly timeZone?: string;
  /** What is compared, and how hard. @default { incremental: false }: every row of every table */
  readonly compare?: Omit<CompareOptions, 'signal' | 'record' | 'store' | 'showValues' | 'standby'>;
  /** The URL of a hot standby of PostgreSQL, which is read in its place. @default PostgreSQL itself is read */
  readonly postgresReplica?: string;
  /** Called with each report of this process. */
  readonly onReport?: (report: DivergenceReport) => void;
  /** Where a mismatch and a run that failed are told. @default console.warn */
  readonly log?: (message: string) => void;
}

/**
 * What became of a time at which a comparison was due. `ran`: it did, whatever it found. `failed`: it threw. Skipped:
 * `overlap`, since this process was still at the one before; `elsewhere`, since another process was at one; `done`, since
 * another process had done it; `idle`, since in this stage nothing is mirrored.
 */
export type ScheduledResult = (typeof RESULTS)[number];

const RESULTS = ['ran', 'failed', 'overlap', 'elsewhere', 'done', 'idle'] as const;

/** A schedule as it stands. JSON as it is. */
export interface ComparisonScheduleStatus {
  readonly cron: string;
  readonly timeZone: string;
  /** ISO 8601, UTC. */
  readonly next: string | null;
  readonly isRunning: boolean;
  /** How often each thing has happened in this process. */
  readonly results: Readonly<Record<ScheduledResult, number>>;
}

/** The name under which processes keep each other from comparing at the same time. */
const CLAIM = 'scheduled comparison';
/** How far the clocks of two processes may be apart, in ms: a run that began so little before its time counts as on time. */
const CLOCKS_APART_MS = 30_000;
const METRIC = 'crossfade_comparison_scheduled_total';

/**
 * Compares both databases on a schedule, beside the API. Any number of processes may have the same schedule: for each time
 * one of them compares, and the others skip it.
 *
 * The timer keeps no process alive. Close it before the `Crossfade`.
 *
 * @throws CrossfadeError `CONFIG_INVALID` for an expression or a time zone that cannot be read, or that never comes.
 * @example
 * const comparisons = scheduleComparisons(crossfade, { cron: '0 3 * * *' });
 * app.use(crossfadeRoutes(crossfade, { comparisons }));
 */
export function scheduleComparisons(crossfade: Crossfade, options: ComparisonScheduleOptions): ComparisonSchedule {
  return new ComparisonSchedule(crossfade, options);
}

/** Comparisons on a schedule. Made by {@link scheduleComparisons}, ended by {@link close}. */
export class ComparisonSchedule {
  readonly #crossfade: Crossfade;
  readonly #options: ComparisonScheduleOptions;
  readonly #timeZone: string;
  readonly #job: Cron;
  readonly #counter: Counter<'result'>;
  readonly #results: Record<ScheduledResult, number> = {
    ran: 0,
    failed: 0,
    overlap: 0,
    elsewhere: 0,
    done: 0,
    idle: 0,
  };
  readonly #abort = new AbortController();
  /** The time that comes next. */
  #due: Date | null;
  #running: Promise<void> | null = null;

  constructor(crossfade: Crossfade, options: ComparisonScheduleOptions) {
    this.#crossfade = crossfade;
    this.#options = options;
    this.#timeZone = options.timeZone ?? 'UTC';
    this.#job = cronJob(options.cron, this.#timeZone);
    this.#due = this.#job.nextRun();
    this.#counter = counterOf(crossfade);
    for (const result of RESULTS) this.#counter.inc({ result }, 0);
    this.#job.schedule(() => this.#onTime());
  }

  status(): ComparisonScheduleStatus {
    return {
      cron: this.#options.cron,
      timeZone: this.#timeZone,
      next: this.#job.nextRun()?.toISOString() ?? null,
      isRunning: this.#running !== null,
      results: { ...this.#results },
    };
  }

  /** Lets no other comparison begin, breaks the one under way off, and resolves when that has ended. */
  async close(): Promise<void> {
    this.#job.stop();
    this.#abort.abort(new CrossfadeError('CLOSED', 'the schedule of comparisons was closed', { hint: 'nothing' }));
    await this.#running;
  }

  #onTime(): void {
    const due = this.#due ?? new Date();
    this.#due = this.#job.nextRun();
    if (this.#running !== null) {
      this.#note('overlap');
      return;
    }
    this.#running = this.#attend(due).finally(() => (this.#running = null));
  }

  async #attend(due: Date): Promise<void> {
    try {
      if (STAGES[this.#crossfade.cutover.stage].mirrorsTo === null) {
        this.#note('idle');
        return;
      }
      const claimed = await this.#crossfade.records.exclusively(CLAIM, () => this.#compareUnlessDone(due));
      this.#note(claimed === undefined ? 'elsewhere' : claimed.result);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#note('failed');
      this.#log(`the comparison of ${due.toISOString()} failed: ${messageOf(error)}`);
    }
  }

  async #compareUnlessDone(due: Date): Promise<'ran' | 'done'> {
    if (await this.#isDone(due)) return 'done';
    const { signal } = this.#abort;
    const { compare, postgresReplica: replica } = this.#options;
    const standby = replica === undefined ? undefined : await this.#crossfade.openStandby(replica);
    let report: DivergenceReport;
    try {
      const options = { ...compare, signal, ...(standby === undefined ? {} : { standby }) };
      report = await divergenceReport(this.#crossfade, options);
    } finally {
      await standby?.close();
    }
    if (report.outcome === 'mismatch')
      this.#log(`the databases differ: ${summary(report.totals)}; see crossfade compare`);
    if (report.outcome === 'inconclusive')
      this.#log(`it could not be told whether the databases differ: ${report.reasons.join('; ')}`);
    this.#options.onReport?.(report);
    return 'ran';
  }

  /** Whether a comparison of everything has begun at this time already: on time, or a little before by another clock. */
  async #isDone(due: Date): Promise<boolean> {
    const [last] = await this.#crossfade.records.comparisons.list({ limit: 1 });
    if (last === undefined || last.outcome === 'inconclusive') return false;
    const untilNextMs = (this.#due?.getTime() ?? Infinity) - due.getTime();
    const earlyMs = Math.min(CLOCKS_APART_MS, untilNextMs / 2);
    return (last.isFull || last.mode === 'incremental') && last.startedAt.getTime() >= due.getTime() - earlyMs;
  }

  #note(result: ScheduledResult): void {
    this.#results[result] += 1;
    this.#counter.inc({ result });
  }

  #log(message: string): void {
    (this.#options.log ?? console.warn)(`crossfade: ${message}`);
  }
}

function cronJob(cron: string, timeZone: string): Cron {
  try {
    // Node's own word on it: it says which one it does not know.
    new Intl.DateTimeFormat('en', { timeZone });
    const job = new Cron(cron, { timezone: timeZone, unref: true, paused: false, mode: '5-or-6-parts' });
    if (job.nextRun() !== null) return job;
  } catch (error) {
    throw scheduleInvalid(cron, timeZone, error);
  }
  throw scheduleInvalid(cron, timeZone, new Error('it never comes'));
}

function scheduleInvalid(cron: string, timeZone: string, cause: unknown): CrossfadeError {
  const why = messageOf(cause).replace(/^CronPattern: /, '');
  return new CrossfadeError('CONFIG_INVALID', `comparisons cannot be scheduled at "${cron}" (${timeZone}): ${why}`, {
    hint: 'give five fields, minute hour day-of-month month day-of-week, as in "0 3 * * *", and a time zone such as UTC or Europe/Berlin',
    cause,
  });
}

/** Two schedules of one process share it. */
function counterOf({ metrics }: Crossfade): Counter<'result'> {
  const existing = metrics.getSingleMetric(METRIC);
  if (existing instanceof Counter) return existing;
  return new Counter({
    name: METRIC,
    help: 'Times at which this process had a comparison to make, by what became of it.',
    labelNames: ['result'],
    registers: [metrics],
  });
}
