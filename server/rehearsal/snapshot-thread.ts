/** What the thread of {@link takeSnapshot} runs: copies the live file, says how far it is, ends. */
import { rmSync, statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import { openLiveFile } from '../../migrations/sqlite/open-live-file.ts';

/** What the thread is asked. */
export interface SnapshotQuestion {
  readonly from: string;
  readonly to: string;
}

/** What it answers, once. */
export type SnapshotAnswer =
  { readonly bytes: number } | { readonly code: string; readonly message: string; readonly hint: string };

/** So many pages are copied under one read lock, which writers without WAL wait for. */
const FIRST_PAGES = 2_000;
/** Each write of others makes a copy page by page begin anew: it takes larger steps then, until it gets through. */
const STEP_UP = 8;

async function copy({ from, to }: SnapshotQuestion): Promise<SnapshotAnswer> {
  const db = openLiveFile(from, { check: 'none' });
  try {
    if (db.pragma('journal_mode', { simple: true }) !== 'wal' || !vacuumed(db, to)) await backedUp(db, to);
    return { bytes: statSync(to).size };
  } finally {
    db.close();
  }
}

/** In WAL mode one read transaction copies everything, and no writer waits for it. Resolves to whether SQLite could. */
function vacuumed(db: Database.Database, to: string): boolean {
  try {
    // It is meant for the database itself, and would refuse the new file too.
    db.pragma('query_only = OFF');
    db.prepare('VACUUM INTO ?').run(to);
    return true;
  } catch (error) {
    // A schema that calls what only the application has can be copied page by page all the same.
    if (!/no such (module|collation|function)|unknown function/.test(messageOf(error))) throw error;
    rmSync(to, { force: true });
    return false;
  }
}

async function backedUp(db: Database.Database, to: string): Promise<void> {
  let pages = FIRST_PAGES;
  let left = Infinity;
  await db.backup(to, {
    progress: ({ remainingPages }) => {
      if (remainingPages > left) pages *= STEP_UP;
      left = remainingPages;
      return Math.min(pages, 2 ** 30);
    },
  });
}

async function answer(question: SnapshotQuestion): Promise<SnapshotAnswer> {
  try {
    return await copy(question);
  } catch (error) {
    const [code, hint] =
      error instanceof CrossfadeError
        ? [error.code, error.hint]
        : ['SQLITE_UNREADABLE', 'check that the disk has room and that the file can be read'];
    return { code, message: messageOf(error), hint };
  }
}

parentPort?.postMessage(await answer(workerData as SnapshotQuestion), []);
