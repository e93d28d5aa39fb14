import { parseArgs } from 'node:util';
import { runBench } from '../bench.ts';
import { drain } from '../drain.ts';
import { MANY_ROWS } from '../measure.ts';
import type { Case } from '../measure.ts';
import { Mistake, positive } from '../mistake.ts';
import { report, reportText } from '../report.ts';
import { runRounds } from '../rounds.ts';
import { switches } from '../switches.ts';
import { BASELINES, UNSYNCED, VARIANTS } from '../variants.ts';
import type { Variant } from '../variants.ts';

const HELP = `Measures writes through Crossfade beside plain Knex on SQLite and on PostgreSQL.

  npm run bench -- [options]

  Others, each with its own --help: npm run bench -- backfill, compare, beside, stores

  --rounds <n>        rounds in which each variant is measured once; medians are given (default 6)
  --measure <names>   what to measure, with commas: writes, drain, switches (default all)
  --only <names>      variants, with commas: ${[...VARIANTS, UNSYNCED].map(({ name }) => name).join(', ')};
                      ${BASELINES.join(' and ')} are always measured, to compare with
  --concurrency <ns>  writes at the same time, with commas (default 1,16,64)
  --quick             a few writes of each kind, to see that it runs; the figures mean nothing
  --json              the report as JSON

PostgreSQL: DATABASE_URL, in which databases are made and dropped again, or else an embedded server of its own.`;

const MEASURES = ['writes', 'drain', 'switches'] as const;
const WRITES = { full: { 1: 300, 16: 1_600, 64: 3_200 }, quick: 6 } as const;

interface Options {
  readonly rounds?: string;
  readonly measure?: string;
  readonly only?: string;
  readonly concurrency?: string;
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** `npm run bench`: writes through Crossfade beside plain Knex. */
export async function writes(args: readonly string[]): Promise<void> {
  const options: Options = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      measure: { type: 'string' },
      only: { type: 'string' },
      concurrency: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
  if (options.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const rounds = positive('--rounds', options.rounds ?? (options.quick ? '2' : '6'));
  const measured = chosenMeasures(options.measure);
  const variants = measured.has('writes') ? chosenVariants(options.only) : [];
  const concurrencies = (options.concurrency ?? '1,16,64').split(',').map((text) => positive('--concurrency', text));
  const cases = casesFor(concurrencies, options);
  const found = await runBench(async ({ home, signal, say, machine }) => {
    const samples = await runRounds(home, {
      variants,
      cases,
      rounds,
      warmUp: [
        { name: 'warm-up', kind: 'insert', concurrency: 16, writes: options.quick ? 16 : 800 },
        { name: 'warm-up', kind: 'update', concurrency: 1, writes: options.quick ? 1 : 200 },
      ],
      signal,
      onTurn: ({ round, variant }) => say(`round ${round} of ${rounds}: ${variant}`),
    });
    const drained = measured.has('drain')
      ? await drain(home, { changes: options.quick ? 6_000 : 1_000_000, signal })
      : [];
    const switched = measured.has('switches') ? await switches(home, { count: options.quick ? 2 : 50, signal }) : null;
    return report({ machine: await machine(), rounds, variants, samples, drained, switched });
  });
  if (found === undefined) return;
  process.stdout.write(`${options.json ? JSON.stringify(found) : reportText(found)}\n`);
}

function casesFor(concurrencies: readonly number[], options: Pick<Options, 'quick'>): readonly Case[] {
  const writesAt = (concurrency: number): number =>
    options.quick
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
    writes: options.quick ? 3 : 60,
  } as const;
  return [...single, many];
}

function chosenMeasures(names: string | undefined): ReadonlySet<string> {
  if (names === undefined) return new Set(MEASURES);
  const chosen = names.split(',').map((name) => name.trim());
  const unknown = chosen.filter((name) => !MEASURES.some((measure) => measure === name));
  if (unknown.length > 0) throw new Mistake(`there is nothing to measure called "${unknown.join('", "')}"`);
  return new Set(chosen);
}

function chosenVariants(only: string | undefined): readonly Variant[] {
  if (only === undefined) return VARIANTS;
  const all = [...VARIANTS, UNSYNCED];
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !all.some((variant) => variant.name === name));
  if (unknown.length > 0) throw new Mistake(`there is no variant "${unknown.join('", "')}"`);
  const wanted = new Set<string>([...BASELINES, ...names]);
  return all.filter(({ name }) => wanted.has(name));
}
