import test from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import pg from 'pg';
import { columnTypeFor, fromPostgres, toPostgres, ValueRefused } from '../adapter/codec.ts';
import type { ColumnCoding } from '../adapter/codec.ts';
import { Unholdable } from '../adapter/codec/unholdable.ts';
import { isFormOf } from '../adapter/codec/form.ts';
import { clientConfig } from '../adapter/postgres/connection.ts';
import type { SqlValue } from '../adapter/spec.ts';
import { ExactSelect } from '../adapter/sqlite/exact-select.ts';
import { auditData } from '../migrations/audit/data.ts';
import type { Finding } from '../migrations/finding.ts';
import { readSchema } from '../migrations/sqlite/read-schema.ts';
import { takeCensuses } from '../migrations/types/census.ts';
import { chooseTypes, findingsOf } from '../migrations/types/choose-types.ts';
import { freshDatabase } from './helpers/postgres.ts';
import { Random } from './helpers/random.ts';

/** Values at the edges of what the types hold, as SQLite writes them: bytes and text that no driver could bind are among them. */
const EDGES = String.raw`
NULL; 0; 1; 2; -1; 32767; 32768; -32769; 2147483648; 9007199254740993; 1152921504606846976; 9223372036854775807
(-9223372036854775807 - 1); 1700000000; 1700000000123; 9224318016000; 9224318016001000
1.0; 1.5; -0.0; 0.1; 0.1 + 0.2; 9e999; -9e999; 1e300; 1e18; 5e-324; 99.995; 999.99; 1000.0; 9223372036854775807.0
''; 'abc'; '5'; '5.0'; '007'; ' 7'; '1e3'; 'true'; 'abc  '; '😀😀😀'; '😀😀😀😀'; 'a' || char(0); char(65533)
CAST(x'ff' AS TEXT); CAST(x'eda080' AS TEXT); x''; x'00'; x'a0eebc999c0b4ef8bb6d6bb9bd380a11'; zeroblob(17)
2460311.5; 2460311.625; 1704164645.25; '2024-01-02 03:04:05'; '2024-01-02T03:04:05.678Z'; '2024-02-30'; '2024-02-29'; '0000-00-00'; '2024-01-02 24:00:00'
'03:04:05'; '24:00:00'; '9999-12-31 23:59:59'; '2024-01-02 03:04:05.678 +00:00'; '2024-01-02T03:04:05+02:00'
'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'; 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'; 'a0eebc999c0b4ef8bb6d6bb9bd380a11'
'{"a": 1}'; '{"a":1,"a":2}'; '["\u0000"]'; '["\ud800"]'; '{'; '[1e400]'; '[01]'; 'nul'; 'null'; '[1,]'; '{"b":1,"aa":-0.0}'
`
  .split(/[;\n]/)
  .map((value) => value.trim())
  .filter((value) => value !== '');

const nasty = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => `(${value.toExponential()})`),
);

const DECLARED = [
  '',
  'INTEGER',
  'REAL',
  'TEXT',
  'NUMERIC',
  'BLOB',
  'DECIMAL(5,2)',
  'BOOLEAN',
  'DATETIME',
  'UUID',
  'JSON',
] as const;

/** Types as they are configured. */
const TYPES = 'smallint;integer;bigint;double precision;numeric;numeric(5,2);boolean;text;varchar(3);bytea;json'
  .split(';')
  .map((type) => ({ type }));

/** Types with the forms in which SQLite holds their values. */
const FORMED = [
  { type: 'jsonb', form: 'json' },
  { type: 'jsonb', form: 'json-exact' },
  { type: 'uuid', form: 'uuid' },
  { type: 'uuid', form: 'uuid-blob' },
  { type: 'uuid', form: 'uuid mixed' },
  { type: 'timestamptz', form: 'datetime' },
  { type: 'timestamptz', form: 'epoch-ms' },
  { type: 'timestamptz', form: 'epoch-s-real' },
  { type: 'timestamptz', form: 'julian-day' },
  { type: 'timestamptz', form: 'iso-ms mixed' },
  { type: 'date', form: 'date' },
  { type: 'time', form: 'time' },
] as const;

/** A mixed form gives back what a value says, in the form that is declared; and so does jsonb. */
function isRewriting(form: string | null): boolean {
  return form === 'json' || form?.endsWith(' mixed') === true;
}

