import test from 'ava';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import pg from 'pg';
import { canonical, columnTypeFor, fromPostgres, sameValue, toPostgres, ValueRefused } from '../adapter/codec.ts';
import type { ColumnCoding } from '../adapter/codec.ts';
import { formComment, formOfComment, formsOf, isFormOf } from '../adapter/codec/form.ts';
import type { Form, MomentForm } from '../adapter/codec/form.ts';
import { jsonbText } from '../adapter/codec/jsonb-text.ts';
import { nearestSingle } from '../adapter/codec/nearest-single.ts';
import { Unholdable } from '../adapter/codec/unholdable.ts';
import { clientConfig } from '../adapter/postgres/connection.ts';
import { encodeArray } from '../adapter/postgres/rows.ts';
import { encodeKey } from '../adapter/spec.ts';
import type { SqlValue } from '../adapter/spec.ts';
import { freshDatabase } from './helpers/postgres.ts';

type Value = Exclude<SqlValue, null | Unholdable>;

function coding(postgresType: string, form?: Form): ColumnCoding {
  const type = columnTypeFor(postgresType);
  if (type === undefined) throw new Error(`no codec for ${postgresType}`);
  return { type, postgresType, ...(form === undefined ? {} : { form }) };
}

/** A session of Crossfade's own on a database whose defaults are as far from it as can be. */
async function session(t: ExecutionContext): Promise<pg.Client> {
  const url = await freshDatabase(t);
  const name = new URL(url).pathname.slice(1);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(`
    ALTER DATABASE "${name}" SET timezone = 'Asia/Kathmandu'; ALTER DATABASE "${name}" SET datestyle = 'German, DMY';
    ALTER DATABASE "${name}" SET extra_float_digits = -3; ALTER DATABASE "${name}" SET intervalstyle = 'iso_8601'`);
  await owner.end();
  const client = new pg.Client(clientConfig(url, 'test'));
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

/** What a typeless cell of SQLite gives back. */
function cell(t: ExecutionContext): (value: SqlValue) => SqlValue {
  const sqlite = new Database(':memory:');
  t.teardown(() => sqlite.close());
  sqlite.defaultSafeIntegers(true);
  const read = sqlite.prepare('SELECT ?').pluck();
  return (value) => read.get(value) as SqlValue;
}

/** PostgreSQL's texts of values in a column of a type, and what an expression makes of each. */
async function stored(
  client: pg.Client,
  { type, texts, of = 'NULL' }: { type: string; texts: readonly (string | null)[]; of?: string },
): Promise<{ text: string | null; of: string | null }[]> {
  await client.query(
    `CREATE TEMPORARY TABLE IF NOT EXISTS held (place bigint); DROP TABLE held; CREATE TEMPORARY TABLE held (place bigint, v ${type})`,
  );
  const base = type.startsWith('character') ? 'text' : type.replace(/\(.*\)/, '');
  await client.query(`INSERT INTO held SELECT place, v FROM unnest($1::${base}[]) WITH ORDINALITY AS given(v, place)`, [
    encodeArray(texts),
  ]);
  const { rows } = await client.query<{ text: string | null; of: string | null }>(
    `SELECT v AS text, ${of} AS of FROM held ORDER BY place`,
  );
  return rows;
}

function unlessRefused<T>(carry: () => T): T | undefined {
  try {
    return carry();
  } catch (error) {
    if (error instanceof ValueRefused) return undefined;
    throw error;
  }
}

// ── Moments ─────────────────────────────────────────────────────────────────────────────────────────────────────

const FIRST_DAY = Date.UTC(2000, 0, 1) - 730_119 * 86_400_000;
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Milliseconds of moments in the years 1 to 9999: near now, at the edges of days and years, and anywhere. */
const milliseconds = fc
  .oneof(
    fc.integer({ min: 0, max: 2_000_000_000_000 }),
    fc.integer({ min: FIRST_DAY, max: LAST_MS }),
    fc
      .integer({ min: 1, max: 9_999 })
      .chain((year) => fc.constantFrom(-1, 0, 1, 1_000).map((ms) => yearStart(year) + ms)),
    fc.constantFrom(
      0,
      -1,
      1,
      Date.UTC(2024, 1, 29),
      Date.UTC(2024, 1, 29) - 1,
      Date.UTC(1900, 2, 1),
      Date.UTC(2000, 1, 29),
      LAST_MS,
    ),
  )
  .filter((ms) => ms >= FIRST_DAY && ms <= LAST_MS);

function yearStart(year: number): number {
  return new Date(0).setUTCFullYear(year, 0, 1);
}

/** How each form writes a moment: `ms` are whole milliseconds, `us` three digits more. Without the code under test. */
const WRITTEN: Readonly<Record<MomentForm, (ms: number, us: string) => Value>> = {
  datetime: (ms) => iso(ms).slice(0, 19).replace('T', ' '),
  'datetime-ms': (ms) => iso(ms).slice(0, 23).replace('T', ' '),
  'datetime-us': (ms, us) => `${iso(ms).slice(0, 23).replace('T', ' ')}${us}`,
  'datetime-offset': (ms) => `${iso(ms).slice(0, 19).replace('T', ' ')}+00:00`,
  'datetime-offset-ms': (ms) => `${iso(ms).slice(0, 23).replace('T', ' ')}+00:00`,
  'datetime-offset-us': (ms, us) => `${iso(ms).slice(0, 23).replace('T', ' ')}${us}+00:00`,
  sequelize: (ms) => `${iso(ms).slice(0, 23).replace('T', ' ')} +00:00`,
  iso: (ms) => `${iso(ms).slice(0, 19)}Z`,
  'iso-ms': (ms) => iso(ms),
  'iso-us': (ms, us) => `${iso(ms).slice(0, 23)}${us}Z`,
  'iso-local': (ms) => iso(ms).slice(0, 19),
  'iso-local-ms': (ms) => iso(ms).slice(0, 23),
  'iso-local-us': (ms, us) => `${iso(ms).slice(0, 23)}${us}`,
  'iso-offset': (ms) => `${iso(ms).slice(0, 19)}+00:00`,
  'iso-offset-ms': (ms) => `${iso(ms).slice(0, 23)}+00:00`,
  'iso-offset-us': (ms, us) => `${iso(ms).slice(0, 23)}${us}+00:00`,
  'epoch-s': (ms) => BigInt(Math.floor(ms / 1_000)),
  'epoch-ms': (ms) => BigInt(ms),
  'epoch-us': (ms, us) => BigInt(ms) * 1_000n + BigInt(us),
  'epoch-s-real': (ms) => ms / 1_000,
  'julian-day': (ms) => (ms + 210_866_760_000_000) / 86_400_000,
};

const MOMENT_FORMS = Object.keys(WRITTEN) as MomentForm[];

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** How many microseconds one step of a form is. */
function unitOf(form: MomentForm): bigint {
  if (form.endsWith('-us')) return 1n;
  return form.endsWith('-ms') || /^(sequelize|epoch-s-real|julian)/.test(form) ? 1_000n : 1_000_000n;
}

const micros = fc.integer({ min: 0, max: 999 }).map((us) => String(us).padStart(3, '0'));

for (const type of ['timestamp with time zone', 'timestamp without time zone']) {
  test(`${type}: in each form a moment is the same one in PostgreSQL, and comes back as it was`, async (t) => {
    const client = await session(t);
    const inSqlite = cell(t);
    for (const form of MOMENT_FORMS) {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(milliseconds, micros), { minLength: 1, maxLength: 100 }),
          async (moments) => {
            const before = moments.map(([ms, us]) => inSqlite(WRITTEN[form](ms, us)));
            const after = await stored(client, {
              type,
              texts: before.map((value) => toPostgres(coding(type, form), value)),
              of: '(extract(epoch FROM v) * 1000000)::bigint',
            });
            for (const [index, [ms, us]] of moments.entries()) {
              const value = before[index] ?? null;
              const exact = BigInt(ms) * 1_000n + BigInt(us);
              const unit = unitOf(form);
              const said = exact - (((exact % unit) + unit) % unit);
              t.is(after[index]?.of, String(said), `${form}: ${encodeKey([value])}`);
              const back = inSqlite(fromPostgres(coding(type, form), after[index]?.text ?? null));
              t.true(sameValue(back, value), `${form}: ${encodeKey([value])} came back as ${encodeKey([back])}`);
            }
          },
        ),
        { numRuns: 4 },
      );
    }
  });
}

