import test from 'ava';
import type { Row } from '../adapter/spec.ts';
import type { Batch, StepReading } from '../adapter/store.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

const ROWS = 20_000;

/** Rows `from` to `to` as they are to be in SQLite, all of them changed. */
function fill(pair: Pair, { from, to, value }: { from: number; to: number; value: string }): void {
  pair.sqlite
    .prepare(
      `WITH RECURSIVE n (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO settings SELECT 'row ' || i, ? || i FROM n WHERE true ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    )
    .run(from, to, value);
}

test('large steps of new rows, old rows and both arrive, each row looked up by its key', async (t) => {
  const pair = await makePair(t);
  const first = await pair.open();
  await goTo(first, 'dual');
  await first.close();
  const steps = [
    () => fill(pair, { from: 1, to: ROWS, value: 'new ' }),
    () => fill(pair, { from: 1, to: ROWS, value: 'old "quoted" \\ ' }),
    () => fill(pair, { from: ROWS / 2, to: (ROWS * 3) / 2, value: 'both Ü ' }),
    () =>
      pair.sqlite.exec(
        `DELETE FROM settings WHERE name LIKE '%7'; UPDATE settings SET value = NULL WHERE name LIKE '%8'`,
      ),
  ];
  for (const write of steps) {
    write();
    const crossfade = await pair.open();
    await crossfade.mirror.caughtUp({ timeoutMs: 60_000 });
    t.deepEqual(await differences(crossfade), []);
    await crossfade.close();
  }
  // Sessions hand in what they have counted when they end.
  const counted = async (): Promise<{ inserted: number; looked: number }> => {
    const { rows } = await pair.postgres.query<{ inserted: string; looked: string }>(
      `SELECT n_tup_ins AS inserted, idx_scan AS looked FROM pg_stat_user_tables WHERE relname = 'settings'`,
    );
    return { inserted: Number(rows[0]?.inserted), looked: Number(rows[0]?.looked) };
  };
  await until('the sessions have ended', async () => (await counted()).inserted >= (ROWS * 3) / 2);
  t.true((await counted()).looked >= ROWS * 3, JSON.stringify(await counted()));
});

test('of a large step that fails in its midst nothing stays, whatever was on its way', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ mirror: 'off' });
  const mirror = await pair.open();
  await goTo(mirror, 'dual');
  await mirror.close();
  const table = (await crossfade.stores.sqlite.installedTables()).find(({ name }) => name === 'settings');
  if (table === undefined) throw new Error('there is no table "settings"');
  const { state, cursors } = await crossfade.stores.postgres.progress();
  const batch = (number: number): Batch => ({
    table,
    empties: false,
    present: Array.from({ length: 300 }, (_, index): Row => [`row ${number * 300 + index}`, `value ${index}`]),
    absent: [],
  });
  async function* batches(count: number): AsyncIterable<Batch> {
    for (let number = 0; number < count; number += 1) {
      yield batch(number);
      // Later in each round, so that it meets every state of what is on its way.
      await new Promise(setImmediate);
    }
    throw new Error('the primary is gone');
  }
  for (let round = 0; round < 24; round += 1) {
    const reading: StepReading = {
      position: state.watermark ?? '',
      after: state.watermark ?? '',
      from: cursors,
      changes: 1_000_000,
      isEmpty: false,
      isWhole: false,
      tables: new Set(['settings']),
      cursor: null,
      piece: null,
      batches: () => batches(1 + (round % 6)),
      durable: () => undefined,
    };
    const { epoch, step } = state;
    const captureId = state.watermarkCaptureId ?? '';
    await t.throwsAsync(crossfade.stores.postgres.apply({ epoch, step, captureId, reading, quarantine: [] }), {
      message: 'the primary is gone',
    });
  }
  t.is((await crossfade.stores.postgres.state())?.step, state.step);
  t.is((await pair.postgres.query('SELECT FROM settings')).rowCount, 0);
});