test('what the audit calls fit goes to PostgreSQL and comes back to SQLite unchanged, and all else is counted', async (t) => {
  const client = new pg.Client(clientConfig(await freshDatabase(t), 'test'));
  await client.connect();
  t.teardown(() => client.end());
  let fit = 0;
  let unfit = 0;
  const property = fc.asyncProperty(
    fc.constantFrom(...DECLARED),
    fc.constantFrom(...TYPES, ...FORMED),
    fc.array(nasty, { minLength: 12, maxLength: 12 }),
    async (declared, override, values) => {
      const db = inMemory(`CREATE TABLE t (id INTEGER PRIMARY KEY, c ${declared}); CREATE TABLE back (c ${declared});`);
      for (const value of values) db.exec(`INSERT INTO t (c) VALUES (${value})`);
      const schema = readSchema(db);
      const types = chooseTypes(schema, { columns: { 't.c': override } });
      const choice = types.get('t')?.get('c');
      const type = columnTypeFor(choice?.type ?? '');
      if (choice === undefined || type === undefined) throw new Error('no type');
      const form = choice.form !== null && isFormOf(choice.type, choice.form) ? { form: choice.form } : {};
      const coding: ColumnCoding = { type, postgresType: choice.type, ...form };
      const counted = await misfitRows(auditData(db, schema, types, { examples: 100 }));
      for (const [id, value] of new ExactSelect(db, ['id', 'c'], 'FROM t').all() as [number, SqlValue][]) {
        const reason = await troubleOf(client, db, coding, exact(db, id, value));
        t.is(
          counted.has(`[${id}]`),
          reason !== null,
          `${values[id - 1] ?? ''} in ${declared} as ${choice.type} ${choice.form ?? ''}: ${reason ?? 'carried'}`,
        );
        if (reason === null) fit += 1;
        else unfit += 1;
      }
      db.close();
    },
  );
  await fc.assert(property, { numRuns: 80, seed: Random.seedOfSuite() });
  t.true(fit > 50 && unfit > 200, `${fit} fit, ${unfit} do not`);
});

function inMemory(sql: string): Database.Database {
  const db = new Database(':memory:');
  db.exec(sql);
  return db;
}

/** The driver gives integers as numbers here; what is a REAL and what is not is SQLite's word. */
function exact(db: Database.Database, id: number, value: SqlValue): SqlValue {
  if (value instanceof Unholdable) return value;
  return db.prepare('SELECT c FROM t WHERE id = ?').pluck().safeIntegers().get(id) as SqlValue;
}

async function misfitRows(findings: AsyncIterable<Finding>): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const { severity, keys: found = [] } of findings) {
    if (severity === 'rejection') for (const key of found) keys.add(key);
  }
  return keys;
}

/** Why a value does not make the way to PostgreSQL and back; `null` if it does. */
async function troubleOf(
  client: pg.Client,
  db: Database.Database,
  coding: ColumnCoding,
  value: SqlValue,
): Promise<string | null> {
  if (value instanceof Unholdable) return value.reason;
  let encoded: string | null;
  try {
    encoded = toPostgres(coding, value);
  } catch (error) {
    if (error instanceof ValueRefused) return error.message;
    throw error;
  }
  if (encoded === null) return null;
  const [row] = await client
    .query<{ text: string }>({ text: `SELECT ($1::text)::${coding.postgresType}::text AS text`, values: [encoded] })
    .then(({ rows }) => rows)
    .catch((error: unknown) => [{ text: null, error: String(error) }]);
  if (row === undefined || row.text === null) return 'PostgreSQL refused it';
  const returned = fromPostgres(coding, coding.type === 'boolean' ? row.text.slice(0, 1) : row.text);
  if (returned instanceof Unholdable) return returned.reason;
  if (isRewriting(coding.form ?? null)) return null;
  db.prepare('DELETE FROM back').run();
  db.prepare('INSERT INTO back VALUES (?)').run(returned);
  // 0 and -0 are one value to both databases.
  const same: unknown = db
    .prepare<[SqlValue]>('SELECT typeof(b.c) = typeof(v.c) AND b.c = v.c FROM back b, (SELECT ? AS c) v')
    .pluck()
    .get(value);
  return same === 1 ? null : 'it came back changed';
}

test('a complete census without rejections means an audit without rejections', async (t) => {
  let clean = 0;
  const property = fc.asyncProperty(
    fc.constantFrom(...DECLARED),
    fc.constantFrom('faithful', 'native'),
    fc.array(nasty, { minLength: 1, maxLength: 3 }),
    async (declared, profile, values) => {
      const db = inMemory(`CREATE TABLE t (id INTEGER PRIMARY KEY, c ${declared})`);
      for (const value of values) db.exec(`INSERT INTO t (c) VALUES (${value})`);
      const schema = readSchema(db);
      const types = chooseTypes(schema, { censuses: await takeCensuses(db, schema), profile });
      const rejected = findingsOf(types).filter(({ severity }) => severity === 'rejection');
      const counted = await misfitRows(auditData(db, schema, types));
      const choice = types.get('t')?.get('c');
      t.is(
        rejected.length > 0,
        counted.size > 0,
        `${values.join(', ')} in ${declared}: ${choice?.type ?? ''} ${choice?.form ?? ''} ${JSON.stringify(rejected)}`,
      );
      if (rejected.length === 0) clean += 1;
      db.close();
    },
  );
  await fc.assert(property, { numRuns: 300, seed: Random.seedOfSuite() });
  t.true(clean > 100, `${clean} clean`);
});
