import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ComparisonRecord, TableCounts } from './store.ts';

/** How old what is known of the last comparison may be when it is scraped, in ms: it is asked for again then. */
const FRESH_MS = 5_000;
/** How long a scrape waits for the answer, in ms; after that it shows what was known before. */
const LOOK_LIMIT_MS = 1_000;
/** Tables with a label of their own; those beyond are summed up as `other`. */
const LABELLED_TABLES = 200;

const OUTCOMES = ['match', 'mismatch', 'inconclusive'] as const;

/** The classes of differences that are counted by table. */
const CLASSES = {
  missing: 'missing',
  extra: 'extra',
  differing: 'differing',
  quarantined: 'quarantined',
  sequence_behind: 'sequencesBehind',
  inconclusive: 'inconclusive',
} as const satisfies Record<string, keyof TableCounts>;

/** What {@link ComparisonMetrics} shows, and how to come by it. */
export interface ComparisonLook {
  readonly registry: Registry;
  /** The last stored comparison, whichever process made it; `undefined` when there is none, or nobody can tell now. */
  readonly look: () => Promise<ComparisonRecord | undefined>;
}

/**
 * The last comparison as metrics, in every process: a job that has ended cannot be scraped. Read from what is stored when
 * somebody scrapes; while PostgreSQL does not answer, what was known before stays.
 */
export class ComparisonMetrics {
  readonly #look: ComparisonLook['look'];
  #last: ComparisonRecord | undefined;
  #lookedAtMs = -Infinity;
  #looking: Promise<void> | undefined;

  constructor({ registry, look }: ComparisonLook) {
    this.#look = look;
    const shown = <L extends string>(
      options: { name: string; help: string; labelNames?: readonly L[] },
      show: (gauge: Gauge<L>, last: ComparisonRecord) => void,
    ): void => {
      const fresh = (): Promise<ComparisonRecord | undefined> => this.#fresh();
      new Gauge<L>({
        ...options,
        labelNames: [...(options.labelNames ?? [])],
        registers: [registry],
        async collect() {
          const last = await fresh();
          if (last !== undefined) show(this, last);
          else if (options.labelNames !== undefined) this.reset();
          // A gauge without labels that is reset shows a 0, which looks like a comparison.
          else this.remove();
        },
      });
    };
    const simple = (name: string, help: string, value: (last: ComparisonRecord) => number): void =>
      shown({ name, help }, (gauge, last) => gauge.set(value(last)));
    shown(
      {
        name: 'crossfade_comparison_outcome',
        help: 'Outcome of the last comparison: 1 for the one that holds.',
        labelNames: ['outcome'],
      },
      (gauge, last) => {
        for (const outcome of OUTCOMES) gauge.set({ outcome }, outcome === last.outcome ? 1 : 0);
      },
    );
    simple(
      'crossfade_comparison_timestamp_seconds',
      'When the last comparison ended, in seconds since the epoch.',
      (last) => last.finishedAt.getTime() / 1000,
    );
    simple('crossfade_comparison_age_seconds', 'How long ago the last comparison ended.', (last) =>
      Math.max(0, (Date.now() - last.finishedAt.getTime()) / 1000),
    );
    simple('crossfade_comparison_rows', 'Rows that the last comparison compared.', (last) => last.rowsCompared);
    simple('crossfade_comparison_duration_seconds', 'How long the last comparison took.', secondsOf);
    simple(
      'crossfade_comparison_rows_per_second',
      'Rows that the last comparison compared in a second.',
      (last) => last.rowsCompared / Math.max(secondsOf(last), 0.001),
    );
    simple(
      'crossfade_comparison_schema_drift',
      'Places where the two schemas differ so that mirroring cannot go on.',
      (last) => last.schemaDrift ?? 0,
    );
    shown(
      {
        name: 'crossfade_comparison_differences',
        help: 'Differences that the last comparison found, by class and table.',
        labelNames: ['class', 'table'],
      },
      (gauge, last) => {
        gauge.reset();
        for (const [index, counts] of (last.tables ?? []).entries()) {
          const table = index < LABELLED_TABLES ? counts.table : 'other';
          for (const [name, field] of Object.entries(CLASSES)) gauge.inc({ class: name, table }, counts[field]);
        }
      },
    );
  }

  /** Says what somebody has just read from the store. */
  note(last: ComparisonRecord): void {
    this.#last = last;
    this.#lookedAtMs = performance.now();
  }

  /** Several gauges are scraped at once, and share one look. */
  async #fresh(): Promise<ComparisonRecord | undefined> {
    if (performance.now() - this.#lookedAtMs > FRESH_MS) {
      this.#looking ??= this.#lookAgain().finally(() => (this.#looking = undefined));
      await Promise.race([this.#looking, sleep(LOOK_LIMIT_MS, undefined, { ref: false })]);
    }
    return this.#last;
  }

  async #lookAgain(): Promise<void> {
    try {
      const last = await this.#look();
      if (last !== undefined) this.#last = last;
    } catch {
      // That PostgreSQL does not answer is told by other metrics.
    }
    this.#lookedAtMs = performance.now();
  }
}

function secondsOf({ startedAt, finishedAt }: ComparisonRecord): number {
  return (finishedAt.getTime() - startedAt.getTime()) / 1000;
}
