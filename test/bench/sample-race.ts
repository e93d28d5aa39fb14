import type { Bench } from './bench.ts';
import type { Measurement, Report } from './measurement.ts';
import { chosen } from './mistake.ts';
import { race, raceText } from './race.ts';
import type { RaceResult, Runner } from './race.ts';
import { sampleRows } from './sample-rows.ts';

/** What a race over the large table is made of. */
export interface SampleRace {
  readonly help: string;
  /** Runners that the others' times are given in relation to. */
  readonly baselines: readonly string[];
  /** Makes what everybody needs for a table of so many rows. */
  readonly runners: (bench: Bench, rows: number) => Promise<readonly Runner[]>;
  /** What is to be known of the figures. */
  readonly footer?: string;
}

export interface SampleRaceFound {
  readonly rows: number;
  readonly results: readonly RaceResult[];
}

/** What a race over the large table writes with `--json`. */
export type SampleRaceReport = Report<SampleRaceFound>;

/** Measures a race over the large table; `--rows` says how large, `--only` who runs. */
export function sampleRace(own: SampleRace): Measurement<'rows' | 'only', SampleRaceFound> {
  return {
    help: own.help,
    rounds: { full: 3, quick: 1 },
    options: ['rows', 'only'],
    plan: (call) => {
      const rows = sampleRows(call);
      return async (bench) => {
        const runners = chosen(await own.runners(bench, rows), { option: '--only', names: call.given('only') });
        const results = await race(runners, { rounds: call.rounds, bench, baselines: own.baselines });
        return { rows, results };
      };
    },
    subject: ({ rows }) => [`${rows} rows of 9 columns`],
    lines: ({ rows, results }) => [
      ...raceText(results, { rows }),
      ...(own.footer === undefined ? [] : ['', own.footer]),
    ],
  };
}
