import test from 'ava';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { canonical } from '../adapter/codec.ts';
import { Session } from '../adapter/postgres/session.ts';
import { PieceSize } from '../adapter/piece-size.ts';
import { encodeKey, formatKey, keyOf } from '../adapter/spec.ts';
import type { Key, Row, TableSpec } from '../adapter/spec.ts';
import type { Store } from '../adapter/store.ts';
import { Interrupted } from './helpers/interrupted.ts';
import { differences, goTo, makePair, until } from './helpers/pair.ts';
import type { Pair } from './helpers/pair.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { Random } from './helpers/random.ts';
import { applyNext, rolesWith } from './helpers/roles.ts';
import type { Roles } from './helpers/roles.ts';

const PIECE_ROWS = 1_100;
/** The pieces of a table with more than 1,000 rows are read by the thread, and copied. */
const ROWS = 2_500;

// ── Keys of every kind ──────────────────────────────────────────────────────────────────────────────────────────

const KEYED = {
  sqlite: `
    CREATE TABLE nocase (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v INTEGER UNIQUE);
    CREATE TABLE texts (k TEXT PRIMARY KEY NOT NULL, v INTEGER);
    CREATE TABLE numbers (k NUMERIC PRIMARY KEY NOT NULL, v INTEGER);
    CREATE TABLE reals (k REAL PRIMARY KEY NOT NULL, v INTEGER);
    CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, v INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE blobs (k BLOB PRIMARY KEY NOT NULL, v INTEGER);`,
  postgres: `
    CREATE TABLE nocase (k text PRIMARY KEY, v bigint UNIQUE);
    CREATE TABLE texts (k text COLLATE "en-x-icu" PRIMARY KEY, v bigint);
    CREATE TABLE numbers (k numeric PRIMARY KEY, v bigint);
    CREATE TABLE reals (k double precision PRIMARY KEY, v bigint);
    CREATE TABLE pairs (a text COLLATE "en-x-icu", b bigint, v bigint, PRIMARY KEY (a, b));
    CREATE TABLE blobs (k bytea PRIMARY KEY, v bigint);`,
};

/** The key of the row with a number, in SQL. */
const KEY_OF: Readonly<Record<string, (number: string) => string>> = {
  nocase: (i) => `substr('kKqQ', 1 + ${i} % 4, 1) || char(97 + ${i} % 26 - 32 * (${i} % 2)) || ${i}`,
  texts: (i) => `substr('aBéZ😀', 1 + ${i} % 5, 1) || ${i}`,
  numbers: (i) => `${i} * 0.5`,
  reals: (i) => `${i} / 7.0`,
  pairs: (i) => `substr('Baé', 1 + ${i} % 3, 1), ${i} % 1000`,
  blobs: (i) => `CAST(substr('aBé', 1 + ${i} % 3, 1) || ${i} AS BLOB)`,
};

/** Everything that may happen to rows around a cursor, on both sides of it. */
function writesOf(random: Random, table: string): string {
  const row = (): string => String(random.between(1, ROWS + 100));
  const key = (): string => `(${KEY_OF[table]?.(row()) ?? ''})`;
  const columns = table === 'pairs' ? '(a, b)' : 'k';
  const value = (): string => String(random.between(1_000_000, 1_000_000_000));
  const statements = Array.from({ length: 30 }, () =>
    random.pick([
      `UPDATE ${table} SET v = ${value()} WHERE ${columns} = ${key()}`,
      `DELETE FROM ${table} WHERE ${columns} = ${key()}`,
      `INSERT OR REPLACE INTO ${table} VALUES (${key().slice(1, -1)}, ${value()})`,
      `UPDATE OR REPLACE ${table} SET ${columns} = ${key()} WHERE ${columns} = ${key()}`,
      // A value that is unique in one of the tables goes from one row to another.
      `UPDATE OR REPLACE ${table} SET v = (SELECT v FROM ${table} WHERE ${columns} = ${key()}) WHERE ${columns} = ${key()}`,
    ]),
  );
  return `BEGIN; ${statements.join('; ')}; COMMIT`;
}

async function rowsAfter(store: Store, table: TableSpec, after: Key | null): Promise<Map<string, string>> {
  const written = (row: Row): string =>
    encodeKey(
      row.map((value, index) => {
        const column = table.columns[index];
        return column === undefined ? null : canonical(column, value);
      }),
    );
  const rows = await store.page(table, after, ROWS * 2);
  return new Map(rows.map((row) => [written(keyOf(table, row)), written(row)]));
}

