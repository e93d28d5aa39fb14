/**
 * A process of its own that writes through Crossfade, as an API does, until it is killed. It is started with `fork`,
 * with its settings as JSON, and says over the channel what it has been told is written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createCrossfade } from '../../adapter/index.ts';
import type { Crossfade } from '../../adapter/index.ts';
import { isCrossfadeError, messageOf } from '../../adapter/errors.ts';
import { PAYMENTS } from './writer-reports.ts';
import type { WriterOrder, WriterReport, WriterSettings } from './writer-reports.ts';

/** More writes than one process makes. */
const RUN = 1_000_000;

await main(JSON.parse(process.argv[2] ?? '') as WriterSettings);

async function main({ options, run, lanes, pauseMs = 0 }: WriterSettings): Promise<void> {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const crossfade = await createCrossfade({ ...options, logger: quiet });
  process.on('message', ({ moveTo }: WriterOrder) => {
    crossfade.cutover.moveTo(moveTo, { force: true }).then(
      (outcome) => {
        if (outcome.outcome === 'moved') report({ type: 'moved', stage: outcome.stage });
        else report({ type: 'not moved', reason: outcome.gates.map(({ name }) => name).join(', ') });
      },
      (error: unknown) => report({ type: 'not moved', reason: messageOf(error) }),
    );
  });
  // A writer whose test is gone has nobody to write for.
  process.on('disconnect', () => process.exit(1));
  report({ type: 'ready' });
  for (let lane = 0; lane < lanes; lane += 1) void writeOn(crossfade, { lane: `${lane}`, run, pauseMs });
}

async function writeOn(
  crossfade: Crossfade,
  { lane, run, pauseMs }: { lane: string; run: number; pauseMs: number },
): Promise<void> {
  const writes = [insert, count, book];
  for (let number = 0; ; number += 1) {
    const write = writes[number % writes.length] ?? insert;
    await trying(async () => report(await write(crossfade, lane, run * RUN + number)));
    // Writes to SQLite end without a turn of the event loop, on which everything else waits.
    await (pauseMs === 0 ? new Promise(setImmediate) : sleep(pauseMs));
  }
}

async function insert({ knex }: Crossfade, lane: string, number: number): Promise<WriterReport> {
  const name = `${lane}-${number}`;
  await knex('settings').insert({ name, value: 'written' });
  return { type: 'inserted', name };
}

async function count({ knex }: Crossfade, lane: string, number: number): Promise<WriterReport> {
  // Each process has its own, since several may write at once.
  const name = `counter-${Math.floor(number / RUN)}-${lane}`;
  await knex('settings')
    .insert({ name, value: String(number) })
    .onConflict('name')
    .merge();
  return { type: 'counted', name, value: number };
}

async function book({ knex }: Crossfade, lane: string, number: number): Promise<WriterReport> {
  const email = `${lane}-${number}@example.org`;
  await knex.transaction(async (trx) => {
    const [account] = await trx<{ id: number; email: string; balance: number }>('accounts')
      .insert({ email, balance: PAYMENTS })
      .returning('id');
    for (let payment = 0; payment < PAYMENTS; payment += 1) {
      await trx('payments').insert({ account_id: account?.id, cents: payment, note: email });
    }
  });
  return { type: 'booked', email };
}

/** What may be tried again is no failure: nobody was told that it is written. */
async function trying(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isCrossfadeError(error) && error.retryable) report({ type: 'retryable', code: error.code });
    else report({ type: 'failed', message: messageOf(error) });
  }
}

function report(message: WriterReport): void {
  process.send?.(message);
}
