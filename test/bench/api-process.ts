/**
 * The example API in a process of its own, started with `fork`: it serves until its channel closes, tells how long its
 * event loop was held, and does on demand what else an API with Crossfade in it may do.
 */
import { createCrossfade } from '../../adapter/index.ts';
import { messageOf } from '../../adapter/errors.ts';
import { compareDatabases } from '../../compare/compare.ts';
import { openExample } from '../../server/open-example.ts';
import type { Databases } from './databases.ts';
import { LoopWatch } from './loop-delays.ts';
import type { LoopDelays } from './loop-delays.ts';

/** What the process is told. */
export type ApiOrder = 'reset delays' | 'tell delays' | 'backfill' | 'compare';

/** What it says. `done` and `failed` are about a backfill or a comparison. */
export type ApiReport =
  | { readonly type: 'listening'; readonly url: string }
  | ({ readonly type: 'delays' } & LoopDelays)
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly reason: string };

const databases = JSON.parse(process.argv[2] ?? '') as Databases;
const crossfade = await createCrossfade({ ...databases, processName: 'bench API' });
const example = await openExample(crossfade, { port: 0, log: (message) => process.stderr.write(`${message}\n`) });
const watch = new LoopWatch();

process.on('message', (order: ApiOrder) => {
  if (order === 'reset delays') watch.reset();
  else if (order === 'tell delays') tell({ type: 'delays', ...watch.delays });
  else void work(order);
});
// A bench that is gone has nobody to serve.
process.on('disconnect', () => process.exit(0));
tell({ type: 'listening', url: example.url });

async function work(order: 'backfill' | 'compare'): Promise<void> {
  try {
    if (order === 'backfill') await crossfade.backfill();
    else await compareDatabases(crossfade);
    tell({ type: 'done' });
  } catch (error) {
    tell({ type: 'failed', reason: messageOf(error) });
  }
}

function tell(report: ApiReport): void {
  process.send?.(report);
}
