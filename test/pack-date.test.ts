import test from 'ava';
import type { SqliteValue } from './helpers/against-sqlite.ts';
import { combinations, packDatabase } from './helpers/pack-database.ts';
import { Random } from './helpers/random.ts';

// SQLite asks the process for its local time, PostgreSQL's tests run in UTC.
process.env['TZ'] = 'UTC';

const MOMENTS: readonly SqliteValue[] = [
  '2024-02-29',
  '2023-02-28',
  '2023-02-29',
  '2023-02-31',
  '2024-01-31',
  '2024-03-31',
  '2024-04-31',
  '2024-12-31',
  '2025-01-01',
  '2000-01-01',
  '1999-12-31',
  '1970-01-01',
  '1969-12-31',
  '0000-01-01',
  '0001-01-01',
  '9999-12-31',
  '-0001-12-31',
  '-4713-11-24',
  '-4712-01-01',
  '-4713-11-23',
  '1582-10-15',
  '1900-02-29',
  '2100-02-28',
  '2021-01-03',
  '2020-12-28',
  '2016-01-01',
  '2010-01-03',
  '2024-02-29 12:34:56',
  '2024-02-29T12:34:56',
  '2024-02-29 12:34:56.789',
  '2024-02-29 12:34:56.7',
  '2024-02-29T12:34:56.123456789',
  '2024-02-29 12:34',
  '2024-02-29 23:59:59.9999',
  '2024-02-29 00:00:00.0005',
  '2024-02-29 24:00',
  '2024-02-29 24:00:00',
  '2024-02-29 25:00',
  '2024-02-29 12:60',
  '2024-02-29 12:30:60',
  '2024-02-29 12:34:56Z',
  '2024-02-29 12:34:56 z',
  '2024-02-29T12:34:56.5+05:30',
  '2024-02-29 12:34-08:00',
  '2024-02-29 12:34:56+14:59',
  '2024-02-29 12:34:56+15:00',
  '2024-02-29 12:34:56+0530',
  '2024-02-29 12:34:56 +05:30  ',
  '2024-12-31 23:59:59-01:00',
  '9999-12-31 23:59:59',
  '9999-12-31 23:59:59.999',
  '9999-12-31 23:59:59-00:01',
  '-4713-11-24 12:00:00',
  '-4713-11-24 11:59:59',
  '12:00',
  '12:34:56',
  '12:34:56.789',
  '24:00',
  '23:59:59Z',
  '12:00+01:00',
  '00:00-00:00',
  '1:00',
  '12:',
  '2024-1-1',
  '2024-01',
  '2024',
  '20240229',
  '2024-02-29 ',
  ' 2024-02-29',
  '2024-02-29T',
  '2024-02-29TT12:00',
  '2024-02-29 T 12:00',
  '2024-02-29  12:00:00',
  '2024-13-01',
  '2024-00-10',
  '2024-01-00',
  '2024-01-32',
  '10000-01-01',
  '2024-02-29x',
  '2024-02-29 12:34:56.',
  '2024-02-29 12:34:5',
  '2024-02-29 1:02',
  '2024-02-29 12',
  '',
  ' ',
  'abc',
  'today',
  '2460000',
  '2460000.5',
  ' 2460000.5 ',
  '1e6',
  '-1',
  '0',
  '0.5',
  '5373484.5',
  '5373484.4999999',
  '1700000000',
  '.5',
  '5.',
  '0x10',
  null,
  0n,
  1n,
  -1n,
  2440588n,
  2460000n,
  5373484n,
  5373485n,
  1700000000n,
  1700000000123n,
  -1700000000n,
  253402300799n,
  253402300800n,
  -210866760000n,
  -210866760001n,
  9223372036854775807n,
  86400n,
  951782400n,
  0.5,
  2440587.5,
  2460000.123456789,
  1700000000.5,
  1700000000.4999,
  -0.5,
  1e18,
  -1e18,
  5373484.4999999,
  1709209296.789,
];

const MODIFIERS: readonly (string | null)[] = [
  '+1 day',
  '-1 day',
  '1 day',
  '+1 days',
  '+1.5 days',
  '-0.5 days',
  '+10 hours',
  '+90 minutes',
  '+30 seconds',
  '-1.001 seconds',
  '+0.0005 seconds',
  '+1 month',
  '-1 month',
  '+13 months',
  '-13 months',
  '+1.5 months',
  '+25 months',
  '+1 year',
  '-1 year',
  '+4 years',
  '+1.25 years',
  '-100 years',
  '+8000 years',
  '-7000 years',
  '+1000000 days',
  '+5373485 days',
  '+5373484 days',
  '1 DAY',
  '+1  day',
  '+1day',
  '+ 1 day',
  '+1 day ',
  '+1 week',
  '+1 dayss',
  '+1e2 days',
  '+.5 days',
  '5. days',
  '+1 d',
  'start of month',
  'start of year',
  'start of day',
  'Start Of Day',
  'start of week',
  'start of',
  'weekday 0',
  'weekday 1',
  'weekday 3',
  'weekday 6',
  'weekday 7',
  'weekday -1',
  'weekday 1.5',
  'weekday 2.0',
  'weekday',
  'Weekday 4',
  'unixepoch',
  'auto',
  'julianday',
  'floor',
  'ceiling',
  'subsec',
  'subsecond',
  'SUBSEC',
  '+05:30',
  '-05:30',
  '05:30',
  '+05:30:15',
  '-05:30:15.500',
  '+24:00',
  '+25:00',
  '+5:30',
  '+05:30:15.',
  '+0001-02-03',
  '-0001-02-03',
  '+0000-00-01',
  '+0001-02-03 04:05',
  '-0001-02-03 04:05:06',
  '+0001-02-03 04:05:06.789',
  '+0001-12-01',
  '+0001-11-30',
  '+0001-00-31',
  '+00001-02-03',
  '+10000-00-00',
  '0001-02-03',
  '+0001-02-03x',
  '+0001-02-03 4:05',
  '+0100-00-00',
  '+0000-01-00',
  '-0000-01-00',
  '',
  ' ',
  'now',
  'bogus',
  null,
  '+1',
  '1',
  '-',
  '+',
];