test('a moment in another form than the column has is refused, or brought into that form where the column is mixed', (t) => {
  const type = 'timestamp with time zone';
  fc.assert(
    fc.property(
      fc.constantFrom(...MOMENT_FORMS),
      fc.constantFrom(...MOMENT_FORMS),
      milliseconds,
      micros,
      (form, other, ms, us) => {
        const value = WRITTEN[other](ms, us);
        const carried = unlessRefused(() => canonical(coding(type, form), value));
        if (carried !== undefined)
          t.true(
            sameValue(carried, value) || (typeof value !== 'string' && Number(value) === Number(carried)),
            `${form} took ${String(value)}`,
          );
        t.false(form === other && carried === undefined);
        // Numbers say different moments in different units: only text says the same everywhere.
        if (typeof value !== 'string') return;
        const brought = unlessRefused(() => canonical(coding(type, `${form} mixed`), value));
        const unit = other === 'iso-us' || other.endsWith('-us') ? 1n : unitOf(other);
        const exact = BigInt(ms) * 1_000n + BigInt(us);
        const said = exact - (((exact % unit) + unit) % unit);
        if (brought === undefined) {
          t.true(said % unitOf(form) !== 0n || form === 'epoch-s-real', `${form} mixed refused ${value}`);
        } else {
          const saidMs = Number((said - (((said % 1_000n) + 1_000n) % 1_000n)) / 1_000n);
          if (said % 1_000n === 0n)
            t.true(
              sameValue(brought, WRITTEN[form](saidMs, '000')),
              `${form} mixed: ${value} became ${encodeKey([brought])}`,
            );
          t.true(
            sameValue(canonical(coding(type, `${form} mixed`), brought), brought),
            'what was brought into the form is in it',
          );
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('a column that holds both the milliseconds of Knex and the text of CURRENT_TIMESTAMP holds moments of one form', (t) => {
  const column = coding('timestamp with time zone', 'epoch-ms mixed');
  for (const value of [
    1_715_933_350_000n,
    1_715_933_350_000,
    '2024-05-17 08:09:10',
    '2024-05-17 08:09:10.000000000',
    '2024-05-17T08:09:10Z',
    '2024-05-17T10:09:10+02:00',
    '2024-05-17 04:09:10.0 -04:00',
  ]) {
    t.is(canonical(column, value), 1_715_933_350_000n, String(value));
  }
  t.is(canonical(column, '2024-05-17'), BigInt(Date.UTC(2024, 4, 17)));
  t.is(canonical(coding('timestamp with time zone', 'datetime mixed'), 1_715_933_350_000n), '2024-05-17 08:09:10');
  t.is(canonical(coding('timestamp with time zone', 'epoch-s mixed'), 1_715_933_350n), 1_715_933_350n);
  for (const value of ['2024-05-17 08:09:10.0001', '2024-05-17 08:09:10.000000001', 1_715_933_350_000.5]) {
    t.throws(() => canonical(column, value), { instanceOf: ValueRefused }, String(value));
  }
});

test('what is no moment is refused in every form, and says so without the value', (t) => {
  const none: Value[] = [
    '',
    'now',
    'N/A',
    '0000-00-00',
    '0000-00-00 00:00:00',
    '2024-02-30',
    '2023-02-29 00:00:00',
    '2024-13-01',
    '2024-00-01',
    '2024-01-32',
    '2024-01-01 24:00:00',
    '2024-01-01 23:59:60',
    '2024-01-01 12:60:00',
    '2024-01-01 12:00:00.',
    '2024-1-1',
    '2024-01-01 1:00:00',
    '2024-01-01 12:00:00+15:00',
    '2024-01-01 12:00:00 CET',
    ' 2024-01-01',
    '2024-01-01 ',
    '2024-01-01\n',
    '２０２４-01-01',
    'infinity',
    '12:00:00',
    '20240101',
    '2024-01-01 12:00:00\0',
    NaN,
    Infinity,
    1e300,
    Buffer.from('2024-01-01'),
    2n ** 63n - 1n,
  ];
  for (const type of ['timestamp with time zone', 'timestamp without time zone', 'date']) {
    for (const form of formsOf(type)) {
      for (const value of none) {
        if (form.startsWith('epoch-us') && typeof value === 'bigint') continue;
        const error = t.throws(
          () => toPostgres(coding(type, form), value),
          { instanceOf: ValueRefused },
          `${form}: ${String(value)}`,
        );
        t.notRegex(error?.message ?? '', /2024|0000|N\/A/);
      }
    }
  }
  t.regex(
    t.throws(() => toPostgres(coding('timestamp with time zone'), 1n))?.message ?? '',
    /declare the column's form/,
  );
});

test('a moment of PostgreSQL that no value of the form says is known to be one, and may be asked for as it is', async (t) => {
  const client = await session(t);
  const cases: [Form, string, SqlValue | undefined][] = [
    ['epoch-ms', '2024-05-17 08:09:10.123+00', 1_715_933_350_123n],
    ['epoch-ms', '2024-05-17 08:09:10.1234+00', undefined],
    ['epoch-ms', 'infinity', undefined],
    ['epoch-ms', '-infinity', undefined],
    ['epoch-s', '0001-01-01 00:00:00+00 BC', -62_167_219_200n],
    ['epoch-s', '4714-11-24 00:00:00+00 BC', -210_866_803_200n],
    ['epoch-s', '294276-12-31 23:59:59+00', 9_224_318_015_999n],
    ['epoch-us', '294276-12-31 23:59:59.999999+00', undefined],
    ['datetime', '10000-01-01 00:00:00+00', undefined],
    ['datetime', '0001-12-31 00:00:00+00 BC', undefined],
    ['datetime', '9999-12-31 23:59:59+00', '9999-12-31 23:59:59'],
    ['datetime', '2024-05-17 08:09:10.5+00', undefined],
    ['iso-us', '2024-05-17 08:09:10.5+00', '2024-05-17T08:09:10.500000Z'],
    ['julian-day', '2024-05-17 12:00:00+00', 2_460_448],
    ['epoch-s-real', '2024-05-17 08:09:10.25+00', 1_715_933_350.25],
  ];
  const type = 'timestamp with time zone';
  for (const [form, text, value] of cases) {
    const [held] = await stored(client, { type, texts: [text] });
    t.is(held?.text, text);
    const found = fromPostgres(coding(type, form), text);
    if (value === undefined) t.true(found instanceof Unholdable, `${form} ${text}`);
    else t.is(found, value, `${form} ${text}`);
    const [again] = await stored(client, { type, texts: [toPostgres(coding(type, form), found)] });
    t.is(again?.text, text);
  }
});

test('any moment and any day of PostgreSQL comes back to it as it was, or is known to be none that SQLite has a form for', async (t) => {
  const client = await session(t);
  let held = 0;
  for (const [type, form] of [
    ['timestamp with time zone', 'epoch-ms'],
    ['timestamp with time zone', 'iso-us'],
    ['timestamp without time zone', 'epoch-us'],
    ['timestamp without time zone', 'epoch-s-real'],
    ['timestamp with time zone', 'julian-day'],
    ['date', 'date'],
    ['date', 'epoch-s'],
  ] as const) {
    const { rows } = await client.query<{ text: string }>(`
      SELECT v AS text FROM (SELECT CASE i % 4 WHEN 0 THEN to_timestamp(random() * 4e9) WHEN 1 THEN to_timestamp(floor((random() - 0.02) * 9e12))
        WHEN 2 THEN date_trunc('milliseconds', to_timestamp((random() - 0.5) * 4e10)) ELSE date_trunc('day', to_timestamp(random() * 2e11)) END::${type} AS v
        FROM generate_series(1, 2000) i) s`);
    const values = rows.map(({ text }) => fromPostgres(coding(type, form), text));
    const after = await stored(client, { type, texts: values.map((value) => toPostgres(coding(type, form), value)) });
    for (const [index, { text }] of rows.entries()) t.is(after[index]?.text, text, `${type} ${form}`);
    held += values.filter((value) => !(value instanceof Unholdable)).length;
  }
  t.true(held > 3_000, `${held} held`);
});

test('a day and a time of day come back as they were, in each form; what lies within a day is none', async (t) => {
  const client = await session(t);
  const cases: [string, Form, Value, string | undefined][] = [
    ['date', 'date', '2024-02-29', '2024-02-29'],
    ['date', 'date', '0001-01-01', '0001-01-01'],
    ['date', 'epoch-ms', 1_709_164_800_000n, '2024-02-29'],
    ['date', 'epoch-ms', 1_709_164_800_001n, undefined],
    ['date', 'iso-ms', '2024-02-29T00:00:00.000Z', '2024-02-29'],
    ['date', 'datetime', '2024-02-29 00:00:01', undefined],
    ['date', 'date', '2024-02-29 00:00:00', undefined],
    ['date', 'date mixed', '2024-02-29 00:00:00', '2024-02-29'],
    ['date', 'date mixed', '2024-02-29T00:00:00+01:00', undefined],
    ['time without time zone', 'time', '23:59:59', '23:59:59'],
    ['time without time zone', 'time', '24:00:00', '24:00:00'],
    ['time without time zone', 'time', '24:00:01', undefined],
    ['time without time zone', 'time', '09:30', undefined],
    ['time without time zone', 'time-min', '09:30', '09:30:00'],
    ['time without time zone', 'time-ms', '09:30:00.120', '09:30:00.12'],
    ['time without time zone', 'time-us', '09:30:00.000001', '09:30:00.000001'],
    ['time without time zone', 'time-min mixed', '09:30:00', '09:30:00'],
    ['time(0) without time zone', 'time-ms', '09:30:00.120', undefined],
    ['timestamp(3) with time zone', 'iso-us', '2024-05-17T08:09:10.123000Z', '2024-05-17 08:09:10.123+00'],
    ['timestamp(3) with time zone', 'iso-us', '2024-05-17T08:09:10.123400Z', undefined],
    ['timestamp(0) without time zone', 'epoch-ms', 1_500n, undefined],
  ];
  for (const [type, form, value, expected] of cases) {
    const text = unlessRefused(() => toPostgres(coding(type, form), value));
    t.is(text === undefined, expected === undefined, `${type} ${form} ${encodeKey([value])}`);
    if (text === undefined || text === null) continue;
    const [held] = await stored(client, { type, texts: [text] });
    t.is(held?.text, expected);
    if (!form.endsWith('mixed')) t.deepEqual(fromPostgres(coding(type, form), held?.text ?? null), value);
  }
});

// ── UUIDs ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('a UUID comes back in the form that its column has, and in no other', async (t) => {
  const client = await session(t);
  const lower = '0a1b2c3d-4e5f-6789-abcd-ef0123456789';
  const written: Readonly<Record<'uuid' | 'uuid-upper' | 'uuid-hex' | 'uuid-blob', Value>> = {
    uuid: lower,
    'uuid-upper': lower.toUpperCase(),
    'uuid-hex': lower.replaceAll('-', ''),
    'uuid-blob': Buffer.from(lower.replaceAll('-', ''), 'hex'),
  };
  const others: Value[] = [...Object.values(written), `{${lower}}`, lower.replace('a', 'A')];
  for (const form of ['uuid', 'uuid-upper', 'uuid-hex', 'uuid-blob'] as const) {
    for (const value of others) {
      const isOwn = sameValue(value, written[form]);
      const text = unlessRefused(() => toPostgres(coding('uuid', form), value));
      t.is(text !== undefined, isOwn, `${form}: ${encodeKey([value])}`);
      t.true(sameValue(canonical(coding('uuid', `${form} mixed`), value), written[form]));
    }
    const [held] = await stored(client, { type: 'uuid', texts: [toPostgres(coding('uuid', form), written[form])] });
    t.is(held?.text, lower);
    t.true(sameValue(fromPostgres(coding('uuid', form), held?.text ?? null), written[form]));
  }
  for (const none of ['', 'x', `${lower}0`, '0a1b2c3d4e5f-6789-abcd-ef0123456789', Buffer.alloc(15), 1n, 0.5]) {
    t.throws(() => toPostgres(coding('uuid', 'uuid mixed'), none), { instanceOf: ValueRefused });
  }
});

// ── jsonb ───────────────────────────────────────────────────────────────────────────────────────────────────────

const numbers = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constantFrom('0', '1', '10', '100200'), fc.bigInt({ min: 1n, max: 10n ** 25n }).map(String)),
    fc.constantFrom('', '.0', '.5', '.00', '.120', '.001', '.00012300'),
    fc.constantFrom('', 'e0', 'E1', 'e+2', 'e-1', 'e-5', 'e20', 'e-30', 'E-0'),
  )
  .map((parts) => parts.join(''));

const strings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 10 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\u00e9\\/\\b\\f\\n\\r\\t\\"\\\\"',
    '"\\ud83d\\ude00"',
    '"\\u001f\\u007f"',
    '"\\u0000"',
    '"\\ud800"',
    '"a\\\\"',
    '"\u2028"',
  ),
);

