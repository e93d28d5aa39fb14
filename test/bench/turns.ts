import type { Bench } from './bench.ts';

/** One's turn in one round. */
export interface Turn<T> {
  readonly one: T;
  /** From 1 on. */
  readonly round: number;
}

/**
 * Gives everybody a turn in each round, in another order each time, so that what else goes on in the machine meets all of
 * them, and says whose turn it is.
 *
 * @throws the signal's reason when aborted
 */
export function* turns<T extends { readonly name: string }>(
  all: readonly T[],
  { rounds, bench }: { rounds: number; bench: Pick<Bench, 'signal' | 'say'> },
): Generator<Turn<T>, void, undefined> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of turnsOf(round, all)) {
      bench.signal.throwIfAborted();
      bench.say(`round ${round} of ${rounds}: ${one.name}`);
      yield { one, round };
      bench.say('');
    }
  }
}

/** Another one first in each round, and every other round backwards, so that nobody always follows the same one. */
function turnsOf<T>(round: number, all: readonly T[]): readonly T[] {
  const first = round % all.length;
  const rotated = [...all.slice(first), ...all.slice(0, first)];
  // Of two, going backwards as well would make each round like the one before.
  return round % 2 === 0 || all.length === 2 ? rotated : rotated.toReversed();
}
