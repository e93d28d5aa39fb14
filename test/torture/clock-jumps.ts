import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../helpers/random.ts';
import type { StoppableServer } from '../helpers/postgres.ts';
import { wrongAtRest } from '../helpers/at-rest.ts';
import { goTo, makePair } from '../helpers/pair.ts';
import { freshDatabase } from '../helpers/postgres.ts';
import { Writers } from '../helpers/writers.ts';
import type { Scope } from './scope.ts';

const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`);
const OPTIONS = { leaseMs: 400, refreshMs: 50 };

/** The clock of the API's processes is set forward and back under them, with libfaketime, while they write and switch. */
export async function clockJumps(
  scope: Scope,
  { random }: { readonly random: Random; readonly server: StoppableServer },
): Promise<{ readonly wrong: readonly string[]; readonly told: string }> {
  const library = LIBRARIES.find((path) => existsSync(path));
  if (library === undefined) return { wrong: [], told: 'not done: libfaketime is not installed' };
  const pair = await makePair(scope, { url: await freshDatabase(scope) });
  const first = await pair.open(OPTIONS);
  await goTo(first, 'read');
  await first.close();
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-clock-'));
  scope.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'clock');
  const set = (offset: string): void => writeFileSync(file, offset);
  set('+0');
  // Timers go by the monotonic clock, which nobody sets; what is set is the time of day.
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const writers = new Writers(scope, pair, { lanes: 2, options: OPTIONS });
  const running = await withEnvironment(environment, () => Promise.all([writers.start(), writers.start()]));
  const jumps = ['+1h', '-1h', '+400d', '-400d', '+3', '-3', '+0'];
  for (const [index, jump] of jumps.entries()) {
    set(jump);
    const mover = random.pick(running);
    mover.moveTo(index % 2 === 0 ? 'write' : 'read');
    for (const writer of running) await writer.writes(random.between(5, 40));
  }
  for (const writer of running) await writer.kill();
  const crossfade = await pair.open(OPTIONS);
  const wrong = [...writers.failures, ...(await wrongAtRest(pair, crossfade, []))];
  return {
    wrong,
    told: `${jumps.length} jumps, ${writers.acknowledged} acknowledged, ${writers.retryable.length} retryable`,
  };
}

async function withEnvironment<T>(variables: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}
