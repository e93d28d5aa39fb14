/**
 * A process that inserts rows without ids through Crossfade until it is told to end, and reports each id it was given.
 * Every third row it deletes at once: an id must not be given out again because its row is gone. Started with `fork`.
 */
import { createCrossfade } from '../../adapter/index.ts';
import type { CrossfadeOptions } from '../../adapter/index.ts';
import { isCrossfadeError, messageOf } from '../../adapter/errors.ts';

/** What {@link inserter-process} is started with, as JSON. */
export interface InserterSettings {
  readonly options: CrossfadeOptions;
  readonly name: string;
  /** How many insert at the same time. */
  readonly lanes: number;
}

export type InserterReport =
  | { readonly type: 'ready' }
  | { readonly type: 'given'; readonly id: number; readonly isKept: boolean }
  | { readonly type: 'failed'; readonly message: string };

await main(JSON.parse(process.argv[2] ?? '') as InserterSettings);

async function main({ options, name, lanes }: InserterSettings): Promise<void> {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const { knex, close } = await createCrossfade({ ...options, logger: quiet }).then((crossfade) => ({
    knex: crossfade.knex,
    close: () => crossfade.close(),
  }));
  let isOver = false;
  process.once('message', () => (isOver = true));
  process.once('disconnect', () => process.exit(1));
  report({ type: 'ready' });
  const insertOn = async (lane: number): Promise<void> => {
    for (let number = 0; !isOver; number += 1) {
      try {
        const email = `${name} ${lane} ${number}`;
        const [row] = await knex<{ id: number; email: string }>('accounts').insert({ email }).returning('id');
        const isKept = number % 3 !== 0;
        report({ type: 'given', id: Number(row?.id), isKept });
        if (!isKept) await knex('accounts').where({ email }).del();
      } catch (error) {
        const mayBeTriedAgain = isCrossfadeError(error) && error.retryable;
        if (!mayBeTriedAgain) report({ type: 'failed', message: messageOf(error) });
      }
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => insertOn(lane)));
  await close();
  process.disconnect();
}

function report(message: InserterReport): void {
  process.send?.(message);
}
