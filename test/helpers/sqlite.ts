import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { temporaryFolder } from './postgres-server.ts';

/** A new empty folder, removed with the test. */
export function tempFolder(t: Pick<ExecutionContext, 'teardown'>): string {
  const folder = temporaryFolder('files');
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** The path of a new SQLite file, removed with the test, in which `sql` has been executed. */
export function sqliteFile(t: Pick<ExecutionContext, 'teardown'>, sql = ''): string {
  const path = join(tempFolder(t), 'app.sqlite');
  const database = new Database(path);
  try {
    // An empty database is an empty file; writing its header makes it one that every reader knows.
    database.pragma('user_version = 0');
    database.exec(sql);
  } finally {
    database.close();
  }
  return path;
}
