import type { Command } from 'commander';
import { compareDatabases } from '../../compare/compare.ts';
import { reportText } from '../../compare/report.ts';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './exit-status.ts';
import { UsageError } from './terminal.ts';

interface CompareFlags extends ConnectionFlags {
  readonly table?: readonly string[];
  readonly maxDifferences?: string;
}

const EXIT_OF = { match: EXIT.done, mismatch: EXIT.no, inconclusive: EXIT.error } as const;

/** `crossfade compare`: whether both databases hold the same rows. */
export function addCompareCommand(program: Command): void {
  const command = program
    .command('compare')
    .description(
      'compare the rows of both databases beside live traffic: exit status 0 match, 1 mismatch, 2 inconclusive',
    )
    .option('--table <name>', 'compare this table only; may be repeated', gather)
    .option('--max-differences <count>', 'how many differences to show with their keys (default: 100)');
  withConnectionFlags(command).action(async (flags: CompareFlags) => {
    await runOn({ flags, mirror: 'auto' }, async ({ crossfade, terminal, signal }) => {
      const report = await compareDatabases(crossfade, {
        ...(flags.table === undefined ? {} : { tables: flags.table }),
        ...(flags.maxDifferences === undefined ? {} : { maxDifferences: count(flags.maxDifferences) }),
        onProgress: ({ table, walk, rows, of }) => terminal.progress(`${table} (${walk} side)`, { done: rows, of }),
        signal,
      });
      terminal.result(reportText(report), report);
      if (terminal.isJson) for (const reason of report.reasons) terminal.note(`could not tell: ${reason}`);
      return EXIT_OF[report.outcome];
    });
  });
}

function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function count(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--max-differences is "${text}"`, 'give a whole number, 0 or more');
}
