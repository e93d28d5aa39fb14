import type { Databases, Home } from './databases.ts';
import { measure, Numbers } from './measure.ts';
import type { Case, Sample } from './measure.ts';
import { turnsOf } from './turns.ts';
import type { Variant } from './variants.ts';

export interface RoundsOptions {
  readonly variants: readonly Variant[];
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly warmUp: readonly Case[];
  readonly signal: AbortSignal;
  readonly onTurn: (turn: { readonly round: number; readonly variant: string }) => void;
}

/** The samples of each case and variant, one a round. */
export type Samples = ReadonlyMap<Case, ReadonlyMap<string, readonly Sample[]>>;

/**
 * Measures every variant once in each round, so that what else goes on in the machine meets all of them. In each round
 * they come in another order. Only the one that is being measured is open: the others hold no connection, run no loop.
 */
export async function runRounds(home: Home, options: RoundsOptions): Promise<Samples> {
  const { variants, cases, signal } = options;
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
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const variant of turnsOf(round, variants)) {
      signal.throwIfAborted();
      options.onTurn({ round, variant: variant.name });
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
  }
  return samples;
}
