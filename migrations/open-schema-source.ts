import Database from 'better-sqlite3';
import type { Finding } from './finding.ts';
import type { CustomFunction } from './schema-config.ts';

/** Where a schema comes from: a live file, which is only read, or a folder of SQL migrations. */
export interface SourceRequest {
  readonly kind: 'sqlite' | 'migrations';
  readonly path: string;
  /** Functions that the migrations call, by name. */
  readonly functions?: Readonly<Record<string, CustomFunction>>;
}

/** An opened source. */
export interface SchemaSource {
  readonly db: Database.Database;
  /** What the history of migrations tells. */
  readonly findings: readonly Finding[];
  close(): void;
}

/** Opens a source. */
export function openSchemaSource({ path }: SourceRequest): SchemaSource {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  db.defaultSafeIntegers(true);
  return { db, findings: [], close: () => db.close() };
}
