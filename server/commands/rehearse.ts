import type { Command } from 'commander';
import { runGuarded } from './connection.ts';
import { EXIT } from './exit-status.ts';
import { typeProfileOf } from './schema-source.ts';
import { Terminal, UsageError } from './terminal.ts';

interface RehearseFlags {
  readonly sqlite?: string;
  readonly postgres?: string;
  readonly workFolder?: string;
  readonly config?: string;
  readonly profile?: string;
  readonly json?: true;
}

const EXIT_OF = { clean: EXIT.done, findings: EXIT.no, inconclusive: EXIT.error } as const;

/** How long everything that was made for a rehearsal may take to go away after Ctrl-C, in ms. */
const CLEAN_UP_LIMIT_MS = 30_000;

/** `crossfade rehearse`: the whole move of rows, from a snapshot to a PostgreSQL that is thrown away. */
export function addRehearseCommand(program: Command): void {
  program
    .command('rehearse')
    .description(
      'do the whole move once, from a snapshot of the SQLite file to a PostgreSQL that is thrown away: audit, schema, backfill, comparison; says what is in the way and how long it takes',
    )
    .option('--sqlite <file>', 'the SQLite file of the API, which is only read (default: the variable SQLITE_PATH)')
    .option(
      '--postgres <url>',
      'a server to rehearse on, in a database that is created and dropped (default: an embedded PostgreSQL; never DATABASE_URL)',
    )
    .option('--work-folder <folder>', 'where snapshot and embedded PostgreSQL are kept meanwhile')
    .option('--config <file>', 'profile, column types and what to leave out (default: crossfade.config.js or .json)')
    .option('--profile <name>', 'faithful: types that keep every SQLite behaviour; native: timestamptz, jsonb, uuid')
    .option('--json', 'write the report as one line of JSON on stdout')
    .addHelpText(
      'after',
      '\nExit status: 0 the move would go through; 1 something must be mended first; 2 error, or it could not be told.',
    )
    .action(async (flags: RehearseFlags) => {
      const terminal = new Terminal({ isJson: flags.json ?? false });
      await runGuarded(
        terminal,
        async (signal, closeLater) => {
          const sqlite = flags.sqlite ?? process.env['SQLITE_PATH'];
          if (sqlite === undefined)
            throw new UsageError('no SQLite file was named', 'give --sqlite <file>, or set SQLITE_PATH');
          // A flag in the environment is for the API.
          delete process.env['CROSSFADE_STAGE'];
          delete process.env['CROSSFADE_READ_PRIMARY'];
          const { readSchemaConfig } = await import('../../migrations/schema-config.ts');
          const { rehearse } = await import('../rehearsal/rehearse.ts');
          const { rehearsalText } = await import('../rehearsal/rehearsal-text.ts');
          const rehearsing = rehearse({
            sqlite,
            postgres: flags.postgres,
            workFolder: flags.workFolder,
            schema: {
              ...(await readSchemaConfig(flags.config)),
              ...(flags.profile === undefined ? {} : { profile: typeProfileOf(flags.profile) }),
            },
            logger: terminal.logger,
            onProgress: ({ phase, at, rows, of }) =>
              terminal.progress(at === '' ? phase : `${phase} (${at})`, { done: rows, of }),
            signal,
          });
          // It has cleaned up when it has ended, whatever ended it.
          closeLater(() =>
            rehearsing.then(
              () => {},
              () => {},
            ),
          );
          const rehearsal = await rehearsing;
          terminal.result(rehearsalText(rehearsal), rehearsal);
          return EXIT_OF[rehearsal.outcome];
        },
        { closeLimitMs: CLEAN_UP_LIMIT_MS },
      );
    });
}
