import type { ClientBase } from 'pg';
import type { Finding } from '../finding.ts';
import { openSchemaSource } from '../open-schema-source.ts';
import type { SchemaSource } from '../open-schema-source.ts';
import { findingsText } from '../plan/report.ts';
import { inScratch } from '../plan/scratch.ts';
import { translateSource } from '../translate-source.ts';
import type { SchemaRequest, SchemaTranslation } from '../translate-source.ts';
import type { Baseline } from './baseline.ts';
import { auditData } from './data.ts';
import { auditSql } from './sql.ts';
import type { SqlUse } from './sql.ts';
import { migrationStatements } from './sql/migration-statements.ts';
import { recordedStatements } from './sql/recorded-statements.ts';
import { sourceStatements } from './sql/source-statements.ts';

/** What {@link audit} takes. */
export interface AuditRequest extends SchemaRequest {
  /**
   * Connected to the PostgreSQL that is asked: any database in which the role may create a schema. All happens in a
   * transaction that is rolled back. Its major version should be that of the PostgreSQL that is moved to.
   */
  readonly client: ClientBase;
  /** Folders and files of source code whose SQL is looked at. @default none */
  readonly src?: readonly string[];
  /** A file of statements that were recorded while the application ran; see `recordedStatements`. */
  readonly statements?: string;
  /** How many keys a finding about rows shows. @default 5 */
  readonly examples?: number;
}

/** What an audit found, and how much it looked at. */
export interface Audit {
  readonly source: SchemaTranslation['source'];
  readonly counts: {
    readonly tables: number;
    /** Files of source code. */
    readonly files: number;
    /** Pieces of SQL, each counted as often as it occurs. */
    readonly statements: number;
  };
  readonly findings: readonly Finding[];
}

/**
 * Tells what will hurt, before anything is touched: what of the schema has no translation, what of the data PostgreSQL
 * cannot hold, and which SQL fails or answers otherwise there. Neither database is written to.
 *
 * `readsData: false` leaves out the data.
 *
 * @throws CrossfadeError `SQLITE_UNREADABLE`, `SQLITE_BUSY`, `MIGRATION_FAILED`, `SCHEMA_UNCLEAR` or `CONFIG_INVALID`, also
 * for a path in `src` or `statements` that cannot be read. What is wrong with single files of `src` is a finding.
 */
export async function audit(request: AuditRequest): Promise<Audit> {
  const code = sourceStatements(request.src ?? []);
  const uses: readonly SqlUse[] = [
    ...(request.kind === 'migrations' ? migrationStatements(request.path) : []),
    ...code.uses,
    ...(request.statements === undefined ? [] : recordedStatements(request.statements)),
  ];
  const source = openSchemaSource(request);
  try {
    const translation = await translateSource(source, request);
    const { schema, plan, catalog, kept } = translation;
    const findings: Finding[] = [...translation.findings, ...code.findings];
    if (request.readsData ?? true) findings.push(...(await dataFindings(source, translation, request)));
    registerFunctions(source, request);
    // The translated statements call the pack, whether the schema does or not.
    await inScratch(request.client, { ...plan, usesPack: true }, async (trial) => {
      findings.push(...trial.findings);
      const settings = { sqlite: source.db, postgres: request.client, schema: kept, catalog };
      const { signal } = request;
      const judged = auditSql(uses, settings, signal === undefined ? {} : { signal });
      for await (const finding of judged) findings.push(finding);
    });
    const counts = { tables: schema.tables.length, files: code.files, statements: uses.length };
    return { source: translation.source, counts, findings };
  } finally {
    source.close();
  }
}

async function dataFindings(
  { db }: SchemaSource,
  { kept, types }: SchemaTranslation,
  { examples, onProgress, signal }: AuditRequest,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const options = {
    ...(examples === undefined ? {} : { examples }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  };
  for await (const finding of auditData(db, kept, types, options)) findings.push(finding);
  return findings;
}

/** On a folder of migrations they are there already. */
function registerFunctions({ db }: SchemaSource, { kind, functions = {} }: AuditRequest): void {
  if (kind !== 'sqlite') return;
  for (const [name, run] of Object.entries(functions)) db.function(name, { varargs: true }, run);
}

/** A report on an audit, as text and as JSON. */
export interface AuditReport {
  /** Whether anything counts that the baseline does not know: notes do not. */
  readonly isClean: boolean;
  readonly text: (options: { readonly verbose: boolean }) => string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Says what an audit found. The JSON has a `version`, which changes when a field changes its meaning. */
export function auditReport({ source, counts, findings }: Audit, baseline?: Baseline): AuditReport {
  const isKnown = (finding: Finding): boolean => finding.severity !== 'note' && baseline?.knows(finding) === true;
  const shown = findings.filter((finding) => !isKnown(finding));
  const known = findings.length - shown.length;
  const count = (severity: Finding['severity']): number =>
    shown.filter((finding) => finding.severity === severity).length;
  const totals = { rejections: count('rejection'), warnings: count('warning'), notes: count('note'), known };
  const isClean = totals.rejections + totals.warnings === 0;
  const headline = `${counts.tables} tables, ${counts.statements} pieces of SQL, ${counts.files} files of source code`;
  const found = `${totals.rejections} things are rejected, ${totals.warnings} deserve a look`;
  const verdict = `${isClean ? 'nothing was found that would hurt' : found}${known === 0 ? '' : ` (${known} more are in the baseline)`}`;
  return {
    isClean,
    text: (options) => [headline, verdict, '', findingsText(shown, options)].join('\n').trimEnd(),
    json: {
      version: 1,
      source,
      counts: { ...counts, ...totals },
      findings: findings.map((finding) => (isKnown(finding) ? { ...finding, known: true } : finding)),
    },
  };
}
