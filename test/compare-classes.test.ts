import { randomUUID } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import pg from 'pg';
import { formatKey } from '../adapter/spec.ts';
import { compareDatabases } from '../compare/compare.ts';
import { goTo, makePair } from './helpers/pair.ts';
import { Random } from './helpers/random.ts';

type Value = string | number | bigint | Buffer | null;

/** A kind of key: its columns in both databases, and how to make one. */
interface KeyKind {
  readonly table: string;
  readonly sqlite: string;
  readonly postgres: string;
  readonly names: readonly string[];
  readonly rows: number;
  /** Whether the two databases order such keys alike, so that ranges of them can be compared. */
  readonly hasRanges: boolean;
  readonly make: (random: Random, index: number) => readonly Exclude<Value, null>[];
}

const LETTERS = ['a', 'B', 'é', 'Z', 'z', '_', '🦀', 'ß', ' ', '\uffee'];
const word = (random: Random): string => Array.from({ length: 5 }, () => random.pick(LETTERS)).join('');

const KEYS: readonly KeyKind[] = [
  {
    table: 'by_integer',
    sqlite: 'k INTEGER PRIMARY KEY',
    postgres: 'k bigint PRIMARY KEY',
    names: ['k'],
    rows: 4_000,
    hasRanges: true,
    make: (random, index) => [BigInt(index) * 3n - 5_000n + (random.chance(0.01) ? 2n ** 60n : 0n)],
  },
  {
    table: 'by_text',
    sqlite: 'k TEXT PRIMARY KEY NOT NULL',
    postgres: 'k text COLLATE "C" PRIMARY KEY',
    names: ['k'],
    rows: 600,
    hasRanges: true,
    make: (random, index) => [`${word(random)}${index}`],
  },
  {
    table: 'by_language',
    sqlite: 'k TEXT PRIMARY KEY NOT NULL',
    postgres: 'k text COLLATE "en-x-icu" PRIMARY KEY',
    names: ['k'],
    rows: 400,
    hasRanges: false,
    make: (random, index) => [`${word(random)}${index}`],
  },
  {
    table: 'by_nocase',
    sqlite: 'k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL',
    postgres: 'k text COLLATE "C" PRIMARY KEY',
    names: ['k'],
    rows: 400,
    hasRanges: false,
    make: (random, index) => [`${random.pick(['a', 'B', 'é', '_'])}${index}`],
  },
  {
    table: 'by_uuid',
    sqlite: 'k TEXT PRIMARY KEY NOT NULL',
    postgres: 'k uuid PRIMARY KEY',
    names: ['k'],
    rows: 600,
    hasRanges: true,
    make: () => [randomUUID()],
  },
  {
    table: 'by_blob',
    sqlite: 'k BLOB PRIMARY KEY NOT NULL',
    postgres: 'k bytea PRIMARY KEY',
    names: ['k'],
    rows: 600,
    hasRanges: true,
    make: (random, index) => [Buffer.from([random.between(0, 255), random.between(0, 3), index >> 8, index & 255])],
  },
  {
    table: 'by_two',
    sqlite: 'region TEXT NOT NULL, k INTEGER NOT NULL',
    postgres: 'region text COLLATE "C" NOT NULL, k bigint NOT NULL',
    names: ['region', 'k'],
    rows: 900,
    hasRanges: true,
    make: (random, index) => [random.pick(['de', 'DE', 'é', '']), BigInt(index)],
  },
  {
    table: 'by_real',
    sqlite: 'k REAL PRIMARY KEY NOT NULL',
    postgres: 'k double precision PRIMARY KEY',
    names: ['k'],
    rows: 600,
    hasRanges: true,
    make: (random, index) => [(index + random.next()) * 10 ** random.between(-30, 30) * random.pick([1, -1])],
  },
  {
    table: 'by_moment',
    sqlite: 'k TEXT PRIMARY KEY NOT NULL',
    postgres: 'k timestamptz PRIMARY KEY',
    names: ['k'],
    rows: 600,
    hasRanges: true,
    make: (_, index) => [new Date(index * 86_399_000).toISOString().slice(0, 19).replace('T', ' ')],
  },
];

