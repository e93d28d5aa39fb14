import test from 'ava';
import type { ExecutionContext } from 'ava';
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

/** A transaction of a few statements on any of the tables. */
function transaction(random: Random, primary: StoreName): string {
  const statements = Array.from({ length: random.between(1, 4) }, () => {
    const table = random.pick(Object.keys(KEYS));
    const columns = table === 'pairs' ? '(a, b)' : 'k';
    const key = keySql(primary, table, random.pick(KEYS[table] ?? []));
    const same = table === 'pairs' ? `(a, b) = (${key})` : `k = ${key}`;
    const value = random.between(1, 1_000_000_000);
    const inTheWay = `DELETE FROM ${table} WHERE ${same}`;
    if (random.chance(0.4)) return `${inTheWay}; INSERT INTO ${table} VALUES (${key}, ${value})`;
    if (random.chance(0.3)) return `UPDATE ${table} SET v = v + ${value} WHERE ${same}`;
    if (random.chance(0.5)) return inTheWay;
    if (primary === 'postgres' && random.chance(0.2))
      return `TRUNCATE ${table}; INSERT INTO ${table} VALUES (${key}, 1)`;
    const from = keySql(primary, table, random.pick(KEYS[table] ?? []));
    const moved = table === 'pairs' ? `(a, b) = (${from})` : `k = ${from}`;
    return from === key
      ? inTheWay
      : `${inTheWay}; UPDATE ${table} SET ${columns} = ${columns === 'k' ? key : `(${key})`} WHERE ${moved}`;
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
    if (random.chance(0.8)) await roles.write(transaction(random, primary));
    const { cursors } = await secondary.progress();
    const open = crossfade.tables.find(({ name }) => cursors.some((cursor) => cursor.table === name && !cursor.isDone));
    isDone = open === undefined;
    t.true(await applyNext(roles, open === undefined ? null : { table: open, rows: random.between(1, 3) }));
    for (const table of crossfade.tables) {
      const expected = await copied(roles, table);
      const found = await rowsOf(secondary, table);
      t.deepEqual(
        sorted(found),
        sorted(expected),
        `${table.name}, ${JSON.stringify(cursors, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}`,
      );
    }
  }
}

for (const primary of DIRECTIONS) {
  test(`${primary} as primary: after each step of a backfill the secondary is one snapshot up to the cursors`, async (t) => {
    const roles = await rolesWith(t, primary, { tables: TABLES });
    const seed = Random.seedOfRun();
    t.log(`CROSSFADE_SEED=${seed}`);
    const random = new Random(seed);
    for (let round = 0; round < 3; round += 1) {
      for (let writes = 0; writes < 12; writes += 1) await roles.write(transaction(random, primary));
      await backfill(t, roles, random, primary);
    }
  });
}
