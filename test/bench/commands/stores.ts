import knex from 'knex';
import type { Knex } from 'knex';
import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCrossfade } from '../../../adapter/index.ts';
import { Random } from '../../../migrations/ledger/random.ts';
import { createLedgerFile } from '../../../server/ledger-file.ts';
import { migratePostgres } from '../../../server/migrate-databases.ts';
import type { Bench } from '../bench.ts';
import { execute } from '../databases.ts';
import type { Databases } from '../databases.ts';
import { ledgerRows, LEDGER_SCALE } from '../ledger-rows.ts';
import type { LedgerRows } from '../ledger-rows.ts';
import { median, quantile } from '../measure.ts';
import { commandOf } from '../measurement.ts';
import type { Call, Report } from '../measurement.ts';
import { chosen, positives } from '../mistake.ts';
import { STORE_CASES } from '../stores-cases.ts';
import type { StoreCase } from '../stores-cases.ts';
import { turns } from '../turns.ts';

const HELP = `Measures the example API's queries on SQLite and on PostgreSQL, through plain Knex, without Crossfade.

  npm run bench -- stores [options]

  --rounds <n>        rounds in which each is measured once; medians are given (default 6)
  --only <names>      with commas: ${STORE_CASES.map(({ name }) => name).join(', ')} (default all)
  --concurrency <ns>  queries at the same time, with commas (default 1,16,64)
  --quick             a few queries of each kind, to see that it runs; the figures mean nothing
  --json              the report as JSON`;

/** Knex's own default for PostgreSQL. */
const POOL_MAX = 10;
/** How long each case is measured in each round, in ms. */
const MEASURE_MS = 700;

const STORES = ['sqlite', 'postgres'] as const;
type StoreName = (typeof STORES)[number];

/** Medians over the rounds, in both databases. */
export interface StoresResult {
  readonly case: string;
  readonly concurrency: number;
  readonly medianMs: Readonly<Record<StoreName, number>>;
  readonly p95Ms: Readonly<Record<StoreName, number>>;
  readonly perSecond: Readonly<Record<StoreName, number>>;
  /** PostgreSQL in relation to SQLite: the median of the ratios that the rounds gave. */
  readonly latency: number;
  readonly throughput: number;
}

interface StoresFound {
  readonly results: readonly StoresResult[];
}

/** What `npm run bench -- stores --json` writes. */
export type StoresReport = Report<StoresFound>;

/** `npm run bench -- stores`. */
export const stores = commandOf({
  help: HELP,
  rounds: { full: 6, quick: 1 },
  options: ['only', 'concurrency'],
  plan: ({ given, isQuick, rounds }: Call<'only' | 'concurrency'>) => {
    const cases = chosen(STORE_CASES, { option: '--only', names: given('only') });
    const concurrencies = positives('--concurrency', given('concurrency') ?? '1,16,64');
    const loads = cases.flatMap((each) => concurrencies.map((concurrency): Load => ({ case: each, concurrency })));
    const forMs = isQuick ? 20 : MEASURE_MS;
    const scale = LEDGER_SCALE[isQuick ? 'quick' : 'full'];
    return async (bench): Promise<StoresFound> => ({
      results: await measured(bench, { loads, rounds, forMs, scale }),
    });
  },
  lines: storesLines,
});

interface Load {
  readonly case: StoreCase;
  readonly concurrency: number;
}

interface Sample {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly perSecond: number;
}

async function measured(
  bench: Bench,
  { loads, rounds, forMs, scale }: { loads: readonly Load[]; rounds: number; forMs: number; scale: number },
): Promise<readonly StoresResult[]> {
  bench.say('making the ledger');
  const databases = await ledgerPair(bench, scale);
  const open: Readonly<Record<StoreName, Knex>> = {
    sqlite: knex({ client: 'better-sqlite3', connection: { filename: databases.sqlite }, useNullAsDefault: true }),
    postgres: knex({ client: 'pg', connection: databases.postgres, pool: { min: 0, max: POOL_MAX } }),
  };
  try {
    await open.sqlite.raw('PRAGMA journal_mode = WAL');
    const samples = new Map(loads.map((load) => [load, { sqlite: [] as Sample[], postgres: [] as Sample[] }]));
    const numbers = { sqlite: 0, postgres: 0 };
    const rows = ledgerRows(scale);
    const next = (store: StoreName): number => (numbers[store] += 1);
    for (const store of STORES) {
      for (const load of loads)
        await sample(open[store], load, { seed: 0, forMs: forMs / 4, rows, next: () => next(store) });
    }
    const contestants = loads.flatMap((load) =>
      STORES.map((store) => ({ name: `${load.case.name}, ${load.concurrency} at a time, ${store}`, load, store })),
    );
    for (const { one, round } of turns(contestants, { rounds, bench })) {
      const { load, store } = one;
      const taken = await sample(open[store], load, { seed: round, forMs, rows, next: () => next(store) });
      samples.get(load)?.[store].push(taken);
    }
    return [...samples].map(([load, found]) => resultOf(load, found));
  } finally {
    await open.sqlite.destroy();
    await open.postgres.destroy();
  }
}

