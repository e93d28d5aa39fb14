import { chownSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { Knex } from 'knex';
import { accountForPostgres } from '../../server/postgres-binaries.ts';
import type { Crossfade } from '../../adapter/index.ts';
import { assertAllThere, caughtUp } from '../helpers/at-rest.ts';
import { goTo, makePair, until } from '../helpers/pair.ts';
import { stoppableServer } from '../helpers/postgres.ts';
import { SmallDisk } from '../helpers/small-disk.ts';

const OPTIONS = { waitLimitMs: 300 };
const LARGE = 'x'.repeat(20_000);
/** More rows of {@link LARGE} than go onto any disk here. */
const TOO_MANY = 2_000;

for (const stage of ['dual', 'read'] as const) {
  test(`In stage ${stage} writes to a SQLite that may not grow fail as with plain Knex, and go on when it may`, async (t) => {
    const pair = await makePair(t);
    const crossfade = await pair.open(OPTIONS);
    await goTo(crossfade, stage);
    const { knex } = crossfade;
    // Of a connection, and the API has one: this is what it would set for itself.
    const pages = Number(pair.sqlite.pragma('page_count', { simple: true }));
    await crossfade.direct.sqlite.raw(`PRAGMA max_page_count = ${pages + 100}`);
    const written = await fill(t, knex);
    t.is(
      await codeOf(() => crossfade.direct.sqlite('settings').insert({ name: 'plain', value: LARGE })),
      'SQLITE_FULL',
    );
    await inTwoParts(t, knex);
    t.truthy(await knex('settings').where({ name: written[0] }).first());
    await caughtUp(crossfade);
    await crossfade.direct.sqlite.raw('PRAGMA max_page_count = 1073741823');
    await knex('settings').insert({ name: 'after', value: LARGE });
    await assertAllThere(t, { pair, crossfade }, [...written, 'after']);
  });

  test(`In stage ${stage} writes to a SQLite on a full disk fail as with plain Knex; what is written is mirrored, and it goes on with room`, async (t) => {
    const disk = SmallDisk.mount(t, 3_000);
    if (disk === null) {
      t.pass('the connection of the test above may not grow its file: as far as one gets without a disk');
      return;
    }
    const { pair, crossfade, sqlite } = await onDisk(t, disk);
    await goTo(crossfade, stage);
    const { knex } = crossfade;
    const written = await fill(t, knex);
    const plain = await codeOf(async () => sqlite.prepare('INSERT INTO settings VALUES (?, ?)').run('plain', LARGE));
    t.is(await codeOf(() => knex('settings').insert({ name: 'routed', value: LARGE })), plain);
    await inTwoParts(t, knex);
    // Reading and mirroring need no room.
    t.truthy(await knex('settings').where({ name: written[0] }).first());
    await caughtUp(crossfade);
    t.like(await crossfade.status(), { stage, reachable: { sqlite: true, postgres: true } });
    disk.resize(20_000);
    await knex('settings').insert({ name: 'after', value: LARGE });
    await assertAllThere(t, { pair: { sqlite, postgres: pair.postgres }, crossfade }, [...written, 'after']);
    t.is(crossfade.mirror.status().error, null);
  });
}

test('In stage write a SQLite on a full disk is no hindrance to anybody: changes pile up, and go over when there is room', async (t) => {
  const disk = SmallDisk.mount(t, 3_000);
  if (disk === null) {
    t.log('not tested here');
    t.pass();
    return;
  }
  const { pair, crossfade, sqlite } = await onDisk(t, disk);
  await goTo(crossfade, 'write');
  const { knex } = crossfade;
  const written: string[] = [];
  for (let count = 0; count < 300; count += 1) {
    const name = `row ${count}`;
    await knex('settings').insert({ name, value: LARGE });
    written.push(name);
  }
  await until('SQLite is full', () => crossfade.mirror.status().error !== null);
  t.regex(crossfade.mirror.status().error ?? '', /full|disk I\/O/);
  await knex.transaction(async (trx) => {
    await trx('settings').insert({ name: 'both/a', value: LARGE });
    await trx('settings').insert({ name: 'both', value: LARGE });
  });
  t.truthy(await knex('settings').where({ name: 'both' }).first());
  t.is(crossfade.mirror.status().runs, 'running');
  // What is on it is still one of PostgreSQL's past states.
  t.is(sqlite.pragma('integrity_check', { simple: true }), 'ok');
  disk.resize(60_000);
  await assertAllThere(t, { pair: { sqlite, postgres: pair.postgres }, crossfade }, [...written, 'both', 'both/a']);
  t.is(crossfade.mirror.status().error, null);
});

test('A PostgreSQL whose disk is full stops nobody in stages dual and read, and catches up when there is room', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const room = await limitedTable(t, pair.postgres, 1_500);
  const crossfade = await pair.open(OPTIONS);
  await goTo(crossfade, 'read');
  const { knex } = crossfade;
  const written: string[] = [];
  const writeSome = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number += 1) {
      const name = `row ${written.length}`;
      // Not to be compressed to nothing.
      await knex('settings').insert({ name, value: Array.from({ length: 300 }, () => Math.random()).join() });
      written.push(name);
    }
  };
  await writeSome(5);
  room.end();
  await until('PostgreSQL is full', async () => {
    await writeSome(20);
    return crossfade.mirror.status().error !== null;
  });
  t.log(crossfade.mirror.status().error);
  const slowest = performance.now();
  await writeSome(20);
  t.true(performance.now() - slowest < 20 * OPTIONS.waitLimitMs);
  // In neither table nor quarantine: a full disk is not a row's fault.
  t.is((await knex('settings').whereIn('name', written)).length, written.length);
  t.is((await pair.postgres.query('SELECT FROM crossfade.quarantine')).rows.length, 0);
  await room.begin();
  await writeSome(5);
  await assertAllThere(t, { pair, crossfade }, written);
  await until('reads are with PostgreSQL', async () => (await crossfade.status()).reads === 'postgres');
});