/** The primary's rows up to where the backfill stands, by the primary's own order. */
async function copied({ primary, secondary }: Roles, table: TableSpec): Promise<Map<string, string>> {
  const { cursors } = await secondary.progress();
  const cursor = cursors.find((other) => other.table === table.name);
  const rows = await rowsAfter(primary, table, null);
  if (cursor === undefined || cursor.isDone) return rows;
  if (cursor.after === null) return new Map();
  for (const key of (await rowsAfter(primary, table, cursor.after)).keys()) rows.delete(key);
  return rows;
}

/** Has PostgreSQL note by which statements rows come into a table, the Mirror's too. */
async function noteStatements({ postgres }: Pair, table: string): Promise<void> {
  await postgres.query(`
    CREATE SCHEMA IF NOT EXISTS noted;
    CREATE TABLE IF NOT EXISTS noted.statements (statement text);
    CREATE OR REPLACE FUNCTION noted.note() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO noted.statements VALUES (split_part(current_query(), ' ', 1)); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION noted.note();
    ALTER TABLE ${table} ENABLE ALWAYS TRIGGER note`);
}

async function notedStatements({ postgres }: Pair): Promise<readonly string[]> {
  const { rows } = await postgres.query<{ statement: string }>(
    'SELECT DISTINCT statement FROM noted.statements ORDER BY 1',
  );
  return rows.map(({ statement }) => statement);
}

test('after each piece that is copied the secondary is one snapshot up to the cursor, under keys of every kind', async (t) => {
  const roles = await rolesWith(t, 'sqlite', { tables: KEYED });
  const { crossfade, secondary, primary, pair } = roles;
  const seed = Random.seedOfRun();
  t.log(`CROSSFADE_SEED=${seed}`);
  const random = new Random(seed);
  for (const [table, key] of Object.entries(KEY_OF)) {
    const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})`;
    pair.sqlite.exec(`${numbers} INSERT OR IGNORE INTO ${table} SELECT ${key('i')}, i FROM n`);
    await noteStatements(pair, table);
  }
  const { state } = await secondary.progress();
  const captureId = state.watermarkCaptureId ?? '';
  await secondary.adopt({ captureId, watermark: await primary.position(), tables: crossfade.tables, empties: true });
  let pieces = 0;
  for (const table of crossfade.tables) {
    for (let isDone = false; !isDone; pieces += 1) {
      await roles.write(writesOf(random, table.name));
      t.true(await applyNext(roles, { table, rows: PIECE_ROWS }));
      const [found, expected] = [await rowsAfter(secondary, table, null), await copied(roles, table)];
      t.deepEqual([...found.values()].toSorted(), [...expected.values()].toSorted(), table.name);
      const { cursors } = await secondary.progress();
      isDone = cursors.some((cursor) => cursor.table === table.name && cursor.isDone);
    }
  }
  t.true(pieces >= crossfade.tables.length * 2);
  t.true((await notedStatements(pair)).includes('COPY'));
  t.deepEqual((await secondary.progress()).quarantine, []);
  t.deepEqual(await differences(crossfade), []);
});

// ── Rows that cannot be held ────────────────────────────────────────────────────────────────────────────────────

const NOTES = {
  sqlite: `CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, n INTEGER, email TEXT);`,
  postgres: `CREATE TABLE notes (id bigint PRIMARY KEY, body text NOT NULL, n bigint CHECK (n < 1000000), email text UNIQUE);`,
};

function fillNotes(pair: Pair, rows: number): void {
  pair.sqlite.exec(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     INSERT INTO notes SELECT i, 'note ' || i, i, 'a' || i || '@example.org' FROM n`,
  );
}

const BAD = [
  {
    what: 'the codec refuses',
    spoil: `UPDATE notes SET body = CAST(x'ff' AS TEXT) WHERE id IN (1, 500);
      UPDATE notes SET body = 'a' || char(0) WHERE id = 700;
      UPDATE notes SET n = 'many' WHERE id IN (701, 2600)`,
    reasons: [/^text that is not valid UTF-8/, /^text that is not valid UTF-8/, /NUL/, /bigint/, /bigint/],
    keys: ['[1]', '[500]', '[700]', '[701]', '[2600]'],
    statements: ['COPY'],
  },
  {
    what: 'PostgreSQL refuses',
    spoil: `UPDATE notes SET n = 1000000 WHERE id = 500; UPDATE notes SET body = NULL WHERE id = 700;
      UPDATE notes SET email = 'a1@example.org' WHERE id = 2600`,
    reasons: [/SQLSTATE 23514/, /SQLSTATE 23502/, /SQLSTATE 23505/],
    keys: ['[500]', '[700]', '[2600]'],
    statements: ['COPY', 'INSERT'],
  },
];

