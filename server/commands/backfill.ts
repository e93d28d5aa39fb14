import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CrossfadeError } from '../../adapter/errors.ts';
import type { Crossfade } from '../../adapter/index.ts';
import type { BackfillStatus } from '../../adapter/status.ts';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags, Session } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { UsageError } from './terminal.ts';

interface BackfillFlags extends ConnectionFlags {
  readonly restart?: true;
  readonly follow?: true;
  readonly reconcile?: true;
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
    .option('--follow', 'only watch another process (the API) do it');
  withConnectionFlags(command).action(async (flags: BackfillFlags) => {
    await runOn({ flags, mirror: mirrorOf(flags) }, async (session) => {
      const given = (['restart', 'reconcile', 'follow'] as const).filter((flag) => flags[flag]);
      if (given.length > 1) {
        throw new UsageError(
          `${given.map((flag) => `--${flag}`).join(' and ')} were given together`,
          'give one of them',
        );
      }
      return await (flags.follow ? follow(session) : run(session, flags));
    });
  });
}

/** A reconciliation leaves the copying to whoever runs the Mirror: the API may go on serving. */
function mirrorOf(flags: BackfillFlags): 'off' | 'auto' | 'required' {
  if (flags.follow) return 'off';
  return flags.reconcile ? 'auto' : 'required';
}

async function run({ crossfade, terminal, signal }: Session, flags: BackfillFlags): Promise<ExitStatus> {
  let of: number | undefined;
  const counting = countRows(crossfade).then((rows) => {
    of = rows;
  });
  const status = await crossfade.backfill({
    restart: flags.restart ?? false,
    reconcile: flags.reconcile ?? false,
    signal,
    onProgress: (now) => terminal.progress('backfill', { done: now.rowsCopied, of: of ?? now.rowsCopied }),
  });
  await counting;
  return report(terminal, status);
}

async function follow({ crossfade, terminal, signal }: Session): Promise<ExitStatus> {
  const of = await countRows(crossfade);
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
    terminal.progress(mirror.holder === null ? 'backfill (nobody runs the Mirror)' : 'backfill', {
      done: backfill?.rowsCopied ?? 0,
      of,
    });
    await sleep(FOLLOW_EVERY_MS, undefined, { signal });
  }
}

function report(terminal: Session['terminal'], status: BackfillStatus): ExitStatus {
  terminal.progress('backfill', { done: status.rowsCopied, of: status.rowsCopied, isLast: true });
  const lines = status.tables.map(({ table, rowsCopied }) => `  ${table}: ${rowsCopied} rows`);
  const removed =
    status.rowsRemoved === undefined ? '' : `, ${status.rowsRemoved} removed that the primary does not have`;
  terminal.result([`backfill done: ${status.rowsCopied} rows copied${removed}`, ...lines].join('\n'), status);
  return status.isDone ? EXIT.done : EXIT.error;
}

/** Rows of the mirrored tables in SQLite, for the progress bar; 0 before they are known. */
async function countRows({ stores, tables }: Crossfade): Promise<number> {
  let rows = 0;
  for (const table of tables) rows += await stores.sqlite.count(table);
  return rows;
}
