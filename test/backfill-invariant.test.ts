import test from 'ava';
import type { ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { canonical } from '../adapter/codec.ts';
import type { StoreName } from '../adapter/index.ts';
import { encodeKey, keyOf } from '../adapter/spec.ts';
import type { Row, TableSpec } from '../adapter/spec.ts';
import type { Store } from '../adapter/store.ts';
import { Random } from './helpers/random.ts';
import { applyNext, DIRECTIONS, rolesWith } from './helpers/roles.ts';
import type { Roles } from './helpers/roles.ts';

/**
 * PROTOCOL.md R1: after every step of a backfill the secondary is the snapshot of that step up to each table's cursor,
 * whatever was written in between, under keys whose order is not that of their bytes.
 */

/** Tables whose keys the two databases order differently from each other, and from JavaScript. */
const TABLES = {
  sqlite: `
    CREATE TABLE nocase (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v INTEGER UNIQUE);
    CREATE TABLE texts (k TEXT PRIMARY KEY NOT NULL, v INTEGER);
    CREATE TABLE numbers (k NUMERIC PRIMARY KEY NOT NULL, v INTEGER);
    CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, v INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE blobs (k BLOB PRIMARY KEY NOT NULL, v INTEGER);`,
  postgres: `
    CREATE TABLE nocase (k text PRIMARY KEY, v bigint UNIQUE);
    CREATE TABLE texts (k text COLLATE "en-x-icu" PRIMARY KEY, v bigint);
    CREATE TABLE numbers (k numeric PRIMARY KEY, v bigint);
    CREATE TABLE pairs (a text COLLATE "en-x-icu", b bigint, v bigint, PRIMARY KEY (a, b));
    CREATE TABLE blobs (k bytea PRIMARY KEY, v bigint);`,
};

const TEXTS = ['B', 'a', 'b', 'C', 'é', 'z', '\u{1F600}', '\uFFFD', '', 'ab', 'Ä', '10', '9'].map((k) => `'${k}'`);
const NUMBERS = ['5', '10', '7', '7.5', '-3', '100', '2.25', '1000000'];
const BYTES = ['', '00', 'ff', '61', '6100', '0a'];

/** The keys of each table, as SQL of both databases. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  nocase: ['B', 'a', 'C', 'd', 'E', 'f', 'g', 'H'].map((k) => `'${k}'`),
  texts: TEXTS,
  numbers: NUMBERS,
  pairs: TEXTS.slice(0, 4).flatMap((a) => ['1', '2', '10'].map((b) => `${a}, ${b}`)),
  blobs: BYTES,
};

function keySql(primary: StoreName, table: string, key: string): string {
  if (table !== 'blobs') return key;
  return primary === 'sqlite' ? `x'${key}'` : `'\\x${key}'::bytea`;
}

/** A transaction of a few statements, most of them on this table. */
function transaction(random: Random, primary: StoreName, mostly: string = random.pick(Object.keys(KEYS))): string {
  const statements = Array.from({ length: random.between(1, 4) }, () => {
    const table = random.chance(0.8) ? mostly : random.pick(Object.keys(KEYS));
    const key = keySql(primary, table, random.pick(KEYS[table] ?? []));
    const from = keySql(primary, table, random.pick(KEYS[table] ?? []));
    const where = (of: string): string => (table === 'pairs' ? `(a, b) = (${of})` : `k = ${of}`);
    const value = random.between(1, 1_000_000_000);
    const remove = `DELETE FROM ${table} WHERE ${where(key)}`;
    const empty = primary === 'postgres' ? `TRUNCATE ${table}` : `DELETE FROM ${table}`;
    const move = `UPDATE ${table} SET ${table === 'pairs' ? `(a, b) = (${key})` : `k = ${key}`} WHERE ${where(from)}`;
    return random.pick([
      `${remove}; INSERT INTO ${table} VALUES (${key}, ${value})`,
      `${remove}; INSERT INTO ${table} VALUES (${key}, ${value})`,
      `UPDATE ${table} SET v = v + 1 WHERE ${where(key)}`,
      remove,
      from === key ? remove : `${remove}; ${move}`,
      random.chance(0.2) ? `${empty}; INSERT INTO ${table} VALUES (${key}, ${value})` : remove,
    ]);
  });
  return `BEGIN; ${statements.join('; ')}; COMMIT`;
}

async function rowsOf(store: Store, table: TableSpec, after: Row | null = null): Promise<Map<string, string>> {
  const rows = await store.page(table, after, 1_000);
  const text = (row: Row): string =>
    encodeKey(
      row.map((value, index) => {
        const column = table.columns[index];
        return column === undefined ? null : canonical(column, value);
      }),
    );
  return new Map(rows.map((row) => [text(keyOf(table, row)), text(row)]));
}

/** What the secondary must hold: the rows that the primary's own order puts up to the cursor. */
async function copied({ primary, secondary }: Roles, table: TableSpec): Promise<Map<string, string>> {
  const { cursors } = await secondary.progress();
  const cursor = cursors.find((other) => other.table === table.name);
  const rows = await rowsOf(primary, table);
  if (cursor === undefined || cursor.isDone) return rows;
  if (cursor.after === null) return new Map();
  for (const key of (await rowsOf(primary, table, cursor.after)).keys()) rows.delete(key);
  return rows;
}

const sorted = (rows: Map<string, string>): unknown[] => [...rows.values()].sort();

async function backfill(t: ExecutionContext, roles: Roles, random: Random, primary: StoreName): Promise<void> {
  const { crossfade, secondary } = roles;
  const { state } = await secondary.progress();
  const watermark = await roles.primary.position();
  await secondary.adopt({
    captureId: state.watermarkCaptureId ?? '',
    watermark,
    tables: crossfade.tables,
    empties: true,
    reconciles: true,
  });
  for (let isDone = false; !isDone;) {
    const { cursors } = await secondary.progress();
    const open = crossfade.tables.find(({ name }) => cursors.some((cursor) => cursor.table === name && !cursor.isDone));
    isDone = open === undefined;
    for (let writes = random.between(0, 3); writes > 0; writes -= 1) {
      await roles.write(transaction(random, primary, open?.name));
    }
    await applyNext(roles, open === undefined ? null : { table: open, rows: random.between(1, 3) });
    for (const table of open === undefined ? crossfade.tables : [open]) {
      const [found, expected] = [await rowsOf(secondary, table), await copied(roles, table)];
      t.deepEqual(sorted(found), sorted(expected), table.name);
    }
  }
}

async function backfillAtRandom(t: ExecutionContext, primary: StoreName, seed: number): Promise<void> {
  const roles = await rolesWith(t, primary, { tables: TABLES });
  const random = new Random(seed);
  for (let round = 0; round < 3; round += 1) {
    for (let writes = 0; writes < 30; writes += 1) await roles.write(transaction(random, primary));
    await backfill(t, roles, random, primary);
  }
}

for (const primary of DIRECTIONS) {
  test(`${primary} as primary: after each step of a backfill the secondary is one snapshot up to the cursors`, async (t) => {
    const seed = Random.seedOfRun();
    t.log(`CROSSFADE_SEED=${seed}`);
    await backfillAtRandom(t, primary, seed);
  });

  test(`${primary} as primary: a row that is refused while the batch before it is half sent is set aside like any other`, async (t) => {
    await backfillAtRandom(t, primary, 586811301);
  });
}

for (const primary of DIRECTIONS) {
  test(`${primary} as primary: a piece and the changes read with it are of one snapshot, under a writer that never rests`, async (t) => {
    const roles = await rolesWith(t, primary, { tables: TABLES });
    await roles.write(`INSERT INTO texts VALUES ${TEXTS.map((key) => `(${key}, 0)`).join(', ')}`);
    // Every state that was ever committed has the same number in all rows.
    const rest = await writeWithoutRest(t, roles, primary, 'UPDATE texts SET v = v + 1');
    const texts = roles.table('texts');
    for (let round = 0; round < 6; round += 1) {
      const { state } = await roles.secondary.progress();
      const captureId = state.watermarkCaptureId ?? '';
      const watermark = await roles.primary.position();
      await roles.secondary.adopt({ captureId, watermark, tables: [texts], empties: true, reconciles: true });
      for (let pieces = 0; pieces < 5; pieces += 1) {
        t.true(await applyNext(roles, { table: texts, rows: 2 }));
        const numbers = (await roles.secondary.page(texts, null, 100)).map((row) => row[1]);
        t.is(new Set(numbers).size, 1, `after ${pieces + 1} pieces: ${numbers.map(String).join(', ')}`);
      }
    }
    t.true((await rest()) > 50);
  });
}

for (const [primary, name] of [
  ['sqlite', 'nocase'],
  ['postgres', 'texts'],
] as const) {
  test(`${primary} as primary: a change behind the cursor by the collation of its key is not passed over`, async (t) => {
    const roles = await rolesWith(t, primary, { tables: TABLES });
    // By their bytes "a" comes after "B".
    await roles.write(`INSERT INTO ${name} VALUES ('a', 1), ('B', 2), ('d', 3)`);
    const table = roles.table(name);
    const { state } = await roles.secondary.progress();
    const captureId = state.watermarkCaptureId ?? '';
    const watermark = await roles.primary.position();
    await roles.secondary.adopt({ captureId, watermark, tables: [table], empties: true, reconciles: true });
    t.true(await applyNext(roles, { table, rows: 2 }));
    await roles.write(`UPDATE ${name} SET v = 10 WHERE k = 'a'`);
    while ((await roles.secondary.progress()).cursors.some(({ isDone }) => !isDone)) {
      t.true(await applyNext(roles, { table, rows: 2 }));
    }
    t.deepEqual(sorted(await rowsOf(roles.secondary, table)), sorted(await rowsOf(roles.primary, table)));
  });
}

/** Runs one statement again and again, in another process where SQLite is the primary. Resolves to what ends it, which tells how often it was run. */
async function writeWithoutRest(
  t: ExecutionContext,
  { pair }: Roles,
  primary: StoreName,
  sql: string,
): Promise<() => Promise<number>> {
  if (primary === 'sqlite') {
    const script = `const db = require('better-sqlite3')(process.argv[1]); let runs = 0;
      process.on('message', () => process.send(runs, () => process.exit()));
      (function again() { db.exec(process.argv[2]); runs += 1; if (runs === 1) process.send(0); setImmediate(again); })()`;
    const child = spawn(process.execPath, ['-e', script, pair.path, sql], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    await once(child, 'message');
    return async () => {
      const answer = once(child, 'message') as Promise<[number]>;
      child.send('end');
      return (await answer)[0];
    };
  }
  const client = new pg.Client({ connectionString: pair.url });
  await client.connect();
  let [runs, isOver] = [0, false];
  t.teardown(() => (isOver = true));
  const running = (async () => {
    for (; !isOver; runs += 1) await client.query(sql);
    await client.end();
  })();
  running.catch(() => {});
  return async () => {
    isOver = true;
    await running;
    return runs;
  };
}
