import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import pg from 'pg';
import { createCrossfade } from '../../adapter/index.ts';
import type { Crossfade } from '../../adapter/index.ts';
import { applyPlan, baseline, translateSchema, tryPlan } from '../../migrations/schema.ts';
import type { Finding, SchemaRequest, SchemaTranslation } from '../../migrations/schema.ts';
import { freshDatabase } from './postgres.ts';
import { sqliteFile } from './sqlite.ts';

/** A SQLite database of a test, and what its translation says. */
export interface Translated {
  readonly path: string;
  readonly url: string;
  readonly sqlite: Database.Database;
  readonly postgres: pg.Client;
  readonly translation: SchemaTranslation;
  /** Of the translation, and of PostgreSQL's trial of it. */
  readonly findings: readonly Finding[];
  /** The baseline's text. */
  readonly sql: string;
  /** Makes the schema in PostgreSQL. */
  apply(): Promise<readonly Finding[]>;
  /** A Crossfade on both, closed with the test. */
  open(): Promise<Crossfade>;
}

/** Translates the schema that `sql` makes; nothing is made in PostgreSQL yet. Everything goes away with the test. */
export async function translated(
  t: Pick<ExecutionContext, 'teardown' | 'log'>,
  sql: string,
  options: Omit<SchemaRequest, 'kind' | 'path'> = {},
): Promise<Translated> {
  const path = sqliteFile(t, sql);
  const url = await freshDatabase(t);
  const sqlite = new Database(path);
  t.teardown(() => sqlite.close());
  const postgres = new pg.Client({ connectionString: url });
  postgres.on('error', () => {});
  await postgres.connect();
  t.teardown(() => postgres.end().catch(() => {}));
  const translation = await translateSchema({ kind: 'sqlite', path, ...options });
  const tried = await tryPlan(postgres, translation.plan);
  return {
    path,
    url,
    sqlite,
    postgres,
    translation,
    findings: [...translation.findings, ...tried],
    sql: baseline(translation.plan)
      .map((statement) => statement.sql)
      .join(';\n'),
    apply: () => applyPlan(postgres, translation.plan),
    open: async () => {
      const logger = { info: () => {}, warn: (text: string) => t.log(text), error: (text: string) => t.log(text) };
      const crossfade = await createCrossfade({ sqlite: path, postgres: url, logger, refreshMs: 50 });
      t.teardown(() => crossfade.close());
      return crossfade;
    },
  };
}

/** The findings that a test looks at, as short texts: `rejection foreign-key-mismatch orders`. */
export function brief(findings: readonly Finding[], severity?: Finding['severity']): readonly string[] {
  return findings
    .filter((finding) => severity === undefined || finding.severity === severity)
    .map(({ code, place }) => [code, ...Object.values(place)].join(' '))
    .sort();
}
