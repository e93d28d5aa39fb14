import type { Bench } from './bench.ts';
import type { Databases } from './databases.ts';
import { measure, Numbers } from './measure.ts';
import type { Case, Sample } from './measure.ts';
import { turns } from './turns.ts';
import type { Variant } from './variants.ts';

export interface RoundsOptions {
  readonly variants: readonly Variant[];
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly warmUp: readonly Case[];
}

/** The samples of each case and variant, one a round. */
export type Samples = ReadonlyMap<Case, ReadonlyMap<string, readonly Sample[]>>;

/**
 * Measures every variant once in each round. Only the one that is being measured is open: the others hold no connection,
 * run no loop.
 */
export async function runRounds(bench: Bench, options: RoundsOptions): Promise<Samples> {
  const { variants, cases, rounds } = options;
  const { home, signal } = bench;
  const prepared = new Map<Variant, { databases: Databases; numbers: Numbers }>();
  for (const variant of variants) {
    signal.throwIfAborted();
    const databases = await home.make(variant.name);
    await variant.prepare(databases);
    prepared.set(variant, { databases, numbers: new Numbers() });
  }
  const samples = new Map(
    cases.map((load) => [load, new Map(variants.map(({ name }): [string, Sample[]] => [name, []]))]),
  );
  for (const { one: variant } of turns(variants, { rounds, bench })) {
    const { databases, numbers } = prepared.get(variant) as { databases: Databases; numbers: Numbers };
    const writer = await variant.open(databases);
    try {
      for (const load of options.warmUp) await measure(writer, load, { numbers, signal });
      for (const load of cases) {
        const sample = await measure(writer, load, { numbers, signal });
        samples.get(load)?.get(variant.name)?.push(sample);
      }
    } finally {
      await writer.close();
    }
  }
  return samples;
}
