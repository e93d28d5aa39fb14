import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import type { Finding } from '../../migrations/finding.ts';
import { runGuarded } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { schemaSourceOf, typeProfileOf } from './schema-source.ts';
import { withScratchPostgres } from './scratch-postgres.ts';
import { Terminal, UsageError } from './terminal.ts';

interface SchemaFlags {
  readonly sqlite?: string;
  readonly migrations?: string;
  readonly postgres?: string;
  readonly config?: string;
  readonly profile?: string;
  readonly out?: string;
  readonly knex?: string;
  readonly apply?: true;
  readonly diff?: true;
  readonly data: boolean;
  readonly verbose?: true;
  readonly json?: true;
}

/** `crossfade schema`: one PostgreSQL baseline of a SQLite schema, and what was decided on the way. */
export function addSchemaCommand(program: Command): void {
  program
    .command('schema')
    .description(
      'translate the SQLite schema into one PostgreSQL baseline, checked by PostgreSQL, and say what was decided',
    )
    .option('--sqlite <file>', 'the SQLite file of the API, which is only read (default: the variable SQLITE_PATH)')
    .option(
      '--migrations <folder>',
      'a folder of SQL migration files instead, applied to an empty database in their order',
    )
    .option(
      '--postgres <url>',
      'where to try and apply it (default: DATABASE_URL; to try it, an embedded one otherwise)',
    )
    .option('--config <file>', 'profile, column types and what to leave out (default: crossfade.config.js or .json)')
    .option('--profile <name>', 'faithful: types that keep every SQLite behaviour; native: timestamptz, jsonb, uuid')
    .option('--out <file>', 'write the baseline as SQL')
    .option('--knex <file>', 'write the baseline as a Knex migration (CommonJS if the name ends in .cjs)')
    .option('--apply', 'make the schema in the database of --postgres: all of it, or nothing')
    .option('--diff', 'compare the schema that the database of --postgres has with the baseline')
    .option('--no-data', 'choose types by declarations alone, without a look at the rows')
    .option('--verbose', 'show every choice')
    .option('--json', 'write the report as one line of JSON on stdout')
    .addHelpText(
      'after',
      '\nExit status: 0 everything is carried over; 1 something is rejected, or differs; 2 error. Nothing is written then.',
    )
    .action(async (flags: SchemaFlags) => {
      const terminal = new Terminal({ isJson: flags.json ?? false });
      await runGuarded(terminal, (signal) => runSchema(flags, terminal, signal));
    });
}

async function runSchema(flags: SchemaFlags, terminal: Terminal, signal: AbortSignal): Promise<ExitStatus> {
  const { translateSchema, schemaReport } = await import('../../migrations/schema.ts');
  const { readSchemaConfig } = await import('../../migrations/schema-config.ts');
  const url = flags.postgres ?? process.env['DATABASE_URL'];
  if ((flags.apply ?? flags.diff) && url === undefined) {
    throw new UsageError(
      `--${flags.apply ? 'apply' : 'diff'} needs a database`,
      'give --postgres <url>, or set DATABASE_URL',
    );
  }
  if (flags.apply && flags.diff) throw new UsageError('--apply and --diff exclude each other', 'give one of them');
  const config = await readSchemaConfig(flags.config);
  const translation = await translateSchema({
    ...config,
    ...schemaSourceOf(flags),
    ...(flags.profile === undefined ? {} : { profile: typeProfileOf(flags.profile) }),
    readsData: flags.data,
    onProgress: ({ table, rows }) => terminal.progress(`reading ${table}`, { done: rows, of: 0 }),
    signal,
  });
  return await withScratchPostgres(url, async (client) => {
    const { tryPlan, applyPlan, diffPlan, knexMigration, script, baseline } =
      await import('../../migrations/schema.ts');
    const tried = await tryPlan(client, translation.plan);
    let findings: readonly Finding[] = [...translation.findings, ...tried];
    if (flags.diff) findings = [...findings, ...(await diffPlan(client, translation.plan))];
    const isSound = !findings.some(({ severity }) => severity === 'rejection');
    let applied = false;
    if (isSound && flags.apply) {
      const differences = await applyPlan(client, translation.plan);
      findings = [...findings, ...differences];
      applied = differences.length === 0;
    }
    const statements = baseline(translation.plan);
    if (isSound && flags.out !== undefined) write(flags.out, script(statements));
    if (isSound && flags.knex !== undefined) {
      const module = flags.knex.endsWith('.cjs') ? 'commonjs' : 'esm';
      write(flags.knex, knexMigration(statements, { module, plan: translation.plan }));
    }
    const report = schemaReport(translation, findings);
    const written = isSound ? [flags.out, flags.knex].filter((file) => file !== undefined) : [];
    const { text } = report;
    const ends = [
      ...written.map((file) => `written to ${file}`),
      ...(applied ? ['the schema was made in PostgreSQL'] : []),
      ...(!isSound && (flags.out ?? flags.knex ?? flags.apply) !== undefined
        ? ['nothing was written: remedy what is rejected first']
        : []),
    ];
    terminal.result([text({ verbose: flags.verbose ?? false }), ...ends].join('\n'), {
      ...report.json,
      written,
      applied,
    });
    return isSound && (applied || !flags.apply) ? EXIT.done : EXIT.no;
  });
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CrossfadeError('CONFIG_INVALID', `could not write "${file}": ${messageOf(error)}`, {
      hint: 'check the path and its permissions',
      cause: error,
    });
  }
}