const spaces = fc.constantFrom('', ' ', '\n', '\t\r\n ');

const { json } = fc.letrec<{ json: string; array: string; object: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('true', 'false', 'null', '{}', '[]', '[ ]'),
    numbers,
    strings,
    tie('array'),
    tie('object'),
  ),
  array: fc
    .tuple(fc.array(tie('json'), { maxLength: 4 }), spaces)
    .map(([list, space]) => `[${space}${list.join(`${space},`)}${space}]`),
  object: fc
    .tuple(
      fc.uniqueArray(
        fc.tuple(
          fc.oneof(strings, fc.constantFrom('"a"', '"b"', '"aa"', '"é"', '"__proto__"', '"10"', '"9"')),
          tie('json'),
        ),
        {
          maxLength: 5,
          selector: ([key]): unknown => JSON.parse(key),
        },
      ),
      spaces,
    )
    .map(
      ([list, space]) => `{${list.map(([key, value]) => `${space}${key}${space}:${space}${value}`).join(',')}${space}}`,
    ),
}));

test('JSON is brought into the very text that PostgreSQL makes of it as jsonb, and refused where PostgreSQL refuses it', async (t) => {
  const client = await session(t);
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 30 }), async (texts) => {
      for (const text of texts) {
        const inPostgres = await asJsonb(client, text);
        const written = unlessRefused(() => jsonbText(text));
        t.is(written, inPostgres);
        if (written === undefined) continue;
        t.is(jsonbText(written), written);
        taken += 1;
      }
    }),
    { numRuns: 60 },
  );
  t.true(taken > 100, `${taken} taken`);
});