/** The other columns, the same in each table. */
const COLUMNS = {
  n: { sqlite: 'INTEGER', postgres: 'bigint' },
  d: { sqlite: 'REAL', postgres: 'double precision' },
  t: { sqlite: 'TEXT', postgres: 'text' },
  v: { sqlite: 'VARCHAR(40)', postgres: 'varchar(40)' },
  j: { sqlite: 'TEXT', postgres: 'json' },
  jb: { sqlite: 'TEXT', postgres: 'jsonb' },
  num: { sqlite: 'NUMERIC', postgres: 'numeric(20, 4)' },
  b: { sqlite: 'BLOB', postgres: 'bytea' },
  at: { sqlite: 'TEXT', postgres: 'timestamptz' },
  f: { sqlite: 'BOOLEAN', postgres: 'boolean' },
} as const;

type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];

const TABLES = {
  sqlite: KEYS.map(
    ({
      table,
      sqlite,
      names,
    }) => `CREATE TABLE ${table} (${sqlite}, ${NAMES.map((name) => `${name} ${COLUMNS[name].sqlite}`).join(', ')}
      ${names.length > 1 ? `, PRIMARY KEY (${names.join(', ')})` : ''});`,
  ).join('\n'),
  postgres: KEYS.map(
    ({
      table,
      postgres,
      names,
    }) => `CREATE TABLE ${table} (${postgres}, ${NAMES.map((name) => `${name} ${COLUMNS[name].postgres}`).join(', ')}
      ${names.length > 1 ? `, PRIMARY KEY (${names.join(', ')})` : ''});
      COMMENT ON COLUMN ${table}.at IS 'crossfade: iso-ms';`,
  ).join('\n'),
};

interface TestRow {
  readonly key: readonly Exclude<Value, null>[];
  readonly values: Record<Column, Value>;
}

function makeRow(kind: KeyKind, random: Random, index: number): TestRow {
  const orNull = (value: Value): Value => (random.chance(0.1) ? null : value);
  return {
    key: kind.make(random, index),
    values: {
      n: orNull(BigInt(random.between(-9, 9)) * 10n ** BigInt(random.between(0, 17))),
      d: orNull(random.pick([0, 1, -2.5, 1e300, 5e-324, 2 ** 53, random.next(), 1 / 3])),
      t: random.chance(0.1) ? '' : orNull(`${word(random)} é ${'x'.repeat(random.between(0, 40))}`),
      v: orNull(word(random)),
      j: orNull(`{"a":${random.between(0, 99)}}`),
      jb: orNull(`{"b": [1, ${random.between(0, 99)}]}`),
      num: orNull(random.between(-99_999, 99_999) / 4),
      b: orNull(Buffer.from([0, 255, random.between(0, 255)])),
      at: orNull(new Date(1.7e12 + random.between(-1e12, 1e12)).toISOString()),
      f: orNull(BigInt(random.between(0, 1))),
    },
  };
}

interface Change {
  readonly what: string;
  readonly column: Column;
  /** The other value, or `undefined` where the row's own does not lend itself to this. */
  readonly of: (values: Record<Column, Value>) => Value | undefined;
}

