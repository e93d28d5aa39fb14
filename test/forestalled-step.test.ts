import test from 'ava';
import type { Crossfade, StoreName } from '../adapter/index.ts';
import { otherStore } from '../adapter/spec.ts';
import type { StepApplied, StepReading } from '../adapter/store.ts';
import { differences, goTo, makePair } from './helpers/pair.ts';

for (const primary of ['sqlite', 'postgres'] as const satisfies readonly StoreName[]) {
  test(`${primary} as primary: a step behind one that another Mirror forestalled is refused, and loses no change`, async (t) => {
    const pair = await makePair(t);
    const mover = await pair.open();
    await goTo(mover, primary === 'sqlite' ? 'dual' : 'write');
    await mover.close();
    const [late, current] = [await pair.open({ mirror: 'off' }), await pair.open({ mirror: 'off' })];
    const write = async (sql: string): Promise<void> => {
      if (primary === 'sqlite') pair.sqlite.exec(sql);
      else await pair.postgres.query(sql);
    };
    const { state, cursors } = await late.stores[otherStore(primary)].progress();
    const { epoch, step } = state;
    const captureId = state.watermarkCaptureId ?? '';
    const read = ({ stores, tables }: Crossfade, after: string | null): Promise<StepReading> =>
      stores[primary].read(
        { epoch, after: after ?? '', captureId, tables, cursors, retry: new Map(), piece: null },
        // A small step stays good when its snapshot is closed.
        async (reading) => reading,
      );
    const apply = ({ stores }: Crossfade, number: number, reading: StepReading): Promise<StepApplied | null> =>
      stores[otherStore(primary)].apply({ epoch, step: number, captureId, reading, quarantine: [] });

    await write(`INSERT INTO settings VALUES ('first', '1')`);
    const ofLate = await read(late, state.watermark);
    await write(`INSERT INTO settings VALUES ('second', '2')`);
    const ofCurrent = await read(current, state.watermark);
    await write(`INSERT INTO settings VALUES ('third', '3')`);
    const behind = await read(current, ofCurrent.position);

    t.not(await apply(late, step, ofLate), null);
    t.is(await apply(current, step, ofCurrent), null);
    t.is(await apply(current, step + 1, behind), null, 'it was read after a step that was not applied');

    const mirror = await pair.open();
    await mirror.mirror.caughtUp({ timeoutMs: 20_000 });
    t.deepEqual(await differences(mirror), []);
  });
}
