import type { Drained } from './drain.ts';
import type { Report } from './measurement.ts';
import { median } from './measure.ts';
import type { Case, Sample } from './measure.ts';
import type { Samples } from './rounds.ts';
import type { Switched } from './switches.ts';
import type { BASELINES, Variant } from './variants.ts';

/** A variant in relation to a plain database: how many times its latency, how many times its throughput. */
export interface Ratio {
  readonly latency: number;
  readonly throughput: number;
}

/** Medians over the rounds. A ratio is the median of the ratios that the rounds gave. */
export interface Result extends Sample {
  readonly case: string;
  readonly concurrency: number;
  readonly variant: string;
  readonly to: Readonly<Record<(typeof BASELINES)[number], Ratio>>;
}

export interface WritesFound {
  readonly variants: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
  readonly drained: readonly Drained[];
  readonly switched: Switched | null;
}

/** What `npm run bench -- --json` writes. */
export type WritesReport = Report<WritesFound>;

/** The samples in relation to each other. */
export function judged(found: {
  variants: readonly Variant[];
  samples: Samples;
  drained: readonly Drained[];
  switched: Switched | null;
}): WritesFound {
  return {
    variants: Object.fromEntries(found.variants.map(({ name, summary }) => [name, summary])),
    results: [...found.samples].flatMap(([load, byVariant]) => resultsOf(load, byVariant)),
    drained: found.drained,
    switched: found.switched,
  };
}

function resultsOf(load: Case, byVariant: ReadonlyMap<string, readonly Sample[]>): Result[] {
  return [...byVariant].map(([variant, samples]) => {
    const ratio = (baseline: string): Ratio => {
      const base = byVariant.get(baseline) ?? [];
      const over = (value: (sample: Sample) => number): number =>
        median(samples.map((sample, round) => value(sample) / value(base[round] ?? sample)));
      return { latency: over(({ medianMs }) => medianMs), throughput: over(({ perSecond }) => perSecond) };
    };
    return {
      case: load.name,
      concurrency: load.concurrency,
      variant,
      to: { postgres: ratio('postgres'), sqlite: ratio('sqlite') },
      medianMs: median(samples.map(({ medianMs }) => medianMs)),
      p95Ms: median(samples.map(({ p95Ms }) => p95Ms)),
      perSecond: median(samples.map(({ perSecond }) => perSecond)),
      settleMs: median(samples.map(({ settleMs }) => settleMs)),
    };
  });
}

const HEADINGS = ['', 'latency', 'throughput', 'latency', 'throughput', 'median', 'p95', 'writes/s', 'behind'];

/** For a terminal. */
export function writesLines({ variants, results, drained, switched }: WritesFound): readonly string[] {
  const lines = Object.entries(variants).map(([name, summary]) => `  ${name.padEnd(9)} ${summary}`);
  for (const title of new Set(results.map((result) => result.case))) {
    const rows = results.filter((result) => result.case === title).map(cells);
    lines.push(
      '',
      title,
      line(['', 'to postgres', '', 'to sqlite', '', 'absolute']),
      line(HEADINGS),
      ...rows.map(line),
    );
  }
  if (results.length > 0) {
    lines.push(
      '',
      'latency: smaller is better; throughput: larger is better; behind: until the other database had it all',
    );
  }
  for (const { kind, changes, seconds, changesPerSecond, memoryMb, longestBlockMs } of drained) {
    lines.push(
      '',
      `backlog of ${changes} changes (${kind}) in one step: ${seconds.toFixed(1)} s, ${changesPerSecond.toFixed(0)} changes/s; ` +
        `memory +${memoryMb.toFixed(0)} MiB, event loop held for ${ms(longestBlockMs)} at most`,
    );
  }
  if (switched !== null) {
    const { switches, writesPerSecond, medianPauseMs, worstPauseMs, longestWriteMs, writes, failedWrites } = switched;
    lines.push(
      '',
      `${switches} write switches under ${writesPerSecond} writes/s: writes held for ${ms(medianPauseMs)} (median), ` +
        `${ms(worstPauseMs)} (worst); the longest of ${writes} writes took ${ms(longestWriteMs)}, ${failedWrites} failed`,
    );
  }
  return lines;
}

function cells({ variant, to, medianMs, p95Ms, perSecond, settleMs }: Result): readonly string[] {
  const ratios = [to.postgres, to.sqlite].flatMap(({ latency, throughput }) => [times(latency), times(throughput)]);
  return [variant, ...ratios, ms(medianMs), ms(p95Ms), perSecond.toFixed(0), ms(settleMs)];
}

function line(values: readonly string[]): string {
  return values
    .map((value, index) => (index === 0 ? value.padEnd(11) : value.padStart(12)))
    .join('')
    .trimEnd();
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)}×`;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}
