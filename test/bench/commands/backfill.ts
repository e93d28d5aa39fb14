import Database from 'better-sqlite3';
import { constants, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Bench } from '../bench.ts';
import { crossfadeCommand } from '../crossfade-command.ts';
import { execute } from '../databases.ts';
import { commandOf } from '../measurement.ts';
import { isInstalled, measuredProcess } from '../measured-process.ts';
import type { CommandLine, Measured } from '../measured-process.ts';
import { readSqlite } from '../plain-read.ts';
import type { Run, Runner } from '../race.ts';
import { SAMPLE, SAMPLE_ROWS, sampleFile } from '../sample-file.ts';
import type { SampleFile } from '../sample-file.ts';
import { sampleRace } from '../sample-race.ts';
import { makeSchema } from '../sample-schema.ts';

const HELP = `Measures \`crossfade backfill\` beside others that bring the same rows into the same PostgreSQL table.

  npm run bench -- backfill [options]

  --rows <n>      rows of the table (default ${SAMPLE_ROWS}; made once on this machine, in the temporary folder)
  --rounds <n>    rounds in which each is measured once; medians are given (default 3)
  --only <names>  with commas: read, copy, pgloader, crossfade (default all; pgloader and psql where installed)
  --quick         2,000 rows and one round, to see that it runs; the figures mean nothing
  --json          the report as JSON`;

const LOOK_EVERY_MS = 50;

/** `npm run bench -- backfill`. */
export const backfill = commandOf(
  sampleRace({
    help: HELP,
    baselines: ['copy', 'pgloader', 'read'],
    runners: async (bench, rows) => {
      const sample = sampleFile(rows, bench.say);
      const empty = await bench.home.makeDatabase();
      await makeSchema({ sqlite: sample.sqlite, postgres: empty });
      return await runnersOf({ bench, sample, empty });
    },
  }),
);

interface Track {
  readonly bench: Bench;
  readonly sample: SampleFile;
  /** A database with the table, without rows, to be copied. */
  readonly empty: string;
}

async function runnersOf(track: Track): Promise<readonly Runner[]> {
  const [hasPsql, hasPgloader] = [await isInstalled('psql'), await isInstalled('pgloader')];
  return [
    {
      name: 'read',
      summary: 'the file read through better-sqlite3 in key ranges, and nothing else',
      run: async () => ({ seconds: readSqlite(track.sample.sqlite) }),
    },
    {
      name: 'copy',
      summary: 'psql \\copy from a CSV file prepared beforehand',
      ...(hasPsql ? {} : { missing: 'psql is not installed (Debian: postgresql-client)' }),
      run: () => onFreshDatabase(track, (url) => psqlCopy(track, url)),
    },
    {
      name: 'pgloader',
      summary: 'pgloader from the SQLite file, into the same table ("data only")',
      ...(hasPgloader ? {} : { missing: 'pgloader is not installed (Debian: pgloader)' }),
      run: () => onFreshDatabase(track, (url) => pgloader(track, url)),
    },
    {
      name: 'crossfade',
      summary: '`crossfade backfill`, from the start of its process until every cursor is done',
      run: () => onFreshDatabase(track, (url) => crossfade(track, url)),
    },
  ];
}

/** The table is empty, the server has nothing left to write, and afterwards all rows must be there. */
async function onFreshDatabase({ bench, sample, empty }: Track, work: (url: string) => Promise<Run>): Promise<Run> {
  const url = await bench.home.makeDatabase(empty);
  try {
    await bench.home.checkpoint();
    const run = await work(url);
    await assertAllThere(sample, url);
    return run;
  } finally {
    await bench.home.dropDatabase(url);
  }
}

async function psqlCopy({ bench: { signal }, sample }: Track, url: string): Promise<Run> {
  const copy = `\\copy ${SAMPLE} from '${sample.csv}' with (format csv)`;
  return orThrow(
    await measuredProcess({ program: 'psql', args: ['-qX', '-v', 'ON_ERROR_STOP=1', '-c', copy, url], signal }),
  );
}

