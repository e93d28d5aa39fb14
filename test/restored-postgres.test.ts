import test from 'ava';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Crossfade } from '../adapter/index.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { stoppableServer } from './helpers/postgres.ts';
import type { StoppableServer } from './helpers/postgres.ts';

/** PostgreSQL's data folder put back from a copy, or promoted: the databases must find out by themselves. */

/** With its owner: a server refuses a data folder that is not its own. */
function copyData(from: string, to: string): void {
  execFileSync('rm', ['-rf', to]);
  execFileSync('cp', ['-Rp', from, to]);
}

async function backUp(server: StoppableServer): Promise<void> {
  await server.stop();
  copyData(server.dataFolder, `${server.dataFolder}.backup`);
  await server.start();
}

async function putBack(server: StoppableServer): Promise<void> {
  await server.stop();
  copyData(`${server.dataFolder}.backup`, server.dataFolder);
  await server.start();
}

async function run(pair: Pair, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: pair.url });
  await client.connect();
  for (const sql of statements) await client.query(sql);
  await client.end();
}

async function isStopped(crossfade: Crossfade, message: RegExp): Promise<void> {
  await until(`the Mirror stops and says ${message}`, async () => {
    const { runs, error } = (await crossfade.status()).mirror;
    return runs === 'stopped' && message.test(error ?? '');
  });
}

async function mended(crossfade: Crossfade): Promise<readonly string[]> {
  await crossfade.backfill({ reconcile: true });
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  return differences(crossfade);
}

/** What SQLite has applied is forgotten by PostgreSQL within a second, and a watermark tells of it from then on. */
async function hasToldWhatIsForgotten({ stores, tables }: Crossfade): Promise<void> {
  const { postgres, sqlite } = stores;
  await until('the watermark tells what was forgotten', async () => {
    const watermark = (await sqlite.progress()).state.watermark ?? '';
    const everything = JSON.stringify({ ...(JSON.parse(watermark) as object), xmax: '0', running: [] });
    const left = await Promise.all(tables.map((table) => postgres.changedKeys(table, everything)));
    return left.every((keys) => keys.length === 0) && !(await postgres.hasChangesAfter(watermark));
  });
}

/** As the Mirror does, whoever has the lease. */
async function readFrom({ stores, tables }: Crossfade): Promise<void> {
  const { state, cursors } = await stores.sqlite.progress();
  const { epoch, watermark, watermarkCaptureId } = state;
  const request = { epoch, after: watermark ?? '', captureId: watermarkCaptureId ?? '', tables, cursors };
  await stores.postgres.read({ ...request, retry: new Map(), piece: null }, async () => {});
}

const settings = (pair: Pair): unknown[] =>
  pair.sqlite.prepare('SELECT name FROM settings ORDER BY name').pluck().all();

for (const [ahead, transactions] of [
  ['stands before what SQLite has applied', 0],
  ['has given out more numbers since than it had before', 200],
] as const) {
  test(`A backup of PostgreSQL as primary that ${ahead} is noticed, stops the Mirror, and is mended`, async (t) => {
    const server = await stoppableServer(t);
    const pair = await makePair(t, { url: server.url });
    const before = await pair.open();
    await goTo(before, 'write');
    await before.knex('settings').insert([{ name: 'old' }, { name: 'moves' }]);
    await before.mirror.caughtUp({ timeoutMs: 20_000 });
    await before.close();
    await backUp(server);
    const during = await pair.open();
    await during.knex('settings').insert({ name: 'lost' });
    await during.knex('settings').where({ name: 'moves' }).update({ name: 'moved' });
    await during.mirror.caughtUp({ timeoutMs: 20_000 });
    await hasToldWhatIsForgotten(during);
    t.deepEqual(settings(pair), ['lost', 'moved', 'old']);
    await during.close();
    await putBack(server);
    await run(
      pair,
      ...Array.from({ length: transactions }, (_, index) => `INSERT INTO settings VALUES ('after ${index}', '1')`),
    );

    const crossfade = await pair.open();
    await isStopped(crossfade, /PostgreSQL went back in time/);
    // Nothing was overwritten: somebody may still want to look.
    t.deepEqual(settings(pair), ['lost', 'moved', 'old']);
    await t.throwsAsync(crossfade.cutover.step('read', { force: true }), { code: 'MIRROR_STOPPED' });
    t.is(crossfade.cutover.stage, 'write');
    t.deepEqual(await mended(crossfade), []);
    t.is(settings(pair).length, 2 + transactions);
    t.is((await crossfade.status()).mirror.runs, 'running');
  });
}

test('A backup of PostgreSQL that is put back under a running Mirror is noticed too', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await backUp(server);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 }).catch(() => {});
  await run(pair, `INSERT INTO settings VALUES ('lost', '1')`);
  await until('it is mirrored', () => settings(pair).length === 1);
  await hasToldWhatIsForgotten(crossfade);
  await putBack(server);
  await isStopped(crossfade, /PostgreSQL went back in time/);
  await run(pair, `INSERT INTO settings VALUES ('after', '1')`);
  t.deepEqual(await mended(crossfade), []);
  t.deepEqual(settings(pair), ['after']);
});

test('A PostgreSQL that is a standby is never read as the primary, and its promotion is noticed', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await run(pair, `INSERT INTO settings VALUES ('before', '1')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await server.stop();
  writeFileSync(join(server.dataFolder, 'standby.signal'), '');
  await server.start();
  await t.throwsAsync(readFrom(crossfade), { code: 'HISTORY_LOST', message: /is a standby/ });
  await until('it says so', async () => /standby/.test((await crossfade.status()).mirror.error ?? ''));
  await run(pair, 'SELECT pg_promote()');
  await isStopped(crossfade, /timeline 00000002/);
  await run(pair, `INSERT INTO settings VALUES ('after', '1')`);
  t.deepEqual(await mended(crossfade), []);
  t.deepEqual(settings(pair), ['after', 'before']);
});

test('A backup of PostgreSQL as secondary catches up while SQLite still has the changes, and is named when it has not', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const before = await pair.open();
  await goTo(before, 'dual');
  pair.sqlite.exec(`INSERT INTO settings VALUES ('old', '1')`);
  await before.mirror.caughtUp({ timeoutMs: 20_000 });
  await before.close();
  await backUp(server);
  // A Mirror that has not pruned yet: steps by hand.
  const idle = await pair.open({ mirror: 'off' });
  pair.sqlite.exec(`INSERT INTO settings VALUES ('kept', '1')`);
  await idle.close();
  await putBack(server);
  const crossfade = await pair.open();
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);

  pair.sqlite.exec(`UPDATE settings SET value = '2'; INSERT INTO settings VALUES ('later', '1')`);
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  await until('SQLite has forgotten the changes', () => {
    return pair.sqlite.prepare('SELECT min(seq) = max(seq) FROM _crossfade_changes').pluck().get() === 1;
  });
  await putBack(server);
  await isStopped(crossfade, /PostgreSQL stands at entry .* forgotten since/);
  t.deepEqual(await mended(crossfade), []);
  t.is((await crossfade.status()).mirror.runs, 'running');
});
