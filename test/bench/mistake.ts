/** A call of the bench that makes no sense: said in one line, exit status 2, nothing is measured. */
export class Mistake extends Error {}

/** The number that was given for an option. @throws Mistake when it is not a whole number from 1 on. */
export function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Mistake(`${option} is "${text}", which is not a number from 1 on`);
  }
  return value;
}

/** The numbers that were given for an option, with commas between. @throws Mistake as {@link positive} does */
export function positives(option: string, texts: string): readonly number[] {
  return texts.split(',').map((text) => positive(option, text));
}

/** Those of `all` that were named with commas between; all of them when nothing was. @throws Mistake for any other name. */
export function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  { option, names }: { option: string; names: string | undefined },
): readonly T[] {
  if (names === undefined) return all;
  const wanted = names.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0) throw new Mistake(`${option}: there is nothing called "${unknown.join('", "')}"`);
  return all.filter(({ name }) => wanted.includes(name));
}
