import { constants, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createCrossfade } from '../../../adapter/index.ts';
import { seedLedger } from '../../../migrations/ledger/seed.ts';
import { migrateSqlite } from '../../../server/migrate-databases.ts';
import { startApi } from '../api.ts';
import type { Api } from '../api.ts';
import { runBench } from '../bench.ts';
import type { Bench } from '../bench.ts';
import { crossfadeCommand } from '../crossfade-command.ts';
import type { Databases } from '../databases.ts';
import { ledgerRows, LEDGER_SCALE } from '../ledger-rows.ts';
import type { LedgerRows } from '../ledger-rows.ts';
import { loadText, machineText } from '../machine.ts';
import type { Machine } from '../machine.ts';
import { quantile } from '../measure.ts';
import { chosen, positive } from '../mistake.ts';
import { OpenLoop } from '../open-loop.ts';
import { SAMPLE_ROWS, sampleFile } from '../sample-file.ts';
import { makeSchema } from '../sample-schema.ts';
import { measureStretch, medianOf, stretchLines } from '../stretch.ts';
import type { Stretch } from '../stretch.ts';
import { turnsOf } from '../turns.ts';

const HELP = `Measures what the example API's callers notice of a backfill and of a comparison.

  npm run bench -- beside [options]

  --rows <n>      rows of the table that is copied or compared (default ${SAMPLE_ROWS}; made once on this machine)
  --rate <n>      requests a second, at random moments, whether or not earlier ones have been answered (default 200)
  --seconds <n>   how long to measure at rest, and at most beside the work (default 10)
  --rounds <n>    rounds in which each case is measured once; medians are given (default 3)
  --only <names>  with commas: backfill-command, backfill-api, compare-command, compare-api (default all)
  --quick         2,000 rows, one second, one round, to see that it runs; the figures mean nothing
  --json          the report as JSON`;

const WARM_UP_MS = 2_000;
export interface BesideResult {
  readonly name: string;
  readonly summary: string;
  /** Medians over the rounds. */
  readonly rest: Stretch;
  readonly beside: Stretch;
  /** How many times the latency at rest: the median of the ratios that the rounds gave. */
  readonly medianTimes: number;
  readonly medianWriteTimes: number;
}

/** What `npm run bench -- beside --json` writes. */
export interface BesideReport {
  readonly machine: Machine;
  readonly rows: number;
  readonly rate: number;
  readonly rounds: number;
  readonly results: readonly BesideResult[];
}

/** `npm run bench -- beside`. */
export async function beside(args: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      rate: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const rows = positive('--rows', options.rows ?? (options.quick ? '2000' : String(SAMPLE_ROWS)));
  const rate = positive('--rate', options.rate ?? '200');
  const seconds = positive('--seconds', options.seconds ?? (options.quick ? '1' : '10'));
  const rounds = positive('--rounds', options.rounds ?? (options.quick ? '1' : '3'));
  const wanted = chosen(CASES, { option: '--only', names: options.only });
  const report = await runBench(async (bench): Promise<BesideReport> => {
    const scale = LEDGER_SCALE[options.quick ? 'quick' : 'full'];
    const needsFilled = wanted.some((one) => one.needs === 'filled');
    const pairs = await prepare(bench, { rows, scale, needsFilled });
    const setting: Setting = { bench, rate, seconds, ledger: ledgerRows(scale), ...pairs };
    const seen = new Map(wanted.map((one): [Case, Turn[]] => [one, []]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const one of turnsOf(round, wanted)) {
        bench.signal.throwIfAborted();
        bench.say(`round ${round} of ${rounds}: ${one.name}`);
        const turn = await takeTurn(one, setting);
        seen.get(one)?.push(turn);
      }
    }
    const results = wanted.map((one) => resultOf(one, seen.get(one) ?? []));
    return { machine: await bench.machine(), rows, rate, rounds, results };
  });
  if (report === undefined) return;
  process.stdout.write(`${options.json ? JSON.stringify(report) : besideText(report)}\n`);
}

interface Case {
  readonly name: string;
  readonly summary: string;
  /** Whether the work begins with an empty PostgreSQL, or with one that holds all rows, in stage `dual`. */
  readonly needs: 'empty' | 'filled';
  readonly work: (on: { api: Api; databases: Databases; signal: AbortSignal }) => Promise<unknown>;
}

const CASES: readonly Case[] = [
  {
    name: 'backfill-command',
    summary: '`crossfade backfill`, a process beside the API',
    needs: 'empty',
    work: ({ databases, signal }) => crossfadeCommand(['backfill'], { databases, signal }),
  },
  {
    name: 'backfill-api',
    summary: "the API's own Mirror does the backfill",
    needs: 'empty',
    work: ({ api }) => api.work('backfill'),
  },
  {
    name: 'compare-command',
    summary: '`crossfade compare`, a process beside the API, which mirrors',
    needs: 'filled',
    work: ({ databases, signal }) => crossfadeCommand(['compare'], { databases, signal }),
  },
  {
    name: 'compare-api',
    summary: 'the API compares, and mirrors',
    needs: 'filled',
    work: ({ api }) => api.work('compare'),
  },
];

