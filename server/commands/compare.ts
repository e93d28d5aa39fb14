import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import { divergenceHtml } from '../../compare/divergence-html.ts';
import { divergenceReport } from '../../compare/divergence-report.ts';
import { divergenceText } from '../../compare/divergence-text.ts';
import type { DivergenceReport } from '../../compare/divergence.ts';
import { historyText } from '../../compare/history-text.ts';
import type { CompareOptions } from '../../compare/options.ts';
import { repairText } from '../../compare/repair-text.ts';
import { repair, repairResult } from '../../compare/repair.ts';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags, Session } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { UsageError } from './terminal.ts';

interface CompareFlags extends ConnectionFlags {
  readonly table?: readonly string[];
  readonly where?: readonly string[];
  readonly sample?: string;
  readonly incremental?: true;
  readonly full?: true;
  readonly resume?: true;
  readonly rowsPerSecond?: string;
  readonly concurrency?: string;
  readonly postgresReplica?: string;
  readonly maxDifferences?: string;
  readonly showValues?: true;
  readonly html?: string;
  readonly history?: true;
  readonly repair?: true;
  readonly yes?: true;
}

const EXIT_OF = { match: EXIT.done, mismatch: EXIT.no, inconclusive: EXIT.error } as const;
const EXIT_OF_REPAIR = {
  nothing: EXIT.done,
  'dry run': EXIT.no,
  repaired: EXIT.done,
  remains: EXIT.no,
  inconclusive: EXIT.error,
} as const;

/** Differences that one repair takes; each is held in memory. */
const MOST_REPAIRED = 100_000;
const RUNS_SHOWN = 50;

/** `crossfade compare`: whether both databases hold the same rows; what would mend them; and how it was before. */
export function addCompareCommand(program: Command): void {
  const command = program
    .command('compare')
    .description(
      'compare the rows and the schemas of both databases beside live traffic: exit status 0 match, 1 mismatch, 2 inconclusive',
    )
    .option('--table <name>', 'compare this table only; may be repeated', gather)
    .option('--where <range>', "compare these rows only: 'orders:id>=100 and id<200'; may be repeated", gather)
    .option('--sample <share>', 'compare a random share of the key ranges: 5%, or 0.05')
    .option('--incremental', 'compare what has changed since the last clean run, and a rolling share of the rest')
    .option('--full', 'compare every row (default)')
    .option(
      '--resume',
      'keep how far it has come, and go on with a run that was broken off; several processes share one',
    )
    .option('--rows-per-second <count>', 'read at most so many rows a second from each database')
    .option('--concurrency <count>', 'compare so many key ranges at once (default: 2)')
    .option('--postgres-replica <url>', 'read a hot standby of PostgreSQL in its place, to spare it')
    .option('--max-differences <count>', 'how many differences to show with their keys (default: 100)')
    .option('--show-values', 'show the values that differ, and put them into the statements')
    .option('--html <file>', 'write the report as one HTML page as well')
    .option('--repair', 'say which rows the Mirror would copy again or remove from the secondary')
    .option('--yes', 'with --repair: do it, and look at these rows again')
    .option('--history', 'show past runs instead');
  withConnectionFlags(command).action(async (flags: CompareFlags) => {
    await runOn({ flags, mirror: flags.history ? 'off' : 'auto' }, async (session) => {
      const options = optionsOf(flags);
      if (flags.html !== undefined) assertWritable(flags.html);
      if (flags.history) return await showHistory(session);
      const standby =
        flags.postgresReplica === undefined ? undefined : await session.crossfade.openStandby(flags.postgresReplica);
      try {
        const run = flags.repair ? runRepair : runComparison;
        return await run(session, flags, standby === undefined ? options : { ...options, standby });
      } finally {
        await standby?.close();
      }
    });
  });
}

async function showHistory({ crossfade, terminal }: Session): Promise<ExitStatus> {
  const runs = await crossfade.records.comparisons.list({ limit: RUNS_SHOWN });
  terminal.result(historyText(runs), { version: 1, runs });
  return EXIT.done;
}

async function runComparison(session: Session, flags: CompareFlags, options: CompareOptions): Promise<ExitStatus> {
  const { terminal } = session;
  const report = await compared(session, options);
  terminal.result(divergenceText(report), report);
  await writeHtml(session, flags, report);
  if (terminal.isJson) for (const reason of report.reasons) terminal.note(`could not tell: ${reason}`);
  return EXIT_OF[report.outcome];
}

