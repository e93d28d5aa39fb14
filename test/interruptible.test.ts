import test from 'ava';
import { atOnce, inTurns, inTurnsWithin } from '../adapter/sqlite/interruptible.ts';
import type { Interruptible } from '../adapter/sqlite/interruptible.ts';

/** Pieces of a millisecond each. */
function* pieces(count: number, end: () => void = () => {}): Interruptible<number> {
  try {
    for (let piece = 0; piece < count; piece += 1) {
      for (const startedAt = performance.now(); performance.now() - startedAt < 1;);
      yield;
    }
    return count;
  } finally {
    end();
  }
}

test('work in pieces gives the same at once and in turns, and in turns others run meanwhile', async (t) => {
  t.is(atOnce(pieces(3)), 3);
  let turns = 0;
  let isDone = false;
  const others = (): void => {
    turns += 1;
    if (!isDone) setImmediate(others);
  };
  setImmediate(others);
  t.is(await inTurns(pieces(40)), 40);
  isDone = true;
  t.true(turns >= 5, `${turns} turns`);
  t.is(await inTurnsWithin(60_000, pieces(12)), 12);
});

test('work that takes too long is broken off, and what it has opened is closed', async (t) => {
  let isClosed = false;
  t.is(
    await inTurnsWithin(
      10,
      pieces(1_000_000, () => (isClosed = true)),
    ),
    null,
  );
  t.true(isClosed);
  const failing = (function* (): Interruptible<never> {
    yield;
    throw new Error('no such table');
  })();
  await t.throwsAsync(inTurnsWithin(10_000, failing), { message: 'no such table' });
});
