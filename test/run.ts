/**
 * What `npm test` runs: one PostgreSQL for the whole run, AVA with the arguments given, then a look at what is left
 * behind. The last line says how many tests passed and failed.
 */
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { childrenOf, commandOf, isProcessAlive } from '../server/process-table.ts';
import { countTests } from './helpers/count-tests.ts';
import { cleanUpAtExit, startPostgresServer, temporaryFolder } from './helpers/postgres-server.ts';

const AVA = fileURLToPath(new URL('../../node_modules/ava/entrypoints/cli.mjs', import.meta.url));
/** In the environment of every process of this run, so that those left behind can be found. */
const MARK = `CROSSFADE_TEST_RUN=${process.pid}-${Date.now()}`;
const SIGNALLED_LIMIT_MS = 20_000;
const LEFTOVER_LIMIT_MS = 5_000;

// Everything that the tests keep on disk goes below one folder, so that what they leave is seen.
const folder = temporaryFolder('run');
chmodSync(folder, 0o755);
const undoCleanup = cleanUpAtExit(() => rmSync(folder, { recursive: true, force: true }));

process.exitCode = await main();

/** Resolves to the exit status of the run. */
async function main(): Promise<0 | 1> {
  const server = await startPostgresServer();
  console.log(`PostgreSQL for this run: ${server.kind}`);
  const { status, output } = await runAva(server.url);
  const left = [...(await leftProcesses()), ...readdirSync(folder).map((name) => `the file …/${name}`)];
  await server.stop();
  undoCleanup();
  rmSync(folder, { recursive: true, force: true });

  const { passed, failed } = countTests(output);
  for (const what of left) console.log(`Left behind by the tests: ${what}`);
  if (passed + failed === 0) console.log('No test ran.');
  // AVA also fails for what it does not count: a test file without tests, a worker that does not exit.
  const isFailed = status !== 0 || failed > 0 || left.length > 0 || passed === 0;
  console.log(`${passed} passed, ${isFailed ? Math.max(failed, 1) : 0} failed`);
  return isFailed ? 1 : 0;
}

async function runAva(url: string): Promise<{ readonly status: number | null; readonly output: string }> {
  const [name = '', value] = MARK.split('=');
  const color = process.stdout.isTTY && process.env['NO_COLOR'] === undefined ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, [AVA, ...process.argv.slice(2)], {
    env: { ...process.env, ...color, [name]: value, TMPDIR: folder, TEST_DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // AVA ends its run in an orderly way on SIGINT only.
  const interrupt = (): void => {
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGKILL'), SIGNALLED_LIMIT_MS).unref();
  };
  const defaults = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => {
    const before = process.listeners(signal);
    process.removeAllListeners(signal).on(signal, interrupt);
    return { signal, before };
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    process.stdout.write(chunk);
  });
  const status = await new Promise<number | null>((done, reject) => {
    child.once('error', reject);
    child.once('close', done);
  });
  for (const { signal, before } of defaults) {
    process.off(signal, interrupt);
    for (const listener of before) process.on(signal, listener);
  }
  return { status, output: stripVTControlCharacters(output) };
}

/** The processes of this run that do not end within a few seconds; ends them. */
async function leftProcesses(): Promise<string[]> {
  const deadline = Date.now() + LEFTOVER_LIMIT_MS;
  let left = processesOfRun();
  while (left.length > 0 && Date.now() < deadline) {
    await pause(50);
    left = processesOfRun();
  }
  const described = left.map((pid) => `process ${pid}: ${commandOf(pid) ?? 'unknown'}`);
  for (const pid of left) if (isProcessAlive(pid)) process.kill(pid, 'SIGKILL');
  return described;
}

function processesOfRun(): number[] {
  if (process.platform !== 'linux') return childrenOf(process.pid).filter((pid) => commandOf(pid)?.includes(folder));
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isProcessAlive(pid))
    .filter((pid) => readProcess(pid, 'environ').includes(MARK) || readProcess(pid, 'cmdline').includes(folder));
}

function readProcess(pid: number, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended, or is another user's.
    return '';
  }
}