const FORMATS = [
  '%d',
  '%e',
  '%f',
  '%F',
  '%g',
  '%G',
  '%H',
  '%I',
  '%j',
  '%J',
  '%k',
  '%l',
  '%m',
  '%M',
  '%p',
  '%P',
  '%R',
  '%s',
  '%S',
  '%T',
  '%u',
  '%U',
  '%V',
  '%w',
  '%W',
  '%Y',
  '%%',
];

test('every form of a time value is read and printed as SQLite does', async (t) => {
  const { agree } = await packDatabase(t);
  for (const name of ['date', 'time', 'datetime', 'julianday', 'unixepoch']) {
    await agree({ sql: `${name}(a)`, types: ['any'], rows: MOMENTS.map((one) => [one]) });
    await agree({ sql: `${name}(a)`, postgres: `fixed_${name}(a)`, types: ['any'], rows: MOMENTS.map((one) => [one]) });
  }
  await agree({
    sql: 'timediff(a, b)',
    types: ['any', 'any'],
    rows: combinations(
      MOMENTS,
      MOMENTS.filter((_, i) => i % 5 === 0),
    ),
  });
});

test('every modifier works on every time value as in SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  await agree({ sql: 'datetime(a, b)', types: ['any', 'text'], rows: combinations<SqliteValue>(MOMENTS, MODIFIERS) });
  // Only where SQLite itself asks the system; in UTC, where both are set to run.
  const near = MOMENTS.filter((one) => typeof one === 'string' && /^20[0-2][0-9]-/.test(one));
  await agree({
    sql: 'datetime(a, b)',
    types: ['any', 'text'],
    rows: combinations<SqliteValue>(near, ['utc', 'localtime', 'UTC']),
  });
  const some = MOMENTS.filter((_, i) => i % 6 === 0);
  await agree({
    sql: `datetime(a, b, 'subsec')`,
    types: ['any', 'text'],
    rows: combinations<SqliteValue>(some, MODIFIERS),
  });
  await agree({ sql: 'julianday(a, b)', types: ['any', 'text'], rows: combinations<SqliteValue>(some, MODIFIERS) });
  await agree({
    sql: 'date(a, b, c)',
    types: ['any', 'text', 'text'],
    rows: combinations<SqliteValue>(
      ['2024-01-31', '2023-02-28 13:14:15.5', 1700000000n, 2460000.5],
      MODIFIERS,
      MODIFIERS,
    ),
  });
  await agree({
    sql: 'unixepoch(a, b)',
    types: ['any', 'text'],
    rows: combinations<SqliteValue>(
      some,
      MODIFIERS.filter((one) => !/sub/i.test(one ?? '')),
    ),
  });
  await agree({
    sql: `unixepoch(a, b, 'subsec')`,
    postgres: `unixepoch_real(a, b, 'subsec')`,
    types: ['any', 'text'],
    rows: combinations<SqliteValue>(some, MODIFIERS),
  });
});

test('every substitution of strftime is that of SQLite', async (t) => {
  const { agree } = await packDatabase(t);
  const moments = [
    ...MOMENTS,
    ...[2015, 2016, 2017, 2018, 2019, 2020, 2021].flatMap((year) =>
      ['12-28', '12-29', '12-30', '12-31']
        .map((day) => `${year}-${day}`)
        .concat(['01-01', '01-02', '01-03', '01-04', '01-05', '01-06', '01-07'].map((day) => `${year}-${day} 13:05`)),
    ),
  ];
  await agree({
    sql: 'strftime(a, b)',
    types: ['text', 'any'],
    rows: combinations<SqliteValue>(
      [...FORMATS, '%Y-%m-%dT%H:%M:%fZ', 'a%%b%', '%q', '%', '', 'plain', '%E', '%é', null],
      moments,
    ),
  });
  await agree({
    sql: `strftime(a, b, 'unixepoch', 'subsec')`,
    types: ['text', 'any'],
    rows: combinations<SqliteValue>(FORMATS, [0n, 1700000000.123, -1.5, 86399.999, 1e10]),
  });
});

