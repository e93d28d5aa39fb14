import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Crossfade } from '../adapter/crossfade.ts';
import { createCrossfade } from '../adapter/index.ts';
import type { StoreName } from '../adapter/spec.ts';
import type { Stage } from '../adapter/stage.ts';
import type { Gate } from '../adapter/status.ts';
import { compareDatabases } from '../compare/compare.ts';
import type { ComparisonReport } from '../compare/report.ts';
import { LEDGER_ROWS } from '../migrations/ledger/seed.ts';
import { checkJournal } from './demo/check-journal.ts';
import type { LostWrite } from './demo/check-journal.ts';
import { demoDatabase } from './demo/demo-database.ts';
import { Journal } from './demo/journal.ts';
import { Load } from './demo/load.ts';
import { Show } from './demo/show.ts';
import { Tally } from './demo/tally.ts';
import { createLedgerFile } from './ledger-file.ts';
import { openExample } from './open-example.ts';
import { migratePostgres } from './migrate-databases.ts';

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
  /** Ends the demo early: everything is closed, and it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What happened, in numbers. JSON as it stands, stable. */
export interface DemoResult {
  /** Nothing was lost, no write failed, nothing differs: the demo's exit status is 0 only then. */
  readonly isClean: boolean;
  /** The stages in the order in which they were reached. */
  readonly stages: readonly Stage[];
  readonly seconds: number;
  readonly rowsCopied: number;
  readonly backfillSeconds: number;
  /** Writes (statements, transactions, requests) that were acknowledged, and reads that were answered. */
  readonly writes: number;
  readonly reads: number;
  readonly writesFailed: number;
  readonly readsFailed: number;
  /** Reads of a writer's own last write that answered something older. */
  readonly staleReads: number;
  /** The longest that one write took, as its caller saw it, in ms: the switches are in it. */
  readonly longestWriteMs: number;
  readonly longestReadMs: number;
  /** Each write switch, and how long writes were held for it, in ms. */
  readonly switches: readonly { readonly to: StoreName; readonly pauseMs: number }[];
  /** Rows of which the last acknowledged state was looked up in both databases. */
  readonly acknowledgedRows: number;
  readonly acknowledgedWritesLost: number;
  /** Rows that differ between the databases in the final comparison. */
  readonly divergentRows: number;
  readonly comparison: 'match' | 'mismatch' | 'inconclusive';
  readonly rowsCompared: number;
  /** What did not go well, in words; empty when the demo is clean. */
  readonly problems: readonly string[];
}

/** How long the mirror may take to catch up when the load has ended, in ms. */
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
  let isClean = false;
  try {
    const folder = join(options.folder ?? '.crossfade', 'demo', String(process.pid));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    closers.push(() => {
      if (isClean || options.signal?.aborted) rmSync(folder, { recursive: true, force: true });
      else show.line(`the SQLite file was kept: ${join(folder, 'ledger.sqlite')}`);
    });
    const result = await play({ options, folder, show, began, closeLater: (close) => closers.push(close) });
    isClean = result.isClean;
    return result;
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

  const rows = await show.step('a ledger in SQLite', async () => {
    const made = await createLedgerFile(sqlite, { scale });
    return { value: made, says: `${made.toLocaleString('en')} rows` };
  });
  signal.throwIfAborted();
  const postgres = await show.step('PostgreSQL, and its tables', async () => {
    const database = await demoDatabase(options.postgres, join(options.folder ?? '.crossfade', 'postgres'));
    closeLater(() => database.remove());
    await migratePostgres(database.url);
    return { value: database.url, says: 'empty' };
  });
  signal.throwIfAborted();

  const crossfade = await createCrossfade({ sqlite, postgres, processName: 'demo', logger: show.logger });
  closeLater(() => crossfade.close());
  const api = await openExample(crossfade, { port: options.port ?? 0, log: (message) => show.line(message) });
  closeLater(() => api.close());
  const tally = new Tally();
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

  show.line(`watch it: ${api.url}/crossfade`);
  show.watch({ crossfade, tally, rows });
  load.start();

  const move = new Move(crossfade, { show, signal, stageMs });
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
    await move.compare();
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
    longestWriteMs: round(tally.longestWriteMs),
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

/** A gate refused a step that the demo expects to pass. */
class Refused extends Error {
  override readonly name = 'Refused';
}

/** The walk through the stages, shown as it goes. */
class Move {
  readonly reached: Stage[] = ['sqlite'];
  readonly switches: { to: StoreName; pauseMs: number }[] = [];
  readonly #crossfade: Crossfade;
  readonly #show: Show;
  readonly #signal: AbortSignal;
  readonly #stageMs: number;

  constructor(crossfade: Crossfade, options: { show: Show; signal: AbortSignal; stageMs: number }) {
    this.#crossfade = crossfade;
    this.#show = options.show;
    this.#signal = options.signal;
    this.#stageMs = options.stageMs;
  }

  /** Lets the traffic go on for a while. */
  async stay(): Promise<void> {
    await pause(this.#stageMs, undefined, { signal: this.#signal });
  }

  async install(): Promise<void> {
    await this.#show.step('capture is installed', async () => {
      const tables = await this.#crossfade.install();
      return { value: undefined, says: `${tables.length} tables` };
    });
  }

  async backfill(): Promise<{ rows: number; seconds: number }> {
    const began = performance.now();
    return await this.#show.step('every row is copied', async () => {
      const { rowsCopied } = await this.#crossfade.backfill({
        signal: this.#signal,
        onProgress: (status) => this.#show.copied(status.rowsCopied),
      });
      const seconds = (performance.now() - began) / 1_000;
      const rate = Math.round(rowsCopied / Math.max(seconds, 0.001)).toLocaleString('en');
      return {
        value: { rows: rowsCopied, seconds },
        says: `${rowsCopied.toLocaleString('en')} rows, ${rate} per second`,
      };
    });
  }

  async to(stage: Stage): Promise<void> {
    const before = (await this.#crossfade.status()).lastSwitch;
    await this.#show.step(`stage ${stage}`, async () => {
      const outcome = await this.#crossfade.cutover.moveTo(stage, { timeoutMs: CATCH_UP_MS });
      if (outcome.outcome === 'refused') throw new Refused(`stage ${stage} was refused: ${refusals(outcome.gates)}`);
      this.reached.push(stage);
      const { lastSwitch } = await this.#crossfade.status();
      if (lastSwitch === null || lastSwitch.at.getTime() === before?.at.getTime())
        return { value: undefined, says: '' };
      const { to, pauseMs } = lastSwitch;
      this.switches.push({ to, pauseMs: round(pauseMs) });
      return { value: undefined, says: `writes moved to ${to}, held for ${round(pauseMs)} ms` };
    });
    await this.stay();
  }

  async compare(): Promise<void> {
    await this.#show.step('both databases are compared, beside the traffic', async () => {
      const { outcome, totals } = await compareDatabases(this.#crossfade, { signal: this.#signal });
      return { value: undefined, says: `${outcome}, ${totals.rowsCompared.toLocaleString('en')} rows` };
    });
  }
}

