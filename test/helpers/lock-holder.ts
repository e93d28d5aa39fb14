import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

/**
 * Takes SQLite's write lock in another process. Resolves when it is held, to what has it let go after so many ms, which
 * resolves when that has happened.
 */
export async function holdWriteLock(
  t: Pick<ExecutionContext, 'teardown'>,
  path: string,
): Promise<(holdMs: number) => Promise<void>> {
  const child = fork(fileURLToPath(new URL('./lock-holder-process.js', import.meta.url)), [path]);
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  await once(child, 'message');
  return async (holdMs) => {
    child.send(holdMs);
    await ended;
  };
}
