import { setTimeout as sleep } from 'node:timers/promises';
import { createCrossfade } from '../../adapter/index.ts';
import type { Home } from './databases.ts';
import { accountRow } from './databases.ts';
import { intoStage } from './into-stage.ts';
import { quantile } from './measure.ts';

/** For how long write switches held the writes. */
export interface Switched {
  readonly switches: number;
  readonly writesPerSecond: number;
  readonly medianPauseMs: number;
  readonly worstPauseMs: number;
  /** The longest that any one write took. */
  readonly longestWriteMs: number;
  readonly writes: number;
  readonly failedWrites: number;
}

const WRITES_PER_SECOND = 300;
const TICK_MS = 10;
const BETWEEN_MS = 200;

/** Moves the writes there and back under steady writing, and measures how long each switch held them. */
export async function switches(
  home: Home,
  { count, signal }: { count: number; signal: AbortSignal },
): Promise<Switched> {
  const crossfade = await createCrossfade({ ...(await home.make('switches')), processName: 'bench' });
  const pauses: number[] = [];
  const latencies: number[] = [];
  let failedWrites = 0;
  let writes = 0;
  const write = async (): Promise<void> => {
    writes += 1;
    const startedAt = performance.now();
    try {
      await crossfade.knex('accounts').insert(accountRow(`switch-${writes}@example.org`, writes));
      latencies.push(performance.now() - startedAt);
    } catch {
      failedWrites += 1;
    }
  };
  const under: Promise<void>[] = [];
  let writing: NodeJS.Timeout | undefined;
  try {
    await crossfade.backfill({ restart: true, signal });
    await intoStage(crossfade, 'read', signal);
    writing = setInterval(() => {
      for (let each = 0; each < (WRITES_PER_SECOND * TICK_MS) / 1000; each += 1) under.push(write());
    }, TICK_MS);
    for (let number = 0; number < count; number += 1) {
      await sleep(BETWEEN_MS, undefined, { signal });
      await crossfade.cutover.step(number % 2 === 0 ? 'write' : 'read', { force: true });
      pauses.push(crossfade.cutover.lastSwitch?.pauseMs ?? Number.NaN);
    }
    clearInterval(writing);
    await Promise.all(under);
    return {
      switches: count,
      writesPerSecond: WRITES_PER_SECOND,
      medianPauseMs: quantile(pauses, 0.5),
      worstPauseMs: Math.max(...pauses),
      longestWriteMs: Math.max(...latencies),
      writes,
      failedWrites,
    };
  } finally {
    clearInterval(writing);
    await crossfade.close();
  }
}
