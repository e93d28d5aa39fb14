import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from '../adapter/config.ts';
import { CrossfadeError, isCrossfadeError, messageOf } from '../adapter/errors.ts';
import { createCrossfade } from '../adapter/index.ts';
import type { Crossfade } from '../adapter/index.ts';
import { catchSignals } from './catch-signals.ts';
import { scheduleComparisons } from './comparison-schedule.ts';
import type { ComparisonSchedule } from './comparison-schedule.ts';
import { demoText, runDemo } from './demo.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { createLedgerFile } from './ledger-file.ts';
import { migratePostgres, migrateSqlite } from './migrate-databases.ts';
import { openExample } from './open-example.ts';

const HELP = `npm start                 the example ledger API with Crossfade in it
npm start -- --demo       plays a whole move under live traffic, on databases of its own
npm start -- --help       this text

With --demo:
  --json                  one JSON document on stdout at the end

Environment:
  PORT                    where to listen (3000; the demo: any free port)
  SQLITE_PATH             the SQLite file; made and filled when it is missing (.crossfade/ledger.sqlite)
  DATABASE_URL            the PostgreSQL database (an embedded server, with its data in .crossfade/postgres)
  CROSSFADE_STAGE         the wanted stage: sqlite, dual, shadow, read, write, postgres
  CROSSFADE_READ_PRIMARY  sqlite or postgres, whatever the stage says
  CROSSFADE_COMPARE_SCHEDULE   when to compare both databases, as for cron: "0 3 * * *" (never)
  CROSSFADE_COMPARE_TIME_ZONE  the time zone of that (UTC)
`;

const FOLDER = '.crossfade';
const EXIT = { done: 0, no: 1, error: 2 } as const;

interface Arguments {
  readonly demo: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const signals = catchSignals();
  try {
    const { demo, json, help } = readArguments();
    if (help) {
      process.stdout.write(HELP);
      return EXIT.done;
    }
    return await (demo ? playDemo({ json, signal: signals.signal }) : serve(signals.signal));
  } catch (error) {
    if (signals.signal.aborted) return signals.exitStatus();
    report(error);
    return EXIT.error;
  } finally {
    signals.release();
  }
}

/** Serves until a signal comes. */
async function serve(signal: AbortSignal): Promise<number> {
  const port = portOf(process.env['PORT']) ?? 3000;
  const closers: (() => Promise<void>)[] = [];
  try {
    const sqlite = process.env['SQLITE_PATH'] || join(FOLDER, 'ledger.sqlite');
    await prepareSqlite(sqlite);
    signal.throwIfAborted();
    const postgres = await preparePostgres({ sqlite, closers });
    signal.throwIfAborted();
    const crossfade = await createCrossfade({ sqlite, postgres, processName: 'example server', logger: console });
    closers.push(() => crossfade.close());
    const comparisons = scheduledComparisons(crossfade);
    if (comparisons !== undefined) closers.push(() => comparisons.close());
    const example = await openExample(crossfade, {
      port,
      log: (message) => console.error(message),
      ...(comparisons === undefined ? {} : { comparisons }),
    });
    closers.push(() => example.close());
    const { stage } = await crossfade.status();
    say(banner({ url: example.url, stage, sqlite, postgres }));
    await aborted(signal);
    say('\nclosing …');
    return EXIT.done;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** @throws CrossfadeError `CONFIG_INVALID`. */
function scheduledComparisons(crossfade: Crossfade): ComparisonSchedule | undefined {
  const cron = process.env['CROSSFADE_COMPARE_SCHEDULE'];
  if (!cron) return undefined;
  const timeZone = process.env['CROSSFADE_COMPARE_TIME_ZONE'];
  return scheduleComparisons(crossfade, { cron, ...(timeZone ? { timeZone } : {}), log: (message) => say(message) });
}

async function prepareSqlite(path: string): Promise<void> {
  if (existsSync(path)) {
    await migrateSqlite(path);
    return;
  }
  say(`SQLite: making ${path} with a generated ledger …`);
  const rows = await createLedgerFile(path);
  say(`SQLite: ${rows.toLocaleString('en')} rows written`);
}

/** The URL of a PostgreSQL database that has the ledger's tables. */
async function preparePostgres(options: { sqlite: string; closers: (() => Promise<void>)[] }): Promise<string> {
  const given = process.env['DATABASE_URL'];
  if (given) {
    // Checks the URL before a driver makes something of it.
    readConfig({ sqlite: options.sqlite, postgres: given });
    await migratePostgres(given);
    return given;
  }
  say(`PostgreSQL: starting the embedded server, data in ${join(FOLDER, 'postgres')} …`);
  const embedded = await startEmbeddedPostgres({ folder: join(FOLDER, 'postgres') });
  options.closers.push(() => embedded.stop());
  await migratePostgres(embedded.url);
  return embedded.url;
}

async function playDemo({ json, signal }: { json: boolean; signal: AbortSignal }): Promise<number> {
  const port = portOf(process.env['PORT']);
  const postgres = process.env['DATABASE_URL'];
  const result = await runDemo({
    folder: FOLDER,
    signal,
    ...(port === undefined ? {} : { port }),
    ...(postgres ? { postgres } : {}),
  });
  process.stdout.write(`${json ? JSON.stringify(result) : `\n${demoText(result)}`}\n`);
  return result.isClean ? EXIT.done : EXIT.no;
}

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: { demo: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    const { demo = false, json = false, help = false } = values;
    if (json && !demo) throw new TypeError('--json goes with --demo only');
    return { demo, json, help };
  } catch (error) {
    const [sentence] = messageOf(error).split('. ');
    throw new CrossfadeError('CONFIG_INVALID', sentence ?? '', {
      hint: 'npm start -- --help shows what there is',
      cause: error,
    });
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new CrossfadeError('CONFIG_INVALID', `PORT is "${text}", which is no port`, {
    hint: 'set PORT to a number up to 65535',
  });
}

function banner(running: { url: string; stage: string; sqlite: string; postgres: string }): string {
  const { url, stage, sqlite, postgres } = running;
  const settings = [
    process.env['SQLITE_PATH'] ? '' : `SQLITE_PATH=${sqlite}`,
    // The embedded server listens to this machine only; a database of the user's own is never shown.
    process.env['DATABASE_URL'] ? '' : `DATABASE_URL=${postgres}`,
  ].filter((setting) => setting !== '');
  return `
The example ledger API is at ${url} (stage ${stage})

  ${url}/accounts?limit=3     accounts; also /offerings and /contracts
  ${url}/crossfade            the status page
  ${url}/crossfade/status     the same as JSON; also /metrics, /healthz, /readyz

To move it, in another terminal:
${settings.length === 0 ? '' : `\n  export ${settings.join(' ')}`}
  npm run -s crossfade -- status
  npm run -s crossfade -- stage dual

Or see a whole move under live traffic, on databases of its own: npm run demo
Ctrl-C ends it.`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function report(error: unknown): void {
  if (isCrossfadeError(error)) say(`error: ${error.message} (${error.code})\nhint: ${error.hint}`);
  else say(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}
