/** Another one first in each round, and every other round backwards, so that nobody always follows the same one. */
export function turnsOf<T>(round: number, all: readonly T[]): readonly T[] {
  const first = round % all.length;
  const rotated = [...all.slice(first), ...all.slice(0, first)];
  return round % 2 === 0 ? rotated : rotated.toReversed();
}