for (const { what, spoil, reasons, keys, statements } of BAD) {
  test(`a row of a piece that ${what} goes to quarantine, the rest arrives, and it heals`, async (t) => {
    const pair = await makePair(t, { tables: NOTES });
    fillNotes(pair, 3_000);
    pair.sqlite.exec(spoil);
    await noteStatements(pair, 'notes');
    const crossfade = await pair.open({ backfillRows: PIECE_ROWS });
    await goTo(crossfade, 'dual');
    const { quarantine } = await crossfade.stores.postgres.progress();
    const byKey = quarantine.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]));
    t.deepEqual(
      byKey.map(({ key }) => formatKey(key)),
      keys,
    );
    byKey.forEach(({ reason }, index) => t.regex(reason, reasons[index] ?? /^$/));
    t.deepEqual(await notedStatements(pair), statements);
    const { rows } = await pair.postgres.query<{ count: string }>('SELECT count(*) FROM notes');
    t.is(rows[0]?.count, String(3_000 - keys.length));

    pair.sqlite.exec(
      `UPDATE notes SET body = 'mended', n = 1, email = 'b' || id WHERE id IN (${keys.join().replace(/[[\]]/g, '')})`,
    );
    await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
    t.deepEqual(crossfade.mirror.quarantine, []);
    t.deepEqual(await differences(crossfade), []);
  });
}

// ── Beside a COPY, and after its end ────────────────────────────────────────────────────────────────────────────

/** Has PostgreSQL wait at rows until somebody gives a lock back: in the midst of a COPY. */
async function waitAt(pair: Pair, ids: readonly number[]): Promise<void> {
  await pair.postgres.query(`
    CREATE SCHEMA waiting;
    CREATE FUNCTION waiting.wait() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock_shared(NEW.id); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE INSERT ON notes FOR EACH ROW WHEN (NEW.id IN (${ids.join()})) EXECUTE FUNCTION waiting.wait();
    ALTER TABLE notes ENABLE ALWAYS TRIGGER wait`);
  for (const id of ids) await pair.postgres.query('SELECT pg_advisory_lock($1)', [id]);
}