function refusals(gates: readonly Gate[]): string {
  return gates
    .filter((gate) => !gate.passes)
    .map((gate) => `${gate.name}: ${gate.found}`)
    .join('; ');
}

function problemsOf(seen: { tally: Tally; lost: readonly LostWrite[]; comparison: ComparisonReport }): string[] {
  const { tally, lost, comparison } = seen;
  const problems = lost
    .slice(0, 10)
    .map(({ store, table, key, found }) => `acknowledged, but not so in ${store}: ${table} ${key}: ${found}`);
  if (lost.length > 10) problems.push(`… and ${lost.length - 10} more`);
  if (tally.staleReads > 0)
    problems.push(`${tally.staleReads} reads of a writer's own last write answered something older`);
  for (const { reason, times } of tally.failures()) problems.push(`failed ${times} times: ${reason}`);
  if (comparison.outcome !== 'match') {
    problems.push(`the comparison ended with "${comparison.outcome}"`, ...comparison.reasons);
    for (const { table, key, class: kind, columns } of comparison.differences.slice(0, 10)) {
      problems.push(`${kind}: ${table} ${key ?? ''} ${columns.join(', ')}`.trim());
    }
  }
  return problems;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The result as a person reads it. */
export function demoText(result: DemoResult): string {
  const number = (value: number): string => value.toLocaleString('en');
  const pauses = result.switches.map(({ to, pauseMs }) => `${pauseMs} ms (to ${to})`).join(', ');
  const lines = [
    result.isClean
      ? 'Nothing was lost, no write failed, both databases hold the same rows.'
      : 'This did not go as it should:',
    ...result.problems.map((problem) => `  ✗ ${problem}`),
    '',
    `  road                         ${result.stages.join(' → ')}`,
    `  rows copied                  ${number(result.rowsCopied)} in ${result.backfillSeconds} s`,
    `  writes served meanwhile      ${number(result.writes)}, ${number(result.writesFailed)} failed`,
    `  reads served meanwhile       ${number(result.reads)}, ${number(result.readsFailed)} failed, ${number(result.staleReads)} stale`,
    `  longest write                ${result.longestWriteMs} ms`,
    `  writes held by a switch      ${pauses || 'no switch was made'}`,
    `  acknowledged writes lost     ${number(result.acknowledgedWritesLost)} of ${number(result.acknowledgedRows)} rows looked up in both databases`,
    `  divergent rows               ${number(result.divergentRows)} of ${number(result.rowsCompared)} compared`,
    `  all of it took               ${result.seconds} s`,
  ];
  return lines.join('\n');
}
