import test from 'ava';
import type { Crossfade } from '../adapter/index.ts';
import type { StepApplied, StepReading } from '../adapter/store.ts';
import { differences, goTo, makePair } from './helpers/pair.ts';
import { stoppableServer } from './helpers/postgres.ts';

test('a piece that was read after one that PostgreSQL lost in a crash is refused, though another process has copied a smaller one since', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const mover = await pair.open();
  await goTo(mover, 'dual');
  await mover.close();
  await pair.postgres.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
  await pair.postgres.query('SELECT pg_reload_conf()');
  pair.sqlite.exec(
    `INSERT INTO settings VALUES ('a', '1'), ('b', '2'), ('c', '3'), ('d', '4'), ('e', '5'), ('f', '6')`,
  );
  const [large, small] = [await pair.open({ mirror: 'off' }), await pair.open({ mirror: 'off' })];
  const { sqlite, postgres } = small.stores;
  const captureId = (await sqlite.state())?.captureId ?? '';
  const [watermark, tables] = [await sqlite.position(), small.tables.filter(({ name }) => name === 'settings')];
  await postgres.adopt({ captureId, watermark, tables, empties: true });

  const read = async ({ stores }: Crossfade, rows: number): Promise<StepReading> => {
    const { state, cursors } = await stores.postgres.progress();
    const [table] = tables;
    const piece = table === undefined ? null : { table, rows };
    const request = { epoch: state.epoch, after: state.watermark ?? '', captureId, tables, cursors, piece };
    return stores.sqlite.read({ ...request, retry: new Map() }, async (reading) => reading);
  };
  const { step, epoch } = (await postgres.state()) ?? { step: -1, epoch: -1 };
  const apply = ({ stores }: Crossfade, number: number, reading: StepReading): Promise<StepApplied | null> =>
    stores.postgres.apply({ epoch, step: number, captureId, reading, quarantine: [] });

  t.not(await apply(large, step, await read(large, 4)), null);
  const behind = await read(large, 4);
  await server.kill();
  await server.start();
  t.is((await postgres.state())?.step, step, 'the first piece was not on the disk');
  t.not(await apply(small, step, await read(small, 2)), null);

  t.is(await apply(large, step + 1, behind), null, 'it would leave two rows out for ever');
  for (let next = step + 1; (await postgres.progress()).cursors.some(({ isDone }) => !isDone); next += 1) {
    t.not(await apply(small, next, await read(small, 2)), null);
  }
  t.deepEqual(await differences(small), []);
});