test('random moments and modifiers agree', async (t) => {
  const { agree } = await packDatabase(t);
  const random = new Random(Random.seedOfSuite());
  t.log(`CROSSFADE_SEED=${random.seed}`);
  const digits = (n: number, size: number): string => String(n).padStart(size, '0');
  const moment = (): SqliteValue => {
    const day = `${digits(random.between(0, 9999), 4)}-${digits(random.between(1, 12), 2)}-${digits(random.between(1, 31), 2)}`;
    const time = `${digits(random.between(0, 24), 2)}:${digits(random.between(0, 59), 2)}:${digits(random.between(0, 59), 2)}`;
    return random.pick<() => SqliteValue>([
      () => day,
      () => `${day} ${time}`,
      () => `${day}T${time}.${digits(random.between(0, 999), 3)}`,
      () => `${day} ${time}${random.pick(['+', '-'])}${digits(random.between(0, 14), 2)}:30`,
      () => random.next() * 5.4e6,
      () => BigInt(random.between(-1e9, 2e9)),
    ])();
  };
  const units = ['days', 'hours', 'minutes', 'seconds', 'months', 'years'];
  const modifier = (): string =>
    random.pick<() => string>([
      () => `${random.between(-400, 400)} ${random.pick(units)}`,
      () => `${random.pick(['+', '-'])}${(random.next() * 50).toFixed(random.between(0, 4))} ${random.pick(units)}`,
      () =>
        `${random.pick(['+', '-'])}${digits(random.between(0, 200), 4)}-${digits(random.between(0, 11), 2)}-${digits(random.between(0, 30), 2)} 01:02:03`,
      () =>
        random.pick([
          'start of month',
          'start of year',
          'start of day',
          'weekday 2',
          'floor',
          'ceiling',
          'auto',
          'unixepoch',
          'subsec',
        ]),
    ])();
  const rows = Array.from({ length: Number(process.env['PACK_ROUNDS'] ?? 3000) }, () => [
    moment(),
    modifier(),
    modifier(),
  ]);
  await agree({ sql: 'datetime(a, b, c)', types: ['any', 'text', 'text'], rows });
  await agree({ sql: 'julianday(a, b, c)', types: ['any', 'text', 'text'], rows });
  await agree({
    sql: `strftime('%Y %G %V %j %U %W %f %s', a, b, c)`,
    types: ['any', 'text', 'text'],
    rows: rows.slice(0, 1500),
  });
});

test('now is one moment of a statement, and is refused where an index would keep it', async (t) => {
  const { client } = await packDatabase(t);
  const { rows } = await client.query<{ near: boolean; same: boolean; forms: boolean }>(`SELECT
    abs(crossfade_sqlite.unixepoch() - extract(epoch FROM clock_timestamp())) < 60 AS near,
    crossfade_sqlite.datetime() = crossfade_sqlite.datetime('now') AND crossfade_sqlite.strftime('%s') = crossfade_sqlite.unixepoch('now')::text AS same,
    crossfade_sqlite.datetime() ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$' AS forms`);
  t.deepEqual(rows, [{ near: true, same: true, forms: true }]);
  for (const call of [
    `fixed_datetime('now')`,
    `fixed_date('2024-01-01', 'localtime')`,
    `fixed_julianday('2024-01-01', 'utc')`,
    `fixed_strftime('%s', 'now')`,
    `fixed_timediff('now', '2024-01-01')`,
  ]) {
    await t.throwsAsync(client.query(`SELECT crossfade_sqlite.${call}`), { message: /non-deterministic/ }, call);
  }
  await client.query(
    `CREATE TABLE event (at text, day text GENERATED ALWAYS AS (crossfade_sqlite.fixed_date(at::crossfade_sqlite.value)) STORED)`,
  );
  await client.query(`CREATE INDEX ON event (crossfade_sqlite.fixed_strftime('%Y', at))`);
  await client.query(`INSERT INTO event VALUES ('2024-02-29 10:00')`);
  t.deepEqual((await client.query('SELECT day FROM event')).rows, [{ day: '2024-02-29' }]);
  await t.throwsAsync(client.query(`INSERT INTO event VALUES ('now')`), { message: /non-deterministic/ });
});

test('local time is that of the session', async (t) => {
  const { client } = await packDatabase(t);
  await client.query(`SET TimeZone = 'America/New_York'`);
  const { rows } = await client.query<Record<string, string>>(`SELECT
    crossfade_sqlite.datetime('2024-07-01 12:00:00', 'localtime') AS summer,
    crossfade_sqlite.datetime('2024-01-01 12:00:00', 'localtime') AS winter,
    crossfade_sqlite.datetime('2024-07-01 08:00:00', 'utc') AS back,
    crossfade_sqlite.datetime('2024-07-01 12:00:00', 'localtime', 'utc') AS round_trip`);
  t.deepEqual(rows, [
    {
      summer: '2024-07-01 08:00:00',
      winter: '2024-01-01 07:00:00',
      back: '2024-07-01 12:00:00',
      round_trip: '2024-07-01 12:00:00',
    },
  ]);
});