async function pgloader({ bench: { home, signal }, sample }: Track, url: string): Promise<Run> {
  const commands = join(home.folder, 'pgloader.load');
  // Without the casts it would make single precision of doubles, and text that they write as 1.5d0.
  writeFileSync(
    commands,
    `LOAD DATABASE FROM sqlite://${sample.sqlite} INTO ${url} WITH data only
       CAST type real to "double precision" using float-to-string, type json to text;`,
    { mode: 0o600 },
  );
  const command: CommandLine = {
    program: 'pgloader',
    args: ['--on-error-stop', commands],
    signal,
    // It waits for ever for workers that have met an error.
    failsWhen: /\b(ERROR|FATAL)\b/,
  };
  return orThrow(await measuredProcess(command));
}

async function crossfade({ bench: { home, signal }, sample }: Track, url: string): Promise<Run> {
  const databases = { sqlite: join(home.folder, 'backfill.sqlite'), postgres: url };
  copyFileSync(sample.sqlite, databases.sqlite, constants.COPYFILE_FICLONE);
  const phases = watchPhases(url);
  try {
    const { peakMemoryMb } = await crossfadeCommand(['backfill'], { databases, signal });
    const { install, copying, after } = await phases.end();
    const parts = { 'start and install': install, copying, 'after the last row': after };
    return { seconds: install + copying, peakMemoryMb, phases: parts };
  } finally {
    await phases.end();
    for (const suffix of ['', '-wal', '-shm']) rmSync(databases.sqlite + suffix, { force: true });
  }
}

function orThrow({ exitStatus, seconds, peakMemoryMb, stdout, stderr }: Measured): Run {
  if (exitStatus !== 0) throw new Error(`it ended with ${exitStatus}:\n${stdout}${stderr}`);
  return { seconds, peakMemoryMb };
}

/** In seconds. */
interface Phases {
  readonly install: number;
  readonly copying: number;
  readonly after: number;
}

/** Looks from outside how far the backfill has come. */
function watchPhases(url: string): { end: () => Promise<Phases> } {
  const startedAt = performance.now();
  const marks: { copying?: number; done?: number } = {};
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  let isOver = false;
  const watching = (async () => {
    await client.connect();
    try {
      while (!isOver && marks.done === undefined) {
        const isDone = await areCursorsDone(client);
        if (isDone !== null) marks.copying ??= performance.now();
        if (isDone === true) marks.done ??= performance.now();
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    } finally {
      await client.end();
    }
  })();
  watching.catch(() => {});
  return {
    end: async () => {
      isOver = true;
      await watching;
      const endedAt = performance.now();
      const { copying = endedAt, done = endedAt } = marks;
      return {
        install: (copying - startedAt) / 1000,
        copying: (done - copying) / 1000,
        after: (endedAt - done) / 1000,
      };
    },
  };
}

/** `null` before Crossfade has been installed. */
async function areCursorsDone(client: pg.Client): Promise<boolean | null> {
  try {
    const { rows } = await client.query<{ done: boolean | null }>(
      'SELECT bool_and(done) AS done FROM crossfade.cursors',
    );
    return rows[0]?.done ?? null;
  } catch (error) {
    if (error instanceof pg.DatabaseError && /^(3F000|42P01)$/.test(error.code ?? '')) return null;
    throw error;
  }
}

/** A figure for work that was not done would be worth nothing. */
async function assertAllThere({ sqlite }: SampleFile, url: string): Promise<void> {
  const sql = `SELECT count(*) AS n, sum(id) AS ids, count(note) AS notes FROM ${SAMPLE}`;
  const file = new Database(sqlite, { readonly: true });
  try {
    const wanted = file.prepare(sql).get() as Record<string, number>;
    const [found] = await execute(url, [sql]);
    const [row] = (found ?? []) as Record<string, string>[];
    const lacks = Object.keys(wanted).filter((name) => Number(row?.[name]) !== wanted[name]);
    if (lacks.length > 0) throw new Error(`not all rows have arrived: ${lacks.join(', ')} differ`);
  } finally {
    file.close();
  }
}