async function runRepair(session: Session, flags: CompareFlags, options: CompareOptions): Promise<ExitStatus> {
  const { crossfade, terminal, signal } = session;
  const report = await compared(session, { ...options, maxDifferences: MOST_REPAIRED });
  await writeHtml(session, flags, report);
  if (report.outcome === 'inconclusive') {
    terminal.result(divergenceText(report), { version: 1, report, repair: null });
    return EXIT.error;
  }
  const outcome = await repair(crossfade, report, {
    yes: flags.yes ?? false,
    onProgress: ({ table, rows, of }) => terminal.progress(`repairing ${table}`, { done: rows, of }),
    signal,
  });
  const shown = { ...report, differences: report.differences.slice(0, options.maxDifferences ?? 100) };
  const result = repairResult(outcome);
  terminal.result(`${divergenceText(shown)}\n\n${repairText(outcome)}`, {
    version: 1,
    report: { ...shown, differencesLeftOff: leftOff(report, shown) },
    repair: { ...outcome, result },
  });
  return EXIT_OF_REPAIR[result];
}

function leftOff(all: DivergenceReport, shown: DivergenceReport): number {
  return all.differencesLeftOff + all.differences.length - shown.differences.length;
}

async function compared({ crossfade, terminal, signal }: Session, options: CompareOptions): Promise<DivergenceReport> {
  return await divergenceReport(crossfade, {
    ...options,
    onProgress: ({ table, walk, rows, of }) =>
      terminal.progress(walk === 'both' ? table : `${table} (${walk} side)`, { done: rows, of }),
    signal,
  });
}

async function writeHtml(
  { crossfade, terminal }: Session,
  flags: CompareFlags,
  report: DivergenceReport,
): Promise<void> {
  if (flags.html === undefined) return;
  const history = await crossfade.records.comparisons.list({ limit: RUNS_SHOWN }).catch(() => []);
  try {
    writeFileSync(flags.html, divergenceHtml(report, { history }));
  } catch (error) {
    throw notWritable(flags.html, error);
  }
  terminal.note(`written to ${flags.html}`);
}

/** A comparison may take hours: it must not end in a page that cannot be written. */
function assertWritable(path: string): void {
  const isThere = existsSync(path);
  try {
    closeSync(openSync(path, 'a'));
    if (!isThere) rmSync(path);
  } catch (error) {
    throw notWritable(path, error);
  }
}

function notWritable(path: string, cause: unknown): CrossfadeError {
  return new CrossfadeError('CONFIG_INVALID', `could not write "${path}": ${messageOf(cause)}`, {
    hint: 'check the path and its permissions',
    cause,
  });
}

function optionsOf(flags: CompareFlags): CompareOptions {
  refuseTogether(flags, ['incremental', 'full']);
  refuseTogether(flags, ['incremental', 'sample']);
  refuseTogether(flags, ['incremental', 'where']);
  refuseTogether(flags, ['full', 'sample']);
  refuseTogether(flags, ['full', 'where']);
  if (flags.yes && !flags.repair) throw new UsageError('--yes goes with --repair only', 'give both, or neither');
  return {
    ...(flags.table === undefined ? {} : { tables: flags.table }),
    ...(flags.where === undefined ? {} : { where: flags.where }),
    ...(flags.sample === undefined ? {} : { sample: share(flags.sample) }),
    ...(flags.rowsPerSecond === undefined ? {} : { rowsPerSecond: whole('rows-per-second', flags.rowsPerSecond, 1) }),
    ...(flags.concurrency === undefined ? {} : { concurrency: whole('concurrency', flags.concurrency, 1) }),
    ...(flags.maxDifferences === undefined
      ? {}
      : { maxDifferences: whole('max-differences', flags.maxDifferences, 0) }),
    incremental: flags.incremental ?? false,
    resume: flags.resume ?? false,
    showValues: flags.showValues ?? false,
  };
}

function refuseTogether(flags: CompareFlags, [one, other]: readonly [keyof CompareFlags, keyof CompareFlags]): void {
  if (flags[one] === undefined || flags[other] === undefined) return;
  throw new UsageError(`--${one} and --${other} exclude each other`, 'give one of them');
}

function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function whole(flag: string, text: string, least: number): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`--${flag} is "${text}"`, `give a whole number, ${least} or more`);
}

function share(text: string): number {
  const [, number, percent] = /^(\d*\.?\d+)(%?)$/.exec(text) ?? [];
  const value = Number(number) / (percent === '%' ? 100 : 1);
  if (value > 0 && value <= 1) return value;
  throw new UsageError(`--sample is "${text}"`, 'give a share above 0 and up to 1, or up to 100%');
}
