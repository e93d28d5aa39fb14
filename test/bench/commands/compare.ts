import Database from 'better-sqlite3';
import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCrossfade } from '../../../adapter/index.ts';
import type { ComparisonReport } from '../../../compare/report.ts';
import { behindTheFence } from '../../helpers/behind-the-fence.ts';
import type { Bench } from '../bench.ts';
import { crossfadeCommand } from '../crossfade-command.ts';
import type { Databases } from '../databases.ts';
import { filledIntoDual } from '../into-stage.ts';
import { commandOf } from '../measurement.ts';
import { readPostgres, readSqlite } from '../plain-read.ts';
import type { Run, Runner } from '../race.ts';
import { SAMPLE, SAMPLE_ROWS, sampleFile } from '../sample-file.ts';
import { sampleRace } from '../sample-race.ts';
import { makeSchema } from '../sample-schema.ts';

const HELP = `Measures \`crossfade compare\` beside plain reads of the two databases.

  npm run bench -- compare [options]

  --rows <n>      rows of the table (default ${SAMPLE_ROWS}; made once on this machine, in the temporary folder)
  --rounds <n>    rounds in which each is measured once; medians are given (default 3)
  --only <names>  with commas: sqlite, postgres, full, divergent, incremental (default all)
  --quick         2,000 rows and one round, to see that it runs; the figures mean nothing
  --json          the report as JSON`;

/** Changes before an incremental comparison. */
const CHANGES = 1_000;
const SETTLE_LIMIT_MS = 60_000;

/** `npm run bench -- compare`. */
export const compare = commandOf(
  sampleRace({
    help: HELP,
    baselines: ['sqlite', 'postgres', 'full'],
    runners: async (bench, rows) => runnersOf({ bench, databases: await filledPair(bench, rows), rows }),
    footer: 'a comparison: as it tells it of itself, without starting and ending its process',
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
        if (!hasBase) await comparison(track, { words: ['--incremental'] });
        hasBase = true;
        await changeRows(databases);
        return await comparison(track, { words: ['--incremental'], mode: 'incremental' });
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
  const report: ComparisonReport = JSON.parse(stdout);
  const { startedAt, finishedAt, totals } = report;
  const isAll = report.mode !== 'full' || totals.rowsCompared === rows;
  if (report.mode !== mode || totals.differing !== differences || totals.missing + totals.extra > 0 || !isAll) {
    throw new Error(`the comparison found something else than expected: ${report.mode}, ${JSON.stringify(totals)}`);
  }
  const own = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return { seconds: own, peakMemoryMb, phases: { comparing: own, 'starting and ending the process': seconds - own } };
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

/** Changes rows all over the table, and waits until they are mirrored. */
async function changeRows(databases: Databases): Promise<void> {
  const file = new Database(databases.sqlite);
  file
    .prepare(
      `UPDATE ${SAMPLE} SET weight = coalesce(weight, 0) + 1 WHERE id IN
         (SELECT max(id) FROM ${SAMPLE} GROUP BY id / ((SELECT max(id) FROM ${SAMPLE}) / ${CHANGES} + 1))`,
    )
    .run();
  file.close();
  const crossfade = await createCrossfade({ ...databases, processName: 'bench' });
  try {
    await crossfade.mirror.caughtUp({ timeoutMs: SETTLE_LIMIT_MS });
  } finally {
    await crossfade.close();
  }
}
