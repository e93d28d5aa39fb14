import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Whether a process with this id runs. One that has ended but was never waited for (a zombie) does not. */
export function isProcessAlive(pid: number): boolean {
  if (!isInProcessTable(pid)) return false;
  // In a container whose first process waits for nobody, an orphan stays a zombie for ever.
  return process.platform !== 'linux' || isRunning(pid);
}

/** Whether this id is taken: by a process that runs, or by one that has ended and was not waited for. */
export function isInProcessTable(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, under another account.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a running process; `undefined` where there is no telling. */
export function commandOf(pid: number): string | undefined {
  // Slim container images have /proc, but no ps.
  if (process.platform === 'linux') return readProc(pid, 'cmdline')?.replaceAll('\0', ' ').trim();
  return output('ps', ['-o', 'command=', '-p', String(pid)]);
}

/** The running processes that `pid` started and that have not ended. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux')
    return (output('pgrep', ['-P', String(pid)]) ?? '').split(/\s+/).filter(Boolean).map(Number);
  return readdirSync('/proc')
    .map(Number)
    .filter((other) => other > 0 && Number(statOf(other)?.parent) === pid && isRunning(other));
}

function isRunning(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}

function statOf(pid: number): { readonly state: string; readonly parent: string } | undefined {
  // The second field is the program's name in parentheses, and may hold anything.
  const [, state, parent] = readProc(pid, 'stat')?.match(/.*\) (\S) (\d+)/s) ?? [];
  return state === undefined || parent === undefined ? undefined : { state, parent };
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

function output(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Signals a process, and does nothing when it has ended by itself. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
