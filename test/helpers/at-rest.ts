import type { ExecutionContext } from 'ava';
import type { Crossfade } from '../../adapter/index.ts';
import { differences, until } from './pair.ts';
import type { Pair } from './pair.ts';

/** Waits until the Mirror has caught up, however often it fails before. */
export async function caughtUp(crossfade: Crossfade, limitMs = 60_000): Promise<void> {
  await until(
    'everything is mirrored',
    () =>
      crossfade.mirror.caughtUp({ timeoutMs: 1_000 }).then(
        () => true,
        () => false,
      ),
    limitMs,
  );
}

/**
 * What is wrong once everything has come to rest: names of `settings` that were acknowledged and are not in both
 * databases, transactions that are half there (`x/a` belongs to `x`), rows that differ.
 */
export async function wrongAtRest(
  pair: Pick<Pair, 'sqlite' | 'postgres'>,
  crossfade: Crossfade,
  written: readonly string[],
): Promise<readonly string[]> {
  await caughtUp(crossfade);
  const onSqlite = pair.sqlite.prepare('SELECT name FROM settings').pluck().all() as string[];
  const onPostgres = (await pair.postgres.query<{ name: string }>('SELECT name FROM settings')).rows;
  const wrong = [...(await differences(crossfade))];
  for (const [store, list] of [
    ['SQLite', onSqlite],
    ['PostgreSQL', onPostgres.map(({ name }) => name)],
  ] as const) {
    const names = new Set(list);
    for (const name of written) if (!names.has(name)) wrong.push(`${name} was acknowledged and is not in ${store}`);
    for (const name of list) {
      if (name.endsWith('/a') && !names.has(name.slice(0, -2))) wrong.push(`${name} is half there in ${store}`);
    }
  }
  return wrong;
}

/** Asserts that nothing is wrong at rest, and that something was written. */
export async function assertAllThere(
  t: ExecutionContext,
  where: { readonly pair: Pick<Pair, 'sqlite' | 'postgres'>; readonly crossfade: Crossfade },
  written: readonly string[],
): Promise<void> {
  t.true(written.length > 0);
  t.deepEqual(await wrongAtRest(where.pair, where.crossfade, written), []);
}
