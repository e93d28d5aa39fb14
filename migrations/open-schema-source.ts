import type Database from 'better-sqlite3';
import type { Finding } from './finding.ts';
import { applyMigrations } from './sqlite/apply-migrations.ts';
import type { SqlFunction } from './sqlite/apply-migrations.ts';
import { HistoryLint } from './sqlite/history-lint.ts';
import { openLiveFile } from './sqlite/open-live-file.ts';

/** Where a schema comes from: a live file, which is only read, or a folder of SQL migrations, applied to an empty database. */
export interface SourceRequest {
  readonly kind: 'sqlite' | 'migrations';
  readonly path: string;
  /** Functions of the application's that the migrations call, by name. */
  readonly functions?: Readonly<Record<string, SqlFunction>>;
}

/** An opened source. */
export interface SchemaSource {
  readonly db: Database.Database;
  /** What the history of migrations tells. */
  readonly findings: readonly Finding[];
  close(): void;
}

/**
 * Opens a source.
 *
 * @throws CrossfadeError `SQLITE_UNREADABLE`, `SQLITE_BUSY`, `MIGRATION_FAILED` or `CONFIG_INVALID`.
 */
export function openSchemaSource({ kind, path, functions }: SourceRequest): SchemaSource {
  if (kind === 'sqlite') {
    const db = openLiveFile(path);
    return { db, findings: [], close: () => db.close() };
  }
  const lint = new HistoryLint();
  const { db, findings } = applyMigrations({
    folder: path,
    onFile: lint.afterFile,
    ...(functions === undefined ? {} : { functions }),
  });
  return { db, findings: [...findings, ...lint.findings()], close: () => db.close() };
}
