import type { Command } from 'commander';
import { runGuarded } from './connection.ts';
import { EXIT } from './exit-status.ts';
import type { ExitStatus } from './exit-status.ts';
import { schemaSourceOf, typeProfileOf } from './schema-source.ts';
import { withScratchPostgres } from './scratch-postgres.ts';
import { Terminal } from './terminal.ts';

interface AuditFlags {
  readonly sqlite?: string;
  readonly migrations?: string;
  readonly src?: readonly string[];
  readonly statements?: string;
  readonly postgres?: string;
  readonly config?: string;
  readonly profile?: string;
  readonly baseline?: string;
  readonly writeBaseline?: string;
  readonly data: boolean;
  readonly verbose?: true;
  readonly json?: true;
}

/** `crossfade audit`: what will hurt, before anything is touched. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description(
      'tell what will hurt before anything is touched: in the schema, in the data, and in the SQL of migrations, source code and recorded statements',
    )
    .option('--sqlite <file>', 'the SQLite file of the API, which is only read (default: the variable SQLITE_PATH)')
    .option(
      '--migrations <folder>',
      'a folder of SQL migration files instead, applied to an empty database in their order',
    )
    .option('--src <folder>', 'JavaScript and TypeScript whose SQL is looked at; may be repeated', gather)
    .option(
      '--statements <file>',
      'recorded statements: a line of JSON each, {"sql": "…", "count": 3}, or SQL with semicolons',
    )
    .option('--postgres <url>', 'where statements are tried (default: DATABASE_URL; an embedded one otherwise)')
    .option('--config <file>', 'profile, column types, functions (default: crossfade.config.js or .json)')
    .option('--profile <name>', 'faithful: types that keep every SQLite behaviour; native: timestamptz, jsonb, uuid')
    .option('--baseline <file>', 'findings that are known, and do not count')
    .option('--write-baseline <file>', 'write all findings there are now as known ones')
    .option('--no-data', 'leave out the rows')
    .option('--verbose', 'show every note')
    .option('--json', 'write the report as one line of JSON on stdout')
    .addHelpText(
      'after',
      '\nExit status: 0 nothing found, notes and the baseline aside; 1 findings; 2 it could not be told. Nothing is changed in either database.',
    )
    .action(async (flags: AuditFlags) => {
      const terminal = new Terminal({ isJson: flags.json ?? false });
      await runGuarded(terminal, (signal) => runAudit(flags, terminal, signal));
    });
}

async function runAudit(flags: AuditFlags, terminal: Terminal, signal: AbortSignal): Promise<ExitStatus> {
  const source = schemaSourceOf(flags);
  const profile = flags.profile === undefined ? {} : { profile: typeProfileOf(flags.profile) };
  const { audit, auditReport, Baseline, writeBaseline } = await import('../../migrations/schema.ts');
  const { readSchemaConfig } = await import('../../migrations/schema-config.ts');
  const config = await readSchemaConfig(flags.config);
  const baseline = flags.baseline === undefined ? undefined : Baseline.read(flags.baseline);
  return await withScratchPostgres(flags.postgres ?? process.env['DATABASE_URL'], async (client) => {
    const result = await audit({
      ...config,
      ...source,
      ...profile,
      client,
      src: flags.src ?? [],
      ...(flags.statements === undefined ? {} : { statements: flags.statements }),
      readsData: flags.data,
      onProgress: ({ table, rows }) => terminal.progress(`reading ${table}`, { done: rows, of: 0 }),
      signal,
    });
    const report = auditReport(result, baseline);
    const lines = [report.text({ verbose: flags.verbose ?? false })];
    if (flags.writeBaseline !== undefined) {
      writeBaseline(flags.writeBaseline, result.findings);
      lines.push(`the baseline was written to ${flags.writeBaseline}`);
    }
    terminal.result(lines.join('\n'), report.json);
    return report.isClean || flags.writeBaseline !== undefined ? EXIT.done : EXIT.no;
  });
}

function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
