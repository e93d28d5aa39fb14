import type { Command } from 'commander';
import { runGuarded, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './exit-status.ts';
import { Terminal } from './terminal.ts';

/** `crossfade demo`: plays a whole move under traffic on the example ledger. */
export function addDemoCommand(program: Command): void {
  const command = program
    .command('demo')
    .description('play a whole move there and back under live traffic, on an example ledger; under two minutes')
    .addHelpText(
      'after',
      '\nThe ledger is a new SQLite file of its own, so --sqlite is not looked at. On the server of --postgres a database\nof its own is made, and removed at the end; without one an embedded PostgreSQL is started.',
    );
  withConnectionFlags(command).action(async (flags: ConnectionFlags) => {
    const terminal = new Terminal({ isJson: flags.json ?? false });
    await runGuarded(terminal, async (signal) => {
      const { demoText, runDemo } = await import('../demo.ts');
      const postgres = flags.postgres ?? process.env['DATABASE_URL'];
      const result = await runDemo({ ...(postgres ? { postgres } : {}), signal });
      terminal.result(demoText(result), result);
      return result.isClean ? EXIT.done : EXIT.no;
    });
  });
}
