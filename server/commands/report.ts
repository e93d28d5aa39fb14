import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { shapeReport, shapeReportText } from '../../adapter/shadow/shape-report.ts';
import type { ShapeTally } from '../../adapter/shadow/shape-tally.ts';
import { shapeReportHtml } from '../shape-report-html.ts';
import { runGuarded, runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { Terminal } from './terminal.ts';

interface ReportFlags extends ConnectionFlags {
  readonly record?: string;
  readonly html?: string;
  readonly all?: true;
  readonly forget?: true;
}

const EXIT_OF = { agrees: EXIT.done, differs: EXIT.no, unknown: EXIT.error } as const;

/** `crossfade report`: what shadow reads have shown, worst query first. */
export function addReportCommand(program: Command): void {
  const command = program
    .command('report')
    .description(
      'show what shadow reads have found, worst query first: exit status 0 both agree, 1 they differ, 2 nothing can be told',
    )
    .option('--record <file>', 'the file of option shadow.record (default: the record in PostgreSQL)')
    .option('--all', 'show the queries without findings, too')
    .option('--html <file>', 'write the report as a page as well')
    .option('--forget', 'forget everything after showing it, to begin anew once something was mended');
  withConnectionFlags(command).action(async (flags: ReportFlags) => {
    if (flags.record === undefined) {
      await runOn({ flags, mirror: 'off' }, async ({ crossfade, terminal }) => {
        return await report(flags, terminal, crossfade.shadow);
      });
      return;
    }
    const { record } = flags;
    const terminal = new Terminal({ isJson: flags.json ?? false });
    await runGuarded(terminal, async () => {
      const { ShapeFile } = await import('../../adapter/shadow/shape-file.ts');
      const file = new ShapeFile(record);
      return await report(flags, terminal, { shapes: () => file.existing(), forget: () => file.forget() });
    });
  });
}

interface Recorded {
  shapes(): Promise<readonly ShapeTally[]>;
  forget(): Promise<void>;
}

async function report(flags: ReportFlags, terminal: Terminal, recorded: Recorded): Promise<ExitStatus> {
  const found = shapeReport(await recorded.shapes());
  if (flags.html !== undefined) await writeFile(flags.html, shapeReportHtml(found, new Date()));
  if (flags.forget === true) await recorded.forget();
  terminal.result(shapeReportText(found, { all: flags.all ?? false }), found);
  return EXIT_OF[found.outcome];
}
