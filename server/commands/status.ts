import type { Command } from 'commander';
import { stageRow } from '../../adapter/stage.ts';
import type { Status } from '../../adapter/status.ts';
import { paceText, phaseText } from './backfill-text.ts';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './exit-status.ts';
import { gateLines } from './gate-lines.ts';

/** `crossfade status`: everything worth knowing at a glance. */
export function addStatusCommand(program: Command): void {
  const command = program
    .command('status')
    .description('show the stage, the Mirror, the backfill, and what holds the next stage back');
  withConnectionFlags(command).action(async (flags: ConnectionFlags) => {
    await runOn({ flags, mirror: 'off', worksWithoutPostgres: true }, async ({ crossfade, terminal }) => {
      const status = await crossfade.status();
      terminal.result(statusText(status), status);
      if (status.reachable.sqlite && status.reachable.postgres) return EXIT.done;
      for (const store of Object.values(crossfade.stores)) {
        await store.ping().catch((error: unknown) => terminal.complaint(error));
      }
      return EXIT.error;
    });
  });
}

function statusText(status: Status): string {
  if (!status.isInstalled) {
    const unreachable = status.reachable.postgres ? '' : ', as far as SQLite knows; PostgreSQL does not answer';
    return `Crossfade is not installed${unreachable}. SQLite is used alone. Next: crossfade install`;
  }
  const rows: [string, string][] = [
    ['stage', `${status.stage} – ${stageRow(status.stage).summary}`],
    ...(status.wantedStage === null ? [] : [['wanted', status.wantedStage] satisfies [string, string]]),
    ['writes', status.primary ?? `between the databases (${status.intent ?? 'switching'})`],
    ['reads', status.reads],
    ['mirror', mirrorText(status)],
    ['backfill', backfillText(status)],
    ['quarantine', quarantineText(status)],
    ['sqlite', status.reachable.sqlite ? 'answers' : 'DOES NOT ANSWER'],
    ['postgres', `${status.reachable.postgres ? 'answers' : 'DOES NOT ANSWER'}, breaker ${status.breaker}`],
    ['comparison', comparisonText(status)],
  ];
  const lines = rows.map(([name, text]) => `${name.padEnd(11)} ${text}`);
  if (status.nextStage !== null) lines.push(`next stage  ${status.nextStage}`, ...gateLines(status.gates));
  return lines.join('\n');
}

const UNKNOWN = 'unknown while PostgreSQL does not answer';

function mirrorText({ mirror, stage, reachable }: Status): string {
  if (mirror.runs === 'idle' && !reachable.postgres) return UNKNOWN;
  if (mirror.runs === 'idle') {
    return stageRow(stage).mirrorsTo === null
      ? 'not needed in this stage'
      : 'NOBODY RUNS IT; changes pile up until the API is started';
  }
  const holder = mirror.holder === null ? '' : ` (${mirror.holder})`;
  const error = mirror.error === null ? '' : `; ${mirror.error}`;
  return `${mirror.runs}${holder}, ${mirror.lagSeconds.toFixed(1)} s behind${error}`;
}

function backfillText({ backfill, reachable }: Status): string {
  if (backfill === null && !reachable.postgres) return UNKNOWN;
  if (backfill === null || (backfill.rowsCopied === 0 && !backfill.isDone && !backfill.isPaused)) return 'not begun';
  const { rowsCopied, rowsExpected, tables, brokenForeignKeys } = backfill;
  const done = tables.filter((table) => table.isDone).length;
  const of = rowsExpected === null || backfill.isDone ? '' : ` of about ${rowsExpected}`;
  const parts = [
    `${phaseText(backfill)}, ${rowsCopied}${of} rows copied, ${done} of ${tables.length} tables done`,
    paceText(backfill),
    brokenForeignKeys.length === 0 ? '' : `${brokenForeignKeys.length} foreign keys do not hold`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function quarantineText({ quarantined, reachable }: Status): string {
  if (!reachable.postgres) return UNKNOWN;
  if (quarantined.length === 0) return 'empty';
  return quarantined.map(({ table, rows }) => `${table}: ${rows}`).join(', ');
}

function comparisonText({ lastComparison, reachable }: Status): string {
  if (lastComparison === null && !reachable.postgres) return UNKNOWN;
  if (lastComparison === null) return 'none yet';
  const { outcome, finishedAt, isFull, rowsCompared } = lastComparison;
  return `${outcome} at ${finishedAt.toISOString()}, ${isFull ? 'full' : 'partial'}, ${rowsCompared} rows`;
}
