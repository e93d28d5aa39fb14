import type { Bench } from './bench.ts';
import { median } from './measure.ts';
import { turns } from './turns.ts';

/** One way to do the same work. */
export interface Runner {
  readonly name: string;
  readonly summary: string;
  /** Why it cannot run here, if it cannot. */
  readonly missing?: string;
  /** Does the work once, from a fresh start, and says what it took; making the start is not part of that. */
  run(): Promise<Run>;
}

export interface Run {
  readonly seconds: number;
  /** The most that its process had resident in memory, in MiB, where it has a process of its own. */
  readonly peakMemoryMb?: number;
  /** Parts of the time, in seconds, by name. */
  readonly phases?: Readonly<Record<string, number>>;
}

/** Medians over the rounds. */
export interface RaceResult {
  readonly name: string;
  readonly summary: string;
  readonly missing: string | null;
  readonly seconds: number | null;
  /** The fastest and the slowest round, in seconds. */
  readonly range: readonly [number, number] | null;
  readonly peakMemoryMb: number | null;
  readonly phases: Readonly<Record<string, number>>;
  /** How many times as long as others, by their names: the median of the ratios that the rounds gave. */
  readonly times: Readonly<Record<string, number>>;
}

/** Lets everybody run once in each round. */
export async function race(
  runners: readonly Runner[],
  { rounds, bench, baselines }: { rounds: number; bench: Bench; baselines: readonly string[] },
): Promise<readonly RaceResult[]> {
  const able = runners.filter(({ missing }) => missing === undefined);
  const runs = new Map(able.map((runner): [string, Run[]] => [runner.name, []]));
  for (const { one } of turns(able, { rounds, bench })) {
    const run = await one.run();
    runs.get(one.name)?.push(run);
  }
  return runners.map((runner) => resultOf(runner, runs, baselines));
}

function resultOf(
  { name, summary, missing }: Runner,
  runs: ReadonlyMap<string, readonly Run[]>,
  baselines: readonly string[],
): RaceResult {
  const own = runs.get(name) ?? [];
  const seconds = own.map((run) => run.seconds);
  const memory = own.flatMap(({ peakMemoryMb }) => (peakMemoryMb === undefined ? [] : [peakMemoryMb]));
  const ratios = baselines.flatMap((baseline): [string, number][] => {
    const base = runs.get(baseline) ?? [];
    if (baseline === name || base.length === 0 || own.length === 0) return [];
    return [[baseline, median(own.map((run, round) => run.seconds / (base[round]?.seconds ?? Number.NaN)))]];
  });
  const phases = Object.keys(own[0]?.phases ?? {}).map((phase): [string, number] => [
    phase,
    median(own.map((run) => run.phases?.[phase] ?? 0)),
  ]);
  return {
    name,
    summary,
    missing: missing ?? null,
    seconds: own.length === 0 ? null : median(seconds),
    range: own.length === 0 ? null : [Math.min(...seconds), Math.max(...seconds)],
    peakMemoryMb: memory.length === 0 ? null : Math.max(...memory),
    phases: Object.fromEntries(phases),
    times: Object.fromEntries(ratios),
  };
}

/** The results as lines for a terminal. `rows` is how many each of them worked on. */
export function raceText(results: readonly RaceResult[], { rows }: { rows: number }): readonly string[] {
  const named = new Set(results.flatMap(({ times }) => Object.keys(times)));
  const baselines = results.map(({ name }) => name).filter((name) => named.has(name));
  const headings = ['', 'median', 'fastest', 'slowest', 'rows/s', 'memory', ...baselines.map((name) => `to ${name}`)];
  const cells = results.flatMap((result) => {
    const { name, seconds, range, peakMemoryMb, times } = result;
    if (seconds === null || range === null) return [];
    return [
      [
        name,
        duration(seconds),
        duration(range[0]),
        duration(range[1]),
        (rows / seconds).toFixed(0),
        peakMemoryMb === null ? '' : `${peakMemoryMb.toFixed(0)} MiB`,
        ...baselines.map((baseline) => ratio(times[baseline])),
      ],
    ];
  });
  const width = Math.max(...results.map(({ name }) => name.length)) + 2;
  const widths = headings.map((heading, index) => (index === 0 ? width : Math.max(11, heading.length + 2)));
  const line = (values: readonly string[]): string =>
    values
      .map((value, index) => (index === 0 ? value.padEnd(widths[0] ?? 0) : value.padStart(widths[index] ?? 0)))
      .join('')
      .trimEnd();
  return [
    ...results.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    '',
    line(headings),
    ...cells.map(line),
    ...results.flatMap(({ name, missing }) =>
      missing === null ? [] : [`${name.padEnd(width)}not measured: ${missing}`],
    ),
    ...results.flatMap(({ name, phases }) => {
      const parts = Object.entries(phases).map(([phase, seconds]) => `${phase} ${duration(seconds)}`);
      return parts.length === 0 ? [] : ['', `${name}: ${parts.join(', ')}`];
    }),
  ];
}

function duration(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

function ratio(value: number | undefined): string {
  return value === undefined ? '–' : `${value.toFixed(value < 0.1 ? 3 : 2)}×`;
}