const CHANGES: readonly Change[] = [
  {
    what: 'the 64th bit',
    column: 'n',
    of: ({ n }) => (typeof n === 'bigint' ? BigInt.asIntN(64, n ^ (1n << 63n)) : undefined),
  },
  { what: 'the 33rd bit', column: 'n', of: ({ n }) => (typeof n === 'bigint' ? n ^ (1n << 32n) : undefined) },
  { what: 'zero for NULL', column: 'n', of: ({ n }) => (n === null ? 0n : undefined) },
  { what: 'the last bit of a double', column: 'd', of: ({ d }) => (typeof d === 'number' ? nextDouble(d) : undefined) },
  { what: 'zero for NULL in a double', column: 'd', of: ({ d }) => (d === null ? 0 : undefined) },
  { what: 'a trailing space', column: 't', of: ({ t }) => (typeof t === 'string' ? `${t} ` : undefined) },
  { what: 'a trailing space in a varchar', column: 'v', of: ({ v }) => (typeof v === 'string' ? `${v} ` : undefined) },
  {
    what: 'the Unicode form',
    column: 't',
    of: ({ t }) => (typeof t === 'string' && t.includes('é') ? t.normalize('NFD') : undefined),
  },
  { what: 'NULL for an empty text', column: 't', of: ({ t }) => (t === '' ? null : undefined) },
  { what: 'an empty text for NULL', column: 't', of: ({ t }) => (t === null ? '' : undefined) },
  {
    what: 'the spacing of json',
    column: 'j',
    of: ({ j }) => (typeof j === 'string' ? j.replace(':', ': ') : undefined),
  },
  { what: 'a value in jsonb', column: 'jb', of: ({ jb }) => (jb === null ? undefined : '{"b": [2]}') },
  { what: 'the last decimal', column: 'num', of: ({ num }) => (typeof num === 'number' ? num + 0.0001 : undefined) },
  {
    what: 'the last byte',
    column: 'b',
    of: ({ b }) =>
      b instanceof Buffer ? Buffer.concat([b.subarray(0, 2), Buffer.from([(b[2] ?? 0) ^ 1])]) : undefined,
  },
  { what: 'an empty blob for NULL', column: 'b', of: ({ b }) => (b === null ? Buffer.alloc(0) : undefined) },
  {
    what: 'a millisecond',
    column: 'at',
    of: ({ at }) => (typeof at === 'string' ? new Date(Date.parse(at) + 1).toISOString() : undefined),
  },
  { what: 'a boolean', column: 'f', of: ({ f }) => (typeof f === 'bigint' ? 1n - f : undefined) },
];

function nextDouble(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) ^ 1n);
  return view.getFloat64(0);
}

/** One statement for the one database that is changed, its parameters in order. */
type Write = (sql: (mark: (index: number) => string) => string, parameters: readonly Value[]) => Promise<void>;

interface Injected {
  readonly table: string;
  readonly key: string;
  readonly class: string;
  readonly columns: readonly string[];
}

/** Changes the secondary at random places in every way there is, and says what was done. */
async function inject(
  rows: ReadonlyMap<KeyKind, readonly TestRow[]>,
  random: Random,
  write: Write,
): Promise<Injected[]> {
  const injected: Injected[] = [];
  for (const [kind, all] of rows) {
    const left = new Set(all);
    const take = (fits: (row: TestRow) => boolean): TestRow => {
      const row = random.pick([...left].filter(fits));
      left.delete(row);
      return row;
    };
    const where = (mark: (index: number) => string, first: number): string =>
      kind.names.map((name, index) => `${name} = ${mark(first + index)}`).join(' AND ');
    const note = (row: TestRow, found: Pick<Injected, 'class' | 'columns'>): void => {
      injected.push({ table: kind.table, key: formatKey(row.key), ...found });
    };
    const set = async (row: TestRow, column: Column, value: Value): Promise<void> => {
      await write(
        (mark) => `UPDATE ${kind.table} SET ${column} = ${mark(1)} WHERE ${where(mark, 2)}`,
        [value, ...row.key],
      );
      note(row, { class: 'differing', columns: [column] });
    };
    for (const { column, of } of CHANGES) {
      const row = take(({ values }) => of(values) !== undefined);
      await set(row, column, of(row.values) ?? null);
    }
    // Two rows have each the other's value: what is there in all is the same.
    const first = take(({ values }) => typeof values.t === 'string');
    const second = take(({ values }) => typeof values.t === 'string' && values.t !== first.values.t);
    await set(first, 't', second.values.t);
    await set(second, 't', first.values.t);
    const gone = take(() => true);
    await write((mark) => `DELETE FROM ${kind.table} WHERE ${where(mark, 1)}`, gone.key);
    note(gone, { class: 'missing', columns: [] });
    const extra = makeRow(kind, random, all.length + 7);
    await write(
      (mark) =>
        `INSERT INTO ${kind.table} (${[...kind.names, 't'].join(', ')}) VALUES (${[...kind.names, 't'].map((_, index) => mark(index + 1)).join(', ')})`,
      [...extra.key, 'only here'],
    );
    note(extra, { class: 'extra', columns: [] });
  }
  return injected;
}

