import test from 'ava';
import type { ExecutionContext } from 'ava';
import { isCrossfadeError } from '../adapter/index.ts';
import type { Crossfade } from '../adapter/index.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';

/** Writers through a router, and what has been acknowledged to them. */
interface Load {
  readonly acknowledged: Map<number, number>;
  readonly failures: unknown[];
  readonly longestMs: () => number;
  stop(): Promise<void>;
}

/** Each writer has an account of its own and counts its balance up; every other write is a transaction of two rows. */
async function startWriters(
  crossfade: Crossfade,
  options: { first: number; writers: number; retry: boolean },
): Promise<Load> {
  const { first, writers, retry } = options;
  const acknowledged = new Map<number, number>();
  const failures: unknown[] = [];
  let isStopped = false;
  let longest = 0;
  const ids = Array.from({ length: writers }, (_, index) => first + index);
  for (const id of ids) await crossfade.knex('accounts').insert({ id, email: `writer ${id}` });
  const write = async (id: number, balance: number): Promise<void> => {
    if (balance % 2 === 0) {
      await crossfade.knex('accounts').where({ id }).update({ balance });
      return;
    }
    await crossfade.knex.transaction(async (trx) => {
      await trx('accounts').where({ id }).update({ balance });
      await trx('payments').insert({ account_id: id, cents: balance });
    });
  };
  const loops = ids.map(async (id) => {
    for (let balance = 1; !isStopped;) {
      const startedAt = performance.now();
      try {
        await write(id, balance);
        acknowledged.set(id, balance);
        longest = Math.max(longest, performance.now() - startedAt);
        balance += 1;
      } catch (error) {
        if (!(retry && isCrossfadeError(error) && error.retryable)) failures.push(error);
      }
      await new Promise(setImmediate);
    }
  });
  return {
    acknowledged,
    failures,
    longestMs: () => longest,
    stop: async () => {
      isStopped = true;
      await Promise.all(loops);
    },
  };
}

async function assertAllThere(t: ExecutionContext, pair: Pair, loads: readonly Load[]): Promise<void> {
  const { rows } = await pair.postgres.query<{ id: string; balance: string; paid: string }>(
    'SELECT a.id, a.balance, (SELECT coalesce(max(cents), 0) FROM payments p WHERE p.account_id = a.id) AS paid FROM accounts a',
  );
  const found = new Map(rows.map((row) => [Number(row.id), row]));
  for (const { acknowledged } of loads) {
    t.true(acknowledged.size > 0);
    for (const [id, balance] of acknowledged) {
      t.is(Number(found.get(id)?.balance), balance, `account ${id}`);
      t.is(Number(found.get(id)?.paid), balance % 2 === 1 ? balance : balance - 1, `payments of ${id}`);
    }
  }
}

test('the write switch, there and back under writers, loses no write and fails none', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'read');
  const load = await startWriters(crossfade, { first: 1, writers: 6, retry: false });
  for (let round = 0; round < 4; round += 1) {
    const before = [...load.acknowledged.values()].reduce((sum, count) => sum + count, 0);
    await crossfade.cutover.step(round % 2 === 0 ? 'write' : 'read', { force: true });
    await until(
      'writes go on',
      () => [...load.acknowledged.values()].reduce((sum, count) => sum + count, 0) > before + 20,
    );
  }
  await load.stop();
  t.deepEqual(load.failures, []);
  t.is(crossfade.cutover.stage, 'read');
  await crossfade.mirror.caughtUp({ timeoutMs: 10_000 });
  await assertAllThere(t, pair, [load]);
  t.deepEqual(await differences(crossfade), []);
  t.log(
    `longest write ${load.longestMs().toFixed(0)} ms, last pause ${crossfade.cutover.lastSwitch?.pauseMs.toFixed(0)} ms`,
  );
});

test('writers of another process go over to the new primary; transactions that meet the fence may be tried again', async (t) => {
  const pair = await makePair(t);
  const switcher = await pair.open({ processName: 'switcher' });
  await goTo(switcher, 'read');
  const other = await pair.open({ processName: 'other' });
  const load = await startWriters(other, { first: 100, writers: 4, retry: true });
  for (const stage of ['write', 'read', 'write'] as const) {
    const before = [...load.acknowledged.values()].reduce((sum, count) => sum + count, 0);
    await switcher.cutover.step(stage, { force: true });
    await until(
      'writes go on',
      () => [...load.acknowledged.values()].reduce((sum, count) => sum + count, 0) > before + 10,
    );
  }
  await load.stop();
  t.deepEqual(load.failures, []);
  await assertAllThere(t, pair, [load]);
  await switcher.mirror.caughtUp({ timeoutMs: 10_000 });
  t.deepEqual(await differences(switcher), []);
});

