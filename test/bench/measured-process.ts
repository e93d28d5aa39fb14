import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** What a command did and took. */
export interface Measured {
  readonly seconds: number;
  /** The most that it had resident in memory, in MiB. On Linux exact, elsewhere as seen a few times a second. */
  readonly peakMemoryMb: number;
  readonly exitStatus: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** What is written on either output that means that it has failed and may not end by itself. */
  readonly failsWhen?: RegExp;
}

const LOOK_EVERY_MS = 50;
const KILL_AFTER_MS = 5_000;
/** What of its output is kept: the end. */
const KEPT = 20_000;

/** Runs a command to its end. A signal ends it. @throws the signal's reason, and the system's error when it cannot start. */
export async function measuredProcess(command: CommandLine): Promise<Measured> {
  const { program, args, env, signal } = command;
  signal.throwIfAborted();
  const startedAt = performance.now();
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    killing ??= setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  };
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] = (output[name] + text).slice(-KEPT);
      if (command.failsWhen?.test(output[name])) end();
    });
  }
  signal.addEventListener('abort', end);
  const memory = watchMemory(child.pid);
  try {
    const exitStatus = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
    signal.throwIfAborted();
    return { seconds: (performance.now() - startedAt) / 1000, peakMemoryMb: memory.peakMb(), exitStatus, ...output };
  } finally {
    memory.stop();
    clearTimeout(killing);
    signal.removeEventListener('abort', end);
  }
}

/** Whether a program is there to be run. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, ['--version']);
    return true;
  } catch {
    return false;
  }
}

function watchMemory(pid: number | undefined): { peakMb: () => number; stop: () => void } {
  let peakKb = 0;
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (isAsking || pid === undefined) return;
    isAsking = true;
    peakKb = Math.max(peakKb, process.platform === 'linux' ? peakOnLinux(pid) : await residentNow(pid));
    isAsking = false;
  };
  const looking = setInterval(() => void look(), LOOK_EVERY_MS);
  return { peakMb: () => peakKb / 1024, stop: () => clearInterval(looking) };
}

/** The kernel keeps the highest. 0 for a process that has ended. */
function peakOnLinux(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function residentNow(pid: number): Promise<number> {
  try {
    return Number((await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])).stdout);
  } catch {
    return 0;
  }
}
