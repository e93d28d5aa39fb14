import Database from 'better-sqlite3';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import type { Crossfade, CrossfadeOptions, StoreName } from '../adapter/index.ts';
import { Unholdable } from '../adapter/codec/unholdable.ts';
import { encodeKey } from '../adapter/spec.ts';
import type { SqlValue, TableSpec } from '../adapter/spec.ts';
import { plotCourse } from '../adapter/mirror-course.ts';
import { SqliteStore } from '../adapter/sqlite/store.ts';
import { SqliteThread } from '../adapter/sqlite/thread.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { sqliteFile } from './helpers/sqlite.ts';

const ROWS = 20_000;
/** Turns of the event loop in which it could have served a request. Inline there would be none, or a handful. */
const MANY_TURNS = 20;

/** The threads of this process, in the order in which they were started. */
const threads: Worker[] = [];
process.on('worker', (worker: Worker) => threads.push(worker));

async function writeRows(pair: Pair, primary: StoreName, rows: number): Promise<void> {
  if (primary === 'sqlite') {
    pair.sqlite.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
       INSERT INTO settings (name, value) SELECT 'row ' || i, 'value ' || i FROM n`,
    );
  } else {
    await pair.postgres.query(
      `INSERT INTO settings (name, value) SELECT 'row ' || i, 'value ' || i FROM generate_series(1, ${rows}) i`,
    );
  }
}

/** Counts the turns of the event loop in which `look` gives true, until it is asked for their number. */
function countTurns(t: ExecutionContext, look: () => boolean = () => true): () => number {
  let turns = 0;
  let isOn = true;
  t.teardown(() => (isOn = false));
  const turn = (): void => {
    if (!isOn) return;
    if (look()) turns += 1;
    setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOn = false;
    return turns;
  };
}

/** Tells whether another connection has SQLite's write lock, and how many rows a reader sees. */
function onlooker(t: ExecutionContext, pair: Pair): { isLocked: () => boolean; rows: () => number } {
  const other = new Database(pair.path, { timeout: 0 });
  t.teardown(() => other.close());
  const count = other.prepare('SELECT count(*) FROM settings').pluck();
  return {
    isLocked: () => {
      try {
        other.exec('BEGIN IMMEDIATE; ROLLBACK');
        return false;
      } catch {
        return true;
      }
    },
    rows: () => count.get() as number,
  };
}

async function opened(
  t: ExecutionContext,
  stage: 'dual' | 'write',
  options: Partial<CrossfadeOptions> = {},
): Promise<{ pair: Pair; crossfade: Crossfade }> {
  const pair = await makePair(t);
  const crossfade = await pair.open(options);
  await goTo(crossfade, stage);
  return { pair, crossfade };
}

test.serial('while a large step reads SQLite the event loop goes on, and all of it arrives as it was', async (t) => {
  const { pair, crossfade } = await opened(t, 'dual');
  const course = await plotCourse(crossfade.stores);
  if (course === null) return t.fail();
  await crossfade.close();
  await writeRows(pair, 'sqlite', ROWS);
  pair.sqlite.exec(`INSERT INTO settings VALUES ('not UTF-8', CAST(x'ff' AS TEXT));
    INSERT INTO accounts (id, email, balance, rate, avatar) VALUES (-9223372036854775808, 'a', 9223372036854775807, -0.0, x'00ff');
    INSERT INTO accounts (id, email, balance, rate) VALUES (2, '😀', 0, 1e308 * 10)`);
  const sqlite = SqliteStore.open(pair.path);
  t.teardown(() => sqlite.close());
  const { epoch, watermark: after, captureId, tables, cursors } = course;
  const turns = countTurns(t);
  const request = { epoch, after, captureId, tables, cursors, retry: new Map(), piece: null };
  const opening = sqlite.read(request, async (reading) => {
    const turnsToOpen = turns();
    let rows = 0;
    for await (const batch of reading.batches()) rows += batch.present.length;
    return { turnsToOpen, rows };
  });
  const { turnsToOpen, rows } = await opening;
  t.is(rows, ROWS + 3);
  t.log(`${turnsToOpen} turns until the step was open`);
  t.true(turnsToOpen > MANY_TURNS);

  const again = await pair.open();
  await again.mirror.caughtUp({ timeoutMs: 60_000 });
  t.deepEqual(
    again.mirror.quarantine?.map(({ key }) => key),
    [['not UTF-8']],
  );
  t.deepEqual(await differences(again), [`settings ["tnot UTF-8"]: only in SQLite`]);
});

test.serial(
  'while a large step is written to SQLite the event loop goes on, and reads see what was before',
  async (t) => {
    const { pair, crossfade } = await opened(t, 'write');
    const { isLocked, rows } = onlooker(t, pair);
    const seen = new Set<number>();
    const turnsWhileLocked = countTurns(t, () => {
      seen.add(rows());
      return isLocked();
    });
    await writeRows(pair, 'postgres', ROWS);
    await crossfade.mirror.caughtUp({ timeoutMs: 60_000 });
    const turns = turnsWhileLocked();
    t.log(`${turns} turns while SQLite was locked`);
    t.true(turns > MANY_TURNS);
    seen.add(rows());
    t.deepEqual([...seen], [0, ROWS]);
    t.deepEqual(await differences(crossfade), []);
  },
);

test.serial('a backfill reads its pieces by the thread, and small steps need none', async (t) => {
  const pair = await makePair(t);
  await writeRows(pair, 'sqlite', 5_000);
  const before = threads.length;
  const first = await pair.open();
  await goTo(first, 'dual');
  t.is(threads.length, before + 2, 'one has counted the rows, and one has read them');
  await first.close();
  const second = await pair.open();
  await second.knex('settings').insert({ name: 'small', value: '1' });
  await second.mirror.caughtUp({ timeoutMs: 20_000 });
  t.is(threads.length, before + 2);
  t.deepEqual(await differences(second), []);
});

for (const [stage, primary] of [
  ['dual', 'sqlite'],
  ['write', 'postgres'],
] as const) {
  test.serial(
    `In stage ${stage} a thread that dies in the midst of a step costs a retry, and nothing else`,
    async (t) => {
      const warnings: string[] = [];
      const logger = { info: () => {}, error: () => {}, warn: (text: string) => void warnings.push(text) };
      const { pair, crossfade } = await opened(t, stage, { logger });
      const deaths: Promise<unknown>[] = [];
      process.once('worker', (thread: Worker) => {
        let messages = 0;
        thread.on('message', () => {
          messages += 1;
          if (messages === 5) deaths.push(thread.terminate());
        });
      });
      await writeRows(pair, primary, ROWS / 2);
      await crossfade.mirror.caughtUp({ timeoutMs: 60_000 });
      t.is(deaths.length, 1);
      t.is(warnings.length, 1);
      t.regex(warnings.join(), /thread that works on the SQLite file has ended/);
      t.deepEqual(await differences(crossfade), []);
      t.is(crossfade.mirror.status().error, null);
    },
  );

  test.serial(`In stage ${stage} closing breaks a large step off, and leaves no thread and no lock`, async (t) => {
    const { pair, crossfade } = await opened(t, stage);
    const { isLocked, rows } = onlooker(t, pair);
    const step = await stepOf(crossfade, stage);
    const before = threads.length;
    await writeRows(pair, primary, ROWS);
    const waiting = t.throwsAsync(crossfade.mirror.caughtUp({ timeoutMs: 60_000 }), { code: 'CLOSED' });
    if (stage === 'write') await until('the step is being written', isLocked);
    else await until('the thread is at work', () => threads.length > before);
    await crossfade.close();
    await waiting;
    t.false(isLocked());
    t.true(threads.every((thread) => thread.threadId === -1));
    if (stage === 'write') t.is(rows(), 0);
    const again = await pair.open({ mirror: 'off' });
    t.is(await stepOf(again, stage), step);
    await again.close();
    const third = await pair.open();
    await third.mirror.caughtUp({ timeoutMs: 60_000 });
    t.is(rows(), ROWS);
    t.is(Number((await pair.postgres.query<{ count: string }>('SELECT count(*) FROM settings')).rows[0]?.count), ROWS);
  });
}

test.serial('a Mirror that loses its lease breaks off the large step it has in hand', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open({ leaseMs: 300 });
  await goTo(crossfade, 'write');
  const step = await stepOf(crossfade, 'write');
  // Behind this lock the step waits, longer than the lease lasts: so it is renewed meanwhile.
  pair.sqlite.exec('BEGIN IMMEDIATE');
  await writeRows(pair, 'postgres', 5_000);
  const before = await leaseExpires(pair);
  await until('the lease has been renewed', async () => (await leaseExpires(pair)) > before + 600);
  t.true(crossfade.mirror.isRunningHere);
  const thread = threads.at(-1);
  await pair.postgres.query(
    `UPDATE crossfade.lease SET holder = 'other', expires = clock_timestamp() + interval '1 hour'`,
  );
  await until('the Mirror stops', () => !crossfade.mirror.isRunningHere && thread?.threadId === -1);
  pair.sqlite.exec('ROLLBACK');
  t.is(await stepOf(crossfade, 'write'), step);
  await pair.postgres.query(`UPDATE crossfade.lease SET expires = clock_timestamp()`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);
});

test.serial('ranges and rows by key are the same from the thread as on the event loop', async (t) => {
  const path = sqliteFile(
    t,
    `CREATE TABLE things (name TEXT PRIMARY KEY, value);
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
       INSERT INTO things SELECT printf('%05d', i), CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN i * 1000000007 * 1000000 WHEN 2 THEN i / 7.0
         WHEN 3 THEN CAST(x'c3' || i AS TEXT) WHEN 4 THEN randomblob(20) WHEN 5 THEN '😀' || i ELSE -9e999 END FROM n`,
  );
  const store = SqliteStore.open(path);
  t.teardown(() => store.close());
  const table = specOf(await store.describe());
  const off = await store.page(table, ['00010'], 2_500);
  const on: (readonly SqlValue[])[] = [];
  for (let after: SqlValue = '00010'; on.length < 2_500; after = on.at(-1)?.[0] ?? null) {
    on.push(...(await store.page(table, [after], 500)));
  }
  t.is(off.length, 2_500);
  t.deepEqual(exact(off), exact(on));
  // Text that is not UTF-8 must not have become something that merely looks like it.
  t.true(off.some(([, value]) => value instanceof Unholdable));
  const keys = [...off.map(([name = null]) => [name]), ['absent']];
  const byKey = await store.rowsByKey(table, keys);
  t.is(byKey.at(-1), undefined);
  t.deepEqual(exact(byKey.slice(0, -1)), exact(on));
});

test.serial(
  'a thread ends when nobody has used it for a while, and another is started when it is needed',
  async (t) => {
    const thread = new SqliteThread(sqliteFile(t, 'CREATE TABLE things (name TEXT PRIMARY KEY)'), { idleMs: 1 });
    t.teardown(() => thread.close());
    const use = async (): Promise<unknown> => thread.use((call) => call('clearSpool', null));
    await use();
    await until('it has ended', () => !thread.isRunning);
    await use();
    t.true(thread.isRunning);
    await thread.close();
    t.false(thread.isRunning);
    await t.throwsAsync(use(), { code: 'CLOSED' });
  },
);

test('a thread that nobody uses keeps no process alive', async (t) => {
  const path = sqliteFile(t, 'CREATE TABLE things (name TEXT PRIMARY KEY, value)');
  const code = `
    import { SqliteStore } from ${JSON.stringify(new URL('../adapter/sqlite/store.js', import.meta.url).href)};
    const store = SqliteStore.open(${JSON.stringify(path)});
    const column = { name: 'name', type: 'text', sqliteType: 'TEXT', postgresType: 'text', collation: 'BINARY', sequence: null };
    await store.page({ name: 'things', columns: [column], key: [0], autoIncrement: false }, null, 5000);
    console.log('read');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 20_000,
  });
  t.is(stdout.trim(), 'read');
});

async function stepOf({ stores }: Crossfade, stage: 'dual' | 'write'): Promise<number | undefined> {
  return (await stores[stage === 'dual' ? 'postgres' : 'sqlite'].state())?.step;
}

async function leaseExpires({ postgres }: Pair): Promise<number> {
  const { rows } = await postgres.query<{ ms: string }>(
    'SELECT extract(epoch FROM expires) * 1000 AS ms FROM crossfade.lease',
  );
  return Number(rows[0]?.ms);
}

function specOf([shape]: Awaited<ReturnType<SqliteStore['describe']>>): TableSpec {
  const columns = (shape?.columns ?? []).map(({ name, type, collation }) => ({
    name,
    type: 'text' as const,
    sqliteType: type,
    postgresType: 'text',
    collation,
    sequence: null,
  }));
  return { name: shape?.name ?? '', columns, key: [0], autoIncrement: false };
}

/** As text that keeps every value's exact type. */
function exact(rows: readonly (readonly SqlValue[] | undefined)[]): readonly string[] {
  return rows.map((row) => encodeKey(row ?? []));
}