async function asJsonb(client: pg.Client, text: string): Promise<string | undefined> {
  return client.query<{ v: string }>(`SELECT $1::jsonb AS v`, [text]).then(
    ({ rows }) => rows[0]?.v,
    () => undefined,
  );
}

test('what is not JSON, and what jsonb has no room for, is refused as PostgreSQL refuses it', async (t) => {
  const client = await session(t);
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  for (const text of [
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{"a"}',
    '{a:1}',
    "'a'",
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    '-',
    'NaN',
    'Infinity',
    'tru',
    'nul',
    'TRUE',
    '1 2',
    '[1 2]',
    '"a',
    '"\\x"',
    '"\\u12"',
    '"\t"',
    '{"a":1 "b":2}',
    '{1:2}',
    '[',
    '"\\"',
    '1e200000',
    '1e-20000',
    '/**/1',
    '\u00a01',
    '\ufeff1',
    ']',
    '{]',
    ',',
    '[,1]',
    '{,}',
  ]) {
    t.throws(() => jsonbText(text), { instanceOf: ValueRefused }, text);
    t.is(await asJsonb(client, text), undefined, text);
  }
  for (const text of [
    '1e131071',
    '1e-16383',
    `${'9'.repeat(131_072)}.5`,
    nested(1_000),
    '  1  ',
    '-0',
    '-0.0e3',
    '0e5',
    '0e-3',
  ]) {
    t.is(jsonbText(text), (await asJsonb(client, text)) ?? '', text.slice(0, 20));
  }
  t.throws(() => jsonbText(nested(1_002)), { instanceOf: ValueRefused, message: /deep/ });
  t.throws(() => jsonbText(nested(1_000_000)), { instanceOf: ValueRefused, message: /deep/ });
  for (const text of ['{"a":1,"a":1}', '[{"b":{"a":1,"\\u0061":2}}]']) {
    t.throws(() => jsonbText(text), { instanceOf: ValueRefused, message: /twice/ });
  }
});

