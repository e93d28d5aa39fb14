import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

const CLI = fileURLToPath(new URL('../../server/cli.js', import.meta.url));
const LIMIT_MS = 60_000;

/** What a run of the command line wrote, and how it ended. */
export interface CommandRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of `crossfade` under way. */
export interface RunningCommand {
  readonly pid: number;
  readonly ended: Promise<CommandRun>;
  /** What it has written to stderr so far. */
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `crossfade` with these words. Killed with the test at the latest, or after a minute. */
export function startCommand(
  t: Pick<ExecutionContext, 'teardown'>,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): RunningCommand {
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, [CLI, ...words], {
    env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const ended = new Promise<CommandRun>((resolve) => {
    child.once('close', (status) => {
      clearTimeout(limit);
      resolve({ status, stdout, stderr });
    });
  });
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return { pid: child.pid ?? -1, ended, stderr: () => stderr, kill: (signal) => void child.kill(signal) };
}

/** Runs `crossfade` with these words to its end. */
export async function runCommand(
  t: Pick<ExecutionContext, 'teardown'>,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<CommandRun> {
  return await startCommand(t, words, environment).ended;
}
