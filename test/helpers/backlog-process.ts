/**
 * A process that catches up with a backlog, started with the two databases: waits until everything is mirrored and says
 * how long that took and how much memory, in MB, it took at most.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createCrossfade } from '../../adapter/index.ts';
import type { BacklogReport } from './backlog.ts';

const [sqlite = '', postgres = ''] = process.argv.slice(2);
await main();

async function main(): Promise<void> {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const crossfade = await createCrossfade({ sqlite, postgres, logger: quiet, mirror: 'off' });
  const before = megabytes();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, megabytes())), 20);
  const mirroring = await createCrossfade({ sqlite, postgres, logger: quiet });
  const startedAt = performance.now();
  const steps = await stepOf(crossfade.stores);
  while (!(await isCaughtUp(mirroring))) await sleep(50);
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(watch);
  const report: BacklogReport = { seconds, steps: (await stepOf(crossfade.stores)) - steps, before, most };
  process.send?.(report);
  await mirroring.close();
  await crossfade.close();
  if (process.connected) process.disconnect();
}

async function isCaughtUp({ mirror }: Awaited<ReturnType<typeof createCrossfade>>): Promise<boolean> {
  return mirror.caughtUp({ timeoutMs: 60_000 }).then(
    () => true,
    () => false,
  );
}

/** The number of steps that the secondary has taken. */
async function stepOf(stores: Awaited<ReturnType<typeof createCrossfade>>['stores']): Promise<number> {
  const [a, b] = [await stores.sqlite.state(), await stores.postgres.state()];
  return Number((a?.role === 'secondary' ? a : b)?.step);
}

function megabytes(): number {
  return process.memoryUsage().rss / 1e6;
}