interface Setting {
  readonly bench: Bench;
  readonly rate: number;
  readonly seconds: number;
  readonly ledger: LedgerRows;
  /** The large table and the ledger in SQLite, to be copied, and the tables in PostgreSQL. */
  readonly empty: Databases;
  readonly filled: Databases | null;
}

async function prepare(
  bench: Bench,
  { rows, scale, needsFilled }: { rows: number; scale: number; needsFilled: boolean },
): Promise<Pick<Setting, 'empty' | 'filled'>> {
  const { home, say, signal } = bench;
  const sample = sampleFile(rows, say);
  const empty = { sqlite: join(home.folder, 'beside.sqlite'), postgres: await home.makeDatabase() };
  copyFileSync(sample.sqlite, empty.sqlite, constants.COPYFILE_FICLONE);
  await migrateSqlite(empty.sqlite);
  seedLedger(empty.sqlite, { scale });
  await makeSchema(empty);
  if (!needsFilled) return { empty, filled: null };
  say('filling PostgreSQL');
  const filled = { sqlite: join(home.folder, 'filled.sqlite'), postgres: await home.makeDatabase(empty.postgres) };
  copyFileSync(empty.sqlite, filled.sqlite, constants.COPYFILE_FICLONE);
  await crossfadeCommand(['backfill'], { databases: filled, signal });
  const crossfade = await createCrossfade({ ...filled, processName: 'bench' });
  try {
    const outcome = await crossfade.cutover.moveTo('dual', { force: true, signal });
    if (outcome.outcome === 'refused') throw new Error(`stage dual was refused: ${JSON.stringify(outcome.gates)}`);
  } finally {
    await crossfade.close();
  }
  return { empty, filled };
}

interface Turn {
  readonly rest: Stretch;
  readonly beside: Stretch;
}

/** The API at rest, and then with the work beside it. */
async function takeTurn(one: Case, setting: Setting): Promise<Turn> {
  const { bench, empty, filled } = setting;
  if (one.needs === 'filled' && filled !== null) return await serve(one, setting, filled);
  const { home } = bench;
  const databases = { sqlite: join(home.folder, 'turn.sqlite'), postgres: await home.makeDatabase(empty.postgres) };
  copyFileSync(empty.sqlite, databases.sqlite, constants.COPYFILE_FICLONE);
  try {
    return await serve(one, setting, databases);
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(databases.sqlite + suffix, { force: true });
    await home.dropDatabase(databases.postgres);
  }
}

async function serve(one: Case, { bench, rate, seconds, ledger }: Setting, databases: Databases): Promise<Turn> {
  await bench.home.checkpoint();
  const api = await startApi(databases);
  const load = new OpenLoop(api.url, { perSecond: rate, seed: 1, rows: ledger });
  const over = (ms: number): AbortSignal => AbortSignal.any([AbortSignal.timeout(ms), bench.signal]);
  try {
    await load.run(over(Math.min(WARM_UP_MS, seconds * 1000)));
    const rest = await measureStretch({ api, load, until: over(seconds * 1000) });
    bench.signal.throwIfAborted();
    // The work is over when it is done, or cut off when the time is: what it would go on to do is the same again.
    const cut = new AbortController();
    const limit = AbortSignal.any([cut.signal, bench.signal]);
    const done = new AbortController();
    const working = one.work({ api, databases, signal: limit }).finally(() => done.abort());
    working.catch(() => {});
    const during = await measureStretch({ api, load, until: AbortSignal.any([over(seconds * 1000), done.signal]) });
    if (done.signal.aborted) await working;
    cut.abort();
    await api.end();
    await working.catch(() => {});
    bench.signal.throwIfAborted();
    return { rest, beside: during };
  } finally {
    load.close();
    await api.end();
  }
}

function resultOf({ name, summary }: Case, turns: readonly Turn[]): BesideResult {
  const ratio = (value: (stretch: Stretch) => number): number =>
    quantile(
      turns.map((turn) => value(turn.beside) / value(turn.rest)),
      0.5,
    );
  return {
    name,
    summary,
    rest: medianOf(turns.map(({ rest }) => rest)),
    beside: medianOf(turns.map((turn) => turn.beside)),
    medianTimes: ratio(({ medianMs }) => medianMs),
    medianWriteTimes: ratio(({ medianWriteMs }) => medianWriteMs),
  };
}

function besideText({ machine, rows, rate, rounds, results }: BesideReport): string {
  return [
    machineText(machine),
    `${loadText(machine)}; medians of ${rounds} rounds; ${rate} requests a second; ${rows} rows of 9 columns`,
    ...results.flatMap(({ name, summary, rest, beside: during, medianTimes, medianWriteTimes }) => [
      '',
      `${name}: ${summary}`,
      ...stretchLines({ 'at rest': rest, beside: during }),
      `median latency ${medianTimes.toFixed(2)}× that at rest, of writes ${medianWriteTimes.toFixed(2)}×`,
    ]),
    '',
    'loop: how late the event loop of the API came to what was due; sender: that of the process that sends the requests',
  ].join('\n');
}
