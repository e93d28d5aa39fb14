import type { ClientBase } from 'pg';
import type { Finding } from './finding.ts';
import { openSchemaSource } from './open-schema-source.ts';
import { diff } from './plan/diff.ts';
import { introspect } from './plan/introspect.ts';
import type { Plan } from './plan/plan.ts';
import { findingsText } from './plan/report.ts';
import { inScratch } from './plan/scratch.ts';
import { translateSource } from './translate-source.ts';
import type { SchemaRequest, SchemaTranslation } from './translate-source.ts';

export { audit, auditReport } from './audit/audit.ts';
export type { Audit, AuditReport, AuditRequest } from './audit/audit.ts';
export { Baseline, writeBaseline } from './audit/baseline.ts';
export { createRewriter } from './rewrite.ts';
export type { RewriterOptions } from './rewrite.ts';
export { installPack } from './pack/install-pack.ts';
export type { InstalledPack, PackClient } from './pack/install-pack.ts';
export { applyPlan, baseline } from './plan/apply-plan.ts';
export { script } from './plan/emit.ts';
export { knexMigration } from './plan/knex-migration.ts';
export type { Finding, Place, Severity } from './finding.ts';
export type { Plan } from './plan/plan.ts';
export type { SchemaProgress, SchemaRequest, SchemaTranslation } from './translate-source.ts';

/**
 * Translates a SQLite schema: reads it (the file is opened read-only), looks at the rows, chooses types, plans.
 *
 * @throws CrossfadeError `SQLITE_UNREADABLE`, `MIGRATION_FAILED`, `SCHEMA_UNCLEAR` or `CONFIG_INVALID`.
 */
export async function translateSchema(request: SchemaRequest): Promise<SchemaTranslation> {
  const source = openSchemaSource(request);
  try {
    return await translateSource(source, request);
  } finally {
    source.close();
  }
}

/** What PostgreSQL has against a plan, tried in a transaction that is rolled back; empty if it is carried out as planned. */
export async function tryPlan(client: ClientBase, plan: Plan): Promise<readonly Finding[]> {
  return await inScratch(client, plan, ({ findings }) => Promise.resolve(findings));
}

/** How the schema that a database has differs from a plan; see `diff`. */
export async function diffPlan(client: ClientBase, plan: Plan): Promise<readonly Finding[]> {
  const { rows } = await client.query<{ name: string }>('SELECT current_schema() AS name');
  const found = await introspect(client, rows[0]?.name ?? 'public');
  return await inScratch(client, plan, ({ live }) => Promise.resolve(diff(live, found)));
}

/** A report on a translation, as text and as JSON. */
export interface SchemaReport {
  readonly text: (options: { readonly verbose: boolean }) => string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Says what a translation made and decided. The JSON has a `version`, which changes when a field changes its meaning. */
export function schemaReport({ source, plan }: SchemaTranslation, findings: readonly Finding[]): SchemaReport {
  const count = (list: (table: Plan['tables'][number]) => readonly unknown[]): number =>
    plan.tables.reduce((sum, table) => sum + list(table).length, 0);
  const counts = {
    tables: plan.tables.length,
    columns: count(({ columns }) => columns),
    checks: count(({ checks }) => checks),
    uniques: count(({ uniques }) => uniques),
    foreignKeys: count(({ foreignKeys }) => foreignKeys),
    indexes: count(({ indexes }) => indexes),
    views: plan.views.length,
    triggers: plan.triggers.length,
    rejections: findings.filter(({ severity }) => severity === 'rejection').length,
  };
  const headline = [
    `${counts.tables} tables, ${counts.columns} columns, ${counts.foreignKeys} foreign keys, ${counts.checks} checks`,
    `${counts.uniques} unique constraints, ${counts.indexes} indexes, ${counts.views} views, ${counts.triggers} triggers`,
  ].join(', ');
  const verdict =
    counts.rejections === 0
      ? 'everything is carried over, and PostgreSQL made it as planned'
      : `${counts.rejections} things are rejected`;
  return {
    text: (options) => [headline, verdict, '', findingsText(findings, options)].join('\n').trimEnd(),
    json: {
      version: 1,
      source,
      counts,
      usesPack: plan.usesPack,
      tables: plan.tables.map(({ name, columns }) => ({
        name,
        columns: columns.map((column) => ({ name: column.name, type: column.type, form: column.form })),
      })),
      findings,
    },
  };
}
