/** What `Interrupted` starts, with `fork` and its settings as JSON. */
import { createCrossfade } from '../../adapter/index.ts';
import { messageOf } from '../../adapter/errors.ts';
import type { StepToApply, Store } from '../../adapter/store.ts';
import type { InterruptedOrder, InterruptedReport, InterruptedSettings, Point } from './interrupted.ts';

await main(JSON.parse(process.argv[2] ?? '') as InterruptedSettings);

async function main({ options, clockOffMs }: InterruptedSettings): Promise<void> {
  const clock = wrongClock(clockOffMs);
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const crossfade = await createCrossfade({ ...options, logger: quiet });
  process.on('message', (order: InterruptedOrder) => {
    switch (order.type) {
      case 'interrupt':
        interrupt(crossfade.stores[order.point.store], order.point, order.signal);
        void report({ type: 'armed' });
        return;
      case 'clock':
        clock.offMs = order.offMs;
        return;
      case 'move':
        crossfade.cutover.moveTo(order.to, { force: true }).then(
          ({ outcome }) => report({ type: outcome === 'moved' ? 'moved' : 'not moved', message: outcome }),
          (error: unknown) => report({ type: 'not moved', message: messageOf(error) }),
        );
    }
  });
  process.on('disconnect', () => process.exit(1));
  await report({ type: 'ready' });
}

function interrupt(store: Store, { method, side }: Point, signal: 'SIGSTOP' | 'SIGKILL'): void {
  const original = store[method] as (argument: unknown) => Promise<unknown>;
  let isDue = true;
  const stop = async (): Promise<void> => {
    await report({ type: 'reached' });
    process.kill(process.pid, signal);
  };
  const interrupted = async (argument: unknown): Promise<unknown> => {
    const isMine = isDue;
    isDue = false;
    if (isMine && side === 'before') await stop();
    try {
      const isWithin = isMine && side === 'within';
      const result = await original.call(
        store,
        isWithin ? stoppedBeforeCommit(argument as StepToApply, stop) : argument,
      );
      if (isMine && side === 'after') await stop();
      if (isMine)
        await report({ type: 'ended', how: result === null || result === false ? 'refused' : 'done', message: '' });
      return result;
    } catch (error) {
      if (isMine) await report({ type: 'ended', how: 'failed', message: messageOf(error) });
      throw error;
    }
  };
  Object.defineProperty(store, method, { value: interrupted });
}

/** What a step waits for before it commits is that the primary's disk has it. */
function stoppedBeforeCommit(step: StepToApply, stop: () => Promise<void>): StepToApply {
  const { reading } = step;
  const durable = async (): Promise<void> => {
    await stop();
    await reading.durable();
  };
  return { ...step, reading: Object.assign(Object.create(reading) as typeof reading, { durable }) };
}

/** As when somebody sets the machine's clock: everything that asks for the time of day is told a wrong one. */
function wrongClock(offMs: number): { offMs: number } {
  const clock = { offMs };
  const right = Date.now.bind(Date);
  Date.now = () => right() + clock.offMs;
  return clock;
}

/** Resolves when it has been handed over, so that it arrives whatever happens next. */
async function report(message: InterruptedReport): Promise<void> {
  await new Promise<void>((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });
}
