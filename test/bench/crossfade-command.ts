import { fileURLToPath } from 'node:url';
import type { Databases } from './databases.ts';
import { measuredProcess } from './measured-process.ts';
import type { Measured } from './measured-process.ts';

/** The built command, as its users run it. */
export const CLI = fileURLToPath(new URL('../../server/cli.js', import.meta.url));

/**
 * Runs `crossfade …` on two databases, in a process of its own. BENCH_NODE_OPTIONS goes to Node, for profiles.
 *
 * @throws when it ends with another exit status than these.
 */
export async function crossfadeCommand(
  words: readonly string[],
  { databases, signal, exits = [0] }: { databases: Databases; signal: AbortSignal; exits?: readonly number[] },
): Promise<Measured> {
  const nodeOptions = (process.env['BENCH_NODE_OPTIONS'] ?? '').split(' ').filter((option) => option !== '');
  const measured = await measuredProcess({
    program: process.execPath,
    args: [...nodeOptions, CLI, ...words, '--json'],
    env: { SQLITE_PATH: databases.sqlite, DATABASE_URL: databases.postgres },
    signal,
  });
  if (!exits.includes(measured.exitStatus)) {
    throw new Error(`crossfade ${words.join(' ')} ended with ${measured.exitStatus}:\n${measured.stderr}`);
  }
  return measured;
}
