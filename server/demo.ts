import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createCrossfade } from '../adapter/index.ts';
import type { Stage } from '../adapter/stage.ts';
import { compareDatabases } from '../compare/compare.ts';
import type { ComparisonReport } from '../compare/report.ts';
import { LEDGER_ROWS } from '../migrations/ledger/seed.ts';
import { checkJournal } from './demo/check-journal.ts';
import type { LostWrite } from './demo/check-journal.ts';
import { demoDatabase } from './demo/demo-database.ts';
import { Journal } from './demo/journal.ts';
import { Load } from './demo/load.ts';
import { Move, Refused } from './demo/move.ts';
import type { DemoResult } from './demo/result.ts';
import { round } from './demo/round.ts';
import { Show } from './demo/show.ts';
import { Tally } from './demo/tally.ts';
import { createLedgerFile } from './ledger-file.ts';
import { migratePostgres } from './migrate-databases.ts';
import { openExample } from './open-example.ts';

export type { DemoResult } from './demo/result.ts';
export { demoText } from './demo/result.ts';

export interface DemoOptions {
  /** Where its files are kept while it runs, and kept when it did not end well. @default '.crossfade' */
  readonly folder?: string;
  /**
   * A PostgreSQL server on which the demo makes a database of its own, removed at the end; the role must be allowed to.
   * @default an embedded server
   */
  readonly postgres?: string;
  /** The port of the example API while the demo runs. @default any free one */
  readonly port?: number;
  /** The size of the ledger, as a share of 220,000 rows. @default 1 */
  readonly scale?: number;
  /** How long the load goes on in each stage, in ms. @default 1500 */
  readonly stageMs?: number;
  /** How progress is shown, on stderr. @default 'live' on a terminal, else 'lines' */
  readonly progress?: 'live' | 'lines' | 'none';
  /** Called when a stage has been reached. */
  readonly onStage?: (stage: Stage) => void;
  /** Ends the demo early: everything is closed, and it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How long the Mirror may take to catch up when the load has ended, in ms. */
const CATCH_UP_MS = 30_000;

/**
 * Plays a whole move under live traffic, on databases of its own: a generated ledger in SQLite goes to PostgreSQL,
 * through every stage up to `write`, and back to `read`. At the end both databases are compared, and every row that was
 * written meanwhile is looked up in both.
 *
 * A problem is a result, not an error; it rejects when it could not be played at all.
 */
export async function runDemo(options: DemoOptions = {}): Promise<DemoResult> {
  const began = performance.now();
  const closers: (() => Promise<void> | void)[] = [];
  const show = new Show(options.progress ?? (process.stderr.isTTY ? 'live' : 'lines'));
  closers.push(() => show.end());
  let isKept = false;
  try {
    const folder = join(options.folder ?? '.crossfade', 'demo', `${process.pid}-${randomBytes(3).toString('hex')}`);
    mkdirSync(folder, { recursive: true });
    closers.push(() => {
      if (isKept) show.line(`the SQLite file was kept: ${join(folder, 'ledger.sqlite')}`);
      else rmSync(folder, { recursive: true, force: true });
    });
    const result = await play({ options, folder, show, began, closeLater: (close) => closers.push(close) });
    isKept = !result.isClean;
    return result;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

interface Stagehand {
  readonly options: DemoOptions;
  readonly folder: string;
  readonly show: Show;
  readonly began: number;
  readonly closeLater: (close: () => Promise<void> | void) => void;
}

async function play({ options, folder, show, began, closeLater }: Stagehand): Promise<DemoResult> {
  const { scale = 1, stageMs = 1_500 } = options;
  const signal = options.signal ?? new AbortController().signal;
  const sqlite = join(folder, 'ledger.sqlite');

  const postgres = await show.step('PostgreSQL, and its tables', async () => {
    const database = await demoDatabase(options.postgres, join(options.folder ?? '.crossfade', 'postgres'));
    closeLater(() => database.remove());
    await migratePostgres(database.url);
    return { value: database.url, says: 'empty' };
  });
  signal.throwIfAborted();
  const rows = await show.step('a ledger in SQLite', async () => {
    const made = await createLedgerFile(sqlite, { scale });
    return { value: made, says: `${made.toLocaleString('en')} rows` };
  });
  signal.throwIfAborted();

  const crossfade = await createCrossfade({ sqlite, postgres, processName: 'demo', logger: show.logger });
  closeLater(() => crossfade.close());
  const api = await openExample(crossfade, { port: options.port ?? 0, log: (message) => show.line(message) });
  closeLater(() => api.close());
  const tally = new Tally(() => show.current);
  const journal = new Journal();
  const count = (table: 'accounts' | 'offerings'): number => Math.max(4, Math.round(LEDGER_ROWS[table] * scale));
  const load = new Load({
    crossfade,
    url: api.url,
    journal,
    tally,
    accounts: count('accounts'),
    offerings: count('offerings'),
  });
  closeLater(() => load.stop());

  closeLater(() => show.end());

  show.line(`watch it: ${api.url}/crossfade`);
  show.watch({ crossfade, tally, rows });
  load.start();

  const move = new Move(crossfade, { show, signal, stageMs, onStage: options.onStage });
  let copied = { rows: 0, seconds: 0 };
  const problems: string[] = [];
  try {
    await move.stay();
    await move.install();
    copied = await move.backfill();
    await move.to('dual');
    await move.to('shadow');
    await move.compare();
    await move.to('read');
    await move.to('write');
    await move.to('read');
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    problems.push(error.message);
  }

  const lost = await show.step('the load ends; the mirror catches up; every written row is looked up', async () => {
    await load.stop();
    await crossfade.mirror.caughtUp({ timeoutMs: CATCH_UP_MS });
    const found = await checkJournal(journal, { sqlite, postgres });
    return { value: found, says: `${journal.rows.toLocaleString('en')} rows in both databases, ${found.length} lost` };
  });
  signal.throwIfAborted();
  const comparison = await show.step('both databases are compared', async () => {
    const report = await compareDatabases(crossfade, { signal });
    return { value: report, says: `${report.outcome}, ${report.totals.rowsCompared.toLocaleString('en')} rows` };
  });
  problems.push(...problemsOf({ tally, lost, comparison }));
  const { totals } = comparison;
  return {
    isClean: problems.length === 0,
    stages: move.reached,
    seconds: round((performance.now() - began) / 1_000),
    rowsCopied: copied.rows,
    backfillSeconds: round(copied.seconds),
    writes: tally.writes,
    reads: tally.reads,
    writesFailed: tally.writesFailed,
    readsFailed: tally.readsFailed,
    staleReads: tally.staleReads,
    longestWriteMs: round(tally.longestWrite.ms),
    longestWriteDuring: tally.longestWrite.during,
    longestReadMs: round(tally.longestReadMs),
    switches: move.switches,
    acknowledgedRows: journal.rows,
    acknowledgedWritesLost: lost.length,
    divergentRows: totals.missing + totals.extra + totals.differing,
    comparison: comparison.outcome,
    rowsCompared: totals.rowsCompared,
    problems,
  };
}

function problemsOf(seen: { tally: Tally; lost: readonly LostWrite[]; comparison: ComparisonReport }): string[] {
  const { tally, lost, comparison } = seen;
  const problems = lost
    .slice(0, 10)
    .map(({ store, table, key, found }) => `acknowledged, but not so in ${store}: ${table} ${key}: ${found}`);
  if (lost.length > 10) problems.push(`… and ${lost.length - 10} more`);
  problems.push(...tally.failures());
  if (comparison.outcome !== 'match') {
    problems.push(`the comparison ended with "${comparison.outcome}"`, ...comparison.reasons);
    for (const { table, key, class: kind, columns } of comparison.differences.slice(0, 10)) {
      problems.push(`${kind}: ${table} ${key ?? ''} ${columns.join(', ')}`.trim());
    }
  }
  return problems;
}