test('equal JSON is one value to a jsonb column, unless its form says that the text counts', (t) => {
  const semantic = coding('jsonb');
  const exact = coding('jsonb', 'json-exact');
  t.is(canonical(semantic, '{"b": [1.50,2e1],\n"a":null}'), '{"a": null, "b": [1.50, 20]}');
  t.is(canonical(exact, '{"a": null, "b": [1.50, 20]}'), '{"a": null, "b": [1.50, 20]}');
  t.throws(() => canonical(exact, '{"a":null}'), { instanceOf: ValueRefused });
  for (const value of [1n, 0.5, Buffer.from('{}')])
    t.throws(() => canonical(semantic, value), { instanceOf: ValueRefused });
});

// ── real, and zero ──────────────────────────────────────────────────────────────────────────────────────────────

/** A single by its bits. */
const singles = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((bits) => {
  const view = new DataView(new ArrayBuffer(4));
  view.setInt32(0, bits);
  return view.getFloat32(0);
});

test('a real is read as PostgreSQL reads it, and carried to its last bit', async (t) => {
  const client = await session(t);
  await fc.assert(
    fc.asyncProperty(fc.array(singles.filter(Number.isFinite), { minLength: 1, maxLength: 500 }), async (values) => {
      const rows = await stored(client, {
        type: 'real',
        texts: values.map((value) => toPostgres(coding('real'), value)),
        of: 'float8(v)',
      });
      for (const [index, value] of values.entries()) {
        t.true(Object.is(Number(rows[index]?.of), value));
        t.true(Object.is(fromPostgres(coding('real'), rows[index]?.text ?? null), value));
      }
    }),
    { numRuns: 20 },
  );
  // Decimals next to the middle of two singles, where rounding twice may end at the wrong one.
  const ordinary = singles.filter((value) => Math.abs(value) > 1e-30 && Math.abs(value) < 1e30);
  const near = fc
    .tuple(ordinary, fc.integer({ min: 15, max: 50 }))
    .map(([value, digits]) => middleAfter(value).toPrecision(digits));
  const known = fc.constantFrom('7.038531e-26', '1e-45', '0', '-0', '3.4028235e38', '-1.17549435e-38');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 20, arbitrary: near }, known), { minLength: 1, maxLength: 500 }),
      async (texts) => {
        const rows = await stored(client, { type: 'real', texts, of: 'float8(v)' });
        for (const [index, text] of texts.entries()) {
          t.true(Object.is(nearestSingle(text), Number(rows[index]?.of)), text);
        }
      },
    ),
    { numRuns: 20 },
  );
});

