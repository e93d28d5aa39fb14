import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CrossfadeError } from '../../adapter/errors.ts';
import type { FillLimits } from '../../adapter/index.ts';
import type { BackfillStatus } from '../../adapter/status.ts';
import { backfillRemarks, paceText, phaseText } from './backfill-text.ts';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags, Session } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { lowPriority } from './low-priority.ts';
import { quantity } from './quantity.ts';
import { UsageError } from './terminal.ts';

const MODES = ['restart', 'reconcile', 'follow', 'pause', 'resume'] as const;

interface BackfillFlags extends ConnectionFlags, Partial<Record<(typeof MODES)[number], true>> {
  readonly rowsPerSecond?: string;
  readonly bytesPerSecond?: string;
  readonly fullSpeed?: true;
}

/** How often `--follow` looks, in ms. */
const FOLLOW_EVERY_MS = 500;

/** `crossfade backfill`: copies every row to PostgreSQL, beside live traffic. */
export function addBackfillCommand(program: Command): void {
  const command = program
    .command('backfill')
    .description('copy every row to PostgreSQL while the API serves; goes on where it was interrupted')
    .option('--restart', 'empty the PostgreSQL tables first and begin again')
    .option(
      '--reconcile',
      'make the other database follow again after the history between the two was lost: copy every row over what it holds, remove what the primary does not have',
    )
    .option('--follow', 'only watch another process (the API) do it')
    .option('--pause', 'have it wait, whichever process copies')
    .option('--resume', 'go on with one that was paused or interrupted, and watch it; fails where there is none')
    .option('--rows-per-second <number>', 'copy so many rows a second at most, such as 20k; none takes the limit away')
    .option('--bytes-per-second <number>', 'copy so much a second at most, such as 10MB; none takes the limit away')
    .option(
      '--full-speed',
      'do not rest while the API writes, and take no lower priority; for a machine with cores to spare',
    )
    .addHelpText(
      'after',
      '\nLimits and pauses are kept in PostgreSQL and hold for whichever process copies, from about a second on.',
    );
  withConnectionFlags(command).action(async (flags: BackfillFlags) => {
    const options = flags.fullSpeed ? { backfillShare: 1 } : {};
    if (!flags.fullSpeed) lowPriority();
    await runOn({ flags, mirror: mirrorOf(flags), options }, async (session) => {
      const given = MODES.filter((mode) => flags[mode]);
      if (given.length > 1) {
        throw new UsageError(
          `${given.map((flag) => `--${flag}`).join(' and ')} were given together`,
          'give one of them',
        );
      }
      const limits = limitsOf(flags);
      if (flags.pause) return await pause(session);
      return await (flags.follow ? follow(session, limits) : run(session, flags, limits));
    });
  });
}

/** What goes on elsewhere is left to whoever runs the Mirror: the API may go on serving. */
function mirrorOf(flags: BackfillFlags): 'off' | 'auto' | 'required' {
  if (flags.follow ?? flags.pause) return 'off';
  return (flags.reconcile ?? flags.resume) ? 'auto' : 'required';
}

function limitsOf({ rowsPerSecond, bytesPerSecond }: BackfillFlags): Partial<FillLimits> | undefined {
  if (rowsPerSecond === undefined && bytesPerSecond === undefined) return undefined;
  return {
    ...(rowsPerSecond === undefined ? {} : { rowsPerSecond: quantity('--rows-per-second', rowsPerSecond) }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: quantity('--bytes-per-second', bytesPerSecond) }),
  };
}

async function pause({ crossfade, terminal }: Session): Promise<ExitStatus> {
  await crossfade.pauseBackfill();
  terminal.result(
    'the backfill is paused, and changes are mirrored all the same; go on with: crossfade backfill --resume',
    {
      isPaused: true,
    },
  );
  return EXIT.done;
}

async function run(
  { crossfade, terminal, signal }: Session,
  flags: BackfillFlags,
  limits: Partial<FillLimits> | undefined,
): Promise<ExitStatus> {
  const status = await crossfade.backfill({
    restart: flags.restart ?? false,
    reconcile: flags.reconcile ?? false,
    resume: flags.resume ?? false,
    ...(limits === undefined ? {} : { limits }),
    signal,
    onProgress: (now) => showProgress(terminal, now),
  });
  return report(terminal, status);
}

async function follow(
  { crossfade, terminal, signal }: Session,
  limits: Partial<FillLimits> | undefined,
): Promise<ExitStatus> {
  if (limits !== undefined) await crossfade.limitBackfill(limits);
  for (;;) {
    const { isInstalled, backfill, mirror } = await crossfade.status();
    if (!isInstalled) {
      throw new CrossfadeError('NOT_INSTALLED', 'there is no backfill to follow: Crossfade is not installed', {
        hint: 'run `crossfade install` and start the API, or run `crossfade backfill` without --follow',
      });
    }
    if (backfill?.isDone) return report(terminal, backfill);
    if (mirror.runs === 'stopped') {
      throw new CrossfadeError(
        'MIRROR_STOPPED',
        `the backfill stands still: ${mirror.error ?? 'the Mirror has stopped'}`,
        {
          hint: 'see `crossfade status`',
        },
      );
    }
    const nobody = mirror.holder === null ? ' (nobody runs the Mirror)' : '';
    if (backfill === null) terminal.progress(`backfill${nobody}`, { done: 0, of: 0 });
    else showProgress(terminal, backfill, nobody);
    await sleep(FOLLOW_EVERY_MS, undefined, { signal });
  }
}

function showProgress(terminal: Session['terminal'], status: BackfillStatus, remark = ''): void {
  terminal.progress(`${phaseText(status)}${remark}`, {
    done: status.rowsCopied,
    of: status.rowsExpected ?? 0,
    detail: paceText(status),
    json: status,
  });
}

function report(terminal: Session['terminal'], status: BackfillStatus): ExitStatus {
  terminal.progress('backfill', { done: status.rowsCopied, of: status.rowsCopied, isLast: true, json: status });
  const lines = status.tables.map(({ table, rowsCopied }) => `  ${table}: ${rowsCopied} rows`);
  const removed =
    status.rowsRemoved === undefined ? '' : `, ${status.rowsRemoved} removed that the primary does not have`;
  const text = [`backfill done: ${status.rowsCopied} rows copied${removed}`, ...lines, ...backfillRemarks(status)];
  terminal.result(text.join('\n'), status);
  return status.isDone ? EXIT.done : EXIT.error;
}
