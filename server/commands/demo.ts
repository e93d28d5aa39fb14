import type { Command } from 'commander';
import { runGuarded, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { Terminal } from './terminal.ts';

/** `crossfade demo`: plays a whole move under traffic on the example ledger. */
export function addDemoCommand(program: Command): void {
  const command = program
    .command('demo')
    .description('play a whole move there and back under live traffic, on an example ledger; under two minutes');
  withConnectionFlags(command).action(async (flags: ConnectionFlags) => {
    await runGuarded(new Terminal({ isJson: flags.json ?? false }), async (signal) => {
      const { runDemo } = await import('../demo.ts');
      return await runDemo({ ...flags, signal });
    });
  });
}
