#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addAuditCommand } from './commands/audit.ts';
import { addBackfillCommand } from './commands/backfill.ts';
import { addCompareCommand } from './commands/compare.ts';
import { addDemoCommand } from './commands/demo.ts';
import { EXIT } from './commands/exit-status.ts';
import { addInstallCommand } from './commands/install.ts';
import { addMigrateCommand } from './commands/migrate.ts';
import { addRehearseCommand } from './commands/rehearse.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addReportCommand } from './commands/report.ts';
import { addSchemaCommand } from './commands/schema.ts';
import { addStageCommand } from './commands/stage.ts';
import { addStatusCommand } from './commands/status.ts';
import { Terminal, UsageError } from './commands/terminal.ts';

const program = new Command('crossfade')
  .description('Move a live API from SQLite to PostgreSQL one step at a time, with a way back at every step.')
  .version(versionOf(new URL('../../package.json', import.meta.url)), '--version', 'say which version this is')
  .addHelpText(
    'after',
    '\nExit status: 0 done or clean; 1 a "no" (refused by a gate, or the databases differ); 2 error or could not tell.',
  )
  .exitOverride()
  // Mistakes in the call are reported below, like every other error.
  .configureOutput({ outputError: () => {} });

addAuditCommand(program);
addSchemaCommand(program);
addRehearseCommand(program);
addInstallCommand(program);
addBackfillCommand(program);
addMigrateCommand(program);
addStageCommand(program);
addCompareCommand(program);
addReportCommand(program);
addReplayCommand(program);
addStatusCommand(program);
addDemoCommand(program);

// A reader that has seen enough (`crossfade status | head -1`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const words = process.argv.slice(2);
try {
  await program.parseAsync(words, { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Without a command the help has been written to stderr already.
  if (error.code === 'commander.help') process.exitCode = EXIT.error;
  else if (error.exitCode !== 0) reportMistake(error);
}

function versionOf(manifest: URL): string {
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, 'utf8'));
  return version;
}

function reportMistake(error: CommanderError): void {
  const terminal = new Terminal({ isJson: words.includes('--json') });
  terminal.error(
    new UsageError(error.message.replace(/^error: /, ''), 'see crossfade --help, or crossfade <command> --help'),
  );
  process.exitCode = EXIT.error;
}
