import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createCrossfade } from '../adapter/index.ts';
import { differences, goTo, makePair } from './helpers/pair.ts';
import { tempFolder } from './helpers/sqlite.ts';

/** A folder of migrations in JavaScript, as an API keeps them. */
function folderOf(t: Parameters<typeof tempFolder>[0], migrations: Readonly<Record<string, string>>): string {
  const folder = tempFolder(t);
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  for (const [name, up] of Object.entries(migrations)) {
    writeFileSync(join(folder, name), `exports.up = async (knex) => { ${up} };\nexports.down = async () => {};\n`);
  }
  return folder;
}

const MIGRATIONS = {
  '001_phone.js': `await knex.schema.alterTable('accounts', (table) => { table.string('phone'); });
     await knex('accounts').update({ phone: '+00' });`,
  '002_tags.js': `await knex.schema.createTable('tags', (table) => { table.bigIncrements('id'); table.text('name').notNullable(); });
     await knex('tags').insert({ name: 'first' });`,
};

test('pending migrations run on both databases before Crossfade is installed, and no second time', async (t) => {
  const pair = await makePair(t);
  const directory = folderOf(t, MIGRATIONS);
  const crossfade = await pair.open({ migrateOnStart: { directory } });
  t.is(await pair.sqlite.prepare('SELECT count(*) FROM tags').pluck().get(), 1);
  const { rows } = await pair.postgres.query('SELECT name FROM knex_migrations ORDER BY id');
  t.deepEqual(rows, [{ name: '001_phone.js' }, { name: '002_tags.js' }]);
  t.deepEqual(await crossfade.migrate({ directory }), { sqlite: [], postgres: [] });
});

for (const stage of ['dual', 'read'] as const) {
  test(`in stage ${stage} the mirror follows what the migrations made, and goes on`, async (t) => {
    const pair = await makePair(t);
    pair.sqlite.exec(`INSERT INTO accounts (email) VALUES ('a@example.org')`);
    const crossfade = await pair.open();
    await goTo(crossfade, stage);
    const outcome = await crossfade.migrate({ directory: folderOf(t, MIGRATIONS) });
    t.deepEqual(outcome, { sqlite: ['001_phone.js', '002_tags.js'], postgres: ['001_phone.js', '002_tags.js'] });
    t.true(
      crossfade.tables.some(({ name }) => name === 'tags'),
      'the new table is mirrored',
    );
    await crossfade.knex('accounts').insert({ email: 'b@example.org', phone: '+49' });
    await crossfade.knex('tags').insert({ name: 'second' });
    await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
    t.deepEqual(await differences(crossfade), []);
    const { rows } = await pair.postgres.query(`SELECT email, phone FROM accounts ORDER BY id`);
    t.deepEqual(rows, [
      { email: 'a@example.org', phone: '+00' },
      { email: 'b@example.org', phone: '+49' },
    ]);
  });
}

test('in stage write pending migrations are refused, with the way out, and neither database is touched', async (t) => {
  const pair = await makePair(t);
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await t.throwsAsync(crossfade.migrate({ directory: folderOf(t, MIGRATIONS) }), { code: 'SCHEMA_CHANGE_REFUSED' });
  const { rows } = await pair.postgres.query(`SELECT to_regclass('tags') AS tags`);
  t.deepEqual(rows, [{ tags: null }]);
});

test('a migration that PostgreSQL refuses is named, and neither database has run any of the batch', async (t) => {
  const pair = await makePair(t);
  const directory = folderOf(t, {
    ...MIGRATIONS,
    '003_sqlite_only.js': `await knex.raw("INSERT OR REPLACE INTO tags (id, name) VALUES (1, 'x')");`,
  });
  const crossfade = await pair.open();
  await t.throwsAsync(crossfade.migrate({ directory }), {
    code: 'MIGRATION_FAILED',
    message: /on PostgreSQL: INSERT OR/,
  });
  const { rows } = await pair.postgres.query(`SELECT to_regclass('tags') AS tags`);
  t.deepEqual(rows, [{ tags: null }]);
  t.is(pair.sqlite.prepare(`SELECT count(*) FROM pragma_table_list WHERE name = 'tags'`).pluck().get(), 0);
});

test('two processes that start at once run each migration once', async (t) => {
  const pair = await makePair(t);
  const directory = folderOf(t, MIGRATIONS);
  const both = await Promise.all([
    pair.open({ migrateOnStart: { directory } }),
    pair.open({ migrateOnStart: { directory } }),
  ]);
  t.is(both.length, 2);
  const { rows } = await pair.postgres.query<{ count: string }>('SELECT count(*) FROM tags');
  t.is(rows[0]?.count, '1');
});

test('an API with nothing pending starts while PostgreSQL is away, and one with pending migrations does not', async (t) => {
  const pair = await makePair(t);
  const directory = folderOf(t, MIGRATIONS);
  const away = { sqlite: pair.path, postgres: 'postgresql://nobody@127.0.0.1:1/none', mirror: 'off' } as const;
  await t.throwsAsync(createCrossfade({ ...away, migrateOnStart: { directory } }), { code: 'POSTGRES_UNREACHABLE' });
  await pair.open({ migrateOnStart: { directory } });
  const crossfade = await createCrossfade({ ...away, migrateOnStart: { directory } });
  t.is(
    await crossfade
      .knex('tags')
      .where({ name: 'first' })
      .first('name')
      .then((row: { name: string }) => row.name),
    'first',
  );
  await crossfade.close();
});
