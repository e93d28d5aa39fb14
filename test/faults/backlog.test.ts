import test from 'ava';
import { catchUp } from '../helpers/backlog.ts';
import { makePair } from '../helpers/pair.ts';

const CHANGES = 100_000;
/** What the rows of the backlog would take at the very least, were they all held at once, is about 40 MB. */
const MEMORY_LIMIT_MB = 120;

const COUNT = 'SELECT count(*) AS count FROM settings';

for (const stage of ['dual', 'write'] as const) {
  test.serial(
    `In stage ${stage} ${CHANGES} changes that have piled up go over in one step, in bounded memory`,
    async (t) => {
      const pair = await makePair(t);
      const { seconds, steps, before, most } = await catchUp(t, pair, { stage, changes: CHANGES });
      t.log(
        `${Math.round(CHANGES / seconds)} changes per second, from ${Math.round(before)} to at most ${Math.round(most)} MB`,
      );
      // After it there may be one more, without rows, which tells how far the changelog has been forgotten.
      t.true(steps >= 1 && steps <= 2, `${steps} steps`);
      t.true(most - before < MEMORY_LIMIT_MB, `${Math.round(most - before)} MB`);
      t.is(pair.sqlite.prepare(COUNT).pluck().get(), CHANGES);
      t.is(Number((await pair.postgres.query<{ count: string }>(COUNT)).rows[0]?.count), CHANGES);
    },
  );
}