/** The double half way to the next single away from zero. */
function middleAfter(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  view.setInt32(0, view.getInt32(0) + 1);
  return (value + view.getFloat32(0)) / 2;
}

test('a zero is a zero, whichever sign a column of SQLite leaves it', async (t) => {
  const client = await session(t);
  const sqlite = new Database(':memory:');
  t.teardown(() => sqlite.close());
  sqlite.defaultSafeIntegers(true);
  const signs = new Set<boolean>();
  for (const affinity of ['', 'REAL', 'NUMERIC', 'INTEGER', 'BLOB', 'DOUBLE PRECISION']) {
    sqlite.exec(`CREATE TABLE "of ${affinity}" (v ${affinity})`);
    const insert = sqlite.prepare(`INSERT INTO "of ${affinity}" VALUES (?) RETURNING v`).pluck();
    for (const type of ['double precision', 'real', 'numeric']) {
      for (const given of [0, -0]) {
        const held = insert.get(given) as SqlValue;
        signs.add(Object.is(held, -0));
        const [row] = await stored(client, { type, texts: [toPostgres(coding(type), held)] });
        const back = fromPostgres(coding(type), row?.text ?? null);
        t.true(sameValue(canonical(coding(type), held), back), `${affinity} ${type}`);
        t.is(encodeKey([back]), encodeKey([canonical(coding(type), given)]), 'as keys they are one');
        t.true(Number(insert.get(back)) === 0);
      }
    }
  }
  t.deepEqual(signs, new Set([false, true]), 'SQLite itself keeps the sign in some columns and not in others');
});

