import test from 'ava';
import type { ExecutionContext } from 'ava';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { InserterReport, InserterSettings } from './helpers/inserter-process.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';

const SCRIPT = fileURLToPath(new URL('./helpers/inserter-process.js', import.meta.url));
const PROCESSES = 3;
const SWITCHES = 4;
/** Between two switches so many rows are inserted at least. */
const INSERTS = 60;

interface Inserters {
  readonly given: readonly { readonly id: number; readonly isKept: boolean }[];
  readonly failures: readonly string[];
  end(): Promise<void>;
}

async function startInserters(t: ExecutionContext, options: InserterSettings['options']): Promise<Inserters> {
  const given: { id: number; isKept: boolean }[] = [];
  const failures: string[] = [];
  const children = Array.from({ length: PROCESSES }, (_, index) => {
    const settings: InserterSettings = { options, name: `process ${index}`, lanes: 2 };
    const child = fork(SCRIPT, [JSON.stringify(settings)]);
    t.teardown(() => child.kill('SIGKILL'));
    return child;
  });
  let ready = 0;
  for (const child of children) {
    child.on('message', (report: InserterReport) => {
      if (report.type === 'ready') ready += 1;
      else if (report.type === 'given') given.push(report);
      else failures.push(report.message);
    });
  }
  await until('all insert', () => ready === PROCESSES, 60_000);
  return {
    given,
    failures,
    end: async () => {
      const ended = children.map((child) => once(child, 'exit'));
      for (const child of children) child.send('end');
      await Promise.all(ended);
    },
  };
}

test('several processes that insert without ids through switches there and back are given no id twice, and none fails', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'read');
  const inserters = await startInserters(t, { sqlite: pair.path, postgres: pair.url, refreshMs: 50 });
  const own: number[] = [];
  const insertHere = async (email: string): Promise<void> => {
    const [row] = await crossfade.knex<{ id: number; email: string }>('accounts').insert({ email }).returning('id');
    own.push(Number(row?.id));
  };
  for (let made = 0; made < SWITCHES; made += 1) {
    const before = inserters.given.length;
    await until('rows are inserted', () => inserters.given.length >= before + INSERTS, 60_000);
    const outcome = await crossfade.cutover.step(made % 2 === 0 ? 'write' : 'read', { force: true });
    t.is(outcome.outcome, 'moved');
    // The very first writes to the new primary.
    await Promise.all(Array.from({ length: 20 }, (_, index) => insertHere(`switch ${made} ${index}`)));
  }
  await inserters.end();

  t.deepEqual(inserters.failures, []);
  const ids = [...inserters.given.map(({ id }) => id), ...own];
  t.log(`${ids.length} ids`);
  t.is(new Set(ids).size, ids.length, 'ids that were given out twice');
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);
  const there = new Set(pair.sqlite.prepare('SELECT id FROM accounts').pluck().all() as number[]);
  const kept = [...inserters.given.filter(({ isKept }) => isKept).map(({ id }) => id), ...own];
  t.deepEqual(
    kept.filter((id) => !there.has(id)),
    [],
  );
  // AUTOINCREMENT has been told of the ids that PostgreSQL gave out.
  t.true(
    (pair.sqlite.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'accounts'`).pluck().get() as number) >=
      Math.max(...ids),
  );
});
