import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { SqliteStore } from '../adapter/sqlite/store.ts';
import { sqliteFile } from './helpers/sqlite.ts';

test('a file that is not in WAL mode yet is opened and described while another process commits', async (t) => {
  const path = sqliteFile(t, 'CREATE TABLE orders (id INTEGER PRIMARY KEY)');
  await lockAll(t, path);
  const store = SqliteStore.open(path);
  t.teardown(() => store.close());

  await lockAll(t, path);
  t.is(await store.state(), undefined);
  await lockAll(t, path);
  t.deepEqual(await store.installedTables(), []);
  await lockAll(t, path);
  t.deepEqual(
    (await store.describe()).map(({ name }) => name),
    ['orders'],
  );
});

/** Another process locks the file, for readers too, and lets go after a while. Resolves when it is locked. */
async function lockAll(t: Pick<ExecutionContext, 'teardown'>, path: string): Promise<void> {
  const program = `
    const database = new (require('better-sqlite3'))(process.argv[1], { timeout: 60_000 });
    database.exec('BEGIN EXCLUSIVE');
    process.stdout.write('locked');
    setTimeout(() => database.exec('COMMIT'), 200);`;
  const child = spawn(process.execPath, ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}
