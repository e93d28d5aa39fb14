import type { Command } from 'commander';
import { shapeReport, shapeReportText } from '../../adapter/shadow/shape-report.ts';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './exit-status.ts';

interface ReplayFlags extends ConnectionFlags {
  readonly all?: true;
}

const EXIT_OF = { agrees: EXIT.done, differs: EXIT.no, unknown: EXIT.error } as const;

/** `crossfade replay`: recorded reads, run on both databases and compared. */
export function addReplayCommand(program: Command): void {
  const command = program
    .command('replay <file>')
    .description(
      'run the reads of a file that option record wrote with bindings on both databases, and compare: exit status as report',
    )
    .option('--all', 'show the queries without findings, too');
  withConnectionFlags(command).action(async (file: string, flags: ReplayFlags) => {
    await runOn({ flags, mirror: 'auto' }, async ({ crossfade, terminal, signal }) => {
      const { tallies, skipped, withoutValues } = await crossfade.replay(file, {
        onProgress: (done, of) => terminal.progress('replaying', { done, of }),
        signal,
      });
      const report = shapeReport(tallies);
      const text =
        report.totals.count === 0
          ? `the file holds no read that could be run again${withoutValues > 0 ? ': record with `bindings: true`' : ''}`
          : shapeReportText(report, { all: flags.all ?? false });
      terminal.result(text, { ...report, skipped, withoutValues });
      if (skipped > 0)
        terminal.note(`${skipped} reads could not be compared: refused by the primary, or too many rows`);
      if (withoutValues > 0) terminal.note(`${withoutValues} statements were recorded without values, and left out`);
      return EXIT_OF[report.outcome];
    });
  });
}