test('after the switch the databases themselves refuse who has missed it', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  t.throws(() => pair.sqlite.exec(`INSERT INTO settings VALUES ('a', '1')`), {
    message: /crossfade: fenced/,
    any: true,
  });
  await pair.postgres.query(`INSERT INTO settings VALUES ('a', '1')`);
  await crossfade.cutover.step('read', { force: true });
  await t.throwsAsync(pair.postgres.query(`INSERT INTO settings VALUES ('b', '1')`), { message: /crossfade: fenced/ });
  pair.sqlite.exec(`INSERT INTO settings VALUES ('b', '1')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('ids go on after the highest given out by either database, also when its row is gone', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'read');
  const insert = async (email: string): Promise<number> => {
    const [id] = await crossfade.knex('accounts').insert({ email });
    return Number(id);
  };
  const remove = (id: number): Promise<unknown> => crossfade.knex('accounts').where({ id }).del();
  t.is(await insert('a'), 1);
  await remove(await insert('b'));
  await crossfade.cutover.step('write', { force: true });
  const ids = await Promise.all(['c', 'd', 'e'].map(insert));
  t.deepEqual(
    ids.sort((a, b) => a - b),
    [3, 4, 5],
  );
  await remove(5);
  await crossfade.cutover.step('read', { force: true });
  t.is(await insert('f'), 6);
  await crossfade.mirror.caughtUp({ timeoutMs: 5_000 });
  t.deepEqual(await differences(crossfade), []);
});

test('a switch that cannot come through in time cancels itself, says so, and writes go on where they were', async (t) => {
  const pair = await makePair(t);
  const patient = await pair.open();
  await goTo(patient, 'write');
  await patient.close();
  const crossfade = await pair.open({ switchTimeoutMs: 5_000 });
  await pair.postgres.query(`BEGIN; INSERT INTO settings VALUES ('long', '1')`);
  const writing = crossfade.knex('settings').insert({ name: 'meanwhile', value: '1' });
  await t.throwsAsync(crossfade.cutover.step('read', { force: true }), { code: 'SWITCH_TIMED_OUT' });
  await writing;
  t.is(crossfade.cutover.stage, 'write');
  await crossfade.knex('settings').insert({ name: 'after', value: '1' });
  await pair.postgres.query('COMMIT');
  await crossfade.close();
  const next = await pair.open();
  await next.cutover.step('read', { force: true });
  await next.mirror.caughtUp({ timeoutMs: 30_000 });
  t.deepEqual(await differences(next), []);
  t.is(pair.sqlite.prepare('SELECT count(*) FROM settings').pluck().get(), 3);
});

test('a row that PostgreSQL cannot hold, written just before the fence, cancels the switch', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'read');
  await crossfade.knex('settings').insert({ name: 'nul', value: 'a\0b' });
  await t.throwsAsync(crossfade.cutover.step('write', { force: true }), { code: 'GATE_REFUSED', message: /NUL/ });
  await crossfade.knex('settings').where({ name: 'nul' }).update({ value: 'mended' });
  t.deepEqual(await crossfade.cutover.step('write', { force: true }), { outcome: 'moved', stage: 'write' });
});

test('gates hold each step back until what they ask for is there', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`PRAGMA foreign_keys = OFF; INSERT INTO payments (account_id, cents) VALUES (99, 1)`);
  const crossfade = await pair.open({ maxLagSeconds: 1 });
  const refusedBy = async (stage: 'shadow' | 'read' | 'write' | 'postgres'): Promise<readonly string[]> => {
    const outcome = await crossfade.cutover.step(stage);
    return outcome.outcome === 'refused' ? outcome.gates.map((gate) => gate.name) : [];
  };
  await t.throwsAsync(crossfade.cutover.step('read'), {
    code: 'STAGE_SKIPPED',
    message: /"read" is not next to "sqlite"/,
  });
  await crossfade.backfill();
  t.deepEqual(await crossfade.cutover.step('dual'), { outcome: 'moved', stage: 'dual' });
  t.deepEqual(await refusedBy('shadow'), []);
  t.deepEqual(await refusedBy('read'), ['comparison']);
  const now = new Date();
  const comparison = {
    startedAt: now,
    finishedAt: now,
    isFull: true,
    rowsCompared: 1,
    missing: 0,
    extra: 0,
    differing: 0,
    inconclusive: 0,
  };
  await crossfade.records.recordComparison({ ...comparison, outcome: 'mismatch', missing: 1 });
  t.deepEqual(await refusedBy('read'), ['comparison']);
  await crossfade.records.recordComparison({ ...comparison, outcome: 'match' });
  t.deepEqual(await refusedBy('read'), []);
  t.deepEqual(await refusedBy('write'), ['constraints']);
  pair.sqlite.exec('DELETE FROM payments');
  t.deepEqual(await refusedBy('write'), []);
  t.deepEqual(await refusedBy('postgres'), ['confirmation']);
  t.is(crossfade.cutover.stage, 'write');
});

test('the wanted stage is walked to by itself, as far as the gates allow', async (t) => {
  const pair = await makePair(t);
  pair.sqlite.exec(`INSERT INTO settings VALUES ('a', '1')`);
  const crossfade = await pair.open({ stage: 'read' });
  await until('it stands before the comparison, and says so', async () => {
    const { stage, wantedStage, gates } = await crossfade.status();
    const shut = gates.filter((gate) => !gate.passes).map((gate) => gate.name);
    return stage === 'shadow' && wantedStage === 'read' && shut.join() === 'comparison';
  });
  crossfade.cutover.want('dual');
  await until('it went back', () => crossfade.cutover.stage === 'dual');
  t.deepEqual(await differences(crossfade), []);
});

test('a stage that was recorded at the primary alone is brought up at the secondary', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'dual');
  const { epoch } = (await crossfade.stores.sqlite.state()) ?? { epoch: -1 };
  t.true(await crossfade.stores.sqlite.recordStage({ from: 'dual', to: 'shadow', epoch, note: 'died after this' }));
  await until('both say shadow', async () => (await crossfade.stores.postgres.state())?.stage === 'shadow');
  t.is(crossfade.cutover.stage, 'shadow');
});
