import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './exit-status.ts';
import { UsageError } from './terminal.ts';

interface MigrateFlags extends ConnectionFlags {
  readonly directory: string;
  readonly tableName?: string;
}

/** `crossfade migrate`: the API's pending Knex migrations, on both databases. */
export function addMigrateCommand(program: Command): void {
  const command = program
    .command('migrate')
    .description("run the API's pending Knex migrations on both databases, under a lock, and have the mirror follow")
    .option('--directory <folder>', "the API's Knex migrations", './migrations')
    .option('--table-name <name>', 'where Knex records them (default: knex_migrations)');
  withConnectionFlags(command).action(async (flags: MigrateFlags) => {
    await runOn({ flags, mirror: 'auto' }, async ({ crossfade, terminal }) => {
      if (!existsSync(flags.directory)) {
        throw new UsageError(`there is no folder "${flags.directory}"`, 'name it with --directory <folder>');
      }
      const outcome = await crossfade.migrate({
        directory: flags.directory,
        ...(flags.tableName === undefined ? {} : { tableName: flags.tableName }),
      });
      const line = (name: string, ran: readonly string[]): string =>
        `${name}: ${ran.length === 0 ? 'nothing was pending' : `ran ${ran.join(', ')}`}`;
      terminal.result([line('sqlite', outcome.sqlite), line('postgres', outcome.postgres)].join('\n'), outcome);
      return EXIT.done;
    });
  });
}
