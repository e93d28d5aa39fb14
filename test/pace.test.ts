import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pace } from '../adapter/pace.ts';
import { makePair, until } from './helpers/pair.ts';

const WELL = { lockWaits: 0, replicaLagBytes: 0, commitMs: 5 };

test('without limits a piece is as large as it may be, and nothing comes between', (t) => {
  const pace = new Pace();
  t.is(pace.rows(2_000), 2_000);
  pace.copied({ rows: 2_000, bytes: 200_000, ms: 50 });
  t.is(pace.pauseMs, 0);
  t.is(pace.report().reason, null);
});

test('a limit makes small pieces, with pauses that add up to it', (t) => {
  const pace = new Pace();
  pace.limits = { rowsPerSecond: 1_000, bytesPerSecond: null };
  const rows = pace.rows(2_000);
  t.true(rows <= 250 && rows >= 1, String(rows));
  let owedMs = 0;
  for (let piece = 0; piece < 20; piece += 1) {
    pace.copied({ rows: 100, bytes: 0, ms: 1 });
    owedMs += 100;
  }
  // 2,000 rows at 1,000 a second: two seconds, less what may be made up for.
  t.true(pace.pauseMs > owedMs - 500 && pace.pauseMs <= owedMs, String(pace.pauseMs));
  t.is(pace.report().slowedBy, 'rows-limit');
  pace.limits = { rowsPerSecond: null, bytesPerSecond: null };
  t.is(pace.pauseMs, 0, 'a limit that was taken away is owed nothing');
});

test('a limit in bytes goes by how long the rows were, and the stricter limit decides', (t) => {
  const pace = new Pace();
  pace.limits = { rowsPerSecond: 1_000_000, bytesPerSecond: 100_000 };
  pace.copied({ rows: 100, bytes: 100_000, ms: 1 });
  t.true(pace.pauseMs > 500 && pace.pauseMs <= 1_000, String(pace.pauseMs));
  t.is(pace.report().slowedBy, 'bytes-limit');
  t.is(pace.rows(2_000), 25);
  pace.limits = { rowsPerSecond: 1, bytesPerSecond: null };
  t.is(pace.rows(2_000), 1, 'a piece has a row at least');
});

test('while somebody writes, or asks this process, it rests as long as it copies, unless it is told not to', (t) => {
  for (const begin of [
    (pace: Pace) => pace.copied({ rows: 1_000, bytes: 0, changes: 1, ms: 100 }),
    (pace: Pace) => pace.query({ kind: 'read', seconds: 0.001 }),
  ]) {
    const pace = new Pace({ trafficShare: 0.5 });
    pace.copied({ rows: 1_000, bytes: 0, changes: 0, ms: 100 });
    t.is(pace.pauseMs, 0);
    t.true(pace.isUnhindered);
    begin(pace);
    pace.copied({ rows: 1_000, bytes: 0, changes: 0, ms: 100 });
    t.true(pace.pauseMs > 50 && pace.pauseMs <= 100, String(pace.pauseMs));
    t.false(pace.isUnhindered);
    t.is(pace.rows(2_000), 1_000);
    t.is(pace.report().slowedBy, 'traffic');
    t.regex(pace.report().reason ?? '', /50 %/);
  }
  const eager = new Pace({ trafficShare: 1 });
  eager.copied({ rows: 1_000, bytes: 0, changes: 1, ms: 100 });
  t.is(eager.pauseMs, 0);
  t.is(eager.report().slowedBy, 'none');
});

test('while it is paused there is no next piece', (t) => {
  const pace = new Pace();
  pace.isPaused = true;
  t.is(pace.pauseMs, Infinity);
  pace.isPaused = false;
  t.is(pace.pauseMs, 0);
});

for (const [what, load, slowedBy] of [
  ['sessions wait for locks', { ...WELL, lockWaits: 20 }, 'lock-waits'],
  ['a replica falls behind', { ...WELL, replicaLagBytes: 2 ** 30 }, 'replication'],
  ['commits take much longer than at best', { ...WELL, commitMs: 900 }, 'commit-latency'],
] as const) {
  test(`it slows down while ${what}, and speeds up again`, (t) => {
    const pace = new Pace();
    pace.adjust(WELL);
    t.is(pace.report().slowedBy, 'none');
    for (let second = 0; second < 20; second += 1) pace.adjust(load);
    t.is(pace.report().slowedBy, slowedBy);
    t.regex(pace.report().reason ?? '', /^slowed: .*\d/);
    t.true(pace.rows(2_000) < 500);
    pace.copied({ rows: 10, bytes: 0, ms: 20 });
    t.true(pace.pauseMs > 500 && pace.pauseMs <= 2_000, String(pace.pauseMs));
    for (let second = 0; second < 40; second += 1) pace.adjust(WELL);
    t.is(pace.report().reason, null);
    t.is(pace.rows(2_000), 2_000);
  });
}

test.serial('an event loop that is held is a reason where the process serves queries, and nowhere else', async (t) => {
  const pace = new Pace();
  t.teardown(() => pace.stop());
  pace.start();
  await hold();
  pace.adjust(WELL);
  t.is(pace.report().slowedBy, 'none', 'nobody is served');
  pace.query({ kind: 'read', seconds: 0.001 });
  await hold();
  pace.adjust(WELL);
  t.is(pace.report().slowedBy, 'event-loop');
  t.regex(pace.report().reason ?? '', /^slowed: event loop \d+ ms$/);
});

test.serial('writes that take several times as long as at best are a reason', (t) => {
  const pace = new Pace();
  t.teardown(() => pace.stop());
  pace.start();
  const writes = (seconds: number): void => {
    for (let write = 0; write < 10; write += 1) pace.query({ kind: 'write', seconds });
    pace.adjust(WELL);
  };
  writes(0.002);
  t.not(pace.report().slowedBy, 'write-latency');
  writes(0.08);
  t.is(pace.report().slowedBy, 'write-latency');
  t.is(pace.report().reason, 'slowed: writes take 80 ms');
});

test.serial(
  'a backfill slows down while the API that does it cannot breathe, and says so in status and metrics',
  async (t) => {
    const pair = await makePair(t, {
      tables: {
        sqlite: `CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO words SELECT i, 'word' FROM n`,
        postgres: 'CREATE TABLE words (id bigint PRIMARY KEY, word text)',
      },
    });
    const api = await pair.open();
    await api.install();
    // So that it lasts until the test has seen enough.
    await api.limitBackfill({ rowsPerSecond: 100 });
    await api.cutover.step('dual');
    let isBusy = true;
    const busy = (async () => {
      while (isBusy) {
        await api.knex('words').where({ id: 1 }).first();
        await hold();
      }
    })();
    await until('it is slowed', async () => (await api.status()).backfill?.slowedBy === 'event-loop');
    t.regex((await api.status()).backfill?.reason ?? '', /^slowed: event loop \d+ ms$/);
    t.regex(await api.metrics.metrics(), /crossfade_backfill_slowed\{reason="event-loop"\} 1\n/);
    isBusy = false;
    await busy;
    await api.limitBackfill({ rowsPerSecond: null });
    t.like(await api.backfill(), { isDone: true, rowsCopied: 20_000 });
  },
);

/** Holds the event loop several times, with turns between. */
async function hold({ times = 4, ms = 100 }: { times?: number; ms?: number } = {}): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const heldUntil = performance.now() + ms;
    while (performance.now() < heldUntil);
    await sleep(5);
  }
}
