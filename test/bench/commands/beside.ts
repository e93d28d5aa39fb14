import Database from 'better-sqlite3';
import { constants, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { seedLedger } from '../../../migrations/ledger/seed.ts';
import { migrateSqlite } from '../../../server/migrate-databases.ts';
import { startApi } from '../api.ts';
import type { Api } from '../api.ts';
import type { Bench } from '../bench.ts';
import { crossfadeCommand } from '../crossfade-command.ts';
import type { Databases } from '../databases.ts';
import { filledIntoDual } from '../into-stage.ts';
import { ledgerRows, LEDGER_SCALE } from '../ledger-rows.ts';
import type { LedgerRows } from '../ledger-rows.ts';
import { median } from '../measure.ts';
import { commandOf } from '../measurement.ts';
import type { Call } from '../measurement.ts';
import { chosen, positive } from '../mistake.ts';
import { OpenLoop } from '../open-loop.ts';
import { SAMPLE_ROWS, sampleFile } from '../sample-file.ts';
import { sampleRows } from '../sample-rows.ts';
import { makeSchema } from '../sample-schema.ts';
import { measureStretch, medianOf, stretchLines } from '../stretch.ts';
import type { Stretch } from '../stretch.ts';
import { turns } from '../turns.ts';

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

interface BesideFound {
  readonly rows: number;
  readonly rate: number;
  readonly results: readonly BesideResult[];
}

/** `npm run bench -- beside`. */
export const beside = commandOf({
  help: HELP,
  rounds: { full: 3, quick: 1 },
  options: ['rows', 'rate', 'seconds', 'only'],
  plan: (call: Call<'rows' | 'rate' | 'seconds' | 'only'>) => {
    const { given, isQuick, rounds } = call;
    const rows = sampleRows(call);
    const rate = positive('--rate', given('rate') ?? '200');
    const seconds = positive('--seconds', given('seconds') ?? (isQuick ? '1' : '10'));
    const wanted = chosen(CASES, { option: '--only', names: given('only') });
    return async (bench): Promise<BesideFound> => {
      const scale = LEDGER_SCALE[isQuick ? 'quick' : 'full'];
      const needsFilled = wanted.some((one) => one.needs === 'filled');
      const pairs = await prepare(bench, { rows, scale, needsFilled });
      const setting: Setting = { bench, rate, seconds, ledger: ledgerRows(scale), ...pairs };
      const seen = new Map(wanted.map((one): [Case, Besides[]] => [one, []]));
      for (const { one } of turns(wanted, { rounds, bench })) seen.get(one)?.push(await takeTurn(one, setting));
      return { rows, rate, results: wanted.map((one) => resultOf(one, seen.get(one) ?? [])) };
    };
  },
  subject: ({ rate, rows }) => [`${rate} requests a second`, `${rows} rows of 9 columns`],
  lines: ({ results }) => [
    ...results.flatMap(({ name, summary, rest, beside: during, medianTimes, medianWriteTimes }) => [
      '',
      `${name}: ${summary}`,
      ...stretchLines({ 'at rest': rest, beside: during }),
      `median latency ${medianTimes.toFixed(2)}× that at rest, of writes ${medianWriteTimes.toFixed(2)}×`,
    ]),
    '',
    'loop: how late the event loop of the API came to what was due; sender: that of the process that sends the requests',
  ],
});

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
  // The install would do it, and make the API faster: not what is to be measured.
  const file = new Database(empty.sqlite);
  file.pragma('journal_mode = WAL');
  file.close();
  seedLedger(empty.sqlite, { scale });
  await makeSchema(empty);
  if (!needsFilled) return { empty, filled: null };
  say('filling PostgreSQL');
  const filled = { sqlite: join(home.folder, 'filled.sqlite'), postgres: await home.makeDatabase(empty.postgres) };
  copyFileSync(empty.sqlite, filled.sqlite, constants.COPYFILE_FICLONE);
  await filledIntoDual(filled, signal);
  return { empty, filled };
}

/** The API's callers at rest, and beside the work. */
interface Besides {
  readonly rest: Stretch;
  readonly beside: Stretch;
}

/** The API at rest, and then with the work beside it. */
async function takeTurn(one: Case, setting: Setting): Promise<Besides> {
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

async function serve(one: Case, { bench, rate, seconds, ledger }: Setting, databases: Databases): Promise<Besides> {
  await bench.home.checkpoint();
  const api = await startApi(databases);
  const load = new OpenLoop(api.url, { perSecond: rate, seed: 1, rows: ledger });
  const limitMs = seconds * 1000;
  try {
    await load.run(endOf({ afterMs: Math.min(WARM_UP_MS, limitMs), or: [bench.signal] }));
    const rest = await measureStretch({ api, load, until: endOf({ afterMs: limitMs, or: [bench.signal] }) });
    bench.signal.throwIfAborted();
    // The work is over when it is done, or cut off when the time is: what it would go on to do is the same again.
    const [cut, done] = [new AbortController(), new AbortController()];
    const giveUp = (): void => cut.abort();
    bench.signal.addEventListener('abort', giveUp);
    const working = one.work({ api, databases, signal: cut.signal }).finally(() => done.abort());
    working.catch(() => {});
    const until = endOf({ afterMs: limitMs, or: [bench.signal, done.signal] });
    const during = await measureStretch({ api, load, until });
    if (done.signal.aborted) await working;
    cut.abort();
    await api.end();
    await working.catch(() => {});
    bench.signal.removeEventListener('abort', giveUp);
    bench.signal.throwIfAborted();
    return { rest, beside: during };
  } finally {
    load.close();
    await api.end();
  }
}

/** Aborted after a time, or with the first of these. (Node 20 may forget a signal that `AbortSignal.any` depends on.) */
function endOf({ afterMs, or }: { afterMs: number; or: readonly AbortSignal[] }): AbortSignal {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), afterMs);
  end.signal.addEventListener('abort', () => clearTimeout(timer));
  for (const signal of or) {
    if (signal.aborted) end.abort();
    else signal.addEventListener('abort', () => end.abort(), { signal: end.signal });
  }
  return end.signal;
}

function resultOf({ name, summary }: Case, besides: readonly Besides[]): BesideResult {
  const ratio = (value: (stretch: Stretch) => number): number =>
    median(besides.map((each) => value(each.beside) / value(each.rest)));
  return {
    name,
    summary,
    rest: medianOf(besides.map(({ rest }) => rest)),
    beside: medianOf(besides.map((each) => each.beside)),
    medianTimes: ratio(({ medianMs }) => medianMs),
    medianWriteTimes: ratio(({ medianWriteMs }) => medianWriteMs),
  };
}