async function isWaitingAt({ postgres }: Pair, id: number): Promise<boolean> {
  const { rows } = await postgres.query<{ pid: number }>(
    `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $1
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [id],
  );
  return rows.length > 0;
}

test('what is written while a piece is copied arrives, on either side of the cursor and in the piece', async (t) => {
  const pair = await makePair(t, { tables: NOTES });
  fillNotes(pair, 4_000);
  await waitAt(pair, [1_500]);
  const crossfade = await pair.open({ backfillRows: PIECE_ROWS, indexesAsideFromRows: 1_000_000 });
  const filling = crossfade.backfill();
  filling.catch(() => {});
  await until('the second piece is being copied', () => isWaitingAt(pair, 1_500));
  for (const id of [10, 1_110, 1_500, 1_600, 2_190, 2_210, 3_999]) {
    pair.sqlite
      .exec(`UPDATE notes SET body = 'written meanwhile' WHERE id = ${id}; DELETE FROM notes WHERE id = ${id + 1};
      INSERT INTO notes VALUES (${10_000 + id}, 'new', 0, NULL), (${-id}, 'before all', 0, NULL)`);
  }
  // Keys, and unique values, go from one side of the cursor to the other.
  pair.sqlite.exec(`UPDATE notes SET id = 30 - 10000 WHERE id = 3500; UPDATE notes SET id = 20000 WHERE id = 40;
    UPDATE notes SET email = NULL WHERE id = 3600; UPDATE notes SET email = 'a3600@example.org' WHERE id = 50;
    UPDATE notes SET email = 'a50@example.org' WHERE id = 3600`);
  await pair.postgres.query('SELECT pg_advisory_unlock(1500)');
  await filling;
  await crossfade.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(crossfade), []);
  t.deepEqual((await crossfade.stores.postgres.progress()).quarantine, []);
});

test('a process that is killed in the midst of a COPY leaves nothing of it, and the next one goes on from there', async (t) => {
  const pair = await makePair(t, { tables: NOTES });
  fillNotes(pair, 4_000);
  const points = [700, 2_000, 3_900];
  await waitAt(pair, points);
  const options = { backfillRows: PIECE_ROWS, leaseMs: 500, indexesAsideFromRows: 1_000_000 };
  const installer = await pair.open({ ...options, mirror: 'off' });
  await installer.install();
  for (const id of points) {
    const process = await Interrupted.start(t, pair, options);
    process.order({ type: 'move', to: 'dual' });
    await until(`row ${id} is being copied`, () => isWaitingAt(pair, id));
    await process.kill();
    await pair.postgres.query('SELECT pg_advisory_unlock($1)', [id]);
    const { rows } = await pair.postgres.query<{ most: string | null; count: string }>(
      'SELECT max(id) AS most, count(*) FROM notes',
    );
    const { cursors } = await installer.stores.postgres.progress();
    const [cursor] = cursors;
    t.is(rows[0]?.most ?? null, cursor?.after?.map(String)[0] ?? null);
    t.is(rows[0]?.count, String(cursor?.rowsCopied));
    pair.sqlite.exec(`UPDATE notes SET body = 'after ${id}' WHERE id % 7 = 0`);
  }
  const next = await pair.open(options);
  await goTo(next, 'dual');
  await next.mirror.caughtUp({ timeoutMs: 20_000 });
  t.deepEqual(await differences(next), []);
});

// ── The session ─────────────────────────────────────────────────────────────────────────────────────────────────

const INT8_ROW = Buffer.from([0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]);

async function* chunks(count: number, failure?: Error): AsyncIterable<Uint8Array> {
  for (let number = 0; number < count; number += 1) yield Buffer.concat(Array.from({ length: 1_000 }, () => INT8_ROW));
  if (failure !== undefined) throw failure;
}

async function openSession(
  t: ExecutionContext,
  answerLimitMs = 20_000,
): Promise<{ session: Session; client: pg.Client }> {
  const url = await freshDatabase(t);
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  await client.query('CREATE TABLE numbers (n bigint)');
  const session = await Session.open(url, answerLimitMs);
  t.teardown(() => session.end().catch(() => {}));
  return { session, client };
}

const COPY = 'COPY numbers (n) FROM STDIN (FORMAT binary)';

test('a COPY whose rows cannot be read ends, for that reason, and the session goes on', async (t) => {
  const { session, client } = await openSession(t);
  await session.run('BEGIN');
  await t.throwsAsync(session.copy(COPY, chunks(3, new Error('the thread has ended'))), {
    message: 'the thread has ended',
  });
  await session.run('ROLLBACK');
  await session.copy(COPY, chunks(2));
  const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM numbers');
  t.is(rows[0]?.count, '2000');
});

test('a COPY of which the server refuses a row fails with what the server says, however much is still to come', async (t) => {
  const { session, client } = await openSession(t);
  await client.query('CREATE UNIQUE INDEX ON numbers (n)');
  await session.run('BEGIN; SAVEPOINT before');
  await t.throwsAsync(session.copy(COPY, chunks(1_000)), { code: '23505' });
  await session.run('ROLLBACK TO SAVEPOINT before; COMMIT');
  await session.copy('COPY numbers (n) FROM STDIN (FORMAT binary)', chunks(0));
  await t.throwsAsync(session.copy('COPY nowhere FROM STDIN (FORMAT binary)', chunks(1)), { code: '42P01' });
});

test('a COPY fails when its connection is cut, and when the server takes no rows for too long', async (t) => {
  const { session, client } = await openSession(t);
  await client.query(`
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION wait(); ALTER TABLE numbers ENABLE ALWAYS TRIGGER wait;
    SELECT pg_advisory_lock(1)`);
  const cut = t.throwsAsync(session.copy(COPY, chunks(10_000)));
  const waiting = async (): Promise<readonly { pid: number }[]> => {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()`,
    );
    return rows;
  };
  await until('the server waits', async () => (await waiting()).length > 0);
  await client.query('SELECT pg_terminate_backend($1)', [(await waiting())[0]?.pid]);
  await cut;

  const { session: impatient, client: other } = await openSession(t, 300);
  await other.query('BEGIN; LOCK TABLE numbers');
  await t.throwsAsync(impatient.copy(COPY, chunks(10_000)), { message: /timeout/ });
});

// ── How large a piece is ────────────────────────────────────────────────────────────────────────────────────────

test('a piece has as many rows as take half a second, and never more than was said', (t) => {
  const sizes = new PieceSize(400_000);
  const first = sizes.of('a').rows;
  sizes.note({ table: 'a', rows: first, ms: 250 });
  t.is(sizes.of('a').rows, first * 2);
  sizes.note({ table: 'a', rows: first * 2, ms: 1 });
  t.is(sizes.of('a').rows, first * 8, 'at most four times as many at once');
  sizes.note({ table: 'a', rows: 20, ms: 1_000 });
  t.is(sizes.of('a').rows, first * 8, 'the last rows of a table tell nothing');
  sizes.note({ table: 'a', rows: first * 8, ms: 60_000 });
  t.is(sizes.of('a').rows, first * 2, 'at most a quarter of it');
  for (let times = 0; times < 20; times += 1) sizes.note({ table: 'a', rows: sizes.of('a').rows, ms: 1 });
  t.is(sizes.of('a').rows, 400_000);
  t.is(sizes.of('b').rows, first, 'each table has its own');
  t.is(new PieceSize(7).of('a').rows, 7);
});