/** The example's ledger in both databases, without Crossfade in either. */
async function ledgerPair({ home, signal }: Bench, scale: number): Promise<Databases> {
  const databases = { sqlite: join(home.folder, 'ledger.sqlite'), postgres: await home.makeDatabase() };
  await createLedgerFile(databases.sqlite, { scale });
  await migratePostgres(databases.postgres);
  // A copy is filled through Crossfade, which then leaves PostgreSQL again.
  const copy = join(home.folder, 'copy.sqlite');
  copyFileSync(databases.sqlite, copy, constants.COPYFILE_FICLONE);
  const crossfade = await createCrossfade({ sqlite: copy, postgres: databases.postgres, processName: 'bench' });
  try {
    await crossfade.backfill({ signal });
    await crossfade.uninstall();
  } finally {
    await crossfade.close();
  }
  // The ids that come next are set by a write switch, which there is none of.
  await execute(databases.postgres, [
    `SELECT setval(pg_get_serial_sequence('payments', 'id'), (SELECT max(id) FROM payments))`,
    'VACUUM ANALYZE',
  ]);
  await home.checkpoint();
  return databases;
}

/** Each query begins as soon as one before it has ended. */
async function sample(
  database: Knex,
  { case: { run }, concurrency }: Load,
  { seed, forMs, rows, next }: { seed: number; forMs: number; rows: LedgerRows; next: () => number },
): Promise<Sample> {
  const random = new Random(seed);
  const latencies: number[] = [];
  const startedAt = performance.now();
  const work = async (): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      const begunAt = performance.now();
      await run(database, { random, number: next(), rows });
      latencies.push(performance.now() - begunAt);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return {
    medianMs: quantile(latencies, 0.5),
    p95Ms: quantile(latencies, 0.95),
    perSecond: (latencies.length / (performance.now() - startedAt)) * 1000,
  };
}

function resultOf(load: Load, found: Readonly<Record<StoreName, readonly Sample[]>>): StoresResult {
  const both = (value: (sample: Sample) => number): Record<StoreName, number> => ({
    sqlite: median(found.sqlite.map(value)),
    postgres: median(found.postgres.map(value)),
  });
  const ratio = (value: (sample: Sample) => number): number =>
    median(found.postgres.map((one, round) => value(one) / value(found.sqlite[round] ?? one)));
  return {
    case: load.case.name,
    concurrency: load.concurrency,
    medianMs: both(({ medianMs }) => medianMs),
    p95Ms: both(({ p95Ms }) => p95Ms),
    perSecond: both(({ perSecond }) => perSecond),
    latency: ratio(({ medianMs }) => medianMs),
    throughput: ratio(({ perSecond }) => perSecond),
  };
}

const HEADINGS = ['', 'at a time', 'latency', 'throughput', 'sqlite', 'p95', '/s', 'postgres', 'p95', '/s'];

function storesLines({ results }: StoresFound): readonly string[] {
  const line = (values: readonly string[]): string =>
    values
      .map((value, index) => (index === 0 ? value.padEnd(12) : value.padStart(11)))
      .join('')
      .trimEnd();
  const cells = ({ case: name, concurrency, ...result }: StoresResult): readonly string[] => [
    name,
    String(concurrency),
    `${result.latency.toFixed(2)}×`,
    `${result.throughput.toFixed(2)}×`,
    ...STORES.flatMap((store) => [
      `${result.medianMs[store].toFixed(2)} ms`,
      `${result.p95Ms[store].toFixed(2)} ms`,
      result.perSecond[store].toFixed(0),
    ]),
  ];
  return [
    '',
    line(HEADINGS),
    ...results.map((result) => line(cells(result))),
    '',
    'latency, throughput: PostgreSQL in relation to SQLite; smaller latency is better, larger throughput is better',
  ];
}