// ── character(n) ────────────────────────────────────────────────────────────────────────────────────────────────

test('of character(n) the spaces at the end are carried where the form says whose they are, and refused elsewhere', async (t) => {
  const client = await session(t);
  const cases: [Form | undefined, string, boolean][] = [
    [undefined, 'ab', true],
    [undefined, '', true],
    [undefined, ' a', true],
    [undefined, '😀é', true],
    [undefined, '😀éü', true],
    [undefined, 'ab ', false],
    [undefined, 'abcd', false],
    ['trimmed', 'abc', true],
    ['padded', 'ab ', true],
    ['padded', '   ', true],
    ['padded', '😀  ', true],
    ['padded', 'ab', false],
    ['padded', 'abcd', false],
  ];
  for (const [form, value, isTaken] of cases) {
    const column = coding('character(3)', form);
    const text = unlessRefused(() => toPostgres(column, value));
    t.is(text !== undefined, isTaken, `${form} "${value}"`);
    if (text === undefined) continue;
    const [row] = await stored(client, { type: 'character(3)', texts: [text], of: 'v::text' });
    t.is(fromPostgres(column, row?.text ?? null), value);
    t.is(fromPostgres(column, row?.of ?? null), value, 'a key arrives without its filling');
  }
});

// ── How a form is declared ──────────────────────────────────────────────────────────────────────────────────────

