import { drain } from '../drain.ts';
import { MANY_ROWS } from '../measure.ts';
import type { Case } from '../measure.ts';
import { commandOf } from '../measurement.ts';
import type { Call } from '../measurement.ts';
import { chosen, positives } from '../mistake.ts';
import { runRounds } from '../rounds.ts';
import { switches } from '../switches.ts';
import { BASELINES, UNSYNCED, VARIANTS } from '../variants.ts';
import type { Variant } from '../variants.ts';
import { judged, writesLines } from '../writes-report.ts';
import type { WritesFound } from '../writes-report.ts';

const HELP = `Measures writes through Crossfade beside plain Knex on SQLite and on PostgreSQL.

  npm run bench -- [options]

  Others, each with its own --help: npm run bench -- backfill, compare, beside, router, stores

  --rounds <n>        rounds in which each variant is measured once; medians are given (default 6)
  --measure <names>   what to measure, with commas: writes, drain, switches (default all)
  --only <names>      variants, with commas: ${[...VARIANTS, UNSYNCED].map(({ name }) => name).join(', ')};
                      ${BASELINES.join(' and ')} are always measured, to compare with
  --concurrency <ns>  writes at the same time, with commas (default 1,16,64)
  --quick             a few writes of each kind, to see that it runs; the figures mean nothing
  --json              the report as JSON

PostgreSQL: DATABASE_URL, in which databases are made and dropped again, or else an embedded server of its own.`;

const MEASURES = [{ name: 'writes' }, { name: 'drain' }, { name: 'switches' }] as const;
const WRITES = { full: { 1: 300, 16: 1_600, 64: 3_200 }, quick: 6 } as const;

/** `npm run bench`: writes through Crossfade beside plain Knex. */
export const writes = commandOf({
  help: HELP,
  rounds: { full: 6, quick: 2 },
  options: ['measure', 'only', 'concurrency'],
  plan: ({ given, isQuick, rounds }: Call<'measure' | 'only' | 'concurrency'>) => {
    const measured = new Set(
      chosen(MEASURES, { option: '--measure', names: given('measure') }).map(({ name }) => name),
    );
    const variants = measured.has('writes') ? chosenVariants(given('only')) : [];
    const concurrencies = positives('--concurrency', given('concurrency') ?? '1,16,64');
    return async (bench): Promise<WritesFound> => {
      const { home, signal } = bench;
      const samples = await runRounds(bench, {
        variants,
        cases: casesFor(concurrencies, { isQuick }),
        rounds,
        warmUp: [
          { name: 'warm-up', kind: 'insert', concurrency: 16, writes: isQuick ? 16 : 800 },
          { name: 'warm-up', kind: 'update', concurrency: 1, writes: isQuick ? 1 : 200 },
        ],
      });
      const drained = measured.has('drain') ? await drain(home, { changes: isQuick ? 6_000 : 1_000_000, signal }) : [];
      const switched = measured.has('switches') ? await switches(home, { count: isQuick ? 2 : 50, signal }) : null;
      return judged({ variants, samples, drained, switched });
    };
  },
  lines: writesLines,
});

function casesFor(concurrencies: readonly number[], { isQuick }: { isQuick: boolean }): readonly Case[] {
  const writesAt = (concurrency: number): number =>
    isQuick
      ? WRITES.quick * Math.ceil(Math.sqrt(concurrency))
      : WRITES.full[concurrency < 16 ? 1 : concurrency < 64 ? 16 : 64];
  const single = (['insert', 'update'] as const).flatMap((kind) =>
    concurrencies.map((concurrency) => ({
      name: `${kind} one row, concurrency ${concurrency}`,
      kind,
      concurrency,
      writes: writesAt(concurrency),
    })),
  );
  const many = {
    name: `insert ${MANY_ROWS} rows in one statement, concurrency 1`,
    kind: 'insert-many',
    concurrency: 1,
    writes: isQuick ? 3 : 60,
  } as const;
  return [...single, many];
}

function chosenVariants(names: string | undefined): readonly Variant[] {
  if (names === undefined) return VARIANTS;
  return chosen([...VARIANTS, UNSYNCED], { option: '--only', names: [...BASELINES, names].join(',') });
}