test('In stage write a PostgreSQL whose disk is full refuses writes as to plain Knex, and nothing is half there', async (t) => {
  const server = await stoppableServer(t);
  const pair = await makePair(t, { url: server.url });
  const room = await limitedTable(t, pair.postgres, 1_500);
  const crossfade = await pair.open(OPTIONS);
  await goTo(crossfade, 'write');
  const { knex } = crossfade;
  await knex('settings').insert({ name: 'before', value: '1' });
  room.end();
  const written: string[] = ['before'];
  let failure: unknown = null;
  for (let count = 0; failure === null && count < TOO_MANY; count += 1) {
    const value = Array.from({ length: 300 }, () => Math.random()).join();
    try {
      await knex.transaction(async (trx) => {
        await trx('settings').insert({ name: `row ${count}/a`, value });
        await trx('settings').insert({ name: `row ${count}`, value });
      });
      written.push(`row ${count}`);
    } catch (error) {
      failure = error;
    }
  }
  t.is((failure as { code?: unknown }).code, '53100', String(failure));
  await caughtUp(crossfade);
  t.is(
    pair.sqlite.prepare(`SELECT count(*) FROM settings WHERE name LIKE 'row %'`).pluck().get(),
    (written.length - 1) * 2,
  );
  await room.begin();
  await knex('settings').insert({ name: 'after', value: '1' });
  await assertAllThere(t, { pair, crossfade }, [...written, 'after']);
});

/** Both databases of a test, with SQLite on a disk of its own. */
async function onDisk(
  t: ExecutionContext,
  disk: SmallDisk,
): Promise<{ pair: Awaited<ReturnType<typeof makePair>>; crossfade: Crossfade; sqlite: Database.Database }> {
  const pair = await makePair(t);
  const path = join(disk.path, 'app.sqlite');
  copyFileSync(pair.path, path);
  const sqlite = new Database(path);
  t.teardown(() => sqlite.close());
  return { pair, crossfade: await pair.open({ ...OPTIONS, sqlite: path }), sqlite };
}

/** Writes until there is no more room. Resolves to what was acknowledged. */
async function fill(t: ExecutionContext, knex: Knex): Promise<string[]> {
  const written: string[] = [];
  for (let count = 0; count < TOO_MANY; count += 1) {
    const code = await codeOf(() => knex('settings').insert({ name: `row ${count}`, value: LARGE }));
    if (code !== 'none') {
      t.is(code, 'SQLITE_FULL');
      break;
    }
    written.push(`row ${count}`);
  }
  t.true(written.length > 3 && written.length < TOO_MANY, `${written.length} rows`);
  return written;
}

/** A transaction whose first part has room. */
async function inTwoParts(t: ExecutionContext, knex: Knex): Promise<void> {
  const code = await codeOf(() =>
    knex.transaction(async (trx) => {
      await trx('rates').insert({ country: 'de', year: 1, rate: 1 });
      await trx('settings').insert({ name: 'half/a', value: LARGE });
      await trx('settings').insert({ name: 'half', value: LARGE });
    }),
  );
  t.is(code, 'SQLITE_FULL');
  t.is(await knex('rates').where({ country: 'de' }).first(), undefined);
}

/** The error code of what `work` fails with, or `none`. */
async function codeOf(work: () => PromiseLike<unknown>): Promise<string> {
  try {
    await work();
    return 'none';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

/**
 * Moves the table `settings` to a disk of so many kilobytes. Where none can be had, a trigger stands in for it that
 * fails with what PostgreSQL says of a full disk, from the moment that the room ends.
 */
async function limitedTable(
  t: ExecutionContext,
  postgres: Awaited<ReturnType<typeof makePair>>['postgres'],
  kilobytes: number,
): Promise<{ end(): void; begin(): Promise<void> }> {
  const disk = SmallDisk.mount(t, kilobytes);
  if (disk === null) {
    await postgres.query(`
      CREATE TABLE room (is_there boolean); INSERT INTO room VALUES (true);
      CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NOT (SELECT is_there FROM room) THEN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER is_full BEFORE INSERT ON settings FOR EACH ROW EXECUTE FUNCTION is_full();
      ALTER TABLE settings ENABLE ALWAYS TRIGGER is_full`);
    return {
      end: () => void postgres.query('UPDATE room SET is_there = false'),
      begin: async () => void (await postgres.query('UPDATE room SET is_there = true')),
    };
  }
  const path = join(disk.path, 'tables');
  mkdirSync(path);
  const { uid, gid } = accountForPostgres();
  chownSync(path, uid, gid);
  await postgres.query(`CREATE TABLESPACE small LOCATION '${path}'`);
  await postgres.query('ALTER TABLE settings SET TABLESPACE small');
  return {
    // It ends by itself.
    end: () => {},
    begin: async () => disk.resize(60_000),
  };
}
