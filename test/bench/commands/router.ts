import { createCrossfade } from '../../../adapter/index.ts';
import type { Bench } from '../bench.ts';
import { intoStage } from '../into-stage.ts';
import { median, quantile } from '../measure.ts';
import { commandOf } from '../measurement.ts';
import type { Call, Report } from '../measurement.ts';
import { chosen } from '../mistake.ts';
import { ROUTER_CASES } from '../router-cases.ts';
import type { Contestant, RouterCase } from '../router-cases.ts';
import { turns } from '../turns.ts';

const HELP = `Measures what the router costs: one query after the other, through Crossfade beside plain Knex on the same database.

  npm run bench -- router [options]

  --rounds <n>   rounds in which each is measured once; medians are given (default 10)
  --only <names> with commas: ${ROUTER_CASES.map(({ name }) => name).join(', ')} (default all)
  --quick        a few queries of each kind, to see that it runs; the figures mean nothing
  --json         the report as JSON`;

/** How long each is measured in each round, in ms; and asked before, without being measured. */
const TIMES = { full: { measureMs: 400, warmUpMs: 200 }, quick: { measureMs: 20, warmUpMs: 5 } } as const;
type Times = (typeof TIMES)['full' | 'quick'];

/** Medians over the rounds, in µs. */
export interface RouterResult {
  readonly case: string;
  readonly name: string;
  readonly medianUs: number;
  /** All of the time by the number of queries: with what goes on beside them. */
  readonly meanUs: number;
  /** In relation to plain Knex: the medians of the ratios that the rounds gave. */
  readonly toPlain: { readonly median: number; readonly mean: number };
}

interface RouterFound {
  readonly results: readonly RouterResult[];
}

/** What `npm run bench -- router --json` writes. */
export type RouterReport = Report<RouterFound>;

/** `npm run bench -- router`. */
export const router = commandOf({
  help: HELP,
  rounds: { full: 10, quick: 1 },
  options: ['only'],
  plan: ({ given, isQuick, rounds }: Call<'only'>) => {
    const cases = chosen(ROUTER_CASES, { option: '--only', names: given('only') });
    const times = TIMES[isQuick ? 'quick' : 'full'];
    return async (bench): Promise<RouterFound> => ({ results: await measured(bench, { cases, rounds, times }) });
  },
  lines,
});

interface Sample {
  readonly medianUs: number;
  readonly meanUs: number;
}

async function measured(
  bench: Bench,
  { cases, rounds, times }: { cases: readonly RouterCase[]; rounds: number; times: Times },
): Promise<readonly RouterResult[]> {
  const databases = await bench.home.make('router');
  const crossfade = await createCrossfade({ ...databases, processName: 'bench' });
  try {
    // PostgreSQL holds the rows already, for those who write there without Crossfade.
    await crossfade.backfill({ restart: true, signal: bench.signal });
  } finally {
    await crossfade.close();
  }
  const results: RouterResult[] = [];
  for (const each of cases) {
    const mover = await createCrossfade({ ...databases, processName: 'bench' });
    try {
      await intoStage(mover, each.stage, bench.signal);
    } finally {
      await mover.close();
    }
    const samples = new Map(each.contestants.map((one): [Contestant, Sample[]] => [one, []]));
    const all = each.contestants.map((one) => ({ name: `${each.name}, ${one.name}`, contestant: one }));
    for (const { one } of turns(all, { rounds, bench })) {
      const asked = await one.contestant.open(databases);
      try {
        let number = 0;
        const ask = (): Promise<unknown> => each.ask(asked.knex, (number += 1));
        await askFor(times.warmUpMs, ask);
        samples.get(one.contestant)?.push(await askFor(times.measureMs, ask));
      } finally {
        await asked.close();
      }
    }
    results.push(...resultsOf(each, samples));
  }
  return results;
}

/** One query after the other. */
async function askFor(forMs: number, ask: () => Promise<unknown>): Promise<Sample> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  let now = startedAt;
  while (now - startedAt < forMs) {
    await ask();
    const endedAt = performance.now();
    latencies.push((endedAt - now) * 1000);
    now = endedAt;
  }
  return { medianUs: quantile(latencies, 0.5), meanUs: ((now - startedAt) * 1000) / latencies.length };
}

function resultsOf(each: RouterCase, samples: ReadonlyMap<Contestant, readonly Sample[]>): readonly RouterResult[] {
  const [plain = []] = samples.values();
  return [...samples].map(([{ name }, found]) => {
    const toPlain = (value: (sample: Sample) => number): number =>
      median(found.map((one, round) => value(one) / value(plain[round] ?? one)));
    return {
      case: each.name,
      name,
      medianUs: median(found.map(({ medianUs }) => medianUs)),
      meanUs: median(found.map(({ meanUs }) => meanUs)),
      toPlain: { median: toPlain(({ medianUs }) => medianUs), mean: toPlain(({ meanUs }) => meanUs) },
    };
  });
}

function lines({ results }: RouterFound): readonly string[] {
  const line = ([name = '', ...cells]: readonly string[]): string =>
    name.padEnd(48) + cells.map((cell) => cell.padStart(11)).join('');
  return ROUTER_CASES.flatMap((each) => {
    const found = results.filter((result) => result.case === each.name);
    if (found.length === 0) return [];
    return [
      '',
      line([each.title, 'median', 'to plain', 'mean', 'to plain']),
      ...found.map(({ name, medianUs, meanUs, toPlain }) =>
        line([
          `  ${name}`,
          `${medianUs.toFixed(0)} µs`,
          `${toPlain.median.toFixed(3)}×`,
          `${meanUs.toFixed(0)} µs`,
          `${toPlain.mean.toFixed(3)}×`,
        ]),
      ),
    ];
  });
}
