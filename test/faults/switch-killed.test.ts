import test from 'ava';
import { CrossfadeError } from '../../adapter/errors.ts';
import type { Crossfade, Stage } from '../../adapter/index.ts';
import { assertAllThere } from '../helpers/at-rest.ts';
import { Interrupted } from '../helpers/interrupted.ts';
import type { Point } from '../helpers/interrupted.ts';
import { Load } from '../helpers/load.ts';
import { goTo, makePair, until } from '../helpers/pair.ts';
import { WriteProbe } from '../helpers/write-probe.ts';

/** A switch that nobody went on with is cancelled after twice the first of these. */
const OPTIONS = { switchTimeoutMs: 1_500, leaseMs: 400 };

/** Between which steps the coordinator dies, and who takes the writes in the end: the old primary or the new one. */
const DEATHS = [
  { death: 'after the fence', of: 'old', method: 'fence', side: 'after', ends: 'old' },
  { death: 'after the drain', of: 'old', method: 'release', side: 'before', ends: 'old' },
  { death: 'after the release', of: 'old', method: 'release', side: 'after', ends: 'new' },
  { death: 'after the unfence', of: 'new', method: 'unfence', side: 'after', ends: 'new' },
  { death: 'after the record', of: 'old', method: 'record', side: 'after', ends: 'new' },
] as const;

/** As {@link goTo}, again after each switch that took too long: on a busy machine the time limit is short. */
async function getTo(crossfade: Crossfade, stage: Stage): Promise<void> {
  await until(`stage ${stage}`, async () => {
    try {
      await goTo(crossfade, stage);
      return true;
    } catch (error) {
      if (error instanceof CrossfadeError && error.retryable) return false;
      throw error;
    }
  });
}

for (const [from, to] of [
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
] as const) {
  for (const { death, of, method, side, ends } of DEATHS) {
    test(`A process killed ${death} of a switch from ${from} leaves it to the next one, and never two primaries`, async (t) => {
      const pair = await makePair(t);
      const crossfade = await pair.open(OPTIONS);
      await getTo(crossfade, from === 'sqlite' ? 'read' : 'write');
      const coordinator = await Interrupted.start(t, pair, OPTIONS);
      const point: Point = { store: of === 'old' ? from : to, method, side };
      await coordinator.arm(point, 'SIGKILL');

      const load = Load.start(t, crossfade, { writers: 1, readers: 0 });
      const probe = await WriteProbe.start(pair);
      try {
        await load.goesOn({ writes: 3, reads: 0 });
        await coordinator.movesUntilItDies(to === 'postgres' ? 'write' : 'read');
        const stage = ends === 'old' ? (from === 'sqlite' ? 'read' : 'write') : to === 'sqlite' ? 'read' : 'write';
        const primary = ends === 'old' ? from : to;
        await until('the switch is finished or cancelled', async () => {
          const status = await crossfade.status();
          return status.stage === stage && status.primary === primary && status.intent === null;
        });
        const before = probe.seen[primary];
        await until('its primary takes the writes', () => probe.seen[primary] > before);
        await load.goesOn({ writes: 5, reads: 0 });
      } finally {
        await probe.stop();
      }
      await load.stop();
      t.true(coordinator.has('reached'));
      t.is(probe.seen.both, 0);
      t.true(probe.seen[from] > 0);
      if (method === 'fence' || method === 'release') t.true(probe.seen.none > 0);
      t.is(probe.seen[to] > 0, ends === 'new');
      t.deepEqual([...load.failures, ...load.broken], []);
      t.log(`${JSON.stringify(probe.seen)}, ${load.retryable.length} retryable errors`);
      await assertAllThere(t, { pair, crossfade }, load.written);
      // Nothing of the abandoned attempt is in the way of the next one.
      const next = ends === 'old' ? to : from;
      await getTo(crossfade, next === 'postgres' ? 'write' : 'read');
      t.is((await crossfade.status()).primary, next);
    });
  }
}
