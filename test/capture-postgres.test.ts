import test from 'ava';
import { differences, goTo, makePair } from './helpers/pair.ts';

const ITEMS = {
  sqlite: `CREATE TABLE items (no INTEGER NOT NULL, name TEXT NOT NULL, code BLOB NOT NULL, n INTEGER, PRIMARY KEY (no, name, code))`,
  postgres: `CREATE TABLE items (no bigint NOT NULL, name text NOT NULL, code bytea NOT NULL, n bigint, PRIMARY KEY (no, name, code))`,
};

/** A schema with something of its own for every name that capture could look up there; all of it fails. */
const TRAPS = `
  CREATE SCHEMA traps;
  CREATE FUNCTION traps.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
  CREATE FUNCTION traps.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
  CREATE FUNCTION traps.trap(bytea, bytea) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
  CREATE FUNCTION traps.trap(text[], text[]) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
  CREATE FUNCTION traps.encode(bytea, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
  CREATE FUNCTION traps.current_setting(text, boolean) RETURNS text LANGUAGE sql RETURN 'on';
  CREATE DOMAIN traps.text AS pg_catalog.text CHECK (VALUE IS NULL);
  CREATE COLLATION traps."C" (provider = libc, locale = 'C');
  CREATE TABLE traps.changes (tbl pg_catalog.text, key pg_catalog.text[]);
  ${['=', '<>', '||'].flatMap((operator) => ['bigint', 'text', 'bytea', 'text[]'].map((type) => `CREATE OPERATOR traps.${operator} (FUNCTION = traps.trap, LEFTARG = pg_catalog.${type === 'bigint' ? 'int8' : type}, RIGHTARG = pg_catalog.${type === 'bigint' ? 'int8' : type});`)).join('\n')}`;

test('what a writer has in its search_path before the system catalog does not get into capture', async (t) => {
  const pair = await makePair(t, { tables: ITEMS });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(TRAPS);
  const statements = [
    `INSERT INTO public.items VALUES (1, 'a', '\\x01'), (2, 'b', '\\x02'), (3, 'c', '\\x03')`,
    `UPDATE public.items SET n = 5`,
    `UPDATE public.items SET no = 9 WHERE no OPERATOR(pg_catalog.=) 2`,
    `UPDATE public.items SET name = 'z' WHERE no OPERATOR(pg_catalog.=) 1`,
    `UPDATE public.items SET code = '\\x04' WHERE no OPERATOR(pg_catalog.=) 3`,
    `DELETE FROM public.items WHERE no OPERATOR(pg_catalog.=) 9`,
    `TRUNCATE public.items`,
  ];
  for (const sql of statements) {
    await pair.postgres.query(`BEGIN; SET LOCAL search_path = traps, pg_catalog, public; ${sql}; COMMIT`);
    await crossfade.mirror.caughtUp({ timeoutMs: 30_000 });
    t.deepEqual(await differences(crossfade), [], sql);
  }
});

test('a key that changes into one that its collation takes for the same is recorded under both', async (t) => {
  const pair = await makePair(t, {
    tables: {
      sqlite: `CREATE TABLE words (word TEXT PRIMARY KEY NOT NULL, n INTEGER)`,
      postgres: `CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE words (word text COLLATE caseless PRIMARY KEY, n bigint)`,
    },
  });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  await pair.postgres.query(`INSERT INTO words VALUES ('a', 1), ('b', 2)`);
  await crossfade.mirror.caughtUp({ timeoutMs: 30_000 });
  await pair.postgres.query(`UPDATE words SET word = 'A' WHERE n = 1`);
  await crossfade.mirror.caughtUp({ timeoutMs: 30_000 });
  t.deepEqual(pair.sqlite.prepare('SELECT word FROM words ORDER BY n').pluck().all(), ['A', 'b']);
});

test('capture triggers of an earlier release do their work until the next switch replaces them', async (t) => {
  const pair = await makePair(t, { tables: ITEMS });
  const crossfade = await pair.open();
  await goTo(crossfade, 'write');
  const triggers = async (): Promise<unknown> =>
    (
      await pair.postgres.query(
        `SELECT tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgname LIKE 'crossfade\\_capture%' ORDER BY tgname`,
      )
    ).rows;
  const installed = await triggers();
  const { rows } = await pair.postgres.query<{ function: string }>(
    `SELECT tgfoid::regproc::text AS function FROM pg_trigger WHERE tgname = 'crossfade_capture_update'`,
  );
  // As earlier releases had it.
  await pair.postgres.query(
    `CREATE OR REPLACE FUNCTION ${rows[0]?.function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
     BEGIN
       INSERT INTO crossfade.changes (tbl, key) SELECT 'items', changed.key FROM (
         SELECT ARRAY[o.no::text, o.name, '\\x' || encode(o.code, 'hex')] AS key FROM old_rows o
         UNION SELECT ARRAY[n.no::text, n.name, '\\x' || encode(n.code, 'hex')] FROM new_rows n) changed;
       RETURN NULL;
     END $$;
     CREATE OR REPLACE TRIGGER crossfade_capture_update AFTER UPDATE ON items REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
       FOR EACH STATEMENT WHEN (current_setting('crossfade.mirroring', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION ${rows[0]?.function}()`,
  );
  await pair.postgres.query(`INSERT INTO items VALUES (1, 'a', '\\x01'); UPDATE items SET no = 2`);
  await crossfade.mirror.caughtUp({ timeoutMs: 30_000 });
  t.deepEqual(await differences(crossfade), []);
  t.notDeepEqual(await triggers(), installed);

  await goTo(crossfade, 'read');
  await goTo(crossfade, 'write');
  t.deepEqual(await triggers(), installed);
  await pair.postgres.query(`UPDATE items SET no = 3`);
  await crossfade.mirror.caughtUp({ timeoutMs: 30_000 });
  t.deepEqual(await differences(crossfade), []);
});
