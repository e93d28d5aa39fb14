import { parseArgs } from 'node:util';
import { runBench } from './bench.ts';
import type { Bench } from './bench.ts';
import { loadText, machineText } from './machine.ts';
import type { Machine } from './machine.ts';
import { positive } from './mistake.ts';

/** A command of the bench: what is its own. {@link commandOf} gives it what all of them have. */
export interface Measurement<Option extends string, Found extends object> {
  /** What `--help` says. */
  readonly help: string;
  /** How many rounds where the call does not say: so that a median means something, and with `--quick`. */
  readonly rounds: { readonly full: number; readonly quick: number };
  /** Its options, each of which takes a value, beside `--rounds`, `--quick`, `--json` and `--help`. */
  readonly options: readonly Option[];
  /** Reads the options before anything is started, and gives the work. @throws Mistake for what makes no sense */
  readonly plan: (call: Call<Option>) => (bench: Bench) => Promise<Found>;
  /** What was worked on, each for the head of the report: `2000 rows of 9 columns`. */
  readonly subject?: (found: Found) => readonly string[];
  /** The report for a terminal, below its head. */
  readonly lines: (found: Found) => readonly string[];
}

/** How a measurement was called. */
export interface Call<Option extends string> {
  readonly rounds: number;
  /** To see that it runs; the figures mean nothing. */
  readonly isQuick: boolean;
  /** What was given for an option. */
  readonly given: (option: Option) => string | undefined;
}

/** What a measurement writes with `--json`. */
export type Report<Found extends object> = Found & { readonly machine: Machine; readonly rounds: number };

/** The command that runs a measurement with the words after its name, and writes the report to stdout. */
export function commandOf<Option extends string, Found extends object>(
  measurement: Measurement<Option, Found>,
): (args: readonly string[]) => Promise<void> {
  return async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(['rounds', ...measurement.options].map((name) => [name, { type: 'string' } as const])),
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const all = new Map<string, unknown>(Object.entries(values));
    const given = (name: string): string | undefined => {
      const value = all.get(name);
      return typeof value === 'string' ? value : undefined;
    };
    if (values.help) {
      process.stdout.write(`${measurement.help}\n`);
      return;
    }
    const { full, quick } = measurement.rounds;
    const rounds = positive('--rounds', given('rounds') ?? String(values.quick ? quick : full));
    const work = measurement.plan({ rounds, isQuick: values.quick, given });
    const report = await runBench(async (bench): Promise<Report<Found>> => {
      const found = await work(bench);
      return { machine: await bench.machine(), rounds, ...found };
    });
    if (report === undefined) return;
    process.stdout.write(`${values.json ? JSON.stringify(report) : textOf(measurement, report)}\n`);
  };
}

function textOf<Found extends object>(
  { subject, lines }: Pick<Measurement<string, Found>, 'subject' | 'lines'>,
  report: Report<Found>,
): string {
  const head = [loadText(report.machine), `medians of ${report.rounds} rounds`, ...(subject?.(report) ?? [])];
  return [machineText(report.machine), head.join('; '), ...lines(report)].join('\n');
}
