import type { Command } from 'commander';
import type { Crossfade } from '../../adapter/index.ts';
import { keyColumns } from '../../adapter/spec.ts';
import type { TableSpec } from '../../adapter/spec.ts';
import { runOn, withConnectionFlags } from './connection.ts';
import type { ConnectionFlags } from './connection.ts';
import { EXIT } from './exit-status.ts';

/** `crossfade install`: bookkeeping, capture and fence on both databases. */
export function addInstallCommand(program: Command): void {
  const command = program
    .command('install')
    .description('put bookkeeping, capture and fence on both databases; the stage stays sqlite')
    .addHelpText('after', '\nThe tables must exist in both databases. The SQLite file is put into WAL mode.');
  withConnectionFlags(command).action(async (flags: ConnectionFlags) => {
    await runOn({ flags, mirror: 'off' }, async ({ crossfade, terminal }) => {
      const alreadyInstalled = await isInstalled(crossfade);
      const tables = alreadyInstalled ? crossfade.tables : await crossfade.install();
      const heading = alreadyInstalled
        ? `already installed on ${tables.length} tables; nothing changed`
        : `installed on ${tables.length} tables`;
      terminal.result([heading, ...tables.map(tableLine)].join('\n'), {
        installed: true,
        alreadyInstalled,
        tables: tables.map((table) => ({
          name: table.name,
          columns: table.columns.map((column) => column.name),
          key: keyColumns(table).map((column) => column.name),
        })),
      });
      return EXIT.done;
    });
  });
}

/** Whether both databases are installed; one alone is what an interrupted install left, to be gone on with. */
async function isInstalled({ stores }: Crossfade): Promise<boolean> {
  const states = await Promise.all([stores.sqlite.state(), stores.postgres.state()]);
  return states.every((state) => state !== undefined);
}

function tableLine(table: TableSpec): string {
  const key = keyColumns(table).map((column) => column.name);
  return `  ${table.name}: ${table.columns.length} columns, key ${key.join(', ')}`;
}
