import Database from 'better-sqlite3';
import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCrossfade } from '../../../adapter/index.ts';
import type { ComparisonReport } from '../../../compare/report.ts';
import { behindTheFence } from '../../helpers/behind-the-fence.ts';
import type { Bench } from '../bench.ts';
import { crossfadeCommand } from '../crossfade-command.ts';
import type { Databases } from '../databases.ts';
import { filledIntoDual } from '../into-stage.ts';
import { measuredProcess } from '../measured-process.ts';
import { commandOf } from '../measurement.ts';
import { readPostgres, readSqlite } from '../plain-read.ts';
import type { Run, Runner } from '../race.ts';
import { changeRows, CHANGES } from '../sample-changes.ts';
import { SAMPLE, SAMPLE_ROWS, sampleFile } from '../sample-file.ts';
import { sampleRace } from '../sample-race.ts';
import { makeSchema } from '../sample-schema.ts';

const HELP = `Measures \`crossfade compare\` beside plain reads of the two databases.

  npm run bench -- compare [options]

  --rows <n>      rows of the table (default ${SAMPLE_ROWS}; made once on this machine, in the temporary folder)
  --rounds <n>    rounds in which each is measured once; medians are given (default 3)
  --only <names>  with commas: sqlite, postgres, full, divergent, incremental, scheduled (default all)
  --quick         2,000 rows and one round, to see that it runs; the figures mean nothing
  --json          the report as JSON`;

const SCHEDULED = fileURLToPath(new URL('../scheduled-process.js', import.meta.url));
/** What a comparison does not count as its own time. */
const AROUND = 'starting and ending the process, the schemas, and the history';

/** `npm run bench -- compare`. */
export const compare = commandOf(
  sampleRace({
    help: HELP,
    baselines: ['sqlite', 'postgres', 'full'],
    runners: async (bench, rows) => runnersOf({ bench, databases: await filledPair(bench, rows), rows }),
    footer: `a comparison: as it tells it of itself, without ${AROUND}`,
  }),
);

/** Both databases with the large table, the second filled by a backfill, in stage `dual`. */
async function filledPair({ home, signal, say }: Bench, rows: number): Promise<Databases> {
  const sample = sampleFile(rows, say);
  const databases = { sqlite: join(home.folder, 'compare.sqlite'), postgres: await home.makeDatabase() };
  copyFileSync(sample.sqlite, databases.sqlite, constants.COPYFILE_FICLONE);
  await makeSchema(databases);
  say('filling PostgreSQL');
  await filledIntoDual(databases, signal);
  await home.checkpoint();
  return databases;
}

interface Track {
  readonly bench: Bench;
  readonly databases: Databases;
  readonly rows: number;
}

function runnersOf(track: Track): readonly Runner[] {
  const { databases } = track;
  /** Whether an incremental comparison has been here, from which the next one goes on. */
  let hasBase = false;
  const makeBase = async (): Promise<void> => {
    if (!hasBase) await comparison(track, { words: ['--incremental'] });
    hasBase = true;
  };
  return [
    {
      name: 'sqlite',
      summary: 'the file read through better-sqlite3 in key ranges, and nothing else',
      run: async () => ({ seconds: readSqlite(databases.sqlite) }),
    },
    {
      name: 'postgres',
      summary: 'the table sent out by binary COPY, and thrown away',
      run: async () => ({ seconds: await readPostgres(databases.postgres) }),
    },
    {
      name: 'full',
      summary: '`crossfade compare`, in a process of its own',
      run: () => comparison(track, { words: [] }),
    },
    {
      name: 'divergent',
      summary: 'the same, with one row that differs',
      run: async () => {
        const id = await breakRow(databases);
        try {
          return await comparison(track, { words: [], differences: 1 });
        } finally {
          await setTitle(databases, { id, title: titleOf(databases, id) });
        }
      },
    },
    {
      name: 'incremental',
      summary: `what has changed since the one before: ${CHANGES} rows, and a rolling share of the rest`,
      run: async () => {
        await makeBase();
        const crossfade = await createCrossfade({ ...databases, processName: 'bench' });
        try {
          await changeRows(databases.sqlite, crossfade);
        } finally {
          await crossfade.close();
        }
        return await comparison(track, { words: ['--incremental'], mode: 'incremental' });
      },
    },
    {
      name: 'scheduled',
      summary: 'the same in a process that stays and has done it before, as a server with a schedule',
      run: async () => {
        await makeBase();
        return await scheduled(track);
      },
    },
  ];
}

/** @throws when it found something else than so many differences: a figure for other work would be worth nothing. */
async function comparison(
  { bench: { signal }, databases, rows }: Track,
  { words, differences = 0, mode = 'full' }: { words: readonly string[]; differences?: number; mode?: string },
): Promise<Run> {
  const { stdout, seconds, peakMemoryMb } = await crossfadeCommand(['compare', ...words], {
    databases,
    signal,
    exits: [differences === 0 ? 0 : 1],
  });
  const own = ownSeconds(JSON.parse(stdout), { rows, differences, mode });
  return { seconds: own, peakMemoryMb, phases: { 'comparing rows': own, [AROUND]: seconds - own } };
}

async function scheduled({ bench: { signal }, databases, rows }: Track): Promise<Run> {
  const args = [SCHEDULED, JSON.stringify(databases)];
  const { stdout, stderr, exitStatus, peakMemoryMb } = await measuredProcess({
    program: process.execPath,
    args,
    signal,
  });
  if (exitStatus !== 0) throw new Error(`the process that compares ended with ${exitStatus}:\n${stderr}`);
  return { seconds: ownSeconds(JSON.parse(stdout), { rows, differences: 0, mode: 'incremental' }), peakMemoryMb };
}

/** What a comparison took, as its report says. @throws when it has not found what it should. */
function ownSeconds(
  report: ComparisonReport,
  { rows, differences, mode }: { readonly rows: number; readonly differences: number; readonly mode: string },
): number {
  const { startedAt, finishedAt, totals } = report;
  const isAll = report.mode !== 'full' || totals.rowsCompared === rows;
  if (report.mode !== mode || totals.differing !== differences || totals.missing + totals.extra > 0 || !isAll) {
    throw new Error(`the comparison found something else than expected: ${report.mode}, ${JSON.stringify(totals)}`);
  }
  return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
}

/** Makes one row in the middle of PostgreSQL's table another one than SQLite's, unseen. */
async function breakRow(databases: Databases): Promise<number> {
  const file = new Database(databases.sqlite, { readonly: true });
  const id = file.prepare(`SELECT id FROM ${SAMPLE} WHERE id >= (SELECT max(id) / 2 FROM ${SAMPLE}) LIMIT 1`).pluck();
  const found = Number(id.get());
  file.close();
  await setTitle(databases, { id: found, title: 'something else' });
  return found;
}

async function setTitle({ postgres }: Databases, { id, title }: { id: number; title: string }): Promise<void> {
  await behindTheFence({ postgres }, `UPDATE ${SAMPLE} SET title = '${title}' WHERE id = ${id}`);
}

function titleOf({ sqlite }: Databases, id: number): string {
  const file = new Database(sqlite, { readonly: true });
  try {
    return String(file.prepare(`SELECT title FROM ${SAMPLE} WHERE id = ?`).pluck().get(id));
  } finally {
    file.close();
  }
}
