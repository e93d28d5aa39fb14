import type { Random } from '../helpers/random.ts';
import type { StoppableServer } from '../helpers/postgres.ts';
import { caughtUp, wrongAtRest } from '../helpers/at-rest.ts';
import { Interrupted } from '../helpers/interrupted.ts';
import { goTo, makePair, until } from '../helpers/pair.ts';
import { freshDatabase } from '../helpers/postgres.ts';
import type { Scope } from './scope.ts';

const OPTIONS = { leaseMs: 400, refreshMs: 50 };
/** PostgreSQL ends a session of Crossfade's that idles in a transaction for longer than 30 s. */
const LIMIT_MS = 60_000;

/**
 * The process that mirrors is stopped in the middle of a step's transaction, in which it holds the state row: others
 * can go on only when PostgreSQL has ended that session.
 */
export async function sleepInStep(
  scope: Scope,
  _surroundings: { readonly random: Random; readonly server: StoppableServer },
): Promise<{ readonly wrong: readonly string[]; readonly told: string }> {
  const pair = await makePair(scope, { url: await freshDatabase(scope) });
  const first = await pair.open(OPTIONS);
  await goTo(first, 'dual');
  await first.close();
  const sleeper = await Interrupted.start(scope, pair, OPTIONS);
  await until('it runs the Mirror', async () => {
    const { rows } = await pair.postgres.query<{ holder: string }>('SELECT holder FROM crossfade.lease');
    return rows[0]?.holder.split(':').at(-2) === String(sleeper.pid);
  });
  await sleeper.arm({ store: 'postgres', method: 'apply', side: 'within' }, 'SIGSTOP');
  pair.sqlite.exec(`INSERT INTO settings (name, value) VALUES ('row', 'old')`);
  await sleeper.hasStopped();
  const startedAt = performance.now();
  pair.sqlite.exec(`UPDATE settings SET value = 'new'; INSERT INTO settings (name) VALUES ('second')`);
  const awake = await pair.open(OPTIONS);
  await caughtUp(awake, LIMIT_MS);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  sleeper.goOn();
  await until('the step of the sleeper has ended', () => sleeper.has('ended'));
  const wrong = [...(await wrongAtRest(pair, awake, ['row', 'second']))];
  const { rows } = await pair.postgres.query<{ value: string }>(`SELECT value FROM settings WHERE name = 'row'`);
  if (rows[0]?.value !== 'new') wrong.push(`the sleeper wrote ${rows[0]?.value}`);
  return { wrong, told: `others went on after ${seconds} s` };
}