function sorted(found: readonly Injected[]): readonly string[] {
  return found.map(({ table, key, class: kind, columns }) => `${table} ${key} ${kind} ${columns.join()}`).sort();
}

async function findsAll(t: ExecutionContext, primary: 'sqlite' | 'postgres'): Promise<void> {
  t.timeout(180_000);
  const random = new Random(Random.seedOfSuite());
  const pair = await makePair(t, { tables: TABLES });
  const rows = new Map(
    KEYS.map((kind) => [kind, Array.from({ length: kind.rows }, (_, index) => makeRow(kind, random, index))]),
  );
  fill(pair.sqlite, rows);
  const crossfade = await pair.open({ backfillRows: 5_000 });
  await goTo(crossfade, 'dual');
  if (primary === 'postgres') for (const stage of ['shadow', 'read', 'write'] as const) await goTo(crossfade, stage);
  const before = await compareDatabases(crossfade);
  t.is(before.outcome, 'match', JSON.stringify(before));
  t.is(before.primary, primary);
  const { sqlite, postgres } = crossfade.stores;
  const fit = await Promise.all([sqlite, postgres].map((store) => store.digests.fitness(crossfade.tables)));
  for (const { table, hasRanges } of KEYS) {
    t.is(
      fit.every(({ tables }) => tables.has(table)),
      hasRanges,
      table,
    );
    const { ranges = 0 } = before.tables.find((report) => report.table === table) ?? {};
    t.true(ranges > 0, `${table} was not compared by digests`);
  }
  t.is(before.totals.rangesNarrowed, 0);
  const injected = await silently(primary === 'sqlite' ? { postgres: pair.url } : { sqlite: pair.path }, (write) =>
    inject(rows, random, write),
  );
  const report = await compareDatabases(crossfade, { maxDifferences: 10_000 });
  t.is(report.outcome, 'mismatch');
  t.deepEqual(
    sorted(report.differences.map(({ key, ...difference }) => ({ ...difference, key: key ?? '' }))),
    sorted(injected),
    `seed ${random.seed}`,
  );
  t.is(report.totals.differing + report.totals.missing + report.totals.extra, injected.length);
}

function fill(file: Database.Database, rows: ReadonlyMap<KeyKind, readonly TestRow[]>): void {
  file.transaction(() => {
    for (const [kind, all] of rows) {
      const names = [...kind.names, ...NAMES];
      const insert = file.prepare(
        `INSERT INTO ${kind.table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      );
      for (const { key, values } of all) insert.run(...key, ...NAMES.map((name) => values[name]));
    }
  })();
}

/** As {@link behindTheFence}, with parameters: a double must arrive with its last bit. */
async function silently<T>(
  database: { readonly sqlite: string } | { readonly postgres: string },
  work: (write: Write) => Promise<T>,
): Promise<T> {
  if ('sqlite' in database) {
    const file = new Database(database.sqlite);
    try {
      file.exec('BEGIN IMMEDIATE; UPDATE _crossfade_state SET mirroring = 1');
      const result = await work(async (sql, parameters) => {
        const { changes } = file.prepare(sql(() => '?')).run(...parameters);
        if (changes !== 1) throw new Error('nothing was changed');
      });
      file.exec('UPDATE _crossfade_state SET mirroring = 0; COMMIT');
      return result;
    } finally {
      file.close();
    }
  }
  const client = new pg.Client({ connectionString: database.postgres });
  await client.connect();
  try {
    await client.query(`BEGIN; SET LOCAL crossfade.mirroring = 'on'; SET LOCAL timezone = 'UTC'`);
    const result = await work(async (sql, parameters) => {
      const { rowCount } = await client.query(
        sql((index) => `$${index}`),
        [...parameters],
      );
      if (rowCount !== 1) throw new Error('nothing was changed');
    });
    await client.query('COMMIT');
    return result;
  } finally {
    await client.end();
  }
}

for (const primary of ['sqlite', 'postgres'] as const) {
  test(`with ${primary} as primary every class of difference is found in every kind of table, and nothing else`, (t) =>
    findsAll(t, primary));
}