test('a form is declared by a line of the comment, whatever else the comment says', (t) => {
  t.is(formComment('epoch-ms'), 'crossfade: epoch-ms');
  t.is(formComment('epoch-ms mixed', 'When it was paid.'), 'When it was paid.\ncrossfade: epoch-ms mixed');
  t.is(formComment('iso', 'a\ncrossfade: epoch-ms mixed\nb'), 'a\ncrossfade: iso\nb');
  for (const form of formsOf('timestamp(3) with time zone')) {
    t.is(formOfComment(formComment(form, 'Some\nwords.')), form);
    t.true(isFormOf('timestamp with time zone', form) && isFormOf('timestamp without time zone', form));
  }
  t.is(formOfComment(null), undefined);
  t.is(formOfComment('the crossfade: epoch-ms'), undefined);
  t.is(formOfComment('crossfade: anything'), 'anything', 'which is for whoever matches the columns to refuse');
  t.false(isFormOf('timestamp with time zone', 'anything') || isFormOf('text', 'iso') || isFormOf('uuid', 'iso'));
  t.deepEqual(formsOf('bigint'), []);
});

test('a column that declares no form has the first form of its type', (t) => {
  const examples: [string, Value][] = [
    ['timestamp with time zone', '2024-05-17 08:09:10'],
    ['timestamp without time zone', '2024-05-17 08:09:10'],
    ['date', '2024-05-17'],
    ['time without time zone', '08:09:10'],
    ['uuid', '0a1b2c3d-4e5f-6789-abcd-ef0123456789'],
    ['jsonb', '{"a": 1}'],
    ['character(3)', 'a'],
  ];
  for (const [type, value] of examples) {
    const [first] = formsOf(type);
    t.is(canonical(coding(type), value), value);
    t.is(canonical(coding(type, first), value), value);
  }
});
